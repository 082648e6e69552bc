import { expect, test } from "vitest";
import type { Sample } from "../../../agent/core/sample.ts";
import { unreachableAfter } from "../../../agent/core/unreachable.ts";

/** What a rule about the way to a device says: the rank of its severity, 0 for all well, null where it does not know. */
const word = (value: number | null): Sample => {
  const at = { point: "@a", at: 0, wall: 0 };
  return value === null ? { ...at, quality: "bad", reason: "not_available" } : { ...at, quality: "good", value };
};

test.each<[string, string[], string, number | null, string[]]>([
  ["one falls silent", [], "@a", 4, ["@a"]],
  ["however severe that is", [], "@a", 1, ["@a"]],
  ["it answers again", ["@a"], "@a", 0, []],
  ["nothing is known of it", [], "@a", null, []],
  ["nothing is known of it any more", ["@a"], "@a", null, []],
  ["a second falls silent", ["@a"], "@b", 4, ["@a", "@b"]],
  ["one of two answers again", ["@a", "@b"], "@a", 0, ["@b"]],
  ["it is told twice", ["@a"], "@a", 4, ["@a"]],
])("%s", (_, before, input, said, after) => {
  expect(unreachableAfter(before, input, word(said))).toEqual(after);
});
