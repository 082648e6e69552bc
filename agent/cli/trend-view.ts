import type { TrendSnapshot } from "../api/trend.ts";
import { sayDuration } from "../core/duration.ts";
import { rangeOf, withUnit } from "./evidence-view.ts";
import { timeIn } from "./incidents-view.ts";
import { table } from "./output.ts";
import { sparkline } from "./sparkline.ts";

/** How a trend looks on a terminal: a line of means, and a row for each stretch. */
export function trendView({ at, timeZone, name, unit, texts, bucketMs, buckets }: TrendSnapshot): string[] {
  const time = timeIn(at, timeZone);
  const said = (value: number): string => texts[String(value)] ?? withUnit(value, unit);
  const lows = buckets.flatMap(({ min }) => min ?? []);
  const highs = buckets.flatMap(({ max }) => max ?? []);
  const span = `${name}, last ${sayDuration(bucketMs * buckets.length)}`;
  if (lows.length === 0) return [`${span}: nothing is known. Is it polled? mepwatch read tries it now.`];
  const [low, high] = [Math.min(...lows), Math.max(...highs)];
  const names = texts[String(low)] !== undefined || texts[String(high)] !== undefined;
  const range = names ? [...new Set([said(low), said(high)])].join(" … ") : rangeOf(low, high, unit);
  const known = buckets.slice(buckets.findIndex(({ worst }) => worst !== null));
  const rows = known.map(({ from, min, mean, max, knownMs, worst }) =>
    min === null || mean === null || max === null
      ? [time(from), "–", "–", "–", worst === null ? "nothing known" : worst]
      : [
          time(from),
          said(min),
          // Between two names there is none.
          names ? (texts[String(mean)] ?? "") : said(mean),
          said(max),
          [
            ...(worst === "good" ? [] : [`some ${worst}`]),
            ...(knownMs < bucketMs * mostly ? [`known for ${sayDuration(knownMs)}`] : []),
          ].join(", "),
        ],
  );
  return [
    `${span}: ${range}`,
    `  ${sparkline(buckets.map(({ mean }) => mean))}`,
    ...table([["FROM", "MIN", "MEAN", "MAX", ""], ...rows]).map((line) => `  ${line}`),
  ];
}

/** Less of a stretch is told. */
const mostly = 0.9;
