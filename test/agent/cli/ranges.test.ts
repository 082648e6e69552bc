import { expect, test } from "vitest";
import { rangesUpTo, sizeOf } from "../../../agent/cli/ranges.ts";

const numbers = (text: string): string =>
  rangesUpTo(4_194_302)(text)
    .map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`))
    .join(" ");

test.each([
  ["17", "17"],
  [" 1-10 , 17", "1-10 17"],
  ["17,1-10", "17 1-10"],
  ["5,1-10", "5 1-4 6-10"],
  ["1-10,5", "1-10"],
  ["1-5,4-8,2-10", "1-5 6-8 9-10"],
  ["3,7,0-9", "3 7 0-2 4-6 8-9"],
  ["0-4194302", "0-4194302"],
])("%s: in this order, each once: %s", (text, ranges) => {
  expect(numbers(text)).toBe(ranges);
});

test.each(["", "x", "1-", "-1", "9-1", "1-4194303", "1;2", "1,,2"])("%j is refused", (text) => {
  expect(() => numbers(text)).toThrow(/expected numbers from 0 to 4194302/);
});

test("how many they are", () => {
  expect(sizeOf(rangesUpTo(255)("5,1-10"))).toBe(10);
});
