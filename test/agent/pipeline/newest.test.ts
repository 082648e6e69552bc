import { expect, test } from "vitest";
import type { Sample } from "../../../agent/core/sample.ts";
import { depth, newestSamples } from "../../../agent/pipeline/newest.ts";

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

test.each<[string, readonly Sample[], readonly Sample[], number, boolean]>([
  ["the first sample of all", [], [good(1, 5)], 1, true],
  ["that one, judged later", [good(1, 5), good(2, 5), bad(3)], [good(4, 5)], 1, true],
  ["the first good one after bad ones since the start", [bad(1)], [good(2, 5)], 2, true],
  ["the second one", [good(1, 5)], [good(2, 5)], 2, false],
  ["one after a bad one or two", [good(1, 5), bad(2), bad(3)], [good(4, 5)], 4, false],
  ["one after the point was lost", [good(1, 5), bad(2), bad(3), bad(4)], [good(5, 5)], 5, true],
  ["the next after that", [good(1, 5), bad(2), bad(3), bad(4)], [good(5, 5), good(6, 5)], 6, false],
  ["one of before it was lost", [good(1, 5), good(2, 5), bad(3), bad(4), bad(5)], [good(6, 5)], 2, false],
  ["a bad one", [], [bad(1)], 1, false],
])("whether it may have been so before: %s", (_, noted, coming, at, expected) => {
  const newest = newestSamples();
  newest.note(noted);
  expect(newest.begins("d/p", at, coming)).toBe(expected);
  expect(newest.begins("d/q", at, coming)).toBe(false);
});

const numbered = (count: number): Sample[] => Array.from({ length: count }, (_, i) => good(i, i * 10));
const seen = (...values: readonly number[]) => values.map((value) => [value / 10, value, "good"]);
const uncertain: Sample = { point: "d/p", at: 2, wall: 2, quality: "uncertain", value: 7, reason: "sentinel" };

test.each<[string, readonly Sample[], readonly Sample[], number, readonly unknown[]]>([
  ["nothing was seen", [], [], 9, []],
  ["in the order in which they came", numbered(3), [], 9, seen(0, 10, 20)],
  [
    "what is good, uncertain and bad",
    [good(1, 5), uncertain, bad(3)],
    [],
    9,
    [
      [1, 5, "good"],
      [2, 7, "uncertain"],
      [3, null, "bad"],
    ],
  ],
  [
    "the last ones only",
    numbered(depth + 3),
    [],
    99,
    seen(
      ...numbered(depth + 3)
        .slice(3)
        .map(({ at }) => at * 10),
    ),
  ],
  ["with those that are being judged", numbered(2), [good(2, 20), good(3, 30)], 9, seen(0, 10, 20, 30)],
  ["up to a time", numbered(2), [good(2, 20), good(3, 30)], 2, seen(0, 10, 20)],
  [
    "of those that are being judged, the last ones",
    [],
    numbered(depth + 5),
    depth,
    seen(
      ...numbered(depth + 1)
        .slice(1)
        .map(({ at }) => at * 10),
    ),
  ],
  [
    "without what is no news",
    [good(0, 0, 100)],
    [good(1, 10, 100), good(2, 20, 101), good(3, 30, 101)],
    9,
    seen(0, 20),
  ],
])("what led to it: %s", (_, samples, coming, until, expected) => {
  const newest = newestSamples();
  newest.note(samples);
  expect(newest.before("d/p", until, coming)).toEqual(expected);
  expect(newest.of("d/p")).toEqual(samples.at(-1));
});

test("each of many points keeps its own", () => {
  const newest = newestSamples();
  const points = Array.from({ length: 300 }, (_, i) => `d/p${i}`);
  for (let at = 0; at < depth + 2; at++) newest.note(points.map((point, i) => ({ ...good(at, i), point })));
  for (const [i, point] of points.entries()) {
    const expected = Array.from({ length: depth }, (_, n) => [n + 2, i, "good"]);
    expect(newest.before(point, 99, [])).toEqual(expected);
  }
});
