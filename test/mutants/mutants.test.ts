import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Mutant, mutants, mutated } from "./mutants.ts";

const sourceOf = ({ file }: Mutant): string =>
  readFileSync(new URL(`../../agent/core/${file}`, import.meta.url), "utf8");

/** What is wrong with a mutant; null: nothing. */
function stale(mutant: Mutant): string | null {
  try {
    return mutated(sourceOf(mutant), mutant) === sourceOf(mutant) ? `${mutant.file}: nothing changes` : null;
  } catch (error) {
    return (error as Error).message;
  }
}

test("each snippet occurs once in its file, and is replaced by another", () => {
  expect(mutants.map(stale).filter((what) => what !== null)).toEqual([]);
});

test("each mutant is another, and there are enough", () => {
  const each = mutants.map(({ file, find, replace }) => JSON.stringify([file, find, replace]));
  expect(new Set(each).size).toBe(each.length);
  expect(new Set(mutants.map(({ file, why }) => `${file}: ${why}`)).size).toBe(each.length);
  expect(each.length).toBeGreaterThanOrEqual(60);
});

test.each([
  ["is gone", "const a = 1;", 0],
  ["occurs twice", "const b = 2; const b = 2;", 2],
])("a snippet that %s is told", (_, source, times) => {
  const mutant = { file: "x.ts", find: "b = 2", replace: "b = 3", why: "" };
  expect(() => mutated(source, mutant)).toThrow(`x.ts has "b = 2" ${times} times, expected once`);
});
