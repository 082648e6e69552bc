import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runVectors } from "../../../agent/simulate/vectors.ts";

describe.each(["alarm-vectors.json", "more-vectors.json", "cause-vectors.json"])("%s", (name) => {
  const file = JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), "utf8"));
  for (const { id, failure } of runVectors(file)) test(`${id} holds`, () => expect(failure).toBeNull());
});
