import { expect, test } from "vitest";
import { sweep } from "../../../drivers/bacnet/finding/sweep.ts";
import type { Range } from "../../../drivers/driver.ts";
import { fakeEnv } from "../../env.ts";

/** In which questions all devices are asked for, on a clock that stands still unless it is moved. */

/** @param devices the instances that there are; each answers at once */
async function sweeping(
  ranges: readonly Range[],
  devices: readonly number[] = [],
  stopAfter = Number.POSITIVE_INFINITY,
) {
  const env = fakeEnv();
  const begun = env.clock.mono();
  const asked: { readonly at: number; readonly low: number; readonly high: number; readonly came: number }[] = [];
  const stop = new AbortController();
  let [answers, tried, isOver] = [0, 0, false];
  void sweep(env, {
    ranges,
    signal: stop.signal,
    answers: () => answers,
    tried(count) {
      tried += count;
    },
    ask(low, high) {
      const came = devices.filter((one) => one >= low && one <= high).length;
      answers += came;
      asked.push({ at: env.clock.mono() - begun, low, high, came });
      if (asked.length === stopAfter) stop.abort();
    },
  }).then(() => {
    isOver = true;
  });
  await env.advance(120_000);
  expect(isOver).toBe(true);
  return { asked, tried };
}

const all = { from: 0, to: 4_194_302 };
const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

test.each<[string, readonly Range[], readonly number[]]>([
  ["all, where nobody is", [all], []],
  ["all, with a thousand devices side by side", [all], from(20_000, 1000)],
  [
    "some ranges",
    [
      { from: 5, to: 5 },
      { from: 3000, to: 9000 },
      { from: 0, to: 4 },
    ],
    [3000],
  ],
])("%s: each number is asked for once, in order, five questions a second at most", async (_, ranges, devices) => {
  const { asked, tried } = await sweeping(ranges, devices);
  let at = 0;
  for (const { from, to } of ranges) {
    for (let low = from; low <= to; at++) {
      expect(asked[at]?.low).toBe(low);
      low = (asked[at]?.high ?? to) + 1;
    }
    expect(asked[at - 1]?.high).toBe(to);
  }
  expect(asked).toHaveLength(at);
  expect(tried).toBe(ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0));
  for (const [i, { at }] of asked.entries()) expect(at - (asked[i - 1]?.at ?? -200)).toBeGreaterThanOrEqual(200);
});

test("where few answer, all of BACnet's numbers take less than half a minute", async () => {
  const { asked } = await sweeping([all], [1, 3000, 70_001]);
  expect(asked.at(-1)?.at).toBeLessThan(30_000);
});

test("questions begin narrow; after many answers comes a rest, and the next are about fewer", async () => {
  const { asked } = await sweeping(
    [{ from: 0, to: 30_000 }],
    from(0, 30_001).filter((one) => one % 5 === 0),
  );
  const [first, second, third, fourth] = asked;
  expect(first).toMatchObject({ low: 0, high: 999, came: 200 });
  expect(second).toMatchObject({ low: 1000, high: 1249, came: 50 });
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(2000);
  expect((third?.at ?? 0) - (second?.at ?? 0)).toBeLessThan(1000);
  expect((fourth?.high ?? 0) - (fourth?.low ?? 0)).toBe(249);
  expect(Math.max(...asked.map(({ came }) => came))).toBeLessThanOrEqual(200);
});

test("stopped, it asks no further", async () => {
  const { asked, tried } = await sweeping([all], [], 2);
  expect(asked).toHaveLength(2);
  expect(tried).toBe(5000);
});
