import { type Change, type Condition, judge, quiet, waitEnds } from "./condition.ts";
import { conditionPoint, type Keyed, type Model, type Rule } from "./model.ts";
import { type Measure, unknown } from "./rule.ts";
import type { Instant, Mono, PointId, Sample, Wall } from "./sample.ts";

/**
 * The functional core: model × state × input → changes × events × wake-up. No clock, no I/O, no randomness.
 * The shell commits changes and events in one transaction and adopts the changes only then, so that a failed
 * commit leaves the engine where it was.
 */
export interface Step {
  readonly changes: Changes;
  readonly events: readonly Event[];
}

/** A sample, or "it is now": the shell sends a tick to each rule whose `wakeAt` has come. */
export type Input =
  | { readonly kind: "sample"; readonly sample: Sample }
  | { readonly kind: "tick"; readonly now: Instant; readonly rules: readonly number[] };

/** What the engine remembers; the shell holds it and hands it in. */
export interface State {
  rule(index: number): RuleState;
  /** Source time of the newest sample of a point that says one. */
  sourceAt(point: PointId): Wall | undefined;
}

export interface Changes {
  readonly rules: ReadonlyMap<number, RuleState>;
  readonly sources: ReadonlyMap<PointId, Wall>;
}

export interface RuleState {
  readonly memory: unknown;
  /** What was last measured: a tick that elapses a delay judges it again. */
  readonly measures: readonly Measure[];
  readonly conditions: readonly Condition[];
  /** When time alone will change something, engine time; always later than the input that led here. */
  readonly wakeAt: Mono | null;
}

export interface Event extends Change {
  readonly rule: Rule;
  readonly condition: Keyed;
  readonly now: Instant;
  readonly measure: Measure;
  /** What decided it; null where it was time. */
  readonly sample: Sample | null;
}

export const initial = (rule: Rule): RuleState => ({
  memory: rule.type.empty,
  measures: [],
  conditions: rule.conditions.map(quiet),
  // What moves by itself begins to count at the first tick.
  wakeAt: rule.type.movesByItself === true ? Number.NEGATIVE_INFINITY : null,
});

export function step(model: Model, state: State, input: Input): Step {
  const draft: Draft = { state, rules: new Map(), sources: new Map(), events: [] };
  if (input.kind === "tick") {
    for (const index of input.rules) {
      const { wakeAt } = rule(draft, index);
      if (wakeAt !== null && wakeAt <= input.now.at) observe(model, draft, index, "", null, input.now);
    }
  } else if (isNew(state, input.sample)) {
    const { sample } = input;
    if (sample.sourceAt !== undefined) draft.sources.set(sample.point, sample.sourceAt);
    feed(model, draft, sample);
  }
  return { changes: { rules: draft.rules, sources: draft.sources }, events: draft.events };
}

interface Draft {
  readonly state: State;
  readonly rules: Map<number, RuleState>;
  readonly sources: Map<PointId, Wall>;
  readonly events: Event[];
}

const rule = (draft: Draft, index: number): RuleState => draft.rules.get(index) ?? draft.state.rule(index);

/** A sample whose source time is not newer is a duplicate or late: history, not news. */
function isNew(state: State, { point, sourceAt }: Sample): boolean {
  const last = state.sourceAt(point);
  return sourceAt === undefined || last === undefined || sourceAt > last;
}

function feed(model: Model, draft: Draft, sample: Sample): void {
  for (const { index, input } of model.feeds.get(sample.point) ?? []) {
    observe(model, draft, index, input, sample, sample);
  }
}

/** One rule sees one thing: measure, judge each condition, tell the rules that listen to it. */
function observe(model: Model, draft: Draft, index: number, input: string, sample: Sample | null, now: Instant): void {
  const own = model.rules[index] as Rule;
  const before = rule(draft, index);
  const measured = measure(own, before, input, sample, now);
  const conditions: Condition[] = [];
  const changes: Event[] = [];
  for (const [i, condition] of own.conditions.entries()) {
    const found = measured.measures.find(({ slot }) => slot === condition.slot) ?? unknown(condition.slot);
    const result = judge(condition, before.conditions[i] ?? quiet(condition), found, now, own.maxGapMs);
    conditions.push(result.condition);
    if (result.change) changes.push({ ...result.change, rule: own, condition, now, measure: found, sample });
  }
  const unchanged = conditions.every((condition, i) => condition === before.conditions[i]);
  const after = { ...measured, conditions: unchanged ? before.conditions : conditions };
  draft.rules.set(index, { ...after, wakeAt: wakeAt(own, after.conditions, measured.wakeAt, now) });
  for (const change of changes) announce(model, draft, change);
}

type Measured = Pick<RuleState, "memory" | "measures" | "wakeAt">;

/** A tick does not ask a measure that only samples move: what was measured last still stands. */
function measure(own: Rule, before: RuleState, input: string, sample: Sample | null, now: Instant): Measured {
  if (sample === null && own.type.movesByItself !== true) return { ...before, wakeAt: null };
  return own.type.measure(own.config, before.memory, { at: now.at, wall: now.wall, input, sample });
}

function wakeAt(own: Rule, conditions: readonly Condition[], moves: Mono | null, now: Instant): Mono | null {
  let earliest = moves;
  if (own.timed) {
    for (const [i, condition] of own.conditions.entries()) {
      const end = waitEnds(condition, conditions[i] as Condition);
      // A wait that is over but not believed (its last sample was bad) goes on with the next sample.
      if (end !== null && end > now.at && (earliest === null || end < earliest)) earliest = end;
    }
  }
  if (earliest !== null && earliest <= now.at) throw new Error(`bug: wakeAt ${earliest} is not after ${now.at}`);
  return earliest;
}

/** Conditions are points to other rules; a cycle of them is refused when the site is loaded, so this ends. */
function announce(model: Model, draft: Draft, event: Event): void {
  draft.events.push(event);
  if (event.kind === "update") return;
  const value = event.kind === "raise" ? 1 : 0;
  feed(model, draft, { ...event.now, point: conditionPoint(event.condition.key), quality: "good", value });
}
