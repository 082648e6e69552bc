import { type Condition, verdict } from "./condition.ts";
import { voiceOf, wordOf } from "./draft.ts";
import type { RuleState, State } from "./engine.ts";
import type { Explanation, Input, LevelExplained, SilenceExplained, Waiting } from "./explanation.ts";
import { flapMovesAt } from "./flap.ts";
import { foretell, heardAs, later } from "./foretell.ts";
import { needsAck, type Occurrence, type Silence } from "./incident.ts";
import { type Latch, released, type Verdict } from "./latch.ts";
import type { Model, Rule } from "./model.ts";
import { rounded } from "./round.ts";
import { type Judged, type Level, type Measure, unknown, voicePoint } from "./rule.ts";
import type { Instant, Mono, PointId, Sample } from "./sample.ts";
import { stateOf, whyOf } from "./why.ts";

/** The engine's state, and what it does not keep. */
export interface Known extends State {
  /** The newest sample of a point that was judged. */
  newest(point: PointId): Sample | undefined;
}

/**
 * Why each condition of a rule, named by its place in the model, stands as it does: read off the very state that the
 * engine judges by, as it was judged last, so that the two cannot disagree.
 */
export function explain(model: Model, known: Known, index: number, now: Instant): readonly Explanation[] {
  const rule = model.rules[index] as Rule;
  const state = known.rule(index);
  const inputs = Object.entries(rule.inputs).map(([input, point]) => inputOf(model, known, input, point, now));
  const latest = latestOf(inputs);
  const judgedAt = rule.type.movesByItself === true ? now.at : (latest?.at?.at ?? now.at);
  const measures = measuresOf(rule, state, latest, known, later(now, judgedAt));
  const facts = rule.type.facts?.(rule.config, state.memory, judgedAt) ?? { missing: null };
  const ahead = foretell(model, known, index, now);
  return rule.conditions.map((judged, place) => {
    const condition = state.conditions[place] as Condition;
    const measure = measures.find(({ slot }) => slot === judged.slot) ?? unknown();
    const levels = judged.levels.map((level, i) =>
      levelOf(rule, judged, level, condition.latches[i] ?? released, measure, now),
    );
    return {
      key: judged.key,
      rule: rule.name,
      type: rule.type.type,
      slot: judged.slot,
      side: judged.side,
      state: stateOf(condition),
      why: whyOf({ rule, condition, levels, inputs, facts }),
      inputs,
      measure: isUnknown(measure) ? null : { lo: measure.lo, hi: measure.hi },
      levels,
      facts,
      ...standingOf(rule, condition, now),
      ahead: ahead.get(judged.key) ?? null,
    };
  });
}

function inputOf(model: Model, known: Known, input: string, point: PointId, now: Instant): Input {
  const heard = point.startsWith("@") ? heardAs(model, point) : null;
  if (heard !== null) {
    const asked = point === voicePoint(heard.name) ? voiceOf : wordOf;
    const word = asked({ model, state: known, rules: new Map() }, heard);
    const base = { input, point, at: null };
    if (word === null) return { ...base, value: null, quality: "bad", reason: "not_available" };
    return { ...base, value: word, quality: "good", reason: null };
  }
  const sample = known.newest(point);
  if (sample === undefined) return { input, point, value: null, quality: null, reason: null, at: null };
  const value = sample.quality === "bad" ? null : sample.value;
  const reason = sample.quality === "good" ? null : sample.reason;
  return { input, point, value, quality: sample.quality, reason, at: later(now, sample.at) };
}

/** The input that was judged last. */
function latestOf(inputs: readonly Input[]): Input | null {
  let latest: Input | null = null;
  for (const one of inputs) if (one.at !== null && one.at.at >= (latest?.at?.at ?? one.at.at)) latest = one;
  return latest;
}

/**
 * What the engine measured last. A rule at rest keeps none: one that remembers nothing sees its newest sample again, any
 * other is asked what it remembers.
 */
function measuresOf(
  { type, config }: Rule,
  { memory, measures }: RuleState,
  latest: Input | null,
  known: Known,
  now: Instant,
): readonly Measure[] {
  const asked = (input: string, sample: Sample | null): readonly Measure[] =>
    type.measure(config, memory, { ...now, input, sample }).measures;
  if (type.movesByItself === true) return asked("", null);
  const kept = measures.length > 0 && measures.every((one) => one.lo === one.hi || isUnknown(one));
  if (kept || latest === null) return measures;
  const remembersNothing = type.empty === null;
  // With a sample that is not good, a history says nothing of now.
  if (remembersNothing || (type.forget !== undefined && latest.quality !== "good")) {
    return asked(latest.input, known.newest(latest.point) ?? null);
  }
  return asked("", null);
}

const isUnknown = ({ lo, hi }: Measure): boolean => lo === Number.NEGATIVE_INFINITY && hi === Number.POSITIVE_INFINITY;

function levelOf(
  rule: Rule,
  { side }: Judged,
  level: Level,
  latch: Latch,
  measure: Measure,
  now: Instant,
): LevelExplained {
  const { name, severity, limit, deadband, op } = level;
  const found = verdict(level, side, latch.active, measure);
  return {
    name,
    severity,
    limit,
    deadband,
    op,
    active: latch.active,
    clearsAt: rounded(side === "high" ? limit - deadband : limit + deadband),
    verdict: found,
    inDeadband: latch.active && found === "false" && verdict(level, side, false, measure) !== "true",
    waiting: waitingOf(rule, level, latch, found, now),
  };
}

function waitingOf(
  { timed, maxGapMs }: Rule,
  { onDelayMs, offDelayMs }: Level,
  { active, since, confirmed }: Latch,
  found: Verdict,
  now: Instant,
): Waiting | null {
  if (since === null) return null;
  const firesAt = later(now, since.at + (active ? offDelayMs : onDelayMs));
  // A timer ends only what was believed last.
  const by = timed && found === "true" ? "timer" : "sample";
  const confirmedUntil = confirmed === null || timed ? null : later(now, confirmed + maxGapMs);
  return { since: later(now, since.at), firesAt, by, confirmedUntil };
}

type Standing = Pick<Explanation, "incident" | "shelf" | "maintenance" | "outOfService" | "causes" | "flapping">;

function standingOf({ policy }: Rule, condition: Condition, now: Instant): Standing {
  const { open, occurrence, shelf, maintenance, outOfService, causes, flap } = condition;
  const when = (at: Mono | null): Instant | null => (at === null ? null : later(now, at));
  const silence = (one: Silence | null): SilenceExplained | null =>
    one && { until: when(one.until), by: one.by, reason: one.reason };
  return {
    incident: open && {
      ...incidentOf(open),
      occurrence,
      needsAck: needsAck(open, policy),
      reAlarmAt: when(open.reAlarmAt),
      heldUntil: when(open.heldUntil),
    },
    shelf: silence(shelf),
    maintenance: silence(maintenance),
    outOfService: silence(outOfService),
    causes: causes.map(({ rule, until }) => ({ rule, until: when(until) })),
    flapping: flap?.flapping ? { movesAt: when(flapMovesAt(flap, policy.flap)) } : null,
  };
}

const incidentOf = ({ severity, worst, onset, raised, cleared, acked, latched }: Occurrence) => ({
  severity,
  worst,
  onset,
  raised,
  cleared,
  acked,
  latched,
});
