import { describe, expect, test } from "vitest";
import * as z from "zod";
import { compileRule, modelOf, type RuleConfig } from "../../../agent/core/model.ts";
import { plainPoint } from "../../../agent/core/quality.ts";
import { ruleOptions } from "../../../agent/core/rule.ts";
import { ruleTypes } from "../../../agent/core/rules/index.ts";
import { rehearse } from "../../../agent/simulate/rehearsal.ts";

function modelWith({ type, ...options }: { readonly type: string }) {
  const ruleType = ruleTypes.find((one) => one.type === type)!;
  const config = z.strictObject({ ...ruleOptions, ...ruleType.options }).parse(options) as RuleConfig;
  const scope = {
    point: "p",
    device: "d",
    definition: plainPoint("p"),
    pollMs: 10_000,
    rule: "r",
    unreachableWhen: [],
  };
  return modelOf([compileRule(ruleType, config, scope, "r")]);
}

function played(options: { readonly type: string }) {
  const told: string[] = [];
  const rehearsal = rehearse(
    modelWith(options),
    (at) => at,
    ({ now, kind, reason, annunciate }) =>
      told.push([now.at / 1000, kind, reason, annunciate ? null : "silent"].filter((one) => one !== null).join(" ")),
  );
  return {
    told,
    rehearsal,
    see(seconds: number, value: number, point = "p"): void {
      const at = seconds * 1000;
      rehearsal.advance(at);
      rehearsal.sample({ point, at, wall: at, quality: "good", value });
      rehearsal.settle(at);
    },
  };
}
const contact = { type: "state", normal: [0], map: { 1: "low" } };

describe("a rule that is edited while its incident is open", () => {
  test("has no re-alarm any more: it is not told, and the engine goes on", () => {
    const { told, rehearsal, see } = played({ ...contact, reAlarm: "100s" } as typeof contact);
    see(0, 1);
    rehearsal.reconfigure(modelWith(contact), 50_000);
    rehearsal.settle(200_000);
    see(210, 0);
    expect(told).toEqual(["0 raise", "210 clear"]);
  });

  test.each([
    ["does not look for flapping any more", {}],
    ["looks for it as Nagios does", { flap: { mode: "nagios" } }],
  ])("and %s: what flapped is not withheld for ever", (_, edited) => {
    const flap = { count: 2, window: "60s", quiet: "30s" };
    const { told, rehearsal, see } = played({ ...contact, flap } as typeof contact);
    see(0, 1);
    see(10, 0);
    see(20, 1);
    rehearsal.reconfigure(modelWith({ ...contact, ...edited }), 25_000);
    see(30, 0);
    rehearsal.settle(3_600_000);
    expect(told.slice(0, 4)).toEqual(["0 raise", "10 clear", "20 raise", "20 update flapping_start"]);
    expect(told.slice(4)).toEqual(["25 update flapping_end", "30 clear"]);
  });
});
