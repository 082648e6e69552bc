import { expect, test } from "vitest";
import { kpiView } from "../../../agent/cli/kpi.ts";

test("each figure stands beside its target, and what nothing is known of is left out or a dash", () => {
  const target = { is: "at most", value: 0.05 } as const;
  const kpis = [
    {
      name: "a",
      what: "calls in 10 min, most",
      value: 15,
      unit: "1",
      target: { is: "at most", value: 10 },
      met: false,
    },
    { name: "b", what: "time in flood", value: 0.0042, unit: "share", target: { is: "below", value: 0.01 }, met: true },
    { name: "c", what: "calls critical or high", value: null, unit: "share", target, met: null },
    {
      name: "d",
      what: "high: to acknowledge, 90 % within",
      value: 540_000,
      unit: "ms",
      target: { is: "at most", value: 900_000 },
      met: true,
    },
    { name: "e", what: "high: to clear, median", value: 18_000_000, unit: "ms", target: null, met: null },
    { name: "f", what: "low: to clear, median", value: null, unit: "ms", target: null, met: null },
  ] as const;
  expect(kpiView({ at: "2026-01-01T00:00:00.000Z", site: "s", kpis })).toEqual([
    "Alarms of s, last 24 hours",
    "                                   VALUE   TARGET",
    "calls in 10 min, most              15      at most 10      NOT MET",
    "time in flood                      0.42 %  below 1 %       met",
    "calls critical or high             –       at most 5 %",
    "high: to acknowledge, 90 % within  9 min   at most 15 min  met",
    "high: to clear, median             5 h     –",
  ]);
});
