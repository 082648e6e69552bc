import type { About, Site } from "../config/resolved.ts";
import type { Instant, Mono, PointId } from "../core/sample.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { Watched } from "../store/gatherer.ts";
import { type History, openHistory, type Raise } from "../store/history.ts";
import type { Lookback } from "../store/journal.ts";
import type { AgentOptions } from "./agent.ts";

/** The history of a site, and what is to be told of events, so that it keeps what is around raises. */
export function historyOf(
  { env, site, store, history: how }: Pick<AgentOptions, "env" | "site" | "store" | "history">,
  now: Instant,
): { readonly history: History; keepEvidence(records: readonly EventRecord[]): void } {
  const { epoch, lastSeq } = store.kept;
  const history = openHistory({ env, ...how, points: watchedPoints(site), epoch, lastSeq, now });
  return { history, keepEvidence: evidenceKept(site, history, store.journal) };
}

/**
 * What of the site is kept for looking back: every point, as finely as its level rules can tell apart. A tenth of a
 * deadband is no difference to them; where there is none, only what repeats is thinned out.
 */
export function watchedPoints({ devices, model }: Site): Watched[] {
  const finest = new Map<PointId, number>();
  for (const { type, inputs, conditions } of model.rules) {
    // To it a value is only one that came.
    if (type.type === "stale") continue;
    const deadbands = conditions.flatMap(({ levels }) => levels.map(({ deadband }) => deadband));
    const needed = type.type === "level" ? Math.min(...deadbands) / 10 : 0;
    for (const point of Object.values(inputs)) finest.set(point, Math.min(finest.get(point) ?? needed, needed));
  }
  return devices.flatMap(({ points }) => points.map(({ id }) => ({ id, deadband: finest.get(id) ?? 0 })));
}

/** Points of one incident; more would be no help to who looks at it. */
const pointsMax = 16;

/** The points that show why: what its rule reads, then the companions that it names. */
export function shownBy({ model }: Site, about: About, key: string): PointId[] {
  const found = model.conditions.get(key);
  const inputs = Object.values(model.rules[found?.index ?? -1]?.inputs ?? {});
  return [...new Set([...inputs, ...about.companions.map(({ id }) => id)])].slice(0, pointsMax);
}

/** Has what is around each raise kept; what was raised just before the last run ended is made up for first. */
function evidenceKept(site: Site, history: History, journal: Lookback): (records: readonly EventRecord[]) => void {
  const keep = (records: readonly EventRecord[]): void => {
    const raises = records.flatMap((record): Raise[] => {
      const about = site.about.get(record.conditionKey);
      if (record.kind !== "raise" || about === undefined) return [];
      const at: Mono = record.monoMs;
      return [{ incident: record.incidentId, at, points: shownBy(site, about, record.conditionKey) }];
    });
    history.want(raises, records.at(-1)?.seq ?? 0);
  };
  for (;;) {
    const missed = journal.since(0, history.seq, pageSize).map((text) => JSON.parse(text) as EventRecord);
    if (missed.length === 0) return keep;
    keep(missed);
  }
}
const pageSize = 200;
