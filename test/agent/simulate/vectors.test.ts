import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runVectors } from "../../../agent/simulate/vectors.ts";

/** What the engine does not do yet; a vector that is added to the file must pass. */
const notYet = new Set("C01 C03 C04 G01 G03 G04".split(" "));

const file = JSON.parse(readFileSync(new URL("../../vectors/alarm-vectors.json", import.meta.url), "utf8"));

describe("alarm vectors", () => {
  for (const { id, failure } of runVectors(file)) {
    if (notYet.has(id)) test(`${id} says that it is not yet supported`, () => expect(failure).toMatch(/^not yet: /));
    else test(`${id} holds`, () => expect(failure).toBeNull());
  }
});
