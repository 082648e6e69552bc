import { rounded } from "./round.ts";
import type { BadReason, Instant, PointId, Sample, Wall } from "./sample.ts";

/**
 * The quality gate: what a device said becomes a sample that a rule may, or may not, believe.
 * Invariant: a sample that is not good carries its reason, and never a number that looks like one.
 */
export interface Point {
  readonly id: PointId;
  /** value = raw × scale + offset, raw × what the device says where it says a scale of its own */
  readonly scale: number;
  readonly offset: number;
  /** Raw numbers by which the device says "no value here". */
  readonly notAvailable: readonly number[];
  /** Values, after scaling, that a broken sensor reports (85 °C of a DS18B20 that never converted). */
  readonly sentinels: readonly number[];
  /** Outside of it the value cannot be true. */
  readonly range: readonly [low: number, high: number] | null;
  /** Whether rules may use an uncertain value. */
  readonly uncertainAs: "bad" | "good";
  /** Set for a counter that wraps. */
  readonly counter: Counter | null;
}

export interface Counter {
  /** Width at which it wraps. */
  readonly bits: 16 | 32 | 64;
  /** Highest believable rate per second. */
  readonly maxRate: number;
  /** A point that falls when the device restarts, and the count begins anew. */
  readonly uptime?: string | undefined;
  /** What one unit of that point is, ms; absent: it is not said in a unit of time. */
  readonly uptimeMs?: number | undefined;
}

export const plainPoint = (id: PointId): Point => ({
  id,
  scale: 1,
  offset: 0,
  notAvailable: [],
  sentinels: [],
  range: null,
  uncertainAs: "bad",
  counter: null,
});

export type Observation = (Observed | { readonly fault: BadReason }) & { readonly sourceAt?: Wall | undefined };

interface Observed {
  readonly raw: number;
  /** What the device says that it is to be multiplied by, beside the point's own scale; 1 if it says none. */
  readonly scale?: number | undefined;
  readonly uncertain?: BadReason;
}

/**
 * All samples of a kind have one shape, by which whatever they pass through is fast: fields stand before what is spread, since in
 * V8 (seen in Node 20) an object to which fields are added behind a spread has a hidden class of its own.
 */
export function assess(point: Point, seen: Observation, now: Instant): Sample {
  const sample = sampleOf(point, seen, now);
  return seen.sourceAt === undefined ? sample : { sourceAt: seen.sourceAt, ...sample };
}

function sampleOf(point: Point, seen: Observation, { at, wall }: Instant): Sample {
  if ("fault" in seen) return { at, wall, point: point.id, quality: "bad", reason: seen.fault };
  const value = scaled(seen.raw, point, seen.scale);
  const reason = disbelief(point, seen.raw, value);
  if (reason !== null) return { at, wall, point: point.id, quality: "bad", reason };
  if (seen.uncertain === undefined || point.uncertainAs === "good")
    return { at, wall, point: point.id, quality: "good", value };
  return { at, wall, point: point.id, quality: "uncertain", value, reason: seen.uncertain };
}

/** Why a value cannot be what was measured; null: it can. */
function disbelief(point: Point, raw: number, value: number): BadReason | null {
  if (!Number.isFinite(value)) return "not_finite";
  if (point.notAvailable.includes(raw)) return "not_available";
  if (point.sentinels.includes(value)) return "sentinel";
  return point.range !== null && (value < point.range[0] || value > point.range[1]) ? "implausible" : null;
}

function scaled(raw: number, { scale, offset }: Point, said = 1): number {
  if (scale === 1 && offset === 0 && said === 1) return raw;
  return rounded(raw * said * scale + offset);
}
