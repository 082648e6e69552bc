import type { PointId } from "../../../agent/core/sample.ts";
import type { PlannedPoint } from "../../driver.ts";
import type { SimulatorOptions } from "../../simulator.ts";
import { id } from "../object-kinds.ts";
import { type Device, type ObjectAddress, properties, propertyNumber } from "../schema.ts";
import { bitString } from "../wire/encode.ts";

/** An object that the simulator serves: the points that are its properties, and what they come to now. */

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
