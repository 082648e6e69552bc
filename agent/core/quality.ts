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

export function assess(point: Point, seen: Observation, now: Instant): Sample {
  const base = {
    point: point.id,
    at: now.at,
    wall: now.wall,
    ...(seen.sourceAt === undefined ? {} : { sourceAt: seen.sourceAt }),
  };
  if ("fault" in seen) return { ...base, quality: "bad", reason: seen.fault };
  const { value, reason } = judge(point, seen.raw, seen.scale);
  if (reason !== null) return { ...base, quality: "bad", reason };
  if (seen.uncertain === undefined || point.uncertainAs === "good") return { ...base, quality: "good", value };
  return { ...base, quality: "uncertain", value, reason: seen.uncertain };
}

function judge(point: Point, raw: number, said = 1): { value: number; reason: BadReason | null } {
  const value = scaled(raw, point, said);
  const reason = !Number.isFinite(value)
    ? "not_finite"
    : point.notAvailable.includes(raw)
      ? "not_available"
      : point.sentinels.includes(value)
        ? "sentinel"
        : point.range !== null && (value < point.range[0] || value > point.range[1])
          ? "implausible"
          : null;
  return { value, reason };
}

function scaled(raw: number, { scale, offset }: Point, said: number): number {
  if (scale === 1 && offset === 0 && said === 1) return raw;
  return rounded(raw * said * scale + offset);
}
