import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { builtInConfig, builtInProfiles } from "../../../agent/config/load.ts";
import { loadSuite } from "../../../agent/config/load-suite.ts";
import { sayProblem } from "../../../agent/config/problem.ts";
import type { Suite } from "../../../agent/config/suite.ts";
import { runTests, type Verdict } from "../../../agent/simulate/tests.ts";
import { drivers } from "../../../drivers/index.ts";
import { loadWith } from "../config/hall.ts";

/** Devices with rules of each kind that a test can say something of. */
const site = `version: 1
site: { id: hall }
buses: { line: { protocol: modbus, host: 192.0.2.10 } }
devices:
  - id: m
    profile: meter/test
    bus: line
    points:
      power: { interval: 10s, scale: 0.01, notAvailable: [85], sentinels: [99], range: [0, 200] }
      door: { interval: 10s }
    rules:
      high: { levels: [{ limit: 80, deadband: 5, severity: low }, { limit: 90, severity: high }] }
      band:
        type: level
        point: power
        levels: [{ limit: 80, severity: low }, { side: low, limit: 20, severity: low }]
      rising: { type: roc, point: power, window: 40s, per: min, levels: [{ limit: 6, severity: low }] }
      open: { type: state, point: door, normal: [0], map: { 1: medium }, latch: true, ackRequired: true, reAlarm: 30s }
      alarms: { type: bits, point: door, bits: { 1: { severity: low }, 2: { severity: low } } }
      gone: { type: stale, point: "*", after: 30s }
`;

function run(written: string): Verdict {
  const indented = written.trim().replaceAll("\n", "\n    ");
  const { suite, problems } = loadWith({ "site.yaml": `${site}tests:\n  - name: it\n    ${indented}\n` });
  expect(problems.map(sayProblem)).toEqual([]);
  return runTests(suite!)[0]!;
}

/** A line for each event: whether it came, was missing or extra, and what it is. */
const tellAll = ({ compared }: Verdict): string[] =>
  compared.map((one) => {
    if (one.is === "missing") return `missing ${one.expected.at} ${one.expected.kind} ${one.expected.rule}`;
    const { now, kind, condition, level, reason } = one.came;
    const parts = [one.is, now.at, kind, condition.key.replace("hall/m/", ""), level.severity, reason ?? ""];
    return parts.join(" ").trim();
  });

describe("a test passes if exactly the events come that it expects", () => {
  test.each<[name: string, written: string]>([
    [
      "values are scaled already; the deadband is the rule's",
      `
rules: [m/high]
series: { m/power: 70 85 76 75 }
expect:
  - { at: 10s, raise: m/high, severity: low }
  - { at: 30s, clear: m/high }`,
    ],
    [
      "what is bad, not read or cannot be true neither raises nor clears; a raw number for no value is none here",
      `
rules: [m/high]
series: { m/power: 85 bad _ 250 99 75 }
expect:
  - { at: 0s, raise: m/high }
  - { at: 50s, clear: m/high }`,
    ],
    [
      "severity and reason count only where they are given",
      `
rules: [m/high]
series: { m/power: 85 95 70 }
expect:
  - { at: 0s, raise: m/high }
  - { at: 10s, update: m/high, reason: severity_up, severity: high }
  - { at: 20s, clear: m/high }`,
    ],
    [
      "the interval is the test's own",
      `
interval: 1m
rules: [m/high]
series: { m/power: 70 85 70 }
expect:
  - { at: 1m, raise: m/high }
  - { at: 2m, clear: m/high }`,
    ],
    [
      "events of several rules at one instant are in no order",
      `
rules: [m/high, m/open]
series: { m/power: 70 85, m/door: 0 1 }
expect:
  - { at: 10s, raise: m/open }
  - { at: 10s, raise: m/high }`,
    ],
    [
      "sides, bits and points tell the conditions of a rule apart",
      `
rules: [m/band, m/alarms, m/gone]
series: { m/power: 10 30 85 _*3, m/door: 4 6 0*4 }
expect:
  - { at: 0s, raise: m/band, side: low }
  - { at: 0s, raise: m/alarms, bit: 2 }
  - { at: 10s, clear: m/band, side: low }
  - { at: 10s, raise: m/alarms, bit: 1 }
  - { at: 20s, raise: m/band, side: high }
  - { at: 20s, clear: m/alarms, bit: 1 }
  - { at: 20s, clear: m/alarms, bit: 2 }
  - { at: 50s, raise: m/gone, point: power }`,
    ],
    [
      "where they need not be told apart, they are not",
      `
rules: [m/alarms]
series: { m/door: 6 0 }
expect:
  - { at: 0s, raise: m/alarms }
  - { at: 0s, raise: m/alarms }
  - { at: 10s, clear: m/alarms }
  - { at: 10s, clear: m/alarms }`,
    ],
    [
      "without a list, the rules that read a series are judged: here not stale of the door",
      `
series: { m/power: 10*7 }
expect:
  - { at: 0s, raise: m/band, side: low }`,
    ],
    [
      "it goes on until the end: what time alone does",
      `
rules: [m/gone]
series: { m/power: 10 }
end: 1m
expect:
  - { at: 30s, raise: m/gone, point: power }
  - { at: 30s, raise: m/gone, point: door }`,
    ],
    [
      "rules that are not judged are heard nonetheless: what does not answer is not stale too",
      `
rules: [m/gone]
series: { m/power: 10 _*20, m/$comm: 1 0*20 }
expect: []`,
    ],
    [
      "people acknowledge and reset",
      `
rules: [m/open]
series: { m/door: 1 1 0 0 0 }
do:
  - { at: 5s, ack: m/open }
  - { at: 30s, reset: m/open }
expect:
  - { at: 0s, raise: m/open }
  - { at: 5s, ack: m/open }
  - { at: 20s, update: m/open, reason: rtn_latched }
  - { at: 30s, clear: m/open }
  - { at: 30s, close: m/open }`,
    ],
    [
      "nobody acknowledges",
      `
rules: [m/open]
series: { m/door: 1*7 }
expect:
  - { at: 0s, raise: m/open }
  - { at: 30s, update: m/open, reason: re_alarm }
  - { at: 60s, update: m/open, reason: re_alarm }`,
    ],
    [
      "a shelf for a time; what is silenced is expected so",
      `
rules: [m/high]
series: { m/power: 70 85 70*4 }
do: [{ at: 5s, shelve: m/high, for: 30s }]
expect:
  - { at: 5s, shelve: m/high, annunciate: false }
  - { at: 10s, raise: m/high, annunciate: false }
  - { at: 20s, clear: m/high, annunciate: false }
  - { at: 35s, unshelve: m/high, reason: expired }`,
    ],
    [
      "a shelf until it clears, and one that is taken away",
      `
rules: [m/high]
series: { m/power: 85 85 70 70 70 }
do: [{ at: 10s, shelve: m/high }, { at: 30s, shelve: m/high }, { at: 40s, unshelve: m/high }]
expect:
  - { at: 0s, raise: m/high }
  - { at: 10s, shelve: m/high, annunciate: false }
  - { at: 20s, clear: m/high, annunciate: false }
  - { at: 20s, unshelve: m/high, reason: cleared }
  - { at: 30s, shelve: m/high, annunciate: false }
  - { at: 40s, unshelve: m/high }`,
    ],
    [
      "maintenance of one side",
      `
rules: [m/band]
series: { m/power: 50 85 50 10 }
do: [{ at: 0s, maintenance: m/band, side: high, for: 1h }]
expect:
  - { at: 10s, raise: m/band, annunciate: false }
  - { at: 20s, clear: m/band, annunciate: false }
  - { at: 30s, raise: m/band }`,
    ],
    [
      "a new sensor does not go on with the old one's history",
      `
rules: [m/rising]
series: { m/power: 40*2 55*3 }
do: [{ at: 20s, replaced: m/power }]
expect: []`,
    ],
  ])("%s", (_name, written) => {
    const verdict = run(written);
    expect(tellAll(verdict).filter((line) => !line.startsWith("came "))).toEqual([]);
    expect(verdict).toMatchObject({ passed: true, broken: null });
  });
});

describe("else it fails, and says what was missing and what was extra, in the order of time", () => {
  test.each<[name: string, written: string, lines: readonly string[]]>([
    [
      "another time",
      `
rules: [m/high]
series: { m/power: 70 85 70 }
expect:
  - { at: 20s, raise: m/high }
  - { at: 20s, clear: m/high }`,
      ["extra 10000 raise power/high low", "missing 20000 raise m/high", "came 20000 clear power/high low"],
    ],
    [
      "another severity",
      `
rules: [m/high]
series: { m/power: 95 }
expect: [{ at: 0s, raise: m/high, severity: low }]`,
      ["missing 0 raise m/high", "extra 0 raise power/high high"],
    ],
    [
      "another reason",
      `
rules: [m/high]
series: { m/power: 85 95 }
expect: [{ at: 0s, raise: m/high }, { at: 10s, update: m/high, reason: value }]`,
      ["came 0 raise power/high low", "missing 10000 update m/high", "extra 10000 update power/high high severity_up"],
    ],
    [
      "another side",
      `
rules: [m/band]
series: { m/power: 95 }
expect: [{ at: 0s, raise: m/band, side: low }]`,
      ["missing 0 raise m/band", "extra 0 raise power/band/high low"],
    ],
    [
      "called while it was to be silenced",
      `
rules: [m/high]
series: { m/power: 85 }
expect: [{ at: 0s, raise: m/high, annunciate: false }]`,
      ["missing 0 raise m/high", "extra 0 raise power/high low"],
    ],
    [
      "silenced while somebody was to be called",
      `
rules: [m/high]
series: { m/power: 85 }
do: [{ at: 0s, maintenance: m/high, for: 1h }]
expect: [{ at: 0s, raise: m/high }]`,
      ["missing 0 raise m/high", "extra 0 raise power/high low"],
    ],
    [
      "the wrong order of one rule at one instant",
      `
rules: [m/open]
series: { m/door: 1 0 1 }
do: [{ at: 20s, ack: m/open }, { at: 20s, reset: m/open }]
expect:
  - { at: 0s, raise: m/open }
  - { at: 10s, update: m/open }
  - { at: 20s, raise: m/open }
  - { at: 20s, ack: m/open }
  - { at: 20s, clear: m/open }
  - { at: 20s, close: m/open }`,
      [
        "came 0 raise door/open medium",
        "came 10000 update door/open medium rtn_latched",
        "extra 20000 ack door/open medium",
        "extra 20000 clear door/open medium",
        "extra 20000 close door/open medium",
        "came 20000 raise door/open medium",
        "missing 20000 ack m/open",
        "missing 20000 clear m/open",
        "missing 20000 close m/open",
      ],
    ],
    [
      "a step that no new sensor explains",
      `
rules: [m/rising]
series: { m/power: 40*2 55*3 }
expect: []`,
      ["extra 20000 raise power/rising low"],
    ],
    [
      "an event twice where it was expected once",
      `
rules: [m/alarms]
series: { m/door: 6 }
expect: [{ at: 0s, raise: m/alarms }]`,
      ["came 0 raise door/alarms#1 low", "extra 0 raise door/alarms#2 low"],
    ],
  ])("%s", (_name, written, lines) => {
    const verdict = run(written);
    expect(tellAll(verdict)).toEqual(lines);
    expect(verdict.passed).toBe(false);
  });

  test("what was refused is told with its reason, and is no failure by itself", () => {
    const { passed, refused } = run(`
rules: [m/open]
series: { m/door: 1 }
do: [{ at: 0s, ack: m/open }, { at: 5s, reset: m/open }]
expect: [{ at: 0s, raise: m/open }]`);
    expect(passed).toBe(true);
    expect(refused).toEqual([
      { at: 0, command: "ack", rule: "m/open", why: "there is no open incident to acknowledge" },
      { at: 5000, command: "reset", rule: "m/open", why: "it is still active" },
    ]);
  });

  test("what one side obeys is not refused because the other has nothing to obey", () => {
    const { refused } = run(`
rules: [m/band]
series: { m/power: 10 }
do: [{ at: 5s, ack: m/band }, { at: 5s, ack: m/band, side: high }]
expect: []`);
    expect(refused).toHaveLength(1);
  });

  test("what cannot be run to its end has failed", () => {
    const nervous = site.replace("reAlarm: 30s", "reAlarm: 10s");
    const text = `${nervous}tests:\n  - { name: it, rules: [m/high], series: { m/door: 1 }, end: 14d, expect: [] }\n`;
    const [verdict] = runTests(loadWith({ "site.yaml": text }).suite!);
    expect(verdict).toMatchObject({ passed: false, broken: expect.stringContaining("wake-ups") });
  });
});

const suiteOf = (name: string): Suite => {
  const { suite, problems } = loadSuite(join(builtInConfig(), name), drivers);
  expect(problems.map(sayProblem)).toEqual([]);
  return suite!;
};
const failuresOf = (suite: Suite): unknown[] =>
  runTests(suite)
    .filter(({ passed }) => !passed)
    .map((verdict) => [verdict.test.name, ...tellAll(verdict)]);

describe.each(builtInProfiles())("the tests of profile %s", (profile) => {
  const suite = suiteOf(`profiles/${profile}.yaml`);

  test("pass", () => expect(failuresOf(suite)).toEqual([]));

  test("raise and clear each of its rules", () => {
    const told = new Set(suite.tests.flatMap(({ expected }) => expected.map(({ kind, rule }) => `${kind} ${rule}`)));
    const rules = [...new Set([...suite.conditions.values()].map(({ rule }) => rule))];
    // Of who a device is no series tells.
    const own = rules.filter((rule) => rule !== "stale" && rule !== "identity");
    const wanted = own.flatMap((rule) => [`raise ${rule}`, `clear ${rule}`]);
    expect(wanted.filter((one) => !told.has(one))).toEqual([]);
  });
});

test("the tests of the example site pass", () => {
  const suite = suiteOf("example-site.yaml");
  expect(suite.tests.length).toBeGreaterThan(0);
  expect(failuresOf(suite)).toEqual([]);
});
