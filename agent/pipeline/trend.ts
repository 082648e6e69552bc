import { didYouMean } from "../config/problem.ts";
import type { Device, DevicePoint, Site } from "../config/resolved.ts";
import type { Instant } from "../core/sample.ts";
import type { History } from "../store/history.ts";
import type { Bucket } from "../store/trace.ts";
import type { Unknown } from "./explain.ts";

/** What one point said up to now. */
export interface Trend {
  readonly device: Device;
  readonly point: DevicePoint;
  readonly now: Instant;
  /** Of each bucket, ms; times in them are engine time. */
  readonly width: number;
  readonly buckets: readonly Bucket[];
}

interface Asked {
  readonly site: Site;
  readonly history: Pick<History, "buckets">;
  readonly now: Instant;
}

export function trendOf({ site, history, now }: Asked, target: string, spanMs: number, count: number): Trend | Unknown {
  const [id = "", ...own] = target.split("/");
  const device = site.devices.find((one) => one.id === id);
  if (device === undefined) return unknown("device", id, site.devices);
  const point = device.points.find((one) => one.own === own.join("/"));
  if (point === undefined)
    return unknown(
      `point of ${id}`,
      own.join("/"),
      device.points.map((one) => ({ id: one.own })),
    );
  const buckets = history.buckets(point.id, now.at - spanMs, now.at, count);
  return { device, point, now, width: spanMs / count, buckets };
}

function unknown(what: string, name: string, all: readonly { readonly id: string }[]): Unknown {
  const known = all.map(({ id }) => id);
  return { found: false, what, name, known, hint: didYouMean(name, known) };
}
