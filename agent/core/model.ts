import { type Condition, type Prepared, prepare } from "./condition.ts";
import type { FlapPolicy } from "./flap.ts";
import type { CauseRef, Policy } from "./incident.ts";
import { audibleFrom, type Meaning } from "./meaning.ts";
import { fullName, type Judged, type RuleType, rulePoint, type Scope } from "./rule.ts";
import type { PointId } from "./sample.ts";
import { rank } from "./severity.ts";

/**
 * What the engine judges by: the rules of a site, compiled once for each configuration. Rules are known by their
 * place in `rules`; state is kept in the same order.
 */
export interface Model {
  readonly rules: readonly Rule[];
  /**
   * By the place of a rule, the first one that judges as it does: the same but for what it is called and what it reads.
   * Every sample is judged by these few, which stay in the processor's cache while ten thousands of rules do not.
   */
  readonly alike: readonly Rule[];
  /** Which rules a point feeds, and under which name, in rule order. */
  readonly feeds: ReadonlyMap<PointId, readonly Feed[]>;
  /** Where a condition is found, by its key. */
  readonly conditions: ReadonlyMap<string, { readonly index: number; readonly place: number }>;
  /** Rules that others want to know of, by name. */
  readonly named: ReadonlyMap<string, Heard>;
  /** The same by the place of a rule; null where nobody does. */
  readonly heard: readonly (Heard | null)[];
  /** By the place of a rule: how many rules in a row it reads, 0 where it reads points only. */
  readonly depths: readonly number[];
}

export interface Feed {
  readonly index: number;
  readonly input: string;
}

/** A rule that others read or are suppressed by, by its name; on several points it is compiled once for each. */
export interface Heard {
  readonly name: string;
  readonly rules: readonly number[];
  /** Rules that it suppresses, and how. */
  readonly suppresses: readonly { readonly index: number; readonly ref: CauseRef }[];
}

export interface Rule {
  /** As other rules name it: `device/rule`. */
  readonly name: string;
  readonly type: RuleType;
  readonly config: RuleConfig;
  readonly inputs: Readonly<Record<string, PointId>>;
  readonly conditions: readonly Keyed[];
  /** Its conditions before anything happened: one array for every rule at rest. */
  readonly quiet: readonly Condition[];
  /** Evidence further apart than this is not continuous, ms. Infinite where a timer confirms. */
  readonly maxGapMs: number;
  /** Whether delays elapse by themselves instead of waiting for a confirming sample. */
  readonly timed: boolean;
  readonly policy: Policy;
  /** What suppresses it while it is active. */
  readonly causes: readonly CauseRef[];
}

/** A condition to judge, with the key that names it for ever. */
export interface Keyed extends Prepared {
  readonly key: string;
}

/** Options every rule has; what else is in it only its type knows. */
export interface RuleConfig {
  readonly delayMode: "sample" | "timer";
  readonly maxGap?: number;
  readonly ackRequired?: boolean;
  readonly latch: boolean;
  readonly reAlarm?: number;
  readonly maxShelve: number;
  readonly flap?:
    | { readonly count: number; readonly window: number; readonly quiet: number }
    | { readonly mode: "nagios"; readonly slot: number; readonly high: number; readonly low: number };
  readonly suppressedBy: readonly string[];
  readonly means?: Meaning;
  readonly companions?: readonly string[];
}

export function compileRule(type: RuleType, config: RuleConfig, scope: Scope, key: string): Rule {
  const isBehind = scope.behind !== undefined;
  const { causes = [] } = scope;
  const full = { ...config, counter: scope.definition.counter, pollMs: scope.pollMs, isBehind };
  const inputs = type.inputs(full, scope);
  // Rules speak only when they change, so that no sample will come to confirm a delay.
  const readsRules = type.about === "inputs" && Object.values(inputs).some((point) => point.startsWith("@"));
  const timed = config.delayMode === "timer" || type.movesByItself === true || readsRules;
  const judged = type.conditions(full);
  const conditions = judged.map((one) => ({ ...prepare(one, audibleFrom(config)), key: key + suffix(one, judged) }));
  return {
    name: scope.rule,
    type,
    config: full,
    inputs,
    conditions,
    quiet: conditions.map(({ quiet }) => quiet),
    maxGapMs: timed ? Number.POSITIVE_INFINITY : (config.maxGap ?? 3 * scope.pollMs),
    timed,
    policy: policyOf(config, causes.length > 0 ? holdMs : 0),
    causes: [
      ...config.suppressedBy.map((name) => certain(fullName(scope, name), 0)),
      ...(type.needsToHear ? scope.unreachableWhen.map((name) => certain(name, type.lingerMs?.(full) ?? 0)) : []),
      ...causes,
    ],
  };
}

/** Said to be its cause, not guessed from when it came. */
const certain = (rule: string, lingerMs: number): CauseRef => ({
  rule,
  lagMs: always,
  leadMs: always,
  lingerMs,
  covers: false,
});

/** Whenever it was. */
export const always = Number.MAX_SAFE_INTEGER;

/** Delays of a cause and of what follows from it differ by a poll and a delay or two. */
const holdMs = 30_000;

/** A rule's only condition bears the rule's key; else the bit, or the side where both are judged, tells them apart. */
const suffix = ({ slot, side }: Judged, all: readonly Judged[]): string =>
  slot !== "" ? `#${slot}` : all.some((one) => one.side !== side) ? `/${side}` : "";

function policyOf({ ackRequired, latch, reAlarm, maxShelve, flap }: RuleConfig, waitMs: number): Policy {
  const [all, none] = [1, 6];
  const ackFrom = ackRequired === undefined ? (latch ? all : rank("high")) : ackRequired ? all : none;
  return {
    ackFrom,
    latch,
    reAlarmMs: reAlarm ?? null,
    maxShelveMs: maxShelve,
    flap: flap === undefined ? null : flapPolicyOf(flap),
    holdMs: waitMs,
  };
}

const flapPolicyOf = (flap: NonNullable<RuleConfig["flap"]>): FlapPolicy =>
  "mode" in flap
    ? { mode: "nagios", slotMs: flap.slot, high: flap.high, low: flap.low }
    : { mode: "count", count: flap.count, windowMs: flap.window, quietMs: flap.quiet };

export function modelOf(rules: readonly Rule[]): Model {
  const feeds = grouped(
    rules.flatMap(({ inputs }, index) => Object.entries(inputs).map(([input, point]) => [point, { index, input }])),
  );
  const bearers = grouped(rules.map(({ name }, index) => [name, index]));
  const suppresses = grouped(rules.flatMap(({ causes }, index) => causes.map((ref) => [ref.rule, { index, ref }])));
  const named = new Map<string, Heard>();
  for (const [name, own] of bearers) {
    if (!feeds.has(rulePoint(name)) && !suppresses.has(name)) continue;
    named.set(name, { name, rules: own, suppresses: suppresses.get(name) ?? [] });
  }
  const conditions = new Map(
    rules.flatMap((rule, index) => rule.conditions.map(({ key }, place) => [key, { index, place }] as const)),
  );
  const heard = rules.map(({ name }) => named.get(name) ?? null);
  return { rules, alike: alike(rules), feeds, conditions, named, heard, depths: depthsOf(rules) };
}

function depthsOf(rules: readonly Rule[]): number[] {
  const bearers = grouped(rules.map((rule) => [rulePoint(rule.name), rule]));
  const known = new Map<Rule, number>();
  const depthOf = (rule: Rule): number => {
    const found = known.get(rule);
    if (found !== undefined) return found;
    // Until it is known; also the end of a circle, which is refused when a site is loaded.
    known.set(rule, 0);
    const read = Object.values(rule.inputs).flatMap((point) => bearers.get(point) ?? []);
    const depth = read.reduce((most, one) => Math.max(most, depthOf(one) + 1), 0);
    known.set(rule, depth);
    return depth;
  };
  return rules.map(depthOf);
}

function alike(rules: readonly Rule[]): Rule[] {
  const first = new Map<string, Rule>();
  return rules.map((rule) => {
    const { type, config, conditions, maxGapMs, policy } = rule;
    const judged = conditions.map(({ key: _, quiet: __, ...one }) => one);
    const how = JSON.stringify([type.type, config, judged, maxGapMs, policy]);
    const known = first.get(how) ?? rule;
    first.set(how, known);
    return known;
  });
}

function grouped<Key, Value>(entries: readonly (readonly [Key, Value])[]): Map<Key, Value[]> {
  const groups = new Map<Key, Value[]>();
  for (const [key, value] of entries) {
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [value]);
    else known.push(value);
  }
  return groups;
}
