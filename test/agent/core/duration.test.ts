import { expect, test } from "vitest";
import { duration, parseDuration, sayDuration } from "../../../agent/core/duration.ts";

test.each([
  ["500ms", 500],
  ["10s", 10_000],
  ["5m", 300_000],
  ["5min", 300_000],
  ["1.5h", 5_400_000],
  ["3d", 259_200_000],
  [" 2 s ", 2000],
])("%j is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each(["", "10", "s", "-5s", "5msec", "5 seconds", "1h30m", "1e3s"])("%j is none", (text) => {
  expect(parseDuration(text)).toBeNull();
  expect(duration.safeParse(text).error?.issues[0]?.message).toContain('expected a duration such as "10s"');
});

test.each([
  [1499, "1 s"],
  [119_000, "119 s"],
  [120_000, "2 min"],
  [600_000, "10 min"],
  [7_140_000, "119 min"],
  [7_200_000, "2 h"],
])("%d ms are told as %s", (ms, said) => expect(sayDuration(ms)).toBe(said));
