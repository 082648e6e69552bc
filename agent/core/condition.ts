import { advance, type Latch, released, type Verdict } from "./latch.ts";
import type { Judged, Level, Measure } from "./rule.ts";
import type { Instant, Mono } from "./sample.ts";
import { rank, type Severity } from "./severity.ts";

/**
 * A condition: the levels of one side of one measure, and the occurrence that is open on it. Limits, deadband,
 * delays and severity changes live here, once, for every rule type.
 */
export interface Condition {
  /** One latch a level, least severe first. */
  readonly latches: readonly Latch[];
  /** How many times it has been raised, ever. */
  readonly occurrence: number;
  readonly open: Occurrence | null;
}

export interface Occurrence {
  /** Counts the events of this occurrence. */
  readonly rev: number;
  readonly severity: Severity;
  readonly onset: Instant;
  readonly raised: Instant;
  readonly mark: number | null;
}

export interface Change {
  readonly kind: "raise" | "update" | "clear";
  readonly reason: string | null;
  readonly occurrence: number;
  readonly rev: number;
  /** The worst active level; for a clear, the one that was. */
  readonly level: Level;
  readonly onset: Instant;
  readonly raised: Instant;
}

export const quiet = (judged: Judged): Condition => ({
  latches: judged.levels.map(() => released),
  occurrence: 0,
  open: null,
});

export interface Judgement {
  readonly condition: Condition;
  readonly change: Change | null;
}

export function judge(judged: Judged, before: Condition, measure: Measure, now: Instant, maxGapMs: number): Judgement {
  const latches = advanceAll(judged, before.latches, measure, now, maxGapMs);
  if (latches === before.latches && !marked(before, measure)) return { condition: before, change: null };
  const worst = latches.findLastIndex((latch) => latch.active);
  const level = judged.levels[worst];
  const condition = { ...before, latches };
  if (level === undefined) return before.open === null ? { condition, change: null } : clear(judged, condition, before);
  if (before.open === null) return raise(level, condition, onsetOf(before.latches, worst, now), measure, now);
  return follow(level, condition, before.open, measure);
}

/** When a wait in progress ends, if nothing comes between; null: none is in progress. */
export function waitEnds(judged: Judged, { latches }: Condition): Mono | null {
  let earliest: Mono | null = null;
  for (const [i, latch] of latches.entries()) {
    const level = judged.levels[i];
    if (latch.since === null || level === undefined) continue;
    const end = latch.since.at + (latch.active ? level.offDelayMs : level.onDelayMs);
    if (earliest === null || end < earliest) earliest = end;
  }
  return earliest;
}

/** The same array if nothing moved, so that the common case costs no allocation. */
function advanceAll(
  { side, levels }: Judged,
  before: readonly Latch[],
  measure: Measure,
  now: Instant,
  maxGapMs: number,
): readonly Latch[] {
  let after: Latch[] | null = null;
  for (const [i, level] of levels.entries()) {
    const latch = before[i] ?? released;
    const delayMs = latch.active ? level.offDelayMs : level.onDelayMs;
    const next = advance(latch, verdict(level, side, latch.active, measure), now, { delayMs, maxGapMs });
    if (next === latch) continue;
    after ??= [...before];
    after[i] = next;
    // The worse level brings the lesser ones of its side with it: they need no delay of their own.
    if (next.active && !latch.active) for (let below = 0; below < i; below++) after[below] = active;
  }
  return after ?? before;
}

const active: Latch = { active: true, since: null, confirmed: null };

/** The raise predicate while inactive, the clear predicate while active; the low side is the mirrored high one. */
function verdict(level: Level, side: "high" | "low", isActive: boolean, { lo, hi }: Measure): Verdict {
  const sign = side === "high" ? 1 : -1;
  const from = side === "high" ? lo : -hi;
  const to = side === "high" ? hi : -lo;
  const limit = sign * level.limit - (isActive ? level.deadband : 0);
  const beyond = level.op === "gt" ? from > limit : from >= limit;
  const within = level.op === "gt" ? to <= limit : to < limit;
  if (!beyond && !within) return "unknown";
  return beyond === isActive ? "false" : "true";
}

function raise(level: Level, condition: Condition, onset: Instant, measure: Measure, now: Instant): Judgement {
  const occurrence = condition.occurrence + 1;
  const open = { rev: 1, severity: level.severity, onset, raised: now, mark: measure.mark ?? null };
  const change = { kind: "raise" as const, reason: null, occurrence, rev: 1, level, onset, raised: now };
  return { condition: { ...condition, occurrence, open }, change };
}

function clear(judged: Judged, condition: Condition, before: Condition): Judgement {
  const open = before.open as Occurrence;
  const level = judged.levels[before.latches.findLastIndex((latch) => latch.active)] ?? (judged.levels[0] as Level);
  const { occurrence } = condition;
  const { onset, raised } = open;
  const change = { kind: "clear" as const, reason: null, occurrence, rev: open.rev + 1, level, onset, raised };
  return { condition: { ...condition, open: null }, change };
}

function follow(level: Level, condition: Condition, before: Occurrence, measure: Measure): Judgement {
  const mark = measure.mark ?? before.mark;
  const reason =
    level.severity !== before.severity ? severityChange(level, before) : mark !== before.mark ? "value" : null;
  if (reason === null) return { condition, change: null };
  const open = { ...before, rev: before.rev + 1, severity: level.severity, mark };
  const { occurrence } = condition;
  const { rev, onset, raised } = open;
  return {
    condition: { ...condition, open },
    change: { kind: "update", reason, occurrence, rev, level, onset, raised },
  };
}

const severityChange = (level: Level, before: Occurrence): string =>
  rank(level.severity) > rank(before.severity) ? "severity_up" : "severity_down";

const marked = ({ open }: Condition, { mark }: Measure): boolean =>
  open !== null && mark !== undefined && mark !== open.mark;

const onsetOf = (latches: readonly Latch[], raised: number, now: Instant): Instant => latches[raised]?.since ?? now;
