import type { SimulatorOptions } from "../../simulator.ts";
import { encoded, id, type Kind, kindOf } from "../object-kinds.ts";
import { properties } from "../schema.ts";
import { engineeringUnits } from "../units.ts";
import { characterString, encoders, nothing, objectIdentifier } from "../wire/encode.ts";
import { flagsOctets, type ServedObject, type State } from "./served-object.ts";

/** Each property of a served object, encoded as it is now: what a point says, else what is usual and consistent with the points. */

/** One value, or the elements of an array; null: an element that the device does not have. */
export type Held = Buffer | readonly (Buffer | null)[];

const noUnits = 95;
/** Elements of an array of priorities. */
const priorities = 16;

type Serving = Pick<SimulatorOptions, "value" | "describe">;
type Words = ReturnType<NonNullable<SimulatorOptions["describe"]>>;

/** From what an object's usual properties are made. */
interface Facts {
  readonly object: ServedObject;
  readonly state: State;
  readonly words: Words;
}
type Usual = readonly (readonly [property: number, of: (facts: Facts) => Held | undefined])[];

/** Undefined: the object has no such property now. */
export function propertyOf(
  object: ServedObject,
  state: State,
  { value, describe }: Serving,
  property: number,
): Held | undefined {
  const { type, points, elements } = object;
  const id = points.get(property);
  if (id !== undefined) return encodedIfAny(type, property, value(id));
  const shown = points.get(properties["present-value"]);
  const words = shown === undefined ? undefined : describe?.(shown);
  const usual = usualOf(type).get(property)?.({ object, state, words });
  const told = [...(elements.get(property) ?? [])].map(
    ([index, id]) => [index, encodedIfAny(type, property, value(id)) ?? null] as const,
  );
  return told.length === 0 ? usual : withElements(usual, told);
}

/** Those that it may have: usual ones, then those of points. */
export const propertiesOf = ({ type, points, elements }: ServedObject): number[] => [
  ...new Set([...usualOf(type).keys(), ...points.keys(), ...elements.keys()]),
];

const encodedIfAny = (type: number, property: number, number: number | null): Buffer | undefined =>
  number === null ? undefined : encoded(type, property, number);

const usualOfAll: Usual = [
  [id.identifier, ({ object: { type, instance } }) => objectIdentifier(type, instance)],
  [id.name, ({ object }) => characterString(object.name)],
  [id.type, ({ object }) => encoders.enumerated(object.type)],
  [id.description, ({ object, words }) => characterString(words?.name ?? object.name)],
  [id.statusFlags, ({ state }) => flagsOctets(state)],
  [properties["event-state"], ({ state }) => encoders.enumerated(state.eventState)],
  [properties.reliability, ({ state }) => encoders.enumerated(state.reliability)],
  [properties["out-of-service"], ({ state }) => encoders.boolean(Number(state.isOutOfService))],
];

const units: Usual = [[properties.units, ({ words }) => unitsOf(words)]];
const usualOfFamily: Readonly<Record<Kind["family"], Usual>> = {
  analog: [...units, [id.covIncrement, ({ object }) => encoded(object.type, id.covIncrement, 0)]],
  binary: [
    [id.polarity, () => encoders.enumerated(0)],
    [id.inactiveText, ({ words }) => textOf(words, 0)],
    [id.activeText, ({ words }) => textOf(words, 1)],
  ],
  states: [
    [
      id.numberOfStates,
      ({ state, words }) => encoders.unsigned(stateTexts(words)?.length ?? (state.presentValue || 1)),
    ],
    [id.stateText, ({ words }) => stateTexts(words)],
  ],
  other: units,
};

/** Nobody commands it: it is what it is then. */
const usualOfCommanded: Usual = [
  [properties["priority-array"], () => new Array<Buffer>(priorities).fill(nothing)],
  [
    properties["relinquish-default"],
    ({ object: { type }, state: { presentValue } }) =>
      encodedIfAny(type, properties["relinquish-default"], presentValue),
  ],
];

const mapsOf = (family: Kind["family"]) => {
  const free = [...usualOfAll, ...usualOfFamily[family]];
  return { free: new Map(free), commanded: new Map([...free, ...usualOfCommanded]) };
};
const usuals = { analog: mapsOf("analog"), binary: mapsOf("binary"), states: mapsOf("states"), other: mapsOf("other") };

function usualOf(type: number): ReadonlyMap<number, (facts: Facts) => Held | undefined> {
  const { family, isCommanded } = kindOf(type);
  return usuals[family][isCommanded ? "commanded" : "free"];
}

/** From UCUM, where the unit is one of the standard's. */
const unitNumbers: ReadonlyMap<string, number> = new Map(
  [...engineeringUnits]
    .toReversed()
    .flatMap(([number, { ucum, factor }]) => (ucum === null || factor !== 1 ? [] : [[ucum, number] as const])),
);

const unitsOf = (words: Words): Buffer => encoders.enumerated(unitNumbers.get(words?.unit ?? "") ?? noUnits);

function textOf(words: Words, state: number): Buffer | undefined {
  const text = words?.texts[state];
  return text === undefined ? undefined : characterString(text);
}

/** States count from 1; undefined: no text is known. */
function stateTexts(words: Words): Buffer[] | undefined {
  const texts = new Map(Object.entries(words?.texts ?? {}));
  if (texts.size === 0) return undefined;
  const count = Math.max(1, ...[...texts.keys()].map(Number));
  return Array.from({ length: count }, (_, i) => characterString(texts.get(String(i + 1)) ?? ""));
}

/** Elements between those that are named hold nothing. */
function withElements(
  usual: Held | undefined,
  told: readonly (readonly [index: number, element: Buffer | null])[],
): readonly (Buffer | null)[] {
  const before = usual === undefined || Buffer.isBuffer(usual) ? [] : usual;
  const named = new Map(told);
  const length = Math.max(before.length, ...named.keys());
  return Array.from({ length }, (_, i) => {
    const element = named.get(i + 1);
    return element === undefined ? (before[i] ?? nothing) : element;
  });
}
