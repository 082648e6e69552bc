import { activeAt, type Policy, returned, type Standing, type Told, unraised } from "./incident.ts";
import { advance, type Latch, released, type Verdict } from "./latch.ts";
import { rounded } from "./round.ts";
import type { Judged, Level, Measure } from "./rule.ts";
import type { Instant, Mono } from "./sample.ts";
import { rank } from "./severity.ts";

/**
 * A condition: the levels of one side of one measure, and the incident that is open on it. Limits, deadband and delays
 * live here, once, for every rule type; what becomes of the incident is incident.ts.
 */
export interface Condition extends Standing {
  /** One latch a level, least severe first. */
  readonly latches: readonly Latch[];
}

/** A condition to judge, with what of it can be known beforehand. */
export interface Prepared extends Judged {
  /** The limit that is reached first: a measure short of it leaves a condition at rest as it is. */
  readonly nearest: number;
  /** As it is before anything happened. Conditions at rest have its very latches, which tells them at a glance. */
  readonly quiet: Condition;
}

/**
 * @param audibleFrom rank of the severity from which on no cause suppresses it, but one that covers it
 * @param mute whether nobody is ever called for it
 */
export function prepare(judged: Judged, audibleFrom: number, mute = false): Prepared {
  const limits = judged.levels.map(({ limit }) => rounded(limit));
  const levels = judged.levels.map((level) => ({ ...level, audible: rank(level.severity) >= audibleFrom, mute }));
  return {
    ...judged,
    levels,
    nearest: judged.side === "high" ? Math.min(...limits) : Math.max(...limits),
    quiet: { ...unraised, latches: judged.levels.map(() => released) },
  };
}

/** Whether nothing is wrong, nothing waits, and this measure cannot change that: so it is with almost every sample. */
export const rests = ({ side, nearest, quiet }: Prepared, { latches, open }: Condition, { lo, hi }: Measure): boolean =>
  latches === quiet.latches && open === null && (side === "high" ? lo < nearest : hi > nearest);

export interface Judging {
  readonly maxGapMs: number;
  readonly policy: Policy;
}

export function judge(
  judged: Prepared,
  before: Condition,
  measure: Measure,
  now: Instant,
  { maxGapMs, policy }: Judging,
): Told<Condition> {
  if (rests(judged, before, measure)) return { standing: before, changes: [] };
  const latches = advanceAll(judged, before.latches, measure, now, maxGapMs);
  if (latches === before.latches && !marked(before, measure)) return { standing: before, changes: [] };
  const worst = latches.findLastIndex((latch) => latch.active);
  const level = judged.levels[worst];
  const condition = { ...before, latches };
  if (level === undefined) {
    const was = judged.levels[before.latches.findLastIndex((latch) => latch.active)] ?? judged.levels[0];
    return returned(condition, was as Level, now, policy);
  }
  // Another value that waits to be believed, or to be given up, is not told before its severity is.
  const settled = latches.every(({ since }) => since === null);
  const mark = settled ? (measure.mark ?? null) : null;
  return activeAt(condition, level, before.latches[worst]?.since ?? now, mark, judged, now, policy);
}

/**
 * When the next wait in progress ends, if nothing comes between; null: none does. One that is over but not believed (its
 * last sample was bad) goes on with the next sample.
 */
export function waitEnds({ levels, quiet }: Prepared, { latches }: Condition, now: Mono): Mono | null {
  if (latches === quiet.latches) return null;
  let earliest: Mono | null = null;
  for (const [i, latch] of latches.entries()) {
    const level = levels[i];
    if (latch.since === null || level === undefined) continue;
    const end = latch.since.at + (latch.active ? level.offDelayMs : level.onDelayMs);
    if (end > now && (earliest === null || end < earliest)) earliest = end;
  }
  return earliest;
}

/** The same array if nothing moved. */
function advanceAll(
  { side, levels, quiet }: Prepared,
  before: readonly Latch[],
  measure: Measure,
  now: Instant,
  maxGapMs: number,
): readonly Latch[] {
  let after: Latch[] | null = null;
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i] as Level;
    const latch = before[i] ?? released;
    const delayMs = latch.active ? level.offDelayMs : level.onDelayMs;
    const next = advance(latch, verdict(level, side, latch.active, measure), now, { delayMs, maxGapMs });
    if (next === latch) continue;
    after ??= [...before];
    after[i] = next;
    // The worse level brings the lesser ones of its side with it: they need no delay of their own.
    if (next.active && !latch.active) for (let below = 0; below < i; below++) after[below] = active;
  }
  if (after === null) return before;
  return after.every(({ active: is, since }) => !is && since === null) ? quiet.latches : after;
}

const active: Latch = { active: true, since: null, confirmed: null };

/** The raise predicate while inactive, the clear predicate while active; the low side is the mirrored high one. */
export function verdict(level: Level, side: "high" | "low", isActive: boolean, { lo, hi }: Measure): Verdict {
  const sign = side === "high" ? 1 : -1;
  const from = side === "high" ? lo : -hi;
  const to = side === "high" ? hi : -lo;
  const limit = rounded(sign * level.limit - (isActive ? level.deadband : 0));
  const beyond = level.op === "gt" ? from > limit : from >= limit;
  const within = level.op === "gt" ? to <= limit : to < limit;
  if (!beyond && !within) return "unknown";
  return beyond === isActive ? "false" : "true";
}

const marked = ({ open }: Condition, { mark }: Measure): boolean =>
  open?.active === true && mark !== undefined && mark !== open.mark;
