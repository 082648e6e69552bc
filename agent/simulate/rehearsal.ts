import type { Command, Refusal } from "../core/command.ts";
import type { Condition } from "../core/condition.ts";
import { type Event, type Input, type State, step } from "../core/engine.ts";
import { retire } from "../core/incident.ts";
import { type Memory, memoryOf } from "../core/memory.ts";
import type { Model } from "../core/model.ts";
import { unknown } from "../core/rule.ts";
import type { Mono, PointId, Sample } from "../core/sample.ts";

/**
 * The engine alone, in memory, driven through a script in a fixed order: at one instant,
 * timers due before it, then commands, then samples, then timers due at it.
 */
export interface Rehearsal {
  /** As it is now. */
  readonly state: State;
  /** Runs every timer due before `at`. */
  advance(at: Mono): void;
  sample(sample: Sample): void;
  /** Runs every timer due at `at` or before. */
  settle(at: Mono): void;
  /** Null: obeyed. */
  command(key: string, command: Command, at: Mono): Refusal | null;
  /** The point has a new sensor. */
  replaced(point: PointId, at: Mono): void;
  /** Conditions survive, windows and other memories do not; the clock goes on. */
  restart(at: Mono): void;
  /** Goes on with other rules; incidents of rules that are gone are closed. */
  reconfigure(model: Model, at: Mono): void;
}

/** More wake-ups than this within one advance mean that the engine chases its own tail. */
const wakesMax = 100_000;

export function rehearse(first: Model, wallOf: (at: Mono) => number, onEvent: (event: Event) => void): Rehearsal {
  let model = first;
  let memory: Memory = memoryOf(model, new Map());
  const run = (input: Input): Refusal | null => {
    const { changes, events, refused = null } = step(model, memory, input);
    memory.adopt(changes);
    for (const event of events) onEvent(event);
    return refused;
  };
  const kept = (): Map<string, Condition> =>
    new Map(
      model.rules.flatMap(({ conditions }, index) =>
        conditions.map(({ key }, place) => [key, memory.rule(index).conditions[place] as Condition] as const),
      ),
    );
  const tick = (at: Mono, due = at): void => {
    run({ kind: "tick", now: { at, wall: wallOf(at) }, rules: memory.deadlines.due(due) });
  };
  const wake = (isDue: (at: Mono) => boolean, now: Mono): void => {
    for (let count = 0; ; count++) {
      const next = memory.deadlines.next();
      if (next === null || !isDue(next)) return;
      if (count > wakesMax) throw new Error(`bug: more than ${wakesMax} wake-ups before ${now}`);
      tick(Math.max(next, 0));
    }
  };
  /** What came due meanwhile; what is due right now comes after the samples, as ever. */
  const begin = (at: Mono): void => {
    tick(at, at - 1);
    run({ kind: "start", now: { at, wall: wallOf(at) } });
  };
  begin(0);
  return {
    get state() {
      return memory;
    },
    advance: (at) => wake((next) => next < at, at),
    settle: (at) => wake((next) => next <= at, at),
    sample: (sample) => void run({ kind: "sample", sample }),
    command: (key, command, at) => run({ kind: "command", key, command, now: { at, wall: wallOf(at) } }),
    replaced: (point, at) => void run({ kind: "replaced", point, now: { at, wall: wallOf(at) } }),
    restart(at) {
      // As they come out of a store.
      memory = memoryOf(model, new Map([...kept()].map(([key, one]) => [key, JSON.parse(JSON.stringify(one))])));
      begin(at);
    },
    reconfigure(next, at) {
      const now = { at, wall: wallOf(at) };
      const before = kept();
      for (const rule of model.rules) {
        for (const condition of rule.conditions.filter(({ key }) => !next.conditions.has(key))) {
          const { changes } = retire(before.get(condition.key) as Condition, condition, now, rule.policy);
          for (const change of changes) {
            onEvent({ ...change, rule, condition, now, measure: unknown(condition.slot), sample: null });
          }
        }
      }
      model = next;
      memory = memoryOf(model, before);
      begin(at);
    },
  };
}
