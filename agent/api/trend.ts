import { parseDuration } from "../core/duration.ts";
import type { Agent } from "../pipeline/agent.ts";
import type { Unknown } from "../pipeline/explain.ts";
import type { Bucket } from "../store/trace.ts";

/** What `mepwatch trend` shows, as data. Times are RFC 3339. */
export interface TrendSnapshot {
  readonly at: string;
  readonly site: string;
  readonly timeZone: string;
  readonly point: string;
  /** Of the device and the point. */
  readonly name: string;
  readonly unit: string;
  /** Names of its values, where it is an enumeration. */
  readonly texts: Readonly<Record<string, string>>;
  readonly bucketMs: number;
  /** Oldest first, without a gap; `from` as the clock that is now has it, also where it was another one then. */
  readonly buckets: readonly (Omit<Bucket, "from"> & { readonly from: string })[];
}

const bucketsMax = 1000;

/** @param since how far back, such as 8h */
export function trendSnapshot(
  agent: Agent,
  target: string,
  { since = "8h", buckets = "24" }: { readonly since?: string | undefined; readonly buckets?: string | undefined },
): TrendSnapshot | Unknown | { readonly error: string } {
  const spanMs = parseDuration(since);
  const count = Number(buckets);
  if (spanMs === null || spanMs === 0) return { error: `since "${since}": expected a duration such as 8h, 30m` };
  if (!Number.isInteger(count) || count < 1 || count > bucketsMax)
    return { error: `buckets "${buckets}": expected a whole number from 1 to ${bucketsMax}` };
  const found = agent.trend(target, spanMs, count);
  if ("found" in found) return found;
  const { device, point, now, width } = found;
  const iso = (at: number): string => new Date(Math.round(now.wall - (now.at - at))).toISOString();
  const { site } = agent.status();
  return {
    at: iso(now.at),
    site: site.id,
    timeZone: site.timeZone,
    point: point.id,
    name: `${device.name} ${point.name}`,
    unit: point.unit,
    texts: point.texts,
    bucketMs: width,
    buckets: found.buckets.map((one) => ({ ...one, from: iso(one.from) })),
  };
}
