import { expect, test } from "vitest";
import type { Sample } from "../../../agent/core/sample.ts";
import { newestSamples } from "../../../agent/pipeline/newest.ts";

const good = (at: number, value: number, sourceAt?: number): Sample => ({
  point: "d/p",
  at,
  wall: at,
  quality: "good",
  value,
  ...(sourceAt === undefined ? {} : { sourceAt }),
});
const bad = (at: number): Sample => ({ point: "d/p", at, wall: at, quality: "bad", reason: "timeout" });

test.each([
  ["the newest of several", [good(1, 5), good(2, 6)], good(2, 6)],
  ["a bad one too", [good(1, 5), bad(2)], bad(2)],
  [
    "what the device observed no later than before is no news",
    [good(1, 5, 100), good(2, 5, 100), good(3, 4, 90)],
    good(1, 5, 100),
  ],
  ["nor is it after a bad one, which has no source time", [good(1, 5, 100), bad(2), good(3, 5, 100)], bad(2)],
  ["what was observed later is", [good(1, 5, 100), bad(2), good(3, 6, 101)], good(3, 6, 101)],
])("%s", (_, samples, expected) => {
  const newest = newestSamples();
  newest.note(samples);
  expect(newest.of("d/p")).toEqual(expected);
  expect(newest.of("d/q")).toBeUndefined();
});
