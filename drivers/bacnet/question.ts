import type { PlannedPoint } from "../driver.ts";
import { type ResultKey, resultKey } from "./answer.ts";
import {
  type Address,
  type Device,
  isOfEvents,
  type ObjectAddress,
  objectNumber,
  properties,
  propertyNumber,
  statusFlags,
} from "./schema.ts";

export interface ObjectId {
  readonly type: number;
  readonly instance: number;
}

export interface Property {
  /** BACnetPropertyIdentifier. */
  readonly id: number;
  /** Of an array; absent: all of it. */
  readonly index?: number;
}

/** What to ask a device about one object. */
export interface Question {
  readonly object: ObjectId;
  readonly properties: readonly Property[];
}

/** A point that is read from an object. */
export type ObjectPoint = PlannedPoint<Device, ObjectAddress>;

export const isOfObject = (point: PlannedPoint<Device, Address>): point is ObjectPoint => !isOfEvents(point.address);

const objects = new WeakMap<ObjectAddress, ObjectId>();

export function objectOf({ address }: Pick<ObjectPoint, "address">): ObjectId {
  const known = objects.get(address);
  if (known !== undefined) return known;
  const made = { type: objectNumber(address), instance: address.instance };
  objects.set(address, made);
  return made;
}

const flags: Property = { id: statusFlags };

/** A present-value is believed only together with its flags; of a faulty object the other properties tell why. */
export function propertiesOf({ address }: Pick<ObjectPoint, "address">): readonly Property[] {
  const id = propertyNumber(address);
  const { index } = address;
  const property = index === undefined ? { id } : { id, index };
  return isPresentValue(address) ? [property, flags] : [property];
}

export const isPresentValue = (address: ObjectAddress): boolean =>
  propertyNumber(address) === properties["present-value"];

export const keyOf = (point: ObjectPoint): ResultKey =>
  resultKey(objectOf(point), propertyNumber(point.address), point.address.index);

export const flagsKeyOf = (point: ObjectPoint): ResultKey => resultKey(objectOf(point), statusFlags);

/** The questions of one ReadPropertyMultiple: each object once, with all properties asked of it, each once. */
export function questions(batch: readonly ObjectPoint[]): Question[] {
  const byObject = new Map<string, { object: ObjectId; properties: Property[] }>();
  for (const point of batch) {
    const object = objectOf(point);
    const key = `${object.type}:${object.instance}`;
    const question = byObject.get(key) ?? { object, properties: [] };
    for (const property of propertiesOf(point)) {
      const isAsked = question.properties.some(({ id, index }) => id === property.id && index === property.index);
      if (!isAsked) question.properties.push(property);
    }
    byObject.set(key, question);
  }
  return [...byObject.values()];
}

/** Of an answer to ReadPropertyMultiple: object identifier and the brackets around its results. */
const objectOctets = 7;
/** Property identifier, brackets, and the longest number that is usual: a double, or an error's class and code. */
const propertyOctets = 2 + 2 + 9;
const flagsOctets = 2 + 2 + 3;
const realOctets = 2 + 2 + 5;

/** How long the answer about a point may be, octets (ASHRAE 135, 21: ReadAccessResult); an estimate from above for usual numbers. */
export function answerOctets({ address }: Pick<ObjectPoint, "address">): number {
  const { object } = address;
  const index = address.index === undefined ? 0 : 3;
  const isUsual = object !== "large-analog-value" && typeof object === "string";
  return objectOctets + (isUsual ? realOctets : propertyOctets) + index + (isPresentValue(address) ? flagsOctets : 0);
}
