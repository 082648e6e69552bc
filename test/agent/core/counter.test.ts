import { expect, test } from "vitest";
import { counterStep } from "../../../agent/core/counter.ts";

test.each<[string, [number, number, 16 | 32 | 64, number], string, number | null]>([
  ["goes up", [100, 150, 16, 1000], "up", 50],
  ["stands still", [100, 100, 16, 1000], "up", 0],
  ["wraps", [65_530, 10, 16, 1000], "wrap", 16],
  ["wraps to 0", [65_535, 0, 16, 1000], "wrap", 1],
  ["wraps by just what is believable", [65_530, 10, 16, 16], "wrap", 16],
  ["falls by more than is believable", [65_530, 10, 16, 15], "reset", null],
  ["falls by less than half of its range", [40_000, 20_000, 16, 65_535], "reset", null],
  ["falls by just half of its range", [40_000, 40_000 - 32_768, 16, 65_535], "reset", null],
  ["falls by a little more", [40_000, 40_000 - 32_769, 16, 65_535], "wrap", 32_767],
  ["is wider than it was taken for", [65_530, 10, 32, 1000], "reset", null],
])("a counter that %s", (_, [previous, current, bits, maxDelta], kind, delta) => {
  expect(counterStep(previous, current, bits, maxDelta)).toEqual({ kind, delta });
});
