import { describe, expect, test } from "vitest";
import { linesOf, loadWith, site } from "./hall.ts";

/** What rules and the topology refer to: it must be there, and must not lead back. */
const withRules = (rules: string): string => site.replace("      comm: null\n", `      comm: null\n${rules}`);
const withTopology = (communicates: string): string => `${site}topology:\n  communicates:\n${communicates}`;
const problems = (text: string): string[] => linesOf(loadWith({ "site.yaml": text }));

describe("rules that refer to rules", () => {
  test.each([
    ["by a vote", "      v: { type: vote, k: 1, inputs: [{ rule: high }, { rule: ups-1/low }] }\n"],
    ["by an expression", '      e: { type: expression, inputs: { a: { rule: crac-1/stopped } }, when: "!a" }\n'],
    ["as their cause", "      v: { type: comm, suppressedBy: [high, ups-1/low] }\n"],
  ])("are there: %s", (_name, rules) => expect(problems(withRules(rules))).toEqual([]));

  test.each([
    [
      "a misspelt rule of its own device",
      "      v: { type: vote, k: 1, inputs: [{ rule: hihg }] }\n",
      /^site\.yaml:16:7: devices\.0\.rules\.v: no rule "meter-1\/hihg"; expected a rule of its own device, or DEVICE\/RULE\. Did you mean "meter-1\/high"\?$/,
    ],
    [
      "a rule that was switched off",
      "      v: { type: comm, suppressedBy: [comm] }\n",
      /^site\.yaml:16:7: devices\.0\.rules\.v: no rule "meter-1\/comm"; expected a rule/,
    ],
    [
      "a rule of another device that has it not",
      "      v: { type: comm, suppressedBy: [ups-1/high] }\n",
      /^site\.yaml:16:7: devices\.0\.rules\.v: no rule "ups-1\/high"/,
    ],
    [
      "a rule that is its own cause",
      "      v: { type: comm, suppressedBy: [v] }\n",
      /^site\.yaml:16:7: devices\.0\.rules\.v: rules refer to each other in a circle: meter-1\/v → meter-1\/v; expected one of them not to$/,
    ],
    [
      "two that wait for each other",
      "      v: { type: vote, k: 1, inputs: [{ rule: w }] }\n      w: { type: vote, k: 1, inputs: [{ rule: v }] }\n",
      /^site\.yaml:17:7: devices\.0\.rules\.w: rules refer to each other in a circle: meter-1\/v → meter-1\/w → meter-1\/v; expected/,
    ],
    [
      "a rule taken for a number",
      '      e: { type: expression, inputs: { a: { rule: high } }, when: "a > 1.0" }\n',
      /^site\.yaml:16:\d+: devices\.0\.rules\.e\.when: .*bool > double/,
    ],
  ])("are refused: %s", (_name, rules, expected) => {
    const found = problems(withRules(rules));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });
});

describe("topology", () => {
  test.each([
    ["devices that are there", "    meter-1: [ups-1, crac-1]\n", []],
    [
      "a misspelt device",
      "    meter-1: [ups-2]\n",
      [
        'site.yaml:25:15: topology.communicates.meter-1.0: no device "ups-2"; expected one of those under devices. Did you mean "ups-1"?',
      ],
    ],
    [
      "a misspelt switch",
      "    meter-2: [ups-1]\n",
      [
        'site.yaml:25:5: topology.communicates.meter-2: no device "meter-2"; expected one of those under devices. Did you mean "meter-1"?',
      ],
    ],
    [
      "a circle",
      "    meter-1: [ups-1]\n    ups-1: [crac-1]\n    crac-1: [meter-1]\n",
      ["site.yaml:27:14: topology.communicates.crac-1.0: meter-1 would be reached through itself; expected no circle"],
    ],
    [
      "itself",
      "    meter-1: [meter-1]\n",
      ["site.yaml:25:15: topology.communicates.meter-1.0: meter-1 would be reached through itself; expected no circle"],
    ],
    [
      "two ways to one device",
      "    meter-1: [crac-1]\n    ups-1: [crac-1]\n",
      [
        "site.yaml:26:13: topology.communicates.ups-1.0: crac-1 is reached through meter-1 already; expected one way to it",
      ],
    ],
  ])("%s", (_name, communicates, expected) => expect(problems(withTopology(communicates))).toEqual(expected));
});

describe("companions of a rule", () => {
  test("are points of its own device", () => {
    expect(problems(withRules("      v: { type: comm, companions: [power] }\n"))).toEqual([]);
  });
  test.each([
    [
      "misspelt",
      "[power, powr]",
      /rules\.v\.companions\.1: no point "powr"; expected points of this device \(.*power.*\)\. Did you mean "power"\?$/,
    ],
    ["of another device", "[ups-1/power]", /no point "ups-1\/power"; expected points of this device/],
    ["too many", `[${Array(9).fill("power").join(", ")}]`, /rules\.v\.companions/],
  ])("are refused: %s", (_, companions, expected) => {
    const found = problems(withRules(`      v: { type: comm, companions: ${companions} }\n`));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });
});
