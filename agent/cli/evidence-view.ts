import type { EvidenceTold } from "../api/incidents.ts";
import { number, unitSign } from "../core/text.ts";
import { aroundMs } from "../store/evidence.ts";
import { qualities } from "../store/samples.ts";
import { trace } from "../store/trace.ts";
import { table } from "./output.ts";
import { sparkline } from "./sparkline.ts";

/** A minute each, before and after. */
const barsEachSide = 15;

/**
 * What points said around a raise, a line each: `|` is when it was raised. Those that said nothing are left out.
 * @param sinceMs how long ago it was raised
 */
export function evidenceView(evidence: readonly EvidenceTold[], sinceMs: number): string[] {
  const rows = evidence.flatMap((one) => {
    const end = one.isWhole ? aroundMs : Math.min(aroundMs, Math.max(0, sinceMs));
    const buckets = bucketsOf(one, end);
    const lows = buckets.flatMap(({ min }) => min ?? []);
    if (lows.length === 0) return [];
    const highs = buckets.flatMap(({ max }) => max ?? []);
    const means = buckets.map(({ mean }) => mean);
    const after = Math.ceil((end / aroundMs) * barsEachSide);
    const line = sparkline(means.slice(0, barsEachSide + after));
    const marked = `${line.slice(0, barsEachSide)}|${line.slice(barsEachSide).padEnd(barsEachSide)}`;
    return [[one.name, marked, rangeOf(Math.min(...lows), Math.max(...highs), one.unit)]];
  });
  return rows.length === 0
    ? []
    : ["15 min before it was raised | 15 min after:", ...table(rows).map((row) => `  ${row}`)];
}

function bucketsOf({ samples }: EvidenceTold, end: number) {
  const line = trace(-aroundMs, aroundMs, 2 * barsEachSide);
  for (const [at, value, quality] of samples) line.add(at, value ?? Number.NaN, qualities.indexOf(quality));
  return line.buckets(end);
}

export const withUnit = (value: number, unit: string): string => `${number(value)} ${unitSign(unit)}`.trim();

/** "20 °C … 30 °C", or the one value that there was. */
export const rangeOf = (low: number, high: number, unit: string): string =>
  low === high ? withUnit(low, unit) : `${withUnit(low, unit)} … ${withUnit(high, unit)}`;
