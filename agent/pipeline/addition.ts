import { type Site, selfId } from "../config/resolved.ts";
import type { Condition } from "../core/condition.ts";
import type { Cycle } from "../core/engine.ts";
import type { Silence } from "../core/incident.ts";
import type { Instant, Mono, PointId, Sample } from "../core/sample.ts";

/** A cycle to which the agent adds what it does by itself: what its own rules hear, and silences that begin or end. */
export interface Addition {
  readonly site: Site;
  readonly judged: Cycle;
  readonly now: Instant;
  /** What the agent's own rules were fed. */
  readonly samples: Sample[];
  /** By the place of an event: what it says in place of its rule's own words. */
  readonly texts: Map<number, string>;
}

export const additionTo = (site: Site, judged: Cycle, now: Instant): Addition => ({
  site,
  judged,
  now,
  samples: [],
  texts: new Map(),
});

/** Feeds a rule of the agent's own; `text`: what the event says that comes of it, if one does. */
export function say({ judged, now, samples, texts }: Addition, point: PointId, value: 0 | 1, text?: string): void {
  const sample: Sample = { ...now, point, quality: "good", value };
  const place = judged.events.length;
  samples.push(sample);
  judged.take({ kind: "sample", sample });
  if (text !== undefined && judged.events.length > place) texts.set(place, text);
}

/** An update of the open incident of a condition. */
export function remark({ judged, now, texts }: Addition, key: string, reason: string, text?: string): void {
  const place = judged.events.length;
  judged.take({ kind: "remark", now, key, reason });
  if (text !== undefined && judged.events.length > place) texts.set(place, text);
}

export const ownKey = ({ site }: Pick<Addition, "site">, rule: string): string => `${site.id}/${selfId}/-/${rule}`;

export function conditionOf({ site, judged }: Pick<Addition, "site" | "judged">, key: string): Condition | null {
  const found = site.model.conditions.get(key);
  return found === undefined ? null : (judged.rule(found.index).conditions[found.place] ?? null);
}

/** How many of these are active. */
export const activeOf = (adding: Addition, keys: readonly string[]): number =>
  keys.filter((key) => conditionOf(adding, key)?.open?.active === true).length;

/** What a silence may be longer by and still be the same: both clocks are read to the millisecond. */
const sameMs = 1000;

/** Maintenance of conditions up to `until`; where it lasts as long already, that stays. */
export function maintain(
  adding: Addition,
  keys: readonly string[],
  { until, by, reason, named, mode }: Silence & { readonly until: Mono },
): void {
  const { judged, now } = adding;
  const person = { user: by, role: "supervisor" } as const;
  for (const key of keys) {
    const has = conditionOf(adding, key)?.maintenance ?? null;
    if (has !== null && (has.until ?? Number.POSITIVE_INFINITY) >= until - sameMs) continue;
    const command = { name: "maintenance", forMs: until - now.at, reason, named, mode, by: person } as const;
    judged.take({ kind: "command", key, now, command });
  }
}

/** Ends the maintenance of conditions that somebody began. */
export function endMaintenance(adding: Addition, isMeant: (silence: Silence) => boolean): void {
  const { site, judged, now } = adding;
  const by = { user: selfId, role: "supervisor" } as const;
  for (const key of site.model.conditions.keys()) {
    const { maintenance } = conditionOf(adding, key) ?? { maintenance: null };
    if (maintenance !== null && isMeant(maintenance))
      judged.take({ kind: "command", key, now, command: { name: "maintenance_end", by } });
  }
}
