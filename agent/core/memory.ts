import type { Condition } from "./condition.ts";
import { type Deadlines, deadlines } from "./deadlines.ts";
import type { Changes, RuleState, State } from "./engine.ts";
import { initial } from "./engine.ts";
import { lapsesAt } from "./lapse.ts";
import type { Model, Rule } from "./model.ts";
import { earliest, type PointId, type Wall } from "./sample.ts";

/** The engine's state as the shell holds it; `adopt` makes the changes of a cycle the state, after they were committed. */
export interface Memory extends State {
  readonly deadlines: Deadlines;
  adopt(changes: Changes): void;
}

/** `kept`: conditions that outlived a restart, by key; windows and other memories begin anew. */
export function memoryOf(model: Model, kept: ReadonlyMap<string, Condition>): Memory {
  const wakes = deadlines(model.rules.length);
  const sources = new Map<PointId, Wall>();
  const initials = new Map(model.alike.map((rule) => [rule, initial(rule)]));
  const rules: RuleState[] = model.rules.map((rule, index) => {
    const like = model.alike[index] as Rule;
    const fresh = initials.get(like) as RuleState;
    if (!rule.conditions.some(({ key }) => kept.has(key))) return fresh;
    const conditions = rule.conditions.map(({ key }, i) => adapt(kept.get(key), like.quiet[i] as Condition));
    return {
      ...fresh,
      conditions,
      wakeAt: earliest([fresh.wakeAt, ...conditions.map((one) => lapsesAt(one, rule.policy))]),
    };
  });
  for (const [index, { wakeAt }] of rules.entries()) wakes.set(index, wakeAt);
  const memory: State = {
    rule: (index) => rules[index] as RuleState,
    sourceAt: (point) => sources.get(point),
  };
  return {
    ...memory,
    deadlines: wakes,
    adopt(changes) {
      for (const [index, state] of changes.rules) {
        rules[index] = state;
        wakes.set(index, state.wakeAt);
      }
      for (const [point, at] of changes.sources) sources.set(point, at);
    },
  };
}

/** An edited rule may have other levels than the condition it left: latches are kept where they still fit. */
function adapt(kept: Condition | undefined, quiet: Condition): Condition {
  if (kept === undefined) return quiet;
  const latches = quiet.latches.map((latch, i) => kept.latches[i] ?? latch);
  const atRest = latches.every(({ active, since }) => !active && since === null);
  return { ...quiet, ...kept, latches: atRest ? quiet.latches : latches };
}
