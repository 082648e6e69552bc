import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Event } from "../../../agent/core/engine.ts";
import { compileRule, modelOf, type RuleConfig } from "../../../agent/core/model.ts";
import { plainPoint } from "../../../agent/core/quality.ts";
import { ruleOptions } from "../../../agent/core/rule.ts";
import { state } from "../../../agent/core/rules/state.ts";
import { rehearse } from "../../../agent/simulate/rehearsal.ts";

/** A contact that flutters, sampled each minute, five seconds after each slot. */
const minute = 60_000;

function watch(flap: object) {
  const config = z
    .strictObject({ ...ruleOptions, ...state.options })
    .parse({ normal: [0], map: { 1: "low" }, flap }) as RuleConfig;
  const scope = {
    point: "p",
    device: "",
    definition: plainPoint("p"),
    pollMs: minute,
    rule: "r",
    unreachableWhen: [],
  };
  const told: string[] = [];
  const onEvent = ({ kind, reason, now }: Event) =>
    told.push([now.at / minute, kind, reason].filter(Boolean).join(" "));
  const rehearsal = rehearse(modelOf([compileRule(state, config, scope, "r")]), (at) => at, onEvent);
  return {
    told,
    at(minutes: number, value: number): void {
      const at = minutes * minute;
      rehearsal.advance(at);
      rehearsal.sample({ point: "p", at, wall: at, quality: "good", value });
      rehearsal.settle(at);
    },
    until: (minutes: number) => rehearsal.settle(minutes * minute),
  };
}

/** Nagios' own arithmetic, written out: 20 changes between 21 states, the newest worth 1.25, the oldest 0.75. */
function percent(newestFirst: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < 20; i++) {
    const changed = (newestFirst[i] ?? 0) !== (newestFirst[i + 1] ?? 0);
    if (changed) sum += 1.25 - (0.5 * i) / 19;
  }
  return (sum / 20) * 100;
}

describe("flapping as Nagios reckons it", () => {
  test("begins with the raise at which the last 21 states reach the upper limit, ends at the lower one", () => {
    const { told, at, until } = watch({ mode: "nagios", slot: "60s", high: 30, low: 20 });
    for (let i = 1; i <= 20; i++) at(i, i % 2);
    // Up at 1, 3, 5, …: the state of each minute is sampled at its end.
    const up = [1, 3, 5, 7].find(
      (raise) => percent(Array.from({ length: raise + 1 }, (_, i) => (raise - i) % 2)) >= 30,
    );
    expect(up).toBe(7);
    expect(told).toEqual([
      "1 raise",
      "2 clear",
      "3 raise",
      "4 clear",
      "5 raise",
      "6 clear",
      "7 raise",
      "7 update flapping_start",
    ]);
    at(21, 0);
    let calm = 20;
    const states = (now: number): number[] =>
      Array.from({ length: now + 1 }, (_, i) => (now - i <= 20 ? (now - i) % 2 : 0));
    while (percent(states(calm)) > 20) calm++;
    until(calm + 2);
    expect(told.slice(8)).toEqual([`${calm} clear`]);
    at(calm + 3, 1);
    expect(told.slice(9)[0]).toBe(`${calm + 3} raise`);
  });

  test("what is still wrong when it calms down is told to go on", () => {
    const { told, at, until } = watch({ mode: "nagios", slot: "60s", high: 30, low: 20 });
    for (let i = 1; i <= 9; i++) at(i, i % 2);
    until(60);
    expect(told.slice(7)).toEqual(["7 update flapping_start", expect.stringMatching(/^\d+ update flapping_end$/)]);
  });

  test("a single alarm, however long, does not flap and costs no timer for ever", () => {
    const { told, at, until } = watch({ mode: "nagios", slot: "60s", high: 30, low: 20 });
    at(1, 1);
    until(100_000);
    at(100_001, 0);
    expect(told).toEqual(["1 raise", "100001 clear"]);
  });
});
