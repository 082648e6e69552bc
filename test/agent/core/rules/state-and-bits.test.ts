import { describe, expect, test } from "vitest";
import * as z from "zod";
import { cycle } from "../../../../agent/core/engine.ts";
import { memoryOf } from "../../../../agent/core/memory.ts";
import { compileRule, modelOf, type RuleConfig } from "../../../../agent/core/model.ts";
import { plainPoint } from "../../../../agent/core/quality.ts";
import { type RuleType, ruleOptions } from "../../../../agent/core/rule.ts";
import { bits } from "../../../../agent/core/rules/bits.ts";
import { state } from "../../../../agent/core/rules/state.ts";
import { rehearse } from "../../../../agent/simulate/rehearsal.ts";

/** What a rule tells of values that come each 10 s: "second kind severity key". */
function told(type: RuleType, options: object, values: readonly number[]): string[] {
  const config = z.strictObject({ ...ruleOptions, ...type.options }).parse(options) as RuleConfig;
  const scope = { point: "p", device: "", definition: plainPoint("p"), pollMs: 10_000, rule: "r", unreachableWhen: [] };
  const events: string[] = [];
  const rehearsal = rehearse(
    modelOf([compileRule(type, config, scope, "r")]),
    (at) => at,
    ({ now, kind, level, condition }) => events.push(`${now.at / 1000} ${kind} ${level.severity} ${condition.key}`),
  );
  for (const [i, value] of values.entries()) {
    const at = i * 10_000;
    rehearsal.advance(at);
    rehearsal.sample({ point: "p", at, wall: at, quality: "good", value });
    rehearsal.settle(at);
  }
  return events;
}

describe("alarms of a state", () => {
  test.each<[string, object, readonly number[], readonly string[]]>([
    [
      "a list of values of one severity",
      { normal: [0], alarm: [1, 2], severity: "high" },
      [0, 1, 2, 0],
      ["10 raise high r", "20 update high r", "30 clear high r"],
    ],
    [
      "beside a map of values to severities",
      { normal: [0], alarm: [1], severity: "low", map: { 2: "critical" } },
      [0, 1, 2, 0],
      ["10 raise low r", "20 update critical r", "30 clear critical r"],
    ],
    [
      "a map, whatever the severity of a list that is not there",
      { normal: [0], severity: "low", map: { 1: "high" } },
      [0, 1, 0],
      ["10 raise high r", "20 clear high r"],
    ],
    [
      "a value in no list changes nothing",
      { normal: [0], alarm: [1], severity: "high" },
      [5, 1, 5],
      ["10 raise high r"],
    ],
  ])("%s", (_name, options, values, expected) => {
    expect(told(state, options, values)).toEqual(expected);
  });
});

test("a value that a state rule does not know is told of once, with its point", () => {
  const config = z.strictObject({ ...ruleOptions, ...state.options }).parse({ normal: [0], map: { 1: "low" } });
  const scope = { point: "p", device: "", definition: plainPoint("p"), pollMs: 10_000, rule: "r", unreachableWhen: [] };
  const model = modelOf([compileRule(state, config as RuleConfig, scope, "r")]);
  const one = cycle(model, memoryOf(model, new Map()));
  for (const [i, value] of [7, 0, 7, 8, 1, 8].entries()) {
    one.take({ kind: "sample", sample: { point: "p", at: i, wall: i, quality: "good", value } });
  }
  expect(one.oddities.map(({ rule, point, value }) => [rule.name, point, value])).toEqual([
    ["r", "p", 7],
    ["r", "p", 8],
  ]);
});

describe("one bit of a word", () => {
  test.each<[string, object, readonly number[], readonly string[]]>([
    ["is one of several", { bit: 2, severity: "high" }, [3, 4, 3], ["10 raise high r#2", "20 clear high r#2"]],
    [
      "may be an alarm while it is 0",
      { bit: 0, severity: "low", invert: true },
      [1, 2, 1],
      ["10 raise low r#0", "20 clear low r#0"],
    ],
    [
      "may lie beyond 32",
      { bit: 40, severity: "low" },
      [0, 2 ** 40 + 1, 1],
      ["10 raise low r#40", "20 clear low r#40"],
    ],
    [
      "or several, of which each has its own",
      { bits: { 0: { severity: "low" }, 1: { severity: "high" } } },
      [0, 3, 2],
      ["10 raise low r#0", "10 raise high r#1", "20 clear low r#0"],
    ],
  ])("%s", (_name, options, values, expected) => {
    expect(told(bits, options, values)).toEqual(expected);
  });
});
