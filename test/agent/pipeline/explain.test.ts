import { expect, test } from "vitest";
import type { Site } from "../../../agent/config/resolved.ts";
import { explainTarget } from "../../../agent/pipeline/explain.ts";
import { modelFor, play } from "../core/played.ts";

const model = modelFor({
  word: { type: "bits", point: "alarms", bits: { 0: { severity: "low" }, 3: { severity: "high" } } },
  words: { type: "state", point: "alarms", normal: [0], map: { 1: "low" } },
  filter: { type: "state", point: "filter", normal: [0], map: { 1: "low" } },
  off: {
    type: "level",
    point: "p",
    levels: [
      { limit: 9, severity: "low" },
      { limit: 1, side: "low", severity: "low" },
    ],
  },
  both: { type: "expression", point: "-", inputs: { f: "filter", p: "p" }, when: "f > 0.0 && p > 5.0" },
  comm: { type: "comm", point: "-" },
});
const about = new Map([...model.conditions.keys()].map((key) => [key, {}]));
const points = ["alarms", "filter", "p", "spare"].map((own) => ({ own, id: `d/${own}` }));
const site = { id: "s", model, about, devices: [{ id: "d", points }] } as unknown as Site;
const known = { ...play(model, []).rehearsal.state, newest: () => undefined };

test.each([
  ["a rule of two sides", "d/off", ["p/off/high", "p/off/low"]],
  ["one side of it", "s/d/p/off/low", ["p/off/low"]],
  ["both sides by what they share", "s/d/p/off", ["p/off/high", "p/off/low"]],
  ["one bit of a word", "s/d/alarms/word#3", ["alarms/word#3"]],
  ["all bits, and no rule that is only called alike", "s/d/alarms/word", ["alarms/word#0", "alarms/word#3"]],
  ["a point and a rule of the same name", "d/filter", ["filter/filter", "-/both"]],
  ["all rules that read a point", "d/p", ["p/off/high", "p/off/low", "-/both"]],
  ["what the agent knows of the device", "d/$comm", ["-/comm"]],
  ["a point that no rule reads", "d/spare", []],
])("%s", (_, target, expected) => {
  const answer = explainTarget({ site, open: [], known, now: { at: 0, wall: 0 } }, target);
  if (!answer.found) throw new Error(answer.what);
  expect(answer.conditions.map(({ explanation }) => explanation.key)).toEqual(expected.map((key) => `s/d/${key}`));
});
