import type { Policy } from "./incident.ts";
import type { Judged, RuleType, Scope } from "./rule.ts";
import type { PointId } from "./sample.ts";

/**
 * What the engine judges by: the rules of a site, compiled once for each configuration. Rules are known by their
 * place in `rules`; state is kept in the same order.
 */
export interface Model {
  readonly rules: readonly Rule[];
  /** Which rules a point feeds, and under which name, in rule order. */
  readonly feeds: ReadonlyMap<PointId, readonly Feed[]>;
  /** Where a condition is found, by its key. */
  readonly conditions: ReadonlyMap<string, { readonly index: number; readonly place: number }>;
}

export interface Feed {
  readonly index: number;
  readonly input: string;
}

export interface Rule {
  readonly type: RuleType;
  readonly config: RuleConfig;
  readonly inputs: Readonly<Record<string, PointId>>;
  readonly conditions: readonly Keyed[];
  /** Evidence further apart than this is not continuous, ms. Infinite where a timer confirms. */
  readonly maxGapMs: number;
  /** Whether delays elapse by themselves instead of waiting for a confirming sample. */
  readonly timed: boolean;
  readonly policy: Policy;
}

/** A condition to judge, with the key that names it for ever. */
export interface Keyed extends Judged {
  readonly key: string;
}

/** Options every rule has; what else is in it only its type knows. */
export interface RuleConfig {
  readonly delayMode: "sample" | "timer";
  readonly maxGap?: number;
  readonly ackRequired: boolean;
  readonly latch: boolean;
  readonly reAlarm?: number;
  readonly maxShelve: number;
  readonly flap?: { readonly count: number; readonly window: number; readonly quiet: number };
}

/** The point on which a condition reports itself to other rules: 1 while it is active, 0 else. */
export const conditionPoint = (key: string): PointId => `@${key}`;

export function compileRule(type: RuleType, config: RuleConfig, scope: Scope, key: string): Rule {
  const timed = config.delayMode === "timer" || type.movesByItself === true;
  const full = { ...config, counter: scope.definition.counter, pollMs: scope.pollMs };
  const { flap } = config;
  const judged = type.conditions(full);
  const twoSided = new Set(judged.map(({ side }) => side)).size > 1;
  return {
    type,
    config: full,
    inputs: type.inputs(full, scope),
    conditions: judged.map((one) => ({ ...one, key: key + suffix(one, twoSided) })),
    maxGapMs: timed ? Number.POSITIVE_INFINITY : (config.maxGap ?? 3 * scope.pollMs),
    timed,
    policy: {
      ackRequired: config.ackRequired,
      latch: config.latch,
      reAlarmMs: config.reAlarm ?? null,
      maxShelveMs: config.maxShelve,
      flap: flap === undefined ? null : { count: flap.count, windowMs: flap.window, quietMs: flap.quiet },
    },
  };
}

const suffix = ({ slot, side }: Judged, twoSided: boolean): string =>
  slot !== "" ? `#${slot}` : twoSided ? `/${side}` : "";

export function modelOf(rules: readonly Rule[]): Model {
  const feeds = new Map<PointId, Feed[]>();
  for (const [index, rule] of rules.entries()) {
    for (const [input, point] of Object.entries(rule.inputs)) {
      const known = feeds.get(point);
      if (known === undefined) feeds.set(point, [{ index, input }]);
      else known.push({ index, input });
    }
  }
  const conditions = new Map(
    rules.flatMap((rule, index) => rule.conditions.map(({ key }, place) => [key, { index, place }] as const)),
  );
  return { rules, feeds, conditions };
}
