import { expect, test } from "vitest";
import * as z from "zod";
import { cycle, type Event } from "../../../agent/core/engine.ts";
import { memoryOf } from "../../../agent/core/memory.ts";
import { compileRule, type Model, modelOf, type RuleConfig } from "../../../agent/core/model.ts";
import { plainPoint } from "../../../agent/core/quality.ts";
import { ruleOptions } from "../../../agent/core/rule.ts";
import { level } from "../../../agent/core/rules/level.ts";
import type { Sample } from "../../../agent/core/sample.ts";
import { rehearse } from "../../../agent/simulate/rehearsal.ts";

function watched(options: object): Model {
  const config = z.strictObject({ ...ruleOptions, ...level.options }).parse(options) as RuleConfig;
  const scope = { point: "p", device: "", definition: plainPoint("p"), pollMs: 10_000, rule: "r", unreachableWhen: [] };
  return modelOf([compileRule(level, config, scope, "r")]);
}

/** Wall time is a day ahead of engine time. */
const wallOf = (at: number): number => at + 86_400_000;
const sample = (at: number, value: number, sourceAt = at): Sample => ({
  point: "p",
  at,
  wall: wallOf(at),
  sourceAt,
  quality: "good",
  value,
});

function play(model: Model, values: readonly number[]): Event[] {
  const events: Event[] = [];
  const rehearsal = rehearse(model, wallOf, (event) => events.push(event));
  for (const [i, value] of values.entries()) {
    rehearsal.advance(i * 10_000);
    rehearsal.sample(sample(i * 10_000, value));
    rehearsal.settle(i * 10_000);
  }
  return events;
}

test("an incident keeps its number, counts its events, and says since when, from where and to where", () => {
  const levels = [
    { limit: 27, severity: "low" },
    { limit: 32, severity: "medium" },
  ];
  const events = play(watched({ levels, onDelay: "20s" }), [20, 28, 28, 28, 33, 33, 33, 20, 28, 28, 28]);
  const told = events.map(({ kind, occurrence, rev, onset, raised, cleared, measure }) => [
    [kind, occurrence, rev].join(" "),
    [onset.at, raised.at, cleared?.at].map((at) => (at === undefined ? null : at / 1000)),
    measure.lo,
  ]);
  expect(told).toEqual([
    ["raise 1 1", [10, 30, null], 28],
    ["update 1 2", [10, 30, null], 33],
    ["clear 1 3", [10, 30, 70], 20],
    ["raise 2 1", [80, 100, null], 28],
  ]);
  expect(events[0]?.onset).toMatchObject({ at: 10_000, wall: wallOf(10_000) });
});

test("what a device says twice, or late, is judged once, also within one cycle", () => {
  const model = watched({ levels: [{ limit: 27, severity: "low" }] });
  const one = cycle(model, memoryOf(model, new Map()));
  for (const [value, sourceAt] of [
    [28, 20],
    [20, 20],
    [20, 10],
  ] as const) {
    one.take({ kind: "sample", sample: sample(30, value, sourceAt) });
  }
  expect(one.events.map(({ kind }) => kind)).toEqual(["raise"]);
  one.take({ kind: "sample", sample: sample(30, 20, 21) });
  expect(one.events.map(({ kind }) => kind)).toEqual(["raise", "clear"]);
});
