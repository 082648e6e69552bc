import type { Command, Refusal } from "./command.ts";
import { obey } from "./command.ts";
import { type Condition, judge, rests, waitEnds } from "./condition.ts";
import {
  type Draft,
  isKnown,
  isNormalSince,
  measureOf,
  oddity,
  ruleState,
  sinceOf,
  type Word,
  wordOf,
} from "./draft.ts";
import { type CauseRef, type Change, caused, levelOf, type Told, tell as tellOf } from "./incident.ts";
import { lapse, lapsesAt, unflapped, unheld } from "./lapse.ts";
import type { Feed, Heard, Keyed, Model, Rule } from "./model.ts";
import { type Measure, rulePoint } from "./rule.ts";
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
 * the word that a point has a new sensor, which does not go on with the old one's history; that there is
 * news of an incident that its condition does not show; or that judging begins, from what outlived a restart or a change of
 * rules.
 */
export type Input =
  | { readonly kind: "sample"; readonly sample: Sample }
  | { readonly kind: "tick"; readonly now: Instant; readonly rules: readonly number[] }
  | { readonly kind: "command"; readonly now: Instant; readonly key: string; readonly command: Command }
  | { readonly kind: "replaced"; readonly now: Instant; readonly point: PointId }
  | { readonly kind: "remark"; readonly now: Instant; readonly key: string; readonly reason: string }
  | { readonly kind: "start"; readonly now: Instant };

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
  /** What was last measured: a tick that elapses a delay judges it again. None where nobody would ask for it. */
  readonly measures: readonly Measure[];
  readonly conditions: readonly Condition[];
  /** When time alone will change something, engine time; never earlier than the input that led here. */
  readonly wakeAt: Mono | null;
  /** Of a rule that others listen to: when it was last seen that nothing is wrong, and nothing waits. */
  readonly normalAt?: Mono;
}

export interface Event extends Change {
  readonly rule: Rule;
  readonly condition: Keyed;
  readonly now: Instant;
  readonly measure: Measure;
  /** What decided it; null where it was time. */
  readonly sample: Sample | null;
}

/** A value that a rule does not know what to make of: its configuration, or the device, is not what it seemed. */
export interface Oddity {
  readonly rule: Rule;
  readonly point: PointId;
  readonly value: number;
}

export const initial = (rule: Rule): RuleState => ({
  memory: rule.type.empty,
  measures: none,
  conditions: rule.quiet,
  // What moves by itself begins to count at the first tick.
  wakeAt: rule.type.movesByItself === true ? Number.NEGATIVE_INFINITY : null,
});

const none: readonly never[] = [];

/** Inputs judged one after the other, each seeing what the ones before it changed, before any of it is the state. */
export interface Cycle {
  take(input: Input): Refusal | null;
  rule(index: number): RuleState;
  readonly changes: Changes;
  readonly events: readonly Event[];
  readonly oddities: readonly Oddity[];
}

export function cycle(model: Model, state: State): Cycle {
  const draft: Draft = { model, state, rules: new Map(), sources: new Map(), events: [], oddities: [], depth: 0 };
  return {
    take: (input) => take(draft, input),
    rule: (index) => ruleState(draft, index),
    changes: draft,
    events: draft.events,
    oddities: draft.oddities,
  };
}

/** A cycle of one input. */
export function step(model: Model, state: State, input: Input): Step {
  const one = cycle(model, state);
  const refused = one.take(input);
  return { changes: one.changes, events: one.events, ...(refused === null ? {} : { refused }) };
}

function take(draft: Draft, input: Input): Refusal | null {
  switch (input.kind) {
    case "tick":
      for (const index of readFirst(draft.model, input.rules)) {
        const { wakeAt } = ruleState(draft, index);
        if (wakeAt !== null && wakeAt <= input.now.at) observe(draft, { index, input: "" }, null, input.now);
      }
      return null;
    case "sample": {
      const { sample } = input;
      if (!isNew(draft, sample)) return null;
      if (sample.sourceAt !== undefined) draft.sources.set(sample.point, sample.sourceAt);
      feed(draft, sample);
      return null;
    }
    case "command":
      return command(draft, input.key, input.command, input.now);
    case "replaced":
      for (const { index, input: name } of draft.model.feeds.get(input.point) ?? none) {
        const { forget } = (draft.model.rules[index] as Rule).type;
        const before = ruleState(draft, index);
        if (forget !== undefined) draft.rules.set(index, { ...before, memory: forget(before.memory, name) });
      }
      return null;
    case "remark":
      remark(draft, input.key, input.reason, input.now);
      return null;
    case "start":
      start(draft, input.now);
      return null;
  }
}

/** What a rule says at an instant comes before the timers of those that read it, as samples do. */
const readFirst = ({ depths }: Model, rules: readonly number[]): readonly number[] =>
  rules.length < 2 ? rules : rules.toSorted((a, b) => (depths[a] ?? 0) - (depths[b] ?? 0) || a - b);

function command(draft: Draft, key: string, wanted: Command, now: Instant): Refusal | null {
  const found = draft.model.conditions.get(key);
  if (found === undefined) return { code: "not_found", detail: `there is no condition ${key}` };
  const { index, place } = found;
  const { conditions, policy } = draft.model.rules[index] as Rule;
  const before = ruleState(draft, index);
  const result = obey(before.conditions[place] as Condition, wanted, conditions[place] as Keyed, now, policy);
  if ("code" in result) return result;
  settle(draft, index, withOutcomes(draft, index, before, [{ place, ...result }]), [{ place, ...result }], now, null);
  return null;
}

/** An update of the incident that is open on a condition, and of nothing else. */
function remark(draft: Draft, key: string, reason: string, now: Instant): void {
  const { index, place } = draft.model.conditions.get(key) as { index: number; place: number };
  const before = ruleState(draft, index);
  const was = before.conditions[place] as Condition;
  if (was.open === null) return;
  const { levels } = (draft.model.rules[index] as Rule).conditions[place] as Keyed;
  const outcomes = [{ place, ...tellOf(was, "update", reason, levelOf(levels, was.open), now) }];
  settle(draft, index, withOutcomes(draft, index, before, outcomes), outcomes, now, null);
}

/** A sample whose source time is not newer is a duplicate or late: history, not news. */
function isNew({ state, sources }: Draft, { point, sourceAt }: Sample): boolean {
  if (sourceAt === undefined) return true;
  const last = sources.get(point) ?? state.sourceAt(point);
  return last === undefined || sourceAt > last;
}

function feed(draft: Draft, sample: Sample): void {
  const fed = draft.model.feeds.get(sample.point);
  if (fed !== undefined) for (const one of fed) observe(draft, one, sample, sample);
}

/** One rule sees one thing: measure, judge each condition, tell the rules that listen to it. */
function observe(draft: Draft, { index, input }: Feed, sample: Sample | null, now: Instant): void {
  const own = draft.model.alike[index] as Rule;
  const before = ruleState(draft, index);
  const { memory, measures, wakeAt: moves, odd } = measure(own, before, input, sample, now);
  if (odd !== undefined && sample !== null) oddity(draft, index, sample.point, odd);
  let conditions: Condition[] | null = null;
  let outcomes: Outcome[] | null = null;
  let atRest = true;
  for (let place = 0; place < own.conditions.length; place++) {
    const judged = own.conditions[place] as Keyed;
    const was = before.conditions[place] as Condition;
    const found = measureOf(measures, judged.slot);
    if (sample !== null && rests(judged, was, found)) continue;
    atRest = false;
    const { standing, changes } = judgeOne(own, judged, was, found, sample, now);
    if (standing === was) continue;
    conditions ??= [...before.conditions];
    conditions[place] = standing;
    outcomes ??= [];
    outcomes.push({ place, standing, changes });
  }
  // What is measured anew with each tick, or matters to nobody, is not kept.
  const isHeard = draft.model.heard[index] !== null;
  const keeps = !atRest || (own.timed && own.type.movesByItself !== true) || isHeard;
  // Most samples change nothing.
  if (!keeps && before.measures === none && memory === before.memory && moves === before.wakeAt) return;
  const after: RuleState = {
    memory,
    measures: keeps ? measures : none,
    conditions: conditions ?? before.conditions,
    wakeAt: wakeAt(own, conditions ?? before.conditions, moves, now, sample === null),
    ...(isHeard ? normalSince(before, atRest && isKnown(own, measures), now) : {}),
  };
  settle(draft, index, after, outcomes ?? none, now, sample);
  if (!atRest) release(draft, index, now);
}

const normalSince = ({ normalAt }: RuleState, isNormal: boolean, now: Instant): Pick<RuleState, "normalAt"> =>
  isNormal ? { normalAt: now.at } : normalAt === undefined ? {} : { normalAt };

/** What waits for a cause is told as soon as each possible one was seen to be none since it began. */
function release(draft: Draft, index: number, now: Instant): void {
  const { causes, conditions } = draft.model.rules[index] as Rule;
  const before = ruleState(draft, index);
  const outcomes = before.conditions.flatMap((was, place): Outcome[] => {
    const { open } = was;
    if (open === null || open.heldUntil === null) return [];
    const innocent = causes.every(({ rule, covers }) => !covers && isNormalSince(draft, rule, open.onset.at));
    return innocent ? [{ place, ...unheld(was, conditions[place] as Keyed, now) }] : [];
  });
  if (outcomes.length === 0) return;
  settle(draft, index, withOutcomes(draft, index, before, outcomes), outcomes, now, null);
}

function judgeOne(
  own: Rule,
  judged: Keyed,
  was: Condition,
  found: Measure,
  sample: Sample | null,
  now: Instant,
): Told<Condition> {
  if (sample !== null) return judge(judged, was, found, now, own);
  const lapsed = lapse(was, judged, now, own.policy);
  // Delays that wait for a confirming sample are not confirmed by time.
  if (!own.timed) return lapsed;
  const { standing, changes } = judge(judged, lapsed.standing, found, now, own);
  return { standing, changes: lapsed.changes.length === 0 ? changes : [...lapsed.changes, ...changes] };
}

type Outcome = Told<Condition> & { readonly place: number };

/** The state of a rule to whose conditions something was done; what was due still is. */
function withOutcomes(draft: Draft, index: number, before: RuleState, outcomes: readonly Outcome[]): RuleState {
  const { policy } = draft.model.rules[index] as Rule;
  const conditions = [...before.conditions];
  let { wakeAt: wake } = before;
  for (const { place, standing } of outcomes) {
    conditions[place] = standing;
    wake = soonest(wake, lapsesAt(standing, policy));
  }
  return { ...before, conditions, wakeAt: wake };
}

/** Puts a rule's new state into the draft, then tells what changed. */
function settle(
  draft: Draft,
  index: number,
  after: RuleState,
  outcomes: readonly Outcome[],
  now: Instant,
  sample: Sample | null,
): void {
  const { model } = draft;
  const own = model.rules[index] as Rule;
  const heard = model.heard[index] ?? null;
  const before = heard === null ? null : wordOf(draft, heard);
  draft.rules.set(index, after);
  for (const { place, changes } of outcomes) {
    const condition = own.conditions[place] as Keyed;
    const found = measureOf(after.measures, condition.slot);
    for (const change of changes) draft.events.push({ ...change, rule: own, condition, now, measure: found, sample });
  }
  if (heard !== null) announce(draft, heard, before, now);
}

type Measured = Pick<RuleState, "memory" | "measures" | "wakeAt"> & { readonly odd?: number };

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
    if (condition === own.quiet[place]) continue;
    earliest = soonest(earliest, lapsesAt(condition, own.policy));
    if (own.timed) earliest = soonest(earliest, waitEnds(own.conditions[place] as Keyed, condition, now.at));
  }
  if (earliest !== null && (earliest < now.at || (ticked && earliest === now.at)))
    throw new Error(`bug: wakeAt ${earliest} is not after ${now.at}`);
  return earliest;
}

const soonest = (a: Mono | null, b: Mono | null): Mono | null => (a === null ? b : b === null ? a : Math.min(a, b));

/** More rules that listen to one another in a row than any site has: a circle, which is refused when a site is loaded. */
const depthMax = 50;

/** Tells what a rule has come to: those that read it, then those that it suppresses. */
function announce(draft: Draft, heard: Heard, before: Word, now: Instant): void {
  const word = wordOf(draft, heard);
  if (word === before) return;
  draft.depth++;
  if (draft.depth > depthMax) throw new Error(`bug: rules listen to each other in a circle around ${heard.name}`);
  tell(draft, heard.name, word, now);
  const isActive = word !== null && word > 0;
  const wasActive = before !== null && before > 0;
  if (isActive !== wasActive) {
    const since = isActive ? sinceOf(draft, heard) : null;
    for (const { index, ref } of heard.suppresses) suppress(draft, index, ref, since, now);
  }
  draft.depth--;
}

function tell(draft: Draft, name: string, word: Word, now: Instant): void {
  const at = { at: now.at, wall: now.wall, point: rulePoint(name) };
  feed(
    draft,
    word === null ? { ...at, quality: "bad", reason: "not_available" } : { ...at, quality: "good", value: word },
  );
}

/** A rule's conditions have another for their cause, or no longer. */
function suppress(draft: Draft, index: number, by: CauseRef, since: Mono | null, now: Instant): void {
  const own = draft.model.rules[index] as Rule;
  const before = ruleState(draft, index);
  const outcomes = own.conditions.flatMap((judged, place): Outcome[] => {
    const was = before.conditions[place] as Condition;
    const told = caused(was, by, since, judged, now);
    return told.standing === was ? [] : [{ place, ...told }];
  });
  if (outcomes.length > 0) settle(draft, index, withOutcomes(draft, index, before, outcomes), outcomes, now, null);
}

/** Memories begin anew, conditions do not: rules hear again how those stand that they read or are suppressed by. */
function start(draft: Draft, now: Instant): void {
  const { named, rules } = draft.model;
  for (const [index, { conditions, policy }] of rules.entries()) {
    const before = ruleState(draft, index);
    const outcomes = conditions.flatMap((judged, place): Outcome[] => {
      const was = before.conditions[place] as Condition;
      const told = unflapped(was, judged, now, policy);
      return told.standing === was ? [] : [{ place, ...told }];
    });
    if (outcomes.length > 0) settle(draft, index, withOutcomes(draft, index, before, outcomes), outcomes, now, null);
  }
  const words = new Map([...named].map(([name, heard]) => [name, wordOf(draft, heard)]));
  const isActive = (name: string): boolean => (words.get(name) ?? 0) > 0;
  for (const [name, word] of words) if (isActive(name)) tell(draft, name, word, now);
  for (const [index, { causes }] of rules.entries()) {
    const gone = ruleState(draft, index).conditions.flatMap((one) => one.causes);
    for (const ref of gone) {
      const goesOn = causes.some(({ rule }) => rule === ref.rule) && isActive(ref.rule);
      if (!goesOn) suppress(draft, index, ref, null, now);
    }
    for (const ref of causes) {
      const heard = named.get(ref.rule);
      if (heard !== undefined && isActive(ref.rule)) suppress(draft, index, ref, sinceOf(draft, heard), now);
    }
  }
}
