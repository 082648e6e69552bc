import fc from "fast-check";
import { expect, test } from "vitest";
import type { Explanation } from "../../../agent/core/explanation.ts";
import type { BadReason } from "../../../agent/core/sample.ts";
import { type Given, type Happening, modelFor, type Played, play, type Rules, twoLevels } from "./played.ts";

/** The explanation never contradicts the engine, whatever came in and whenever it is asked. */
const delays = fc.constantFrom("0s", "10s", "25s", "45s");
const common = fc.record({
  onDelay: delays,
  offDelay: delays,
  delayMode: fc.constantFrom("sample", "timer"),
  latch: fc.boolean(),
  ackRequired: fc.boolean(),
  reAlarm: fc.constantFrom("35s", "10m"),
});
const measures: Rules = {
  ...twoLevels(),
  both: {
    type: "level",
    levels: [
      { limit: 20, severity: "low", deadband: 3 },
      { side: "low", limit: 5, severity: "high" },
    ],
  },
  roc: { type: "roc", window: "60s", per: "min", levels: [{ limit: 20, deadband: 5, severity: "high" }] },
  excursion: { type: "excursion", window: "60s", levels: [{ limit: 15, deadband: 2, severity: "low" }] },
  ttl: { type: "ttl", window: "60s", target: 40, levels: [{ limit: 120, deadband: 30, severity: "medium" }] },
  flatline: { type: "flatline", window: "40s", minSamples: 3 },
  deviation: {
    type: "deviation",
    ref: { point: "q" },
    blank: "20s",
    levels: [{ limit: 5, deadband: 1, severity: "low" }],
  },
  bits: { type: "bits", bits: { 0: { severity: "low" }, 3: { severity: "high", invert: true } } },
  state: { type: "state", normal: [0, 10], map: { 21: "low", 29: "high", 40: "critical" } },
  vote: {
    type: "vote",
    k: 1,
    inputs: [
      { point: "p", limit: 20, deadband: 2 },
      { point: "q", limit: 20 },
    ],
  },
  expression: { type: "expression", inputs: { p: "p", q: "q" }, when: "p > 20.0 || q > 20.0" },
  late: { type: "stale", after: "45s", clearCount: 2 },
  comm: { type: "comm", failures: 2 },
  suppressed: { type: "level", levels: [{ limit: 15, severity: "medium" }], suppressedBy: ["state"] },
  flapping: {
    type: "level",
    levels: [{ limit: 20, severity: "low" }],
    flap: { count: 2, window: "120s", quiet: "60s" },
  },
};
const given = (type: string): readonly string[] =>
  type === "stale"
    ? ["latch", "ackRequired", "reAlarm"]
    : ["latch", "ackRequired", "reAlarm", "onDelay", "offDelay", "delayMode"];
const rules = common.map((options) =>
  Object.fromEntries(
    Object.entries(measures).map(([id, one]) => {
      const own = Object.entries(options).filter(([name]) => given((one as Given).type).includes(name));
      return [id, { ...one, ...Object.fromEntries(own) }];
    }),
  ),
);
const value = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(0, 3, 10, 18.5, 21, 25, 29, 31, 40) },
  fc.constantFrom<BadReason>("timeout", "sentinel"),
);
const heard = fc.record({ p: value, q: value, comm: fc.constantFrom(0, 1, 1), gap: fc.constantFrom(10, 10, 10, 40) });
const story = fc.array(heard, { minLength: 1, maxLength: 25 }).map((heards) => {
  let t = 0;
  return heards.flatMap(({ p, q, comm, gap }): Happening[] => {
    t += gap;
    return [
      [t, "p", p],
      [t, "q", q],
      [t, "$comm", comm],
    ];
  });
});
const asking = fc.record({ rules, story, after: fc.integer({ min: 0, max: 60 }) });

interface Asked extends Played {
  readonly at: number;
  readonly explanations: readonly Explanation[];
}

function whenever(check: (asked: Asked) => void): void {
  const property = fc.property(asking, (given) => {
    const played = play(modelFor(given.rules), given.story);
    const atS = given.story.at(-1)![0] + given.after;
    check({ ...played, at: atS * 1000, explanations: played.ask(atS) });
  });
  fc.assert(property, { numRuns: 150 });
}

const horizonMs = 2_000_000;

test("if nothing comes but time, what it foretells is what is told next, and nothing else", () => {
  whenever(({ at, explanations, events, rehearsal }) => {
    const before = events.length;
    rehearsal.advance(at + horizonMs);
    for (const { key, ahead } of explanations) {
      if (ahead !== null && ahead.at.at >= at + horizonMs) continue;
      const next = events.slice(before).find(({ condition }) => condition.key === key);
      const { kind, reason, now, level, annunciate } = next ?? {};
      expect([key, ahead]).toEqual([
        key,
        next === undefined ? null : { kind, reason, at: now, severity: level?.severity, annunciate },
      ]);
    }
  });
});

test("a wait that it says a timer ends is over then, and a condition that is about to raise raises", () => {
  whenever(({ model, explanations, events, rehearsal }) => {
    const waits = explanations.flatMap(({ key, state, levels }) =>
      levels.flatMap(({ waiting, active }, i) =>
        waiting?.by === "timer" ? [{ key, state, i, active, at: waiting.firesAt.at }] : [],
      ),
    );
    const raised = new Set<string>();
    for (const { key, state, i, active, at } of waits.sort((a, b) => a.at - b.at)) {
      rehearsal.settle(at);
      const { index, place } = model.conditions.get(key)!;
      expect(rehearsal.state.rule(index).conditions[place]!.latches[i]!.active).toBe(!active);
      if (state !== "pending-on" || raised.has(key)) continue;
      raised.add(key);
      expect(
        events.some(({ condition, kind, now }) => condition.key === key && kind === "raise" && now.at === at),
      ).toBe(true);
    }
  });
});

test("what it says is beyond a limit, and does not wait, is active; what it says is normal has no incident", () => {
  whenever(({ explanations }) => {
    for (const { key, state, why, levels, incident } of explanations) {
      const raised = levels.some(({ active }) => active);
      const unwaited = levels.filter(({ verdict, waiting }) => verdict === "true" && waiting === null);
      expect({ key, why, unwaited }).not.toMatchObject({ why: "due" });
      expect({ key, unwaited }).toEqual({ key, unwaited: [] });
      expect({ key, open: incident !== null }).toEqual({ key, open: state !== "normal" && state !== "pending-on" });
      expect({ key, active: raised }).toEqual({ key, active: state === "active" || state === "pending-off" });
    }
  });
});
