import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Command, Refusal } from "../../../agent/core/command.ts";
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
  const order = (command: Command): Refusal["code"] | "obeyed" => rehearsal.command("r", command, 10)?.code ?? "obeyed";
  return { told, see, order };
}

const by = { user: "s", role: "supervisor" } as const;
const why = { by, reason: "because", named: true };
const shelve = (forMs: number | null): Command => ({ name: "shelve", forMs, ...why });
const maintain = (forMs: number): Command => ({ name: "maintenance", forMs, ...why });
const hours = 3_600_000;

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
    expect(order({ name: "ack", by, ...meant })).toBe(answer);
    expect(told.slice(before)).toEqual(answer === "obeyed" ? ["ack 2 3"] : []);
  });
});

describe("for how long, and why", () => {
  test.each<[string, Command, string]>([
    ["maintenance of a moment", maintain(1), "obeyed"],
    ["of a day, the longest", maintain(24 * hours), "obeyed"],
    ["longer than a day", maintain(24 * hours + 1), "limit_exceeded"],
    ["of no time", maintain(0), "invalid_args"],
    ["of a time that is no number", maintain(Number.NaN), "invalid_args"],
    ["a shelf until it clears", shelve(null), "obeyed"],
    ["of 8 hours, the longest of this rule", shelve(8 * hours), "obeyed"],
    ["longer than that", shelve(8 * hours + 1), "limit_exceeded"],
    ["of no time", shelve(0), "invalid_args"],
    ["that ended before it began", shelve(-1), "invalid_args"],
    ["for no reason", { ...shelve(1), reason: " " } as Command, "invalid_args"],
    ["by someone who only reads", { ...shelve(1), by: { user: "v", role: "viewer" } }, "forbidden"],
  ])("%s", (_, command, answer) => expect(twice().order(command)).toBe(answer));
});

test("an acknowledgement is told once, and can be taken back", () => {
  const { told, order } = twice();
  const before = told.length;
  expect(order({ name: "unack", by })).toBe("invalid_state");
  for (const name of ["ack", "ack", "unack", "ack"] as const) expect(order({ name, by })).toBe("obeyed");
  expect(told.slice(before)).toEqual(["ack 2 2", "update 2 3", "ack 2 4"]);
});
