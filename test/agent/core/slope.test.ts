import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { estimators, median, slope, theilSenWithin } from "../../../agent/core/slope.ts";
import { noWindow, type Pair, slide, spanOf, type Window, windowOf } from "../../../agent/core/window.ts";

/** Of two numbers in the middle the half-way point. */
function middle(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}

/** By the definition: the median slope of all pairs whose times differ, per second; null of none. */
function plain(pairs: readonly Pair[]): number | null {
  const slopes = pairs.flatMap((a, i) =>
    pairs.slice(i + 1).flatMap((b) => (b.at > a.at ? [(b.value - a.value) / ((b.at - a.at) / 1000)] : [])),
  );
  return slopes.length === 0 ? null : middle(slopes);
}

/** Few values, so that many slopes are equal, and times of which some are. */
const series = fc
  .array(fc.tuple(fc.constantFrom(0, 1000, 2000), fc.integer({ min: -4, max: 4 })), { maxLength: 14 })
  .map((steps) => {
    let at = 0;
    return steps.map(([passed, value]): Pair => {
      at += passed;
      return { at, value };
    });
  });

/** The window of these after samples that have just left it, in a log that holds them still. */
function moved(pairs: readonly Pair[]): Window {
  const reach = { lengthMs: spanOf(windowOf(pairs)), maxGapMs: Number.POSITIVE_INFINITY };
  const old = Array.from({ length: pairs.length }, (_, i) => ({ at: (i - pairs.length) * 2000, value: i * i }));
  return [...old, ...pairs].reduce((window, pair) => slide(window, pair, reach), noWindow);
}

describe("Theil–Sen", () => {
  test("is the median slope of all pairs", () => {
    fc.assert(
      fc.property(series, (pairs) => {
        const expected = plain(pairs);
        const found = slope(windowOf(pairs), "theilsen");
        if (expected === null) expect(found).toBeNull();
        else expect(found).toBeCloseTo(expected, 9);
      }),
    );
  });

  test("lies within what the shortcut says it does, and only there", () => {
    const bound = fc.integer({ min: -8, max: 8 }).map((half) => half / 2);
    fc.assert(
      fc.property(series, bound, bound, (pairs, a, b) => {
        const [lowest, highest] = [Math.min(a, b), Math.max(a, b)];
        const slopes = pairs.flatMap((x, i) =>
          pairs.slice(i + 1).flatMap((y) => (y.at > x.at ? [((y.value - x.value) * 1000) / (y.at - x.at)] : [])),
        );
        const sorted = slopes.sort((x, y) => x - y);
        const [lower, upper] = [
          sorted[(sorted.length - 1) >> 1] ?? Number.NaN,
          sorted[sorted.length >> 1] ?? Number.NaN,
        ];
        expect(theilSenWithin(windowOf(pairs), lowest, highest)).toBe(lower >= lowest && upper <= highest);
      }),
      { numRuns: 500 },
    );
  });

  test("of a long window is that of its bucket medians, which a spike in each does not move", () => {
    const starts = new Set(Array.from({ length: 61 }, (_, bucket) => Math.floor((bucket * 200) / 61)));
    const pairs = Array.from({ length: 200 }, (_, i) => ({ at: i * 1000, value: starts.has(i) ? -7 * i : 2 * i }));
    expect(slope(windowOf(pairs), "theilsen")).toBeCloseTo(2, 9);
  });
});

describe.each(estimators)("%s", (estimator) => {
  test("of a straight line is its slope, per second", () => {
    const line = [0, 1000, 4000, 5000].map((at) => ({ at, value: 7 + 0.003 * at }));
    expect(slope(windowOf(line), estimator)).toBeCloseTo(3, 9);
  });

  test.each([4, 200])("is of the %d samples that are in the window, not of those that left it", (length) => {
    const curve = Array.from({ length }, (_, i) => ({ at: i * 2000, value: 7 + i ** 2 }));
    const window = moved(curve);
    expect(window.from).toBeGreaterThan(0);
    expect(slope(window, estimator)).toBe(slope(windowOf(curve), estimator));
  });

  test("is not known where time does not advance", () => {
    expect(slope(noWindow, estimator)).toBeNull();
    expect(slope(windowOf([{ at: 5, value: 1 }]), estimator)).toBeNull();
    expect(
      slope(
        windowOf([
          { at: 5, value: 1 },
          { at: 5, value: 2 },
        ]),
        estimator,
      ),
    ).toBeNull();
  });
});

test.each([
  [[], null],
  [[3], 3],
  [[3, 1], 2],
  [[9, 1, 2], 2],
  [[4, 1, 9, 2], 3],
])("the median of %j is %j", (values, expected) => expect(median(values)).toBe(expected));
