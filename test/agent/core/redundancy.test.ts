import { describe, expect, test } from "vitest";
import { ruleSchema } from "../../../agent/config/rules.ts";
import type { Event } from "../../../agent/core/engine.ts";
import { compileRule, modelOf, type RuleConfig } from "../../../agent/core/model.ts";
import { plainPoint } from "../../../agent/core/quality.ts";
import { redundancy } from "../../../agent/core/rules/redundancy.ts";
import { state } from "../../../agent/core/rules/state.ts";
import { rehearse } from "../../../agent/simulate/rehearsal.ts";

/** Three units, of which one has two alarms that tell of its loss; two of them lost leave too few. */
const members = ["a/stopped", "a/off", "b/stopped", "c/stopped"];
const rule = (name: string, type: typeof state, config: object) => {
  const definition = plainPoint(name);
  const parsed = ruleSchema(type).parse(config) as RuleConfig;
  return compileRule(
    type,
    parsed,
    { point: name, device: "", definition, pollMs: 10_000, rule: name, unreachableWhen: [] },
    name,
  );
};
const model = modelOf([
  rule("left", redundancy, { members, lost: 2, severity: "high" }),
  ...members.map((name) => rule(name, state, { normal: [0], map: { 1: "low" }, ackRequired: false })),
]);

/** What is told of the redundancy; at each second one thing is said: 1 lost, 0 well, null not known. */
function told(happenings: readonly (readonly [member: string, says: 0 | 1 | null])[]): string[] {
  const events: Event[] = [];
  const rehearsal = rehearse(
    model,
    (at) => at,
    (event) => events.push(event),
  );
  for (const [i, [point, value]] of happenings.entries()) {
    const now = { at: i * 1000, wall: i * 1000, point };
    rehearsal.advance(now.at);
    rehearsal.sample(
      value === null ? { ...now, quality: "bad", reason: "timeout" } : { ...now, quality: "good", value },
    );
    rehearsal.settle(now.at);
  }
  return events.filter(({ condition }) => condition.key === "left").map(({ kind, now }) => `${now.at / 1000} ${kind}`);
}
const well = members.map((name) => [name, 0] as const);

describe("units that share a duty", () => {
  const cases: [string, Parameters<typeof told>[0], string[]][] = [
    ["two lost are too many", [...well, ["a/off", 1], ["b/stopped", 1]], ["5 raise"]],
    ["one that two alarms tell of is one", [...well, ["a/off", 1], ["a/stopped", 1]], []],
    [
      "until each has spoken, those that are known to be lost count",
      [
        ["a/off", 1],
        ["c/stopped", 1],
      ],
      ["1 raise"],
    ],
    [
      "it is over when enough are back",
      [...well, ["a/off", 1], ["b/stopped", 1], ["b/stopped", 0]],
      ["5 raise", "6 clear"],
    ],
    [
      "a unit that one alarm still tells of is not back",
      [...well, ["a/off", 1], ["a/stopped", 1], ["b/stopped", 1], ["a/off", 0]],
      ["6 raise"],
    ],
    [
      "one that is not known is neither lost nor back",
      [...well, ["c/stopped", null], ["a/off", 1], ["b/stopped", 1], ["b/stopped", 0]],
      ["6 raise"],
    ],
    ["nor is one that is not known lost", [...well, ["c/stopped", null], ["a/off", 1]], []],
    [
      "what is not known of a unit that is lost matters no more",
      [...well, ["a/stopped", null], ["a/off", 1], ["b/stopped", 1], ["b/stopped", 0]],
      ["6 raise", "7 clear"],
    ],
  ];
  test.each(cases)("%s", (_, happenings, expected) => {
    const left = told(happenings).filter((one) => !one.endsWith("close"));
    expect(left).toEqual(expected);
  });
});
