import { expect, test } from "vitest";
import type { TrendSnapshot } from "../../../agent/api/trend.ts";
import { trendView } from "../../../agent/cli/trend-view.ts";

type Bucket = TrendSnapshot["buckets"][number];
const quarter = 900_000;
const bucket = (i: number, also: Partial<Bucket>): Bucket => ({
  from: new Date(Date.UTC(2026, 0, 2, 2, 0) + i * quarter).toISOString(),
  min: null,
  mean: null,
  max: null,
  count: 0,
  knownMs: 0,
  worst: null,
  ...also,
});
const known = (min: number, mean: number, max: number): Partial<Bucket> => ({
  min,
  mean,
  max,
  count: 9,
  knownMs: quarter,
  worst: "good",
});
const trend = (buckets: readonly Partial<Bucket>[], also: Partial<TrendSnapshot> = {}): string =>
  trendView({
    at: "2026-01-02T03:00:00.000Z",
    site: "s",
    timeZone: "Europe/Berlin",
    point: "d/p",
    name: "CRAC-2 supply air",
    unit: "Cel",
    texts: {},
    bucketMs: quarter,
    buckets: buckets.map((one, i) => bucket(i, one)),
    ...also,
  }).join("\n");

test.each<[string, string, string]>([
  [
    "a line, and a row each from when on something is known; what is not wholly known, or not good, says so",
    trend([
      {},
      known(18, 18.5, 19),
      { worst: "bad" },
      {},
      { ...known(19, 20, 25), knownMs: 300_000, worst: "uncertain" },
    ]),
    `CRAC-2 supply air, last 75 min: 18 °C … 25 °C
  ·▁··█
  FROM      MIN    MEAN     MAX
  03:15:00  18 °C  18.5 °C  19 °C
  03:30:00  –      –        –      bad
  03:45:00  –      –        –      nothing known
  04:00:00  19 °C  20 °C    25 °C  some uncertain, known for 5 min`,
  ],
  [
    "values that have names",
    trend([known(3, 3, 3), known(3, 4, 5)], { texts: { "3": "normal", "5": "on battery" }, unit: "1" }),
    `CRAC-2 supply air, last 30 min: normal … on battery
  ▁█
  FROM      MIN     MEAN    MAX
  03:00:00  normal  normal  normal
  03:15:00  normal          on battery`,
  ],
  [
    "nothing at all",
    trend([{}, {}]),
    "CRAC-2 supply air, last 30 min: nothing is known. Is it polled? mepwatch read tries it now.",
  ],
])("%s", (_, shown, expected) => expect(shown).toBe(expected));
