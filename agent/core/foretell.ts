import { cycle, type State } from "./engine.ts";
import type { Ahead } from "./explanation.ts";
import { type Heard, type Model, modelOf, type Rule } from "./model.ts";
import { ruleOf } from "./rule.ts";
import { earliest, type Instant, type Mono, type PointId } from "./sample.ts";

/** So many wake-ups ahead nobody asks any more: what only takes its pulse (flapping) would go on for ever. */
const wakesMax = 100;

/**
 * The first event that time alone brings to each condition of a rule, by its key. The engine itself goes on, on a
 * draft, with this rule and those that it listens to, so that this can say nothing else than what will be.
 */
export function foretell(model: Model, state: State, index: number, now: Instant): ReadonlyMap<string, Ahead> {
  const places = listenedTo(model, index);
  // Without those that listen to them, whose own timers nobody minds here.
  const alone = modelOf(places.map((place) => model.rules[place] as Rule));
  const one = cycle(alone, { ...state, rule: (place) => state.rule(places[place] as number) });
  const rules = [...places.keys()];
  const own = model.rules[index] as Rule;
  const first = new Map<string, Ahead>();
  let read = 0;
  for (let wakes = 0; wakes < wakesMax && first.size < own.conditions.length; wakes++) {
    const next = earliest(rules.map((rule) => one.rule(rule).wakeAt));
    if (next === null) break;
    one.take({ kind: "tick", now: later(now, Math.max(next, now.at)), rules });
    for (const { rule, condition, now: at, kind, reason, level, annunciate } of one.events.slice(read)) {
      if (rule !== own || first.has(condition.key)) continue;
      first.set(condition.key, { at, kind, reason, severity: level.severity, annunciate });
    }
    read = one.events.length;
  }
  return first;
}

/** An engine time as people's clocks will show it, if they go on as they do. */
export const later = (now: Instant, at: Mono): Instant => ({ at, wall: now.wall + at - now.at });

/** The rule, by its name or that of a point on which it reports itself. */
export function heardAs({ heard }: Model, name: PointId): Heard | null {
  const rule = ruleOf(name);
  return heard.find((one) => one?.name === rule) ?? null;
}

/** A rule with all that it reads or is suppressed by, and what those listen to in turn; in the engine's order. */
function listenedTo(model: Model, index: number): number[] {
  const found = new Set([index]);
  for (const each of found) {
    const { inputs, causes } = model.rules[each] as Rule;
    const names = [
      ...Object.values(inputs).filter((point) => point.startsWith("@")),
      ...causes.map((cause) => cause.rule),
    ];
    for (const name of names) for (const rule of heardAs(model, name)?.rules ?? []) found.add(rule);
  }
  return [...found].sort((a, b) => a - b);
}
