import type { Instant, Mono } from "./sample.ts";

/** What a measure says about one limit at one instant. "unknown" neither raises nor clears. */
export type Verdict = "true" | "false" | "unknown";

/** A latch turns verdicts into a level that waits before it believes. */
export interface Latch {
  readonly active: boolean;
  /** When the evidence for a change began; null while there is none. */
  readonly since: Instant | null;
  /** The newest evidence for that change. */
  readonly confirmed: Mono | null;
}

export const released: Latch = { active: false, since: null, confirmed: null };

export interface Patience {
  readonly delayMs: number;
  /** Evidence further apart than this is not continuous: the wait begins anew. */
  readonly maxGapMs: number;
}

/**
 * `change` is the verdict for leaving the present state: the raise predicate while inactive, the clear predicate
 * while active. True starts or continues the wait, false ends it, unknown leaves it alone.
 */
export function advance(latch: Latch, change: Verdict, now: Instant, { delayMs, maxGapMs }: Patience): Latch {
  if (change === "unknown") return latch;
  if (change === "false") return latch.since === null ? latch : { active: latch.active, since: null, confirmed: null };
  const continuous = latch.since !== null && latch.confirmed !== null && now.at - latch.confirmed <= maxGapMs;
  const since = continuous && latch.since !== null ? latch.since : now;
  if (now.at - since.at < delayMs) return { active: latch.active, since, confirmed: now.at };
  return { active: !latch.active, since: null, confirmed: null };
}
