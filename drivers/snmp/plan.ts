import type { PlannedPoint } from "../driver.ts";
import type { Address, Bus, Device } from "./schema.ts";

export type Point = PlannedPoint<Device, Address>;

/** The points of one GetRequest, one variable binding each. */
export interface Request {
  readonly points: readonly Point[];
}

/**
 * Sorts by OID, then cuts into requests of at most `bus.maxOids`. Any OIDs go into one request, so order
 * gains nothing on the wire; neighbours are together because many agents fetch a table's row once for all
 * its columns, and because a person reads the capture.
 */
export function plan(points: readonly Point[], bus: Bus): Request[] {
  const sorted = [...points].sort((a, b) => compareOids(a.address.oid, b.address.oid) || (a.id < b.id ? -1 : 1));
  const requests: Request[] = [];
  for (let at = 0; at < sorted.length; at += bus.maxOids) {
    requests.push({ points: sorted.slice(at, at + bus.maxOids) });
  }
  return requests;
}

/** The order of a walk: arc by arc as numbers, and a parent before its children. */
export function compareOids(a: string, b: string): number {
  const [left, right] = [a.split("."), b.split(".")];
  for (const [at, arc] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    if (arc !== other) return Number(arc) - Number(other);
  }
  return left.length - right.length;
}
