import { expect, test } from "vitest";
import { verdict } from "../../../agent/core/condition.ts";
import type { Level, Measure } from "../../../agent/core/rule.ts";

const nothing: Measure = { slot: "", lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };
const between = (lo: number, hi: number): Measure => ({ slot: "", lo, hi });
const level = (op: Level["op"]): Level => ({
  name: "H",
  limit: 30,
  deadband: 2,
  op,
  severity: "low",
  onDelayMs: 0,
  offDelayMs: 0,
});

/** Of a level at 30 with a deadband of 2: whether to raise while inactive, whether to clear while active. */
test.each<["high" | "low", Level["op"], Measure, raises: string, clears: string]>([
  ["high", "gt", between(30, 30), "false", "false"],
  ["high", "gt", between(30.1, 30.1), "true", "false"],
  ["high", "gt", between(28, 28), "false", "true"],
  ["high", "gt", between(28.1, 28.1), "false", "false"],
  ["high", "ge", between(30, 30), "true", "false"],
  ["high", "ge", between(28, 28), "false", "false"],
  ["high", "ge", between(27.9, 27.9), "false", "true"],
  ["low", "gt", between(30, 30), "false", "false"],
  ["low", "gt", between(29.9, 29.9), "true", "false"],
  ["low", "gt", between(32, 32), "false", "true"],
  ["low", "ge", between(30, 30), "true", "false"],
  ["low", "ge", between(32, 32), "false", "false"],
  ["low", "ge", between(32.1, 32.1), "false", "true"],
  // Bounds decide where they can.
  ["high", "gt", between(31, Number.POSITIVE_INFINITY), "true", "false"],
  ["high", "gt", between(20, Number.POSITIVE_INFINITY), "unknown", "unknown"],
  ["high", "gt", between(Number.NEGATIVE_INFINITY, 28), "false", "true"],
  ["high", "ge", between(20, 28), "false", "unknown"],
  ["low", "gt", between(20, Number.POSITIVE_INFINITY), "unknown", "unknown"],
  ["low", "gt", between(32, Number.POSITIVE_INFINITY), "false", "true"],
  ["low", "gt", between(Number.NEGATIVE_INFINITY, 29), "true", "false"],
  ["high", "gt", nothing, "unknown", "unknown"],
  ["low", "ge", nothing, "unknown", "unknown"],
])("%s %s %j: raises %s, clears %s", (side, op, measure, raises, clears) => {
  expect(verdict(level(op), side, false, measure)).toBe(raises);
  expect(verdict(level(op), side, true, measure)).toBe(clears);
});
