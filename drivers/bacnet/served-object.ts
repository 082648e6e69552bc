import type { PointId } from "../../agent/core/sample.ts";
import type { PlannedPoint } from "../driver.ts";
import type { SimulatorOptions } from "../simulator.ts";
import { bitString, characterString, encoders, nothing, objectIdentifier } from "./encode.ts";
import { encoded, id, type Kind, kindOf } from "./object-kinds.ts";
import { type Device, type ObjectAddress, properties, propertyNumber } from "./schema.ts";
import { engineeringUnits } from "./units.ts";

/** An object that the simulator serves: each of its properties, encoded as it is now, and consistent with the others. */

/** One value, or the elements of an array; null: an element that the device does not have. */
export type Held = Buffer | readonly (Buffer | null)[];

export interface ServedObject {
  readonly type: number;
  readonly instance: number;
  /** That of its first point. */
  readonly name: string;
  /** By property. */
  readonly points: ReadonlyMap<number, PointId>;
  /** Of arrays, by property and index. */
  readonly elements: ReadonlyMap<number, ReadonlyMap<number, PointId>>;
}

export function objectOf(
  type: number,
  instance: number,
  points: readonly PlannedPoint<Device, ObjectAddress>[],
): ServedObject {
  const whole = new Map<number, PointId>();
  const elements = new Map<number, Map<number, PointId>>();
  for (const { id, address } of points) {
    const property = propertyNumber(address);
    if (address.index === undefined) whole.set(property, id);
    else elements.set(property, (elements.get(property) ?? new Map()).set(address.index, id));
  }
  return { type, instance, name: points[0]?.id ?? "", points: whole, elements };
}

const idsOf = ({ points, elements }: ServedObject): PointId[] => [
  ...points.values(),
  ...[...elements.values()].flatMap((one) => [...one.values()]),
];

/** Whether any of its points says anything now. */
export const isThere = (object: ServedObject, value: SimulatorOptions["value"]): boolean =>
  idsOf(object).some((id) => value(id) !== null);

const noUnits = 95;
/** Elements of an array of priorities. */
const priorities = 16;

/** What an object is like now. */
export interface State {
  /** Null: it has none. */
  readonly presentValue: number | null;
  /** BACnetEventState; 0: normal. */
  readonly eventState: number;
  /** BACnetReliability; 0: no fault detected. */
  readonly reliability: number;
  readonly isOutOfService: boolean;
  /** By how much the present-value has to change to be told; 0: any change. */
  readonly covIncrement: number;
}

/** What the point that is a property says of it now; null: there is none, or it says nothing. */
export function toldOf({ points }: ServedObject, value: SimulatorOptions["value"], property: number): number | null {
  const id = points.get(property);
  return id === undefined ? null : value(id);
}

/** Null for an object none of whose points has a value now. `announced`: its event state, if no point has it. */
export function stateOf(object: ServedObject, value: SimulatorOptions["value"], announced: number): State | null {
  if (!isThere(object, value)) return null;
  const told = (property: number): number | null => toldOf(object, value, property);
  return {
    presentValue: told(properties["present-value"]),
    eventState: told(properties["event-state"]) ?? announced,
    reliability: told(properties.reliability) ?? 0,
    isOutOfService: told(properties["out-of-service"]) === 1,
    covIncrement: told(id.covIncrement) ?? 0,
  };
}

export function flagsOf({ eventState, reliability, isOutOfService }: State): number[] {
  const isSet = [eventState !== 0, reliability !== 0, false /* overridden */, isOutOfService];
  return [0, 1, 2, 3].filter((bit) => isSet[bit]);
}

export const flagsOctets = (state: State): Buffer => bitString(4, flagsOf(state));

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
