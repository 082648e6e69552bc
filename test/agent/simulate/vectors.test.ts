import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runVectors } from "../../../agent/simulate/vectors.ts";

const file = JSON.parse(readFileSync(new URL("../../vectors/alarm-vectors.json", import.meta.url), "utf8"));

describe("alarm vectors", () => {
  for (const { id, failure } of runVectors(file)) {
    test(`${id} holds`, () => expect(failure).toBeNull());
  }
});
