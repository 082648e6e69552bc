import { describe, expect, test } from "vitest";
import { explain } from "../../../agent/core/explain.ts";
import { defineRule, exactly, onOff, unknown } from "../../../agent/core/rule.ts";
import { ruleTypes } from "../../../agent/core/rules/index.ts";
import { every, type Given, type Happening, modelFor, play, type Rules, twoLevels, wallOf } from "./played.ts";

const second = (t: number) => ({ at: t * 1000, wall: wallOf(t * 1000) });
const key = "s/d/p/hot";
const by = { user: "anna", role: "supervisor" } as const;
const why = { reason: "works", named: true };

interface Case {
  readonly rules: Rules;
  readonly story: readonly Happening[];
  /** When it is asked, s. */
  readonly at: number;
  /** Of the first condition, unless it is named. */
  readonly key?: string;
  readonly expected: object;
}

const waiting = (since: number, firesAt: number, by: "sample" | "timer", confirmedUntil: number | null) => ({
  since: second(since),
  firesAt: second(firesAt),
  by,
  confirmedUntil: confirmedUntil === null ? null : second(confirmedUntil),
});

const cases: Readonly<Record<string, Case>> = {
  "nothing was read yet": {
    rules: twoLevels(),
    story: [],
    at: 5,
    expected: {
      state: "normal",
      why: "never-seen",
      measure: null,
      inputs: [{ point: "d/p", quality: null, at: null }],
    },
  },
  "within its limits": {
    rules: twoLevels(),
    story: [[10, "p", 26.4]],
    at: 14,
    expected: {
      rule: "d/hot",
      type: "level",
      state: "normal",
      why: "within-limits",
      measure: { lo: 26.4, hi: 26.4 },
      inputs: [{ input: "value", point: "d/p", value: 26.4, quality: "good", reason: null, at: second(10) }],
      levels: [
        { name: "low", limit: 27, deadband: 1, clearsAt: 26, active: false, verdict: "false", waiting: null },
        { name: "critical", limit: 32, deadband: 2, clearsAt: 30, active: false, verdict: "false", waiting: null },
      ],
      incident: null,
      ahead: null,
    },
  },
  "a low side clears above its limit": {
    rules: { low: { type: "level", levels: [{ side: "low", limit: 5, deadband: 0.1, severity: "high" }] } },
    story: [[10, "p", 5.05]],
    at: 10,
    expected: { side: "low", why: "within-limits", levels: [{ limit: 5, clearsAt: 5.1, verdict: "false" }] },
  },
  "beyond its limit, for want of a sample that confirms it": {
    rules: twoLevels({ onDelay: "25s" }),
    story: every(10, [20, 28, 28]),
    at: 22,
    expected: {
      state: "pending-on",
      why: "waiting-on",
      levels: [
        { name: "low", verdict: "true", waiting: waiting(10, 35, "sample", 50) },
        { name: "critical", verdict: "false", waiting: null },
      ],
      ahead: null,
    },
  },
  "beyond its limit, for want of time": {
    rules: twoLevels({ onDelay: "25s", delayMode: "timer" }),
    story: [[10, "p", 28]],
    at: 12,
    expected: {
      state: "pending-on",
      why: "waiting-on",
      levels: [{ waiting: waiting(10, 35, "timer", null) }, { waiting: null }],
      ahead: { at: second(35), kind: "raise", reason: null, severity: "low", annunciate: true },
    },
  },
  "a wait by timer whose newest sample is bad waits for a good one": {
    rules: twoLevels({ onDelay: "25s", delayMode: "timer" }),
    story: [
      [10, "p", 28],
      [20, "p", "sentinel"],
    ],
    at: 22,
    expected: {
      state: "pending-on",
      measure: null,
      levels: [{ verdict: "unknown", waiting: waiting(10, 35, "sample", null) }, {}],
      ahead: null,
    },
  },
  "active beyond one limit of two": {
    rules: twoLevels({ reAlarm: "60s" }),
    story: [[10, "p", 28]],
    at: 12,
    expected: {
      state: "active",
      why: "beyond-limit",
      levels: [
        { active: true, verdict: "false", inDeadband: false },
        { active: false, verdict: "false" },
      ],
      incident: {
        occurrence: 1,
        severity: "low",
        onset: second(10),
        raised: second(10),
        acked: null,
        needsAck: false,
        reAlarmAt: second(70),
      },
      ahead: { at: second(70), kind: "update", reason: "re_alarm" },
    },
  },
  "active by its deadband alone": {
    rules: twoLevels(),
    story: every(10, [28, 26.5]),
    at: 12,
    expected: { state: "active", why: "in-deadband", levels: [{ inDeadband: true }, { inDeadband: false }] },
  },
  "beyond one limit, within the deadband of the worse one": {
    rules: twoLevels(),
    story: every(10, [33, 31]),
    at: 12,
    expected: {
      state: "active",
      why: "beyond-limit",
      levels: [
        { active: true, inDeadband: false },
        { active: true, inDeadband: true },
      ],
      incident: { severity: "critical", needsAck: true },
    },
  },
  "gone, but not for long enough": {
    rules: twoLevels({ offDelay: "60s" }),
    story: every(10, [28, 20]),
    at: 12,
    expected: {
      state: "pending-off",
      why: "waiting-off",
      levels: [{ active: true, verdict: "true", waiting: waiting(10, 70, "sample", 40) }, { waiting: null }],
    },
  },
  "held while its value cannot be believed": {
    rules: twoLevels(),
    story: every(10, [28, "implausible"]),
    at: 12,
    expected: {
      state: "active",
      why: "value-bad",
      measure: null,
      inputs: [{ value: null, quality: "bad", reason: "implausible", at: second(10) }],
      levels: [
        { active: true, verdict: "unknown", inDeadband: false },
        { active: false, verdict: "unknown" },
      ],
    },
  },
  "held while the device does not answer": {
    rules: twoLevels(),
    story: every(10, [28, "timeout"]),
    at: 12,
    expected: { state: "active", why: "device-unreachable" },
  },
  "latched until it is reset": {
    rules: twoLevels({ latch: true }),
    story: every(10, [28, 20]),
    at: 12,
    expected: {
      state: "latched",
      why: "waits-for-reset",
      incident: { latched: true, cleared: second(10), needsAck: true },
    },
  },
  "gone, and not acknowledged": {
    rules: twoLevels(),
    story: every(10, [33, 20]),
    at: 12,
    expected: { state: "rtn-unacked", why: "waits-for-ack", incident: { worst: "critical", acked: null } },
  },
  "flapping, and quiet at the moment": {
    rules: twoLevels({ flap: { count: 2, window: "100s", quiet: "50s" } }),
    story: every(10, [28, 20, 28, 20]),
    at: 32,
    expected: {
      state: "flapping",
      why: "flapping",
      flapping: { movesAt: second(80) },
      ahead: { at: second(80), kind: "clear" },
    },
  },
  "shelved, in maintenance and suppressed, and until when": {
    rules: {
      ...twoLevels({ suppressedBy: ["off"], maxShelve: "8h" }),
      off: { type: "state", point: "q", normal: [0], map: { 1: "low" } },
    },
    story: [
      [10, "p", 28],
      [10, "q", 1],
      [20, key, { name: "shelve", forMs: 600_000, by, ...why }],
      [20, key, { name: "maintenance", forMs: 900_000, by, ...why }],
    ],
    at: 22,
    expected: {
      state: "active",
      shelf: { until: second(620), by: "anna", reason: "works" },
      maintenance: { until: second(920), by: "anna", reason: "works" },
      causes: [{ rule: "d/off", until: null }],
      ahead: { at: second(620), kind: "unshelve", reason: "expired", annunciate: false },
    },
  },
  "suppressed still for a while after its cause is gone": {
    rules: { late: { type: "stale", after: "60s" }, comm: { type: "comm", failures: 1 } },
    story: [
      [10, "$comm", 1],
      [70, "$comm", 0],
      [80, "$comm", 1],
    ],
    at: 82,
    expected: { state: "active", causes: [{ rule: "d/comm", until: second(140) }] },
  },
  "after a restart, before anything was read": {
    rules: { odd: { type: "deviation", ref: { constant: 20 }, levels: [{ limit: 3, severity: "low" }] } },
    story: [],
    at: 10,
    expected: { state: "normal", why: "never-seen", facts: { missing: null, reference: 20 } },
  },

  "roc: the window is not filled": {
    rules: { roc: { type: "roc", window: "60s", per: "min", levels: [{ limit: 2, severity: "high" }] } },
    story: every(10, [20, 20.1]),
    at: 12,
    expected: {
      why: "window-not-filled",
      measure: null,
      facts: {
        missing: "window-not-filled",
        windowSamples: 2,
        samplesNeeded: 3,
        windowSpanS: 10,
        spanNeededS: 30,
        slopePerMin: null,
      },
    },
  },
  "roc: the slope at rest is told exactly, in the unit of its limits": {
    rules: { roc: { type: "roc", window: "60s", per: "min", levels: [{ limit: 2, severity: "high" }] } },
    story: every(10, [20, 20.1, 20.2, 20.3, 20.4]),
    at: 42,
    expected: { why: "within-limits", measure: { lo: 0.01, hi: 0.01 }, facts: { slopePerMin: 0.6 } },
  },
  "roc: a bad sample after good ones": {
    rules: { roc: { type: "roc", window: "60s", per: "min", levels: [{ limit: 2, severity: "high" }] } },
    story: every(10, [20, 20.1, 20.2, 20.3, "timeout"]),
    at: 42,
    expected: { why: "device-unreachable", measure: null, facts: { missing: null, windowSamples: 4 } },
  },
  "roc: a bad sample matters more than a window that is not filled": {
    rules: { roc: { type: "roc", window: "60s", per: "min", levels: [{ limit: 2, severity: "high" }] } },
    story: every(10, [20, "timeout"]),
    at: 12,
    expected: { why: "device-unreachable", facts: { missing: "window-not-filled" } },
  },
  "excursion: of a window that is not filled the least is known": {
    rules: { moves: { type: "excursion", window: "60s", levels: [{ limit: 5, severity: "low" }] } },
    story: every(10, [20, 22]),
    at: 12,
    expected: {
      why: "window-not-filled",
      measure: { lo: 2, hi: Number.POSITIVE_INFINITY },
      facts: { windowSamples: 2, lowest: 20, highest: 22 },
    },
  },
  "excursion: raised before the window is filled": {
    rules: { moves: { type: "excursion", window: "60s", levels: [{ limit: 5, severity: "low" }] } },
    story: every(10, [20, 26]),
    at: 12,
    expected: { state: "active", why: "beyond-limit", facts: { missing: "window-not-filled" } },
  },
  "deviation: the set-point has just changed": {
    rules: { off: { type: "deviation", ref: { point: "set" }, blank: "60s", levels: [{ limit: 3, severity: "low" }] } },
    story: [
      [0, "set", 18],
      [10, "set", 20],
      [10, "p", 26],
    ],
    at: 12,
    expected: { why: "blanked", measure: null, facts: { missing: "blanked", reference: 20, blankLeftS: 60 } },
  },
  "deviation: too few peers": {
    rules: { off: { type: "deviation", ref: { peers: ["a", "b"] }, levels: [{ limit: 3, severity: "low" }] } },
    story: [
      [10, "a", 20],
      [10, "p", 26],
    ],
    at: 12,
    expected: { why: "reference-unknown", facts: { missing: "reference-unknown", reference: null } },
  },
  "deviation: at rest": {
    rules: { off: { type: "deviation", ref: { constant: 20 }, levels: [{ limit: 3, severity: "low" }] } },
    story: [[10, "p", 21.5]],
    at: 100,
    expected: { why: "within-limits", measure: { lo: 1.5, hi: 1.5 } },
  },
  "ttl: it goes nowhere": {
    rules: { soon: { type: "ttl", window: "60s", target: 32, levels: [{ limit: 120, severity: "high" }] } },
    story: every(10, [20, 20, 20, 20]),
    at: 32,
    expected: {
      why: "within-limits",
      measure: { lo: Number.POSITIVE_INFINITY, hi: Number.POSITIVE_INFINITY },
      facts: { slopePerMin: 0, target: 32 },
    },
  },
  "flatline: the plant does not run": {
    rules: { stuck: { type: "flatline", window: "40s", minSamples: 3, activity: { point: "run", eq: 1 } } },
    story: [...every(10, [20, 20, 20, 20, 20]), [40, "run", 0], [41, "p", 20]],
    at: 42,
    expected: { why: "not-running", facts: { missing: "not-running", range: 0, activity: 0 } },
  },
  "flatline: it moves": {
    rules: { stuck: { type: "flatline", window: "40s", minSamples: 3 } },
    story: every(10, [20, 20.1, 20]),
    at: 22,
    expected: { why: "within-limits", measure: { lo: 0, hi: 0 }, facts: { range: 0.1 } },
  },
  "state: a value that is in no list": {
    rules: { open: { type: "state", normal: [0], map: { 1: "high", 2: "low" } } },
    story: [[10, "p", 7]],
    at: 12,
    expected: { why: "measure-unknown", measure: null, facts: { missing: null, alarmValues: "1 high, 2 low" } },
  },
  "bits: one of several": {
    rules: { word: { type: "bits", bits: { 0: { severity: "low" }, 3: { severity: "high" } } } },
    story: [[10, "p", 8]],
    at: 12,
    key: "s/d/p/word#3",
    expected: { slot: "3", state: "active", why: "beyond-limit", measure: { lo: 1, hi: 1 }, facts: { missing: null } },
  },
  "vote: too few are known": {
    rules: {
      two: {
        type: "vote",
        k: 2,
        inputs: [
          { point: "a", limit: 5 },
          { point: "b", limit: 5 },
          { point: "c", limit: 5 },
        ],
      },
    },
    story: [
      [10, "a", "timeout"],
      [10, "b", 1],
      [10, "c", 9],
    ],
    at: 12,
    expected: {
      why: "inputs-unknown",
      measure: { lo: 1, hi: 2 },
      facts: { missing: "inputs-unknown", votesYes: 1, votesUnknown: 1, votesToRaise: 2 },
    },
  },
  "expression: what it does not know": {
    rules: { both: { type: "expression", inputs: { a: "a", b: "b" }, when: "a > 1.0 && b > 1.0" } },
    story: [
      [10, "a", 9],
      [10, "b", "timeout"],
    ],
    at: 12,
    expected: { why: "inputs-unknown", facts: { missing: "inputs-unknown", unknownInputs: "b" } },
  },
  "stale: what will happen if nothing comes": {
    rules: { late: { type: "stale", after: "60s", clearCount: 2 } },
    story: [[10, "p", 20]],
    at: 30,
    expected: {
      state: "normal",
      why: "within-limits",
      measure: { lo: 20_000, hi: 59_999 },
      facts: { missing: null, ageS: 20, goodSamples: 1, goodSamplesToClear: 2 },
      ahead: { at: second(70), kind: "raise", severity: "medium" },
    },
  },
  "stale: raised, and how old it is by now": {
    rules: { late: { type: "stale", after: "60s" } },
    story: [[10, "p", 20]],
    at: 100,
    expected: { state: "active", why: "beyond-limit", measure: { lo: 90_000, hi: 90_000 }, facts: { ageS: 90 } },
  },
  "identity: not the same device, but it may just be starting": {
    rules: { who: { type: "identity" } },
    story: [
      [10, "$identity", 0],
      [20, "$identity", 1],
    ],
    at: 30,
    expected: { state: "pending-on", why: "waiting-on", measure: { lo: 1, hi: 1 } },
  },
  "stale: absorbed while the device cannot be heard": {
    rules: { late: { type: "stale", after: "60s" }, comm: { type: "comm", failures: 1 } },
    story: [
      [10, "$comm", 1],
      [20, "$comm", 0],
    ],
    at: 300,
    expected: {
      state: "normal",
      why: "device-unreachable",
      facts: { missing: "device-unreachable", unreachableBy: "d/comm" },
      inputs: [{ point: "d/p" }, { point: "@d/comm", value: 4, quality: "good", at: null }],
      causes: [{ rule: "d/comm", until: null }],
      ahead: null,
    },
  },
  "group: two of the three that it needs": {
    rules: {
      several: { type: "group", members: ["a/x", "b/x", "d/one", "d/two"], count: 2 },
      one: { type: "state", point: "p", normal: [0], map: { 1: "low" } },
      two: { type: "state", point: "q", normal: [0], map: { 1: "high" } },
    },
    story: [
      [10, "p", 1],
      [10, "q", 1],
    ],
    at: 12,
    expected: { state: "normal", facts: { devicesActive: 1, devicesToRaise: 2, withinS: 120 } },
  },
  "stale: a rule that it listens to will come first": {
    rules: {
      late: { type: "stale", after: "60s" },
      comm: { type: "comm", failures: 1, onDelay: "30s", delayMode: "timer" },
    },
    story: [
      [5, "$comm", 1],
      [10, "p", 20],
      [20, "$comm", 0],
    ],
    at: 30,
    expected: { state: "normal", ahead: null },
  },
  "comm: it has not answered yet": {
    rules: { comm: { type: "comm", failures: 3 } },
    story: [[10, "$comm", 0]],
    at: 12,
    expected: {
      why: "never-answered",
      measure: { lo: 1, hi: Number.POSITIVE_INFINITY },
      facts: { missing: "never-answered", failures: 1, failuresToRaise: 3, answers: 0, answersToClear: 1 },
    },
  },
  "comm: one failure of three": {
    rules: { comm: { type: "comm", failures: 3 } },
    story: every(10, [1, 0], "$comm"),
    at: 12,
    expected: { why: "within-limits", measure: { lo: 1, hi: 1 }, facts: { failures: 1, answers: 0 } },
  },
};

describe("why it is, or is not", () => {
  test.each(Object.entries(cases))("%s", (_, one) => {
    const explanations = play(modelFor(one.rules), one.story).ask(one.at);
    const wanted = one.key === undefined ? explanations[0] : explanations.find((each) => each.key === one.key);
    expect(wanted).toMatchObject(one.expected);
  });

  test("every state and every reason has a case; what is due is told by its own test", () => {
    const seen = (name: "state" | "why"): Set<unknown> =>
      new Set(Object.values(cases).map(({ expected }) => (expected as Record<string, unknown>)[name]));
    const states = ["normal", "pending-on", "active", "pending-off", "flapping", "latched", "rtn-unacked"];
    const whys =
      "within-limits beyond-limit in-deadband waiting-on waiting-off flapping waits-for-reset waits-for-ack never-seen value-bad measure-unknown window-not-filled reference-unknown blanked inputs-unknown not-running never-answered device-unreachable";
    expect([...states.filter((one) => !seen("state").has(one))]).toEqual([]);
    expect(whys.split(" ").filter((one) => !seen("why").has(one))).toEqual([]);
    const types = new Set(
      Object.values(cases).flatMap(({ rules }) => Object.values(rules).map((one) => (one as Given).type)),
    );
    expect(ruleTypes.map(({ type }) => type).filter((one) => !types.has(one))).toEqual([]);
  });

  test("a level that is gone from the rules holds its incident up until it is judged again", () => {
    const before = modelFor(twoLevels());
    const { rehearsal } = play(before, [[10, "p", 28]]);
    const after = modelFor({ hot: { type: "level", levels: [{ side: "high", limit: 40, severity: "low" }] } });
    rehearsal.reconfigure(after, 12_000);
    const known = { ...rehearsal.state, newest: () => undefined };
    expect(explain(after, known, 0, second(12))[0]).toMatchObject({ state: "active", why: "never-seen" });
    const [opened] = rehearsal.state.rule(0).conditions;
    const gone = { ...opened!, latches: after.rules[0]!.quiet[0]!.latches };
    const orphaned = { ...known, rule: () => ({ ...rehearsal.state.rule(0), conditions: [gone] }) };
    expect(explain(after, orphaned, 0, second(12))[0]).toMatchObject({ state: "active", why: "due" });
  });

  test("what was due already comes at once", () => {
    const model = modelFor(twoLevels({ onDelay: "25s", delayMode: "timer" }));
    const { rehearsal } = play(model, [[10, "p", 28]]);
    const known = { ...rehearsal.state, newest: () => undefined };
    const [one] = explain(model, known, 0, second(50));
    expect(one).toMatchObject({
      levels: [{ waiting: { by: "timer", firesAt: second(35) } }, {}],
      ahead: { at: second(50) },
    });
  });

  test("timers are told by the wall clock as it is now, whatever it was when they began", () => {
    const model = modelFor(twoLevels({ onDelay: "25s" }));
    const { rehearsal } = play(model, [[10, "p", 28]]);
    const known = { ...rehearsal.state, newest: () => undefined };
    const [one] = explain(model, known, 0, { at: 12_000, wall: 5_000_000 });
    expect(one!.levels[0]!.waiting).toMatchObject({ since: { wall: 4_998_000 }, firesAt: { wall: 5_023_000 } });
  });

  test("a rule type that says nothing of itself is explained by what every rule has", () => {
    const parity = defineRule<object, null>({
      type: "parity",
      describe: "Odd is wrong.",
      options: {},
      inputs: (_config, { point }) => ({ value: point }),
      conditions: () => [onOff("low", {})],
      empty: null,
      measure: (_config, memory, { sample }) => ({
        memory,
        measures: [sample?.quality === "good" ? exactly(sample.value % 2) : unknown()],
        wakeAt: null,
      }),
      say: () => "is odd",
    });
    const model = modelFor({ odd: { type: "parity" } }, [parity]);
    const [even] = play(model, [[10, "p", 4]]).ask(12);
    expect(even).toMatchObject({ state: "normal", why: "within-limits", measure: { lo: 0, hi: 0 }, facts: {} });
    const [odd] = play(model, every(10, [4, 5])).ask(12);
    expect(odd).toMatchObject({ state: "active", why: "beyond-limit", incident: { raised: second(10) } });
    const [bad] = play(model, [[10, "p", "sentinel"]]).ask(12);
    expect(bad).toMatchObject({ state: "normal", why: "value-bad", measure: null });
  });
});
