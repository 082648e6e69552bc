import type { Site } from "../config/resolved.ts";
import type { Event } from "../core/engine.ts";
import type { Mono, PointId, Sample } from "../core/sample.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { Newest, Seen } from "./newest.ts";

/** What led to a raise, or to a worse severity: so that who is told of it, far away, can see what the agent saw. */
export type Evidence = Partial<Pick<EventRecord, "context" | "companions" | "onsetUncertain">>;

/** @param judging samples of the cycle that is being judged, which are not noted yet */
export function evidenceIn(
  site: Site,
  newest: Pick<Newest, "before" | "begins">,
  judging: readonly Sample[],
): (event: Event) => Evidence {
  // Grouped once, and only if something happened: most cycles tell nothing.
  let coming: ReadonlyMap<PointId, readonly Sample[]> | null = null;
  const before = (point: PointId, until: Mono): readonly Seen[] => {
    coming ??= byPoint(judging);
    return newest.before(point, until, coming.get(point) ?? []);
  };
  const begins = (point: PointId, at: Mono): boolean => {
    coming ??= byPoint(judging);
    return newest.begins(point, at, coming.get(point) ?? []);
  };
  return ({ kind, reason, condition, sample, now, onset }) => {
    if (kind !== "raise" && reason !== "severity_up") return {};
    const about = site.about.get(condition.key);
    // What time decided, it decided of the rule's own point.
    const point = sample?.point ?? about?.point?.id ?? null;
    const context = point === null ? [] : before(point, now.at);
    const companions = (about?.companions ?? []).map(({ id, unit }) => {
      const [, value, quality] = before(id, now.at).at(-1) ?? neverSeen;
      return { point: id, value, unit, quality };
    });
    const own = about?.point?.id;
    return {
      ...(kind === "raise" && own !== undefined && begins(own, onset.at) ? { onsetUncertain: true } : {}),
      ...(context.length === 0 ? {} : { context: context.map(([at, value, quality]) => [at, value, quality]) }),
      ...(companions.length === 0 ? {} : { companions }),
    };
  };
}

const neverSeen: Seen = [0, null, "bad"];

function byPoint(samples: readonly Sample[]): Map<PointId, Sample[]> {
  const grouped = new Map<PointId, Sample[]>();
  for (const sample of samples) {
    const known = grouped.get(sample.point);
    if (known === undefined) grouped.set(sample.point, [sample]);
    else known.push(sample);
  }
  return grouped;
}
