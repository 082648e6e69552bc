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
  readonly name: string;
  readonly points: readonly PlannedPoint<Device, ObjectAddress>[];
}

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
  const point = points.find(({ address }) => propertyNumber(address) === property && address.index === undefined);
  return point === undefined ? null : value(point.id);
}

/** Null for an object none of whose points has a value now. `announced`: its event state, if no point has it. */
export function stateOf(object: ServedObject, value: SimulatorOptions["value"], announced: number): State | null {
  if (object.points.every((point) => value(point.id) === null)) return null;
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

export function propertiesOf(
  object: ServedObject,
  state: State,
  { value, describe }: Pick<SimulatorOptions, "value" | "describe">,
): Map<number, Held> {
  const shown = object.points.find(({ address }) => propertyNumber(address) === properties["present-value"]);
  const words = shown && describe?.(shown.id);
  const held = new Map([...usualOfAll(object, state, words), ...usualOfKind(object, state, words)]);
  for (const { id, address } of object.points) {
    const property = propertyNumber(address);
    const number = value(id);
    const octets = number === null ? null : encoded(object.type, property, number);
    if (address.index !== undefined) held.set(property, withElement(held.get(property), address.index, octets));
    else if (octets === null) held.delete(property);
    else held.set(property, octets);
  }
  return held;
}

type Words = ReturnType<NonNullable<SimulatorOptions["describe"]>>;

const usualOfAll = ({ type, instance, name }: ServedObject, state: State, words?: Words): [number, Held][] => [
  [id.identifier, objectIdentifier(type, instance)],
  [id.name, characterString(name)],
  [id.type, encoders.enumerated(type)],
  [id.description, characterString(words?.name ?? name)],
  [id.statusFlags, flagsOctets(state)],
  [properties["event-state"], encoders.enumerated(state.eventState)],
  [properties.reliability, encoders.enumerated(state.reliability)],
  [properties["out-of-service"], encoders.boolean(Number(state.isOutOfService))],
];

function usualOfKind({ type }: ServedObject, { presentValue }: State, words?: Words): [number, Held][] {
  const { family, encoding, isCommanded } = kindOf(type);
  const usual: Readonly<Record<Kind["family"], () => [number, Held][]>> = {
    analog: () => [unitsOf(words), [id.covIncrement, encoded(type, id.covIncrement, 0)]],
    binary: () => [[id.polarity, encoders.enumerated(0)], ...textsOfBinary(words)],
    states: () => statesOf(presentValue, words),
    other: () => [unitsOf(words)],
  };
  if (!isCommanded || presentValue === null) return usual[family]();
  // Nobody commands it: it is what it is then.
  const priorityArray = new Array<Buffer>(priorities).fill(nothing);
  return [
    ...usual[family](),
    [properties["priority-array"], priorityArray],
    [properties["relinquish-default"], encoders[encoding](presentValue)],
  ];
}

/** From UCUM, where the unit is one of the standard's. */
const unitNumbers: ReadonlyMap<string, number> = new Map(
  [...engineeringUnits]
    .toReversed()
    .flatMap(([number, { ucum, factor }]) => (ucum === null || factor !== 1 ? [] : [[ucum, number] as const])),
);

const unitsOf = (words?: Words): [number, Held] => [
  properties.units,
  encoders.enumerated(unitNumbers.get(words?.unit ?? "") ?? noUnits),
];

const textsOfBinary = (words?: Words): [number, Held][] =>
  [id.inactiveText, id.activeText].flatMap((property, state) => {
    const text = words?.texts[state];
    return text === undefined ? [] : [[property, characterString(text)] as [number, Held]];
  });

/** States count from 1. */
function statesOf(presentValue: number | null, words?: Words): [number, Held][] {
  const texts = Object.entries(words?.texts ?? {});
  if (texts.length === 0) return [[id.numberOfStates, encoders.unsigned(Math.max(1, presentValue ?? 1))]];
  const count = Math.max(1, ...texts.map(([state]) => Number(state)));
  const named = new Map(texts);
  const stateText = Array.from({ length: count }, (_, i) => characterString(named.get(String(i + 1)) ?? ""));
  return [
    [id.numberOfStates, encoders.unsigned(count)],
    [id.stateText, stateText],
  ];
}

/** Elements between those that are named hold nothing. */
function withElement(held: Held | undefined, index: number, element: Buffer | null): readonly (Buffer | null)[] {
  const before = held === undefined || Buffer.isBuffer(held) ? [] : held;
  const length = Math.max(before.length, index);
  return Array.from({ length }, (_, i) => (i === index - 1 ? element : (before[i] ?? (i in before ? null : nothing))));
}
