import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { filled, noWindow, type Pair, slide, type Window } from "../../../agent/core/window.ts";

const reach = { lengthMs: 60, maxGapMs: 30 };
const pairsOf = ({ log: { times, values }, from, to }: Window): Pair[] =>
  times.slice(from, to).map((at, i) => ({ at, value: values[from + i]! }));
const windowAfter = (pairs: readonly Pair[], before = noWindow): Window =>
  pairs.reduce((window, pair) => slide(window, pair, reach), before);

/** The same, said plainly: what is not older than the window and came after the newest silence. */
function plain(pairs: readonly Pair[]): Pair[] {
  const now = pairs.at(-1)?.at ?? 0;
  const silence = pairs.findLastIndex(({ at }, i) => i > 0 && at - pairs[i - 1]!.at > reach.maxGapMs);
  return pairs.slice(Math.max(silence, 0)).filter(({ at }) => at >= now - reach.lengthMs);
}

/** Times that often meet the edges of the window and of a silence. */
const series = fc
  .array(fc.tuple(fc.constantFrom(0, 1, 10, 20, 30, 31), fc.integer({ min: 0, max: 9 })), { maxLength: 60 })
  .map((steps) => {
    let at = 1000;
    return steps.map(([passed, value]) => {
      at += passed;
      return { at, value };
    });
  });

describe("a window", () => {
  test("is the good samples of its length, cut at a silence", () => {
    fc.assert(
      fc.property(series, (pairs) => {
        expect(pairsOf(windowAfter(pairs))).toEqual(plain(pairs));
      }),
    );
  });

  test("never changes, whatever comes after it, also if that comes twice", () => {
    fc.assert(
      fc.property(series, series, series, (before, one, other) => {
        const window = windowAfter(before);
        const going = (more: readonly Pair[]): Window => windowAfter(more, window);
        const first = going(one);
        const [seen, kept] = [pairsOf(first), pairsOf(window)];
        going(other);
        expect(pairsOf(first)).toEqual(seen);
        expect(pairsOf(window)).toEqual(kept);
        expect(noWindow.log.times).toEqual([]);
      }),
    );
  });

  test.each([
    ["enough, far enough apart", [0, 20, 30], true],
    ["too few", [0, 30], false],
    ["too close together", [0, 10, 29], false],
  ])("is filled by samples that are %s", (_, times, expected) => {
    const window = windowAfter(times.map((at) => ({ at, value: 0 })));
    expect(filled(window, { window: 60, minSamples: 3, minSpan: 0.5 })).toBe(expected);
  });
});
