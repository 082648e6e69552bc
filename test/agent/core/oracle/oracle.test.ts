import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { differ } from "./differ.ts";
import { families } from "./families.ts";
import { expected, type Vector } from "./oracle.ts";

/** The oracle itself is held to the vectors, which are the text made runnable. */
describe.each(["alarm-vectors.json", "more-vectors.json", "cause-vectors.json"])("of %s", (name) => {
  const file = JSON.parse(readFileSync(new URL(`../../../vectors/${name}`, import.meta.url), "utf8"));
  const others = (one: Vector): boolean =>
    one.rules.some(
      ({ type, suppressedBy, flap }) =>
        type === "expression" || type === "group" || suppressedBy !== undefined || flap?.mode === "nagios",
    ) ||
    one.ops?.some(([, op]) => op === "config") === true ||
    (one.rules.some(({ type }) => type === "comm") && one.rules.length > 1);
  for (const vector of (file.vectors as Vector[]).filter((one) => !others(one))) {
    test(`${vector.id} the oracle says what it says`, () => expect(expected(vector)).toEqual(vector.expect));
  }
});

const numRuns = Number(process.env.ORACLE_RUNS ?? 100);

describe("the engine agrees with the oracle", () => {
  for (const [name, vectors] of Object.entries(families)) {
    const property = fc.property(vectors, (vector) => {
      expect(differ(vector)).toBeNull();
    });
    test(name, () => fc.assert(property, { numRuns: name === "long" ? Math.ceil(numRuns / 10) : numRuns }));
  }
});
