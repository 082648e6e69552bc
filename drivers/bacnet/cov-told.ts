import type { Mono } from "../../agent/core/sample.ts";
import type { Reading } from "../driver.ts";
import { isDiscrete } from "./object-kinds.ts";
import { type ObjectId, type ObjectPoint, objectOf } from "./question.ts";

/** What subscriptions told, against what polls bring. */

export interface Subscription {
  readonly object: ObjectId;
  readonly points: Map<string, ObjectPoint>;
  /** When it is to be made or made again. */
  dueAt: Mono;
  /** The device refused it. */
  isRefused: boolean;
  /** By point: what was told last, and when; none: nothing since it was made. */
  readonly told: Map<string, { readonly reading: Reading; readonly at: Mono }>;
}

export const atOnce = Number.NEGATIVE_INFINITY;

type Find = (point: ObjectPoint) => Subscription | undefined;

/** A poll that brings another value than was told last: the subscription is to be made anew. */
export function verify(points: readonly ObjectPoint[], readings: readonly Reading[], find: Find): void {
  const values = new Map(readings.flatMap((one) => ("value" in one ? [[one.point, one.value] as const] : [])));
  for (const point of points) {
    // Of measured values only changes by the object's cov-increment are told.
    if (!point.address.cov || !isDiscrete(objectOf(point).type)) continue;
    const one = find(point);
    const told = one?.told.get(point.id)?.reading;
    const polled = values.get(point.id);
    if (one === undefined || told === undefined || "fault" in told) continue;
    if (polled === undefined || told.value === polled) continue;
    one.told.delete(point.id);
    one.dueAt = atOnce;
  }
}

/**
 * Readings of a poll that began at `since`; in the place of a value that was told otherwise meanwhile, that. What was not answered
 * stays so: what a device tells by itself is no answer.
 */
export function newest(
  points: readonly ObjectPoint[],
  readings: readonly Reading[],
  since: Mono,
  find: Find,
): readonly Reading[] {
  const later = new Map<string, Reading>();
  for (const point of points.filter(({ address }) => address.cov)) {
    const { reading, at = since } = find(point)?.told.get(point.id) ?? {};
    if (reading !== undefined && at > since) later.set(point.id, reading);
  }
  return later.size === 0 ? readings : readings.map((one) => ("value" in one ? (later.get(one.point) ?? one) : one));
}
