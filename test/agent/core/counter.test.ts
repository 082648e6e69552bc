import fc from "fast-check";
import { expect, test } from "vitest";
import { counterStep, hasRestarted } from "../../../agent/core/counter.ts";

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

const days = 86_400;
/** sysUpTime at its wrap, in seconds. */
const full = 2 ** 32 / 100;
test.each<[string, [number, number, number, number | undefined], boolean]>([
  ["goes on", [1000, 1010, 10, 1000], false],
  ["goes on by a clock that is a tenth too slow, over a week", [60 * days, 66.3 * days, 7 * days, 1000], false],
  ["has just begun, and goes on", [3, 13, 10, 1000], false],
  ["begins anew", [1000, 3, 10, 1000], true],
  ["begins anew, and is soon where it was", [1000, 1600, 2000, 1000], true],
  ["begins anew at once, of one that was up for long", [400 * days, 10, 10, 1000], true],
  ["wraps after 497 days", [full - 4, 6, 10, 1000], false],
  ["wraps, its clock a little fast", [full - 10.5, 1, 10, 1000], false],
  ["wraps while nobody looked for an hour", [full - 1800, 1800, 3600, 1000], false],
  ["begins anew a day before it would have wrapped", [full - days, 5, 10, 1000], true],
  ["begins anew an hour after it was due to wrap, while nobody looked", [full - 1800, 60, 3 * 3600, 1000], true],
  ["is in hundredths, and wraps", [2 ** 32 - 400, 600, 10, 10], false],
  ["is in hundredths, and begins anew", [100_000, 300, 10, 10], true],
  ["is in no unit of time, and grows", [5, 6, 1000, undefined], false],
  ["is in no unit of time, and falls", [6, 5, 1000, undefined], true],
])("an uptime that %s", (_, [previous, current, passedS, unitMs], expected) => {
  expect(hasRestarted(previous, current, passedS * 1000, unitMs)).toBe(expected);
});

test("whenever a device restarts between two polls it is found, and never where it did not", () => {
  const secondsUp = fc.integer({ min: 60, max: 496 * days });
  fc.assert(
    fc.property(
      secondsUp,
      fc.integer({ min: 1, max: 30 * days }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (up, passed, part) => {
        expect(hasRestarted(up, (up + passed) % full, passed * 1000, 1000)).toBe(false);
        const isBefore = up + 1.1 * passed < full - 10;
        if (isBefore) expect(hasRestarted(up, part * passed, passed * 1000, 1000)).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});
