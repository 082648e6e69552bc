import { type Condition, judge, quiet, waitEnds } from "./condition.ts";
import { type Change, type Command, lapse, lapsesAt, obey, type Refusal, type Told } from "./incident.ts";
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
  /** Why a command was not obeyed; nothing has changed then. */
  readonly refused?: Refusal;
}

/**
 * A sample; "it is now", which the shell sends to each rule whose `wakeAt` has come; what a person wants of a condition;
 * or the word that a point has a new sensor, which does not go on with the old one's history.
 */
export type Input =
  | { readonly kind: "sample"; readonly sample: Sample }
  | { readonly kind: "tick"; readonly now: Instant; readonly rules: readonly number[] }
  | { readonly kind: "command"; readonly now: Instant; readonly key: string; readonly command: Command }
  | { readonly kind: "replaced"; readonly now: Instant; readonly point: PointId };

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
  /** When time alone will change something, engine time; never earlier than the input that led here. */
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

/** Inputs judged one after the other, each seeing what the ones before it changed, before any of it is the state. */
export interface Cycle {
  take(input: Input): Refusal | null;
  rule(index: number): RuleState;
  readonly changes: Changes;
  readonly events: readonly Event[];
}

export function cycle(model: Model, state: State): Cycle {
  const draft: Draft = { state, rules: new Map(), sources: new Map(), events: [] };
  return {
    take: (input) => take(model, draft, input),
    rule: (index) => rule(draft, index),
    changes: draft,
    events: draft.events,
  };
}

/** A cycle of one input. */
export function step(model: Model, state: State, input: Input): Step {
  const one = cycle(model, state);
  const refused = one.take(input);
  return { changes: one.changes, events: one.events, ...(refused === null ? {} : { refused }) };
}

function take(model: Model, draft: Draft, input: Input): Refusal | null {
  switch (input.kind) {
    case "tick":
      for (const index of input.rules) {
        const { wakeAt } = rule(draft, index);
        if (wakeAt !== null && wakeAt <= input.now.at) observe(model, draft, index, "", null, input.now);
      }
      return null;
    case "sample": {
      const { sample } = input;
      if (!isNew(draft, sample)) return null;
      if (sample.sourceAt !== undefined) draft.sources.set(sample.point, sample.sourceAt);
      feed(model, draft, sample);
      return null;
    }
    case "command":
      return command(model, draft, input.key, input.command, input.now);
    case "replaced":
      for (const { index } of model.feeds.get(input.point) ?? []) {
        const { type } = model.rules[index] as Rule;
        if (type.remembers) draft.rules.set(index, { ...rule(draft, index), memory: type.empty });
      }
      return null;
  }
}

function command(model: Model, draft: Draft, key: string, wanted: Command, now: Instant): Refusal | null {
  const place = model.conditions.get(key);
  if (place === undefined) return { code: "not_found", detail: `there is no condition ${key}` };
  const own = model.rules[place.index] as Rule;
  const before = rule(draft, place.index);
  const conditions = [...before.conditions];
  const result = obey(
    conditions[place.place] as Condition,
    wanted,
    own.conditions[place.place] as Keyed,
    now,
    own.policy,
  );
  if ("code" in result) return result;
  conditions[place.place] = result.standing;
  // What was due at this very instant still is.
  const wake = soonest(before.wakeAt, lapsesAt(result.standing, own.policy));
  settle(
    model,
    draft,
    place.index,
    { ...before, conditions, wakeAt: wake },
    [{ place: place.place, ...result }],
    now,
    null,
  );
  return null;
}

interface Draft {
  readonly state: State;
  readonly rules: Map<number, RuleState>;
  readonly sources: Map<PointId, Wall>;
  readonly events: Event[];
}

const rule = (draft: Draft, index: number): RuleState => draft.rules.get(index) ?? draft.state.rule(index);

/** A sample whose source time is not newer is a duplicate or late: history, not news. */
function isNew({ state, sources }: Draft, { point, sourceAt }: Sample): boolean {
  if (sourceAt === undefined) return true;
  const last = sources.get(point) ?? state.sourceAt(point);
  return last === undefined || sourceAt > last;
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
  const { memory, measures, wakeAt: moves } = measure(own, before, input, sample, now);
  // Most samples change nothing, and then nothing is allocated.
  let conditions = before.conditions;
  let outcomes: Outcome[] | null = null;
  for (let place = 0; place < own.conditions.length; place++) {
    const judged = own.conditions[place] as Keyed;
    const was = before.conditions[place] as Condition;
    const { standing, changes } = judgeOne(own, judged, was, measures, sample, now);
    if (standing === was) continue;
    if (conditions === before.conditions) conditions = [...before.conditions];
    (conditions as Condition[])[place] = standing;
    outcomes ??= [];
    outcomes.push({ place, standing, changes });
  }
  const wake = wakeAt(own, conditions, moves, now, sample === null);
  settle(model, draft, index, { memory, measures, conditions, wakeAt: wake }, outcomes ?? noOutcomes, now, sample);
}

function judgeOne(
  own: Rule,
  judged: Keyed,
  was: Condition,
  measures: readonly Measure[],
  sample: Sample | null,
  now: Instant,
): Told<Condition> {
  if (sample !== null) return judge(judged, was, measureOf(measures, judged.slot), now, own);
  const lapsed = lapse(was, judged, now, own.policy);
  // Delays that wait for a confirming sample are not confirmed by time.
  if (!own.timed) return lapsed;
  const { standing, changes } = judge(judged, lapsed.standing, measureOf(measures, judged.slot), now, own);
  return { standing, changes: lapsed.changes.length === 0 ? changes : [...lapsed.changes, ...changes] };
}

function measureOf(measures: readonly Measure[], slot: string): Measure {
  for (const measure of measures) if (measure.slot === slot) return measure;
  return unknown(slot);
}

type Outcome = Told<Condition> & { readonly place: number };
const noOutcomes: readonly Outcome[] = [];

/** Puts a rule's new state into the draft, then tells what changed. */
function settle(
  model: Model,
  draft: Draft,
  index: number,
  after: RuleState,
  outcomes: readonly Outcome[],
  now: Instant,
  sample: Sample | null,
): void {
  const own = model.rules[index] as Rule;
  const before = rule(draft, index);
  draft.rules.set(index, after);
  for (const { place, standing, changes } of outcomes) {
    const condition = own.conditions[place] as Keyed;
    const found = measureOf(after.measures, condition.slot);
    for (const change of changes) draft.events.push({ ...change, rule: own, condition, now, measure: found, sample });
    announce(model, draft, condition, before.conditions[place], standing, now);
  }
}

type Measured = Pick<RuleState, "memory" | "measures" | "wakeAt">;

/** A tick does not ask a measure that only samples move: what was measured last still stands. */
function measure(own: Rule, before: RuleState, input: string, sample: Sample | null, now: Instant): Measured {
  if (sample === null && own.type.movesByItself !== true) return { ...before, wakeAt: null };
  return own.type.measure(own.config, before.memory, { at: now.at, wall: now.wall, input, sample });
}

/** Later than now; after a sample it may be now, since timers due at an instant come after its samples. */
function wakeAt(
  own: Rule,
  conditions: readonly Condition[],
  moves: Mono | null,
  now: Instant,
  ticked: boolean,
): Mono | null {
  let earliest = moves;
  for (let place = 0; place < conditions.length; place++) {
    const condition = conditions[place] as Condition;
    earliest = soonest(earliest, lapsesAt(condition, own.policy));
    const end = own.timed ? waitEnds(own.conditions[place] as Keyed, condition) : null;
    // A wait that is over but not believed (its last sample was bad) goes on with the next sample.
    if (end !== null && end > now.at) earliest = soonest(earliest, end);
  }
  if (earliest !== null && (earliest < now.at || (ticked && earliest === now.at)))
    throw new Error(`bug: wakeAt ${earliest} is not after ${now.at}`);
  return earliest;
}

const soonest = (a: Mono | null, b: Mono | null): Mono | null => (a === null ? b : b === null ? a : Math.min(a, b));

/** Conditions are points to other rules; a cycle of them is refused when the site is loaded, so this ends. */
function announce(
  model: Model,
  draft: Draft,
  { key }: Keyed,
  before: Condition | undefined,
  after: Condition,
  now: Instant,
): void {
  const value = Number(after.open?.active === true);
  if (value === Number(before?.open?.active === true)) return;
  feed(model, draft, { ...now, point: conditionPoint(key), quality: "good", value });
}
