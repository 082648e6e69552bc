import type { PlannedPoint } from "../driver.ts";
import { type Address, type Bus, type Device, objectTypes, properties } from "./schema.ts";

export type Point = PlannedPoint<Device, Address>;

/** The points of one ReadPropertyMultiple. */
export interface Request {
  readonly points: readonly Point[];
}

/**
 * Sorts by object type, instance and property, then cuts into requests of one device and at most `bus.maxPoints`.
 * Any two objects go into one request, so there is nothing to gain from a cleverer order; a fixed one keeps
 * each request the same from poll to poll, for the device's cache and for the person reading the capture.
 */
export function plan(points: readonly Point[], bus: Bus): Request[] {
  const sorted = [...points].sort(byAddress);
  const devices = new Set(sorted.map(({ device }) => device.instance));
  return [...devices].flatMap((instance) =>
    chunks(
      sorted.filter(({ device }) => device.instance === instance),
      bus.maxPoints,
    ).map((chunk) => ({ points: chunk })),
  );
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length; at += size) result.push(items.slice(at, at + size));
  return result;
}

function byAddress(a: Point, b: Point): number {
  return (
    objectTypes[a.address.object] - objectTypes[b.address.object] ||
    a.address.instance - b.address.instance ||
    properties[a.address.property] - properties[b.address.property] ||
    (a.id < b.id ? -1 : 1)
  );
}
