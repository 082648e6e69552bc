import { expect, test } from "vitest";
import { backoffMs } from "../../../../agent/sinks/mqtt/backoff.ts";

test.each([
  { failed: 1, most: 1000 },
  { failed: 2, most: 2000 },
  { failed: 6, most: 32_000 },
  { failed: 7, most: 60_000 },
  { failed: 5000, most: 60_000 },
])("after $failed failures in a row it waits up to $most ms, anything between", ({ failed, most }) => {
  expect(backoffMs(failed, 0)).toBe(0);
  expect(backoffMs(failed, 0.5)).toBe(most / 2);
  expect(backoffMs(failed, 1 - 2 ** -52)).toBeCloseTo(most, 3);
});
