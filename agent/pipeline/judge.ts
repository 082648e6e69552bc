import type { Site } from "../config/resolved.ts";
import type { Refusal } from "../core/command.ts";
import { waitEnds } from "../core/condition.ts";
import { type Cycle, cycle, type Input } from "../core/engine.ts";
import type { Memory } from "../core/memory.ts";
import type { Keyed, Rule } from "../core/model.ts";
import type { Instant, Mono, PointId, Sample } from "../core/sample.ts";

/**
 * At one instant: timers due before the first sample, then `first` (the start, commands), then the samples, then timers
 * due now. Nothing is adopted here. `answers`: what was said to each of `first`; null: obeyed.
 */
export function judgeCycle(
  site: Site,
  memory: Memory,
  first: readonly Input[],
  samples: readonly Sample[],
  now: Instant,
): { readonly judged: Cycle; readonly answers: readonly (Refusal | null)[] } {
  const one = cycle(site.model, memory);
  const tick = (until: Mono): void => {
    const rules = memory.deadlines.due(until);
    if (rules.length === 0) return;
    const at = Math.max(0, until);
    one.take({ kind: "tick", now: { at, wall: now.wall - (now.at - at) }, rules });
    // A sample of this very cycle may have moved a rule's wake-up: what the cycle says counts.
    for (const index of rules) memory.deadlines.set(index, one.rule(index).wakeAt);
  };
  tick((samples[0]?.at ?? now.at) - 1);
  const answers = first.map((input) => one.take(input));
  for (const sample of samples) one.take({ kind: "sample", sample });
  tick(now.at);
  return { judged: one, answers };
}

/** State of each condition that a cycle changes, as JSON, by key. */
export function changedConditions(site: Site, memory: Memory, { changes }: Cycle): ReadonlyMap<string, string> {
  const changed = new Map<string, string>();
  for (const [index, { conditions }] of changes.rules) {
    const before = memory.rule(index).conditions;
    if (before === conditions) continue;
    for (const [i, { key }] of (site.model.rules[index]?.conditions ?? []).entries()) {
      if (conditions[i] !== before[i]) changed.set(key, JSON.stringify(conditions[i]));
    }
  }
  return changed;
}

/** State of each condition that is not as at the very beginning, as JSON, by key. */
export function allConditions({ model }: Site, memory: Memory): ReadonlyMap<string, string> {
  const all = model.rules.flatMap(({ conditions: keyed, quiet }, index) => {
    const { conditions } = memory.rule(index);
    return keyed.flatMap(({ key }, i): [string, string][] =>
      conditions[i] === quiet[i] ? [] : [[key, JSON.stringify(conditions[i])]],
    );
  });
  return new Map(all);
}

/** Delays in progress that a sample would end, with the points to read then. */
export function wantedConfirmations({ model }: Site, { changes }: Cycle, now: Mono): Confirmation[] {
  const wanted: Confirmation[] = [];
  for (const [index, { conditions }] of changes.rules) {
    const { timed, conditions: judged, quiet } = model.alike[index] as Rule;
    // As nearly always.
    if (timed || conditions === quiet) continue;
    for (const [place, condition] of conditions.entries()) {
      const at = waitEnds(judged[place] as Keyed, condition, now);
      if (at === null) continue;
      for (const point of Object.values((model.rules[index] as Rule).inputs)) wanted.push({ point, at });
    }
  }
  return wanted;
}

/** A point to be read at a time. */
interface Confirmation {
  readonly point: PointId;
  readonly at: Mono;
}
