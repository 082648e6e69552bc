import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { Command } from "../../../agent/core/command.ts";
import type { CauseRef } from "../../../agent/core/incident.ts";
import { compileRule, type Model, modelOf, type RuleConfig } from "../../../agent/core/model.ts";
import { plainPoint } from "../../../agent/core/quality.ts";
import { ruleOptions } from "../../../agent/core/rule.ts";
import { state } from "../../../agent/core/rules/state.ts";
import { rehearse } from "../../../agent/simulate/rehearsal.ts";

/** Rule b may follow from a, or from c: within a minute after it, or half a minute before; it needs 20 s to see for itself. */
const maybe = (rule: string): CauseRef => ({ rule, lagMs: 60_000, leadMs: 30_000, lingerMs: 20_000, covers: false });

function modelWith(options: object, causes: readonly CauseRef[]): Model {
  const rule = (name: string, own: object, scope: object) => {
    const config = z
      .strictObject({ ...ruleOptions, ...state.options })
      .parse({ normal: [0], map: { 1: "low", 5: "critical" }, ...own }) as RuleConfig;
    const definition = plainPoint(name);
    const all = { point: name, device: "", definition, pollMs: 10_000, rule: name, unreachableWhen: [], ...scope };
    return compileRule(state, config, all, name);
  };
  return modelOf([rule("a", {}, {}), rule("c", {}, {}), rule("b", options, { causes })]);
}

const by = { user: "s", role: "supervisor" } as const;
const silence = { by, reason: "because" };
/** At a second: a value of a point, a command for b, or a restart. */
type Happening =
  | readonly [seconds: number, what: "a" | "b" | "c", value: number]
  | [number, Command]
  | [number, "restart"];

/** What is told of b: "second kind reason", and "calls" where a person is to be called. */
function told(happenings: readonly Happening[], options: object = {}, causes = [maybe("a")]): string[] {
  const events: string[] = [];
  const rehearsal = rehearse(
    modelWith(options, causes),
    (at) => at,
    ({ now, kind, reason, annunciate, condition }) => {
      const words = [now.at / 1000, kind, reason, annunciate ? "calls" : null];
      if (condition.key === "b") events.push(words.filter((word) => word !== null).join(" "));
    },
  );
  for (const [seconds, what, value = 0] of happenings) {
    const at = seconds * 1000;
    rehearsal.advance(at);
    if (what === "restart") rehearsal.restart(at);
    else if (typeof what === "object") expect(rehearsal.command("b", what, at)).toBeNull();
    else rehearsal.sample({ point: what, at, wall: at, quality: "good", value });
    rehearsal.settle(at);
  }
  rehearsal.settle(200_000);
  return events;
}

describe("what may have a cause", () => {
  test.each<[string, readonly Happening[], readonly string[], object?, CauseRef[]?]>([
    ["waits for it, and calls when none has shown", [[10, "b", 1]], ["10 raise", "40 update unheld calls"]],
    [
      "calls as soon as it was seen to be none since",
      [
        [5, "a", 0],
        [10, "b", 1],
        [20, "b", 1],
        [25, "a", 0],
        [30, "b", 1],
      ],
      ["10 raise", "30 update unheld calls"],
    ],
    [
      "and each of several was",
      [
        [10, "b", 1],
        [15, "a", 0],
        [20, "b", 1],
        [25, "c", 0],
        [30, "b", 1],
      ],
      ["10 raise", "30 update unheld calls"],
      {},
      [maybe("a"), maybe("c")],
    ],
    [
      "follows from what came up to a minute before, and calls when that is over and it has had time to see",
      [
        [10, "a", 1],
        [70, "b", 1],
        [80, "a", 0],
      ],
      ["70 raise", "100 update unsuppressed calls"],
    ],
    [
      "and goes on following from what comes back before that",
      [
        [10, "a", 1],
        [20, "b", 1],
        [80, "a", 0],
        [90, "a", 1],
        [150, "a", 0],
      ],
      ["20 raise", "170 update unsuppressed calls"],
    ],
    [
      "not from what has been wrong for longer",
      [
        [10, "a", 1],
        [71, "b", 1],
        [120, "a", 0],
      ],
      ["71 raise", "101 update unheld calls"],
    ],
    [
      "nor does a restart make it so",
      [
        [10, "a", 1],
        [71, "b", 1],
        [110, "restart"],
        [120, "a", 0],
      ],
      ["71 raise", "101 update unheld calls"],
    ],
    [
      "follows from what came up to half a minute later",
      [
        [10, "b", 1],
        [40, "a", 1],
      ],
      ["10 raise", "40 update suppressed"],
    ],
    [
      "not from what came later",
      [
        [10, "b", 1],
        [41, "a", 1],
      ],
      ["10 raise", "40 update unheld calls"],
    ],
    [
      "is explained by a cause that comes again",
      [
        [10, "a", 1],
        [40, "b", 1],
        [50, "a", 0],
        [60, "a", 1],
        [100, "a", 0],
      ],
      ["40 raise", "120 update unsuppressed calls"],
    ],
    [
      "calls nobody if it is over when its cause is",
      [
        [10, "a", 1],
        [15, "b", 1],
        [20, "b", 0],
        [50, "a", 0],
      ],
      ["15 raise", "20 clear"],
      { ackRequired: true },
    ],
    [
      "calls all the same once it must be heard",
      [
        [10, "b", 1],
        [20, "b", 5],
      ],
      ["10 raise", "20 update severity_up calls"],
      { means: "on-battery" },
    ],
    [
      "whatever explains it",
      [
        [10, "a", 1],
        [15, "b", 5],
      ],
      ["15 raise calls"],
      { means: "on-battery" },
    ],
    [
      "unless its cause tells the very same",
      [
        [10, "a", 1],
        [15, "b", 5],
      ],
      ["15 raise"],
      { means: "on-battery" },
      [{ ...maybe("a"), covers: true }],
    ],
  ])("%s", (_, happenings, expected, options, causes) => {
    expect(told(happenings, options, causes)).toEqual(expected);
  });
});

describe("what must be heard", () => {
  const leak = { means: "leak", ackRequired: false };
  test.each<[string, Command, object, readonly string[]]>([
    ["is silenced by its name", { name: "shelve", forMs: 60_000, named: true, ...silence }, leak, ["10 raise"]],
    ["not with all else", { name: "shelve", forMs: 60_000, named: false, ...silence }, leak, ["10 raise calls"]],
    ["all else is", { name: "shelve", forMs: 60_000, named: false, ...silence }, {}, ["10 raise"]],
    ["nor by maintenance", { name: "maintenance", forMs: 60_000, named: false, ...silence }, leak, ["10 raise calls"]],
    ["out of service, whoever asks", { name: "out_of_service", named: true, ...silence }, {}, ["10 raise"]],
  ])("%s", (_, command, options, expected) => {
    const events = told(
      [
        [5, command],
        [10, "b", 1],
      ],
      options,
      [],
    );
    expect(events.filter((event) => event.includes("raise"))).toEqual(expected);
  });
});

test("what was taken back must be acknowledged again", () => {
  const unacked: Happening[] = [
    [10, "b", 1],
    [20, { name: "ack", by }],
    [30, { name: "unack", by }],
    [40, "b", 0],
  ];
  expect(told(unacked, { ackRequired: true }, [])).toEqual([
    "10 raise calls",
    "20 ack calls",
    "30 update unack calls",
    "40 clear calls",
  ]);
});
