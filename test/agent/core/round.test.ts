import { expect, test } from "vitest";
import { rounded } from "../../../agent/core/round.ts";

test.each([
  [0.1 + 0.2, 0.3],
  [234 * 0.1, 23.4],
  [-(234 * 0.1), -23.4],
  [2 / 3, 0.666666666667],
  [1 / 3_000_000, 3.33333333333e-7],
  [1e-20 / 3, 3.33333333333e-21],
  [123_456_789.1234567, 123_456_789.123],
  [4_123_456_789.1 * 1000.1, 4_123_869_134_780],
  [9_007_199_254_740_991, 9_007_199_254_740_991],
  [0, 0],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])("%d is %d to every limit and every reader", (value, expected) => expect(rounded(value)).toBe(expected));
