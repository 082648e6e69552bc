import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Command } from "../../../agent/core/command.ts";
import { compileRule, modelOf, type RuleConfig } from "../../../agent/core/model.ts";
import { plainPoint } from "../../../agent/core/quality.ts";
import { ruleOptions } from "../../../agent/core/rule.ts";
import { state } from "../../../agent/core/rules/state.ts";
import { rehearse } from "../../../agent/simulate/rehearsal.ts";

/** A contact whose alarm wants an acknowledgement: raised, cleared, raised again; its second incident is at revision 1. */
function twice() {
  const options = { normal: [0], map: { 1: "low", 2: "high" }, ackRequired: true };
  const config = z.strictObject({ ...ruleOptions, ...state.options }).parse(options) as RuleConfig;
  const scope = { point: "p", device: "", definition: plainPoint("p"), pollMs: 10_000, rule: "r", unreachableWhen: [] };
  const told: string[] = [];
  const rehearsal = rehearse(
    modelOf([compileRule(state, config, scope, "r")]),
    (at) => at,
    ({ kind, occurrence, rev }) => told.push(`${kind} ${occurrence} ${rev}`),
  );
  const see = (at: number, value: number): void =>
    rehearsal.sample({ point: "p", at, wall: at, quality: "good", value });
  for (const [i, value] of [1, 0, 1].entries()) see(i, value);
  return { told, see, order: (command: Command) => rehearsal.command("r", command, 10)?.code ?? "obeyed" };
}

describe("a command meant for an older picture is refused", () => {
  test.each<[string, object, string]>([
    ["for whatever there is", {}, "obeyed"],
    ["for the newest incident", { occurrence: 2 }, "obeyed"],
    ["for the one before", { occurrence: 1 }, "not_found"],
    ["for one that is yet to come", { occurrence: 3 }, "not_found"],
    ["at its newest revision", { occurrence: 2, rev: 2 }, "obeyed"],
    ["before it got worse", { occurrence: 2, rev: 1 }, "stale_rev"],
    ["at a revision that nobody was told of", { rev: 3 }, "stale_rev"],
  ])("%s", (_, meant, answer) => {
    const { told, see, order } = twice();
    see(3, 2);
    const before = told.length;
    expect(order({ name: "ack", ...meant })).toBe(answer);
    expect(told.slice(before)).toEqual(answer === "obeyed" ? ["ack 2 3"] : []);
  });
});

describe("how long", () => {
  test.each<[Command, string]>([
    [{ name: "maintenance", forMs: 1 }, "obeyed"],
    [{ name: "maintenance", forMs: 0 }, "invalid_args"],
    [{ name: "maintenance", forMs: Number.NaN }, "invalid_args"],
    [{ name: "shelve", forMs: null }, "obeyed"],
    [{ name: "shelve", forMs: 8 * 3_600_000 }, "obeyed"],
    [{ name: "shelve", forMs: 8 * 3_600_000 + 1 }, "limit_exceeded"],
    [{ name: "shelve", forMs: 0 }, "invalid_args"],
    [{ name: "shelve", forMs: -1 }, "invalid_args"],
  ])("%j: %s", (command, answer) => expect(twice().order(command)).toBe(answer));
});
