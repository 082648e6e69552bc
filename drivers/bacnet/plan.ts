import type { PlannedPoint } from "../driver.ts";
import { isOfObject, type ObjectPoint, objectOf } from "./question.ts";
import { type Address, type Bus, type Device, propertyNumber } from "./schema.ts";

export type Point = PlannedPoint<Device, Address>;

/** What is asked of one device in one go: objects by ReadPropertyMultiple, or its events. */
export interface Request {
  readonly points: readonly Point[];
}

/**
 * Sorts by object type, instance and property, then cuts into requests of one device and at most `bus.maxPoints`.
 * Any two objects go into one request, so there is nothing to gain from a cleverer order; a fixed one keeps
 * each request the same from poll to poll, for the device's cache and for the person reading the capture.
 */
export function plan(points: readonly Point[], { maxPoints }: Bus): Request[] {
  const ofObjects = points.filter(isOfObject).sort(byAddress);
  const ofEvents = points.filter((point) => !isOfObject(point)).sort((a, b) => (a.id < b.id ? -1 : 1));
  const devices = new Set([...ofObjects, ...ofEvents].map(({ device }) => device.instance));
  const own = <P extends Point>(all: readonly P[], instance: number): P[] =>
    all.filter(({ device }) => device.instance === instance);
  return [...devices]
    .sort((a, b) => a - b)
    .flatMap((instance) => {
      const events = own(ofEvents, instance);
      const batches: readonly Point[][] = chunks(own(ofObjects, instance), maxPoints);
      return [...batches, ...(events.length > 0 ? [events] : [])].map((chunk) => ({ points: chunk }));
    });
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length; at += size) result.push(items.slice(at, at + size));
  return result;
}

function byAddress(a: ObjectPoint, b: ObjectPoint): number {
  const [one, other] = [objectOf(a), objectOf(b)];
  return (
    one.type - other.type ||
    one.instance - other.instance ||
    propertyNumber(a.address) - propertyNumber(b.address) ||
    (a.address.index ?? -1) - (b.address.index ?? -1) ||
    (a.id < b.id ? -1 : 1)
  );
}
