import type { Condition } from "../core/condition.ts";
import { type Event, step } from "../core/engine.ts";
import { type Memory, memoryOf } from "../core/memory.ts";
import type { Model } from "../core/model.ts";
import type { Mono, Sample } from "../core/sample.ts";

/**
 * The engine alone, in memory, driven through a script in a fixed order: at one instant,
 * timers due before it, then commands, then samples, then timers due at it.
 */
export interface Rehearsal {
  /** Runs every timer due before `at`. */
  advance(at: Mono): void;
  sample(sample: Sample): void;
  /** Runs every timer due at `at` or before. */
  settle(at: Mono): void;
  /** Conditions survive, windows and other memories do not; the clock goes on. */
  restart(at: Mono): void;
}

/** More wake-ups than this within one advance mean that the engine chases its own tail. */
const wakesMax = 100_000;

export function rehearse(model: Model, wallOf: (at: Mono) => number, onEvent: (event: Event) => void): Rehearsal {
  let memory: Memory = memoryOf(model, new Map());
  const run = (input: Parameters<typeof step>[2]): void => {
    const { changes, events } = step(model, memory, input);
    memory.adopt(changes);
    for (const event of events) onEvent(event);
  };
  const tick = (at: Mono): void => {
    run({ kind: "tick", now: { at, wall: wallOf(at) }, rules: memory.deadlines.due(at) });
  };
  const wake = (isDue: (at: Mono) => boolean, now: Mono): void => {
    for (let count = 0; ; count++) {
      const next = memory.deadlines.next();
      if (next === null || !isDue(next)) return;
      if (count > wakesMax) throw new Error(`bug: more than ${wakesMax} wake-ups before ${now}`);
      tick(Math.max(next, 0));
    }
  };
  tick(0);
  return {
    advance: (at) => wake((next) => next < at, at),
    settle: (at) => wake((next) => next <= at, at),
    sample: (sample) => run({ kind: "sample", sample }),
    restart(at) {
      const kept = new Map<string, Condition>();
      for (const [index, rule] of model.rules.entries()) {
        for (const [i, { key }] of rule.conditions.entries()) {
          kept.set(key, memory.rule(index).conditions[i] as Condition);
        }
      }
      memory = memoryOf(model, kept);
      tick(at);
    },
  };
}
