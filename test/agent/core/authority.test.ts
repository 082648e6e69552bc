import { describe, expect, test } from "vitest";
import { forbidden, lacking, type Person } from "../../../agent/core/authority.ts";
import type { Command } from "../../../agent/core/command.ts";
import type { Severity } from "../../../agent/core/severity.ts";

const hours = 3_600_000;
const tech: Person = { user: "t", role: "technician" };
const engineer: Person = { user: "e", role: "engineer" };
const pair: Person = { ...engineer, second: "f" };
const boss: Person = { user: "s", role: "supervisor" };
const why = { reason: "because", named: true };

const ack = (by: Person): Command => ({ name: "ack", by });
const shelve = (by: Person, forMs: number | null): Command => ({ name: "shelve", forMs, by, ...why });
const maintain = (by: Person, forMs: number): Command => ({ name: "maintenance", forMs, by, ...why });

describe("who may what", () => {
  test.each([
    ["viewer", "a viewer may not; expected engineer or supervisor"],
    ["technician", "a technician may not; expected engineer or supervisor"],
    ["engineer", null],
    ["supervisor", null],
  ] as const)("a %s who accepts another device: %s", (role, answer) => {
    expect(lacking("accept", role)).toBe(answer);
  });

  test.each<[string, Command, Severity, RegExp | null]>([
    ["a viewer only reads", ack({ user: "v", role: "viewer" }), "low", /a viewer may not; expected technician or/],
    ["a technician acknowledges what is critical", ack(tech), "critical", null],
    ["and shelves up to high", shelve(tech, 8 * hours), "high", null],
    ["not longer than a shift", shelve(tech, 8 * hours + 1), "high", /expected engineer or supervisor, or at most 8 h/],
    ["not what is critical", shelve(tech, 1000), "critical", /expected a supervisor, or a broken glass/],
    ["but with a broken glass, for an hour", shelve({ ...tech, breakGlass: true }, hours), "critical", null],
    ["no longer", shelve({ ...tech, breakGlass: true }, hours + 1), "critical", /at most 1 h/],
    ["and not until it clears", shelve({ ...tech, breakGlass: true }, null), "critical", /at most 1 h/],
    ["maintenance of a shift", maintain(tech, 8 * hours), "critical", null],
    ["no longer one", maintain(tech, 9 * hours), "low", /expected engineer or supervisor/],
    [
      "an engineer needs a second person for longer",
      maintain(engineer, 9 * hours),
      "low",
      /a second person who agrees/,
    ],
    ["another one", maintain({ ...engineer, second: "e" }, 9 * hours), "low", /a second person/],
    ["and has one", maintain(pair, 9 * hours), "low", null],
    ["a supervisor needs none", maintain(boss, 20 * hours), "low", null],
    ["an engineer does not shelve what is critical either", shelve(engineer, 1000), "critical", /a supervisor/],
    ["a supervisor does", shelve(boss, 1000), "critical", null],
    [
      "out of service is a supervisor's",
      { name: "out_of_service", by: engineer, ...why },
      "low",
      /expected supervisor/,
    ],
    ["and back", { name: "in_service", by: boss }, "low", null],
  ])("%s", (_name, command, severity, expected) => {
    const answer = forbidden(command, severity);
    if (expected === null) expect(answer).toBeNull();
    else expect(answer).toMatch(expected);
  });
});
