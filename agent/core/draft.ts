import { verdict } from "./condition.ts";
import type { Event, Oddity, RuleState, State } from "./engine.ts";
import type { Heard, Model, Rule } from "./model.ts";
import { type Measure, unknown } from "./rule.ts";
import type { Mono, PointId, Wall } from "./sample.ts";
import { rank } from "./severity.ts";

/** The state with what changed since, which comes first. */
interface Judged {
  readonly model: Model;
  readonly state: State;
  readonly rules: ReadonlyMap<number, RuleState>;
}

/** What a cycle of the engine changes, before any of it is the state; and what can be read off it. */
export interface Draft extends Judged {
  readonly rules: Map<number, RuleState>;
  readonly sources: Map<PointId, Wall>;
  readonly events: Event[];
  readonly oddities: Oddity[];
  /** How many rules are being told of one another. */
  depth: number;
}

export const ruleState = (draft: Judged, index: number): RuleState => draft.rules.get(index) ?? draft.state.rule(index);

const nothing = unknown();

export function measureOf(measures: readonly Measure[], slot: string): Measure {
  for (const measure of measures) if (measure.slot === slot) return measure;
  return nothing;
}

/** Whether what was measured tells of each level whether it is reached. */
export const isKnown = (own: Rule, measures: readonly Measure[]): boolean =>
  own.conditions.every(({ side, slot, levels }) => {
    const found = measureOf(measures, slot);
    return levels.every((level) => verdict(level, side, false, found) !== "unknown");
  });

export function isNormalSince(draft: Draft, rule: string, onset: Mono): boolean {
  const heard = draft.model.named.get(rule);
  return (
    heard?.rules.every((index) => (ruleState(draft, index).normalAt ?? Number.NEGATIVE_INFINITY) >= onset) === true
  );
}

export function oddity(draft: Draft, index: number, point: PointId, value: number): void {
  draft.oddities.push({ rule: draft.model.rules[index] as Rule, point, value });
}

/** How a rule stands to those that listen: the rank of its worst active condition, 0 for none; null: not known. */
export type Word = number | null;

export function wordOf(draft: Judged, { rules }: Heard): Word {
  let worst = 0;
  let known = true;
  for (const index of rules) {
    const { conditions, measures } = ruleState(draft, index);
    for (const { open } of conditions) if (open?.active === true) worst = Math.max(worst, rank(open.severity));
    if (!isKnown(draft.model.rules[index] as Rule, measures)) known = false;
  }
  // What is active is so until it clears, whatever can be read of it now.
  return worst > 0 || known ? worst : null;
}

/** Since when a rule that is active is so. */
export const sinceOf = (draft: Draft, { rules }: Heard): Mono =>
  Math.min(
    ...rules.flatMap((index) =>
      ruleState(draft, index).conditions.flatMap(({ open }) => (open?.active === true ? [open.raised.at] : [])),
    ),
  );
