import type { Site } from "../config/resolved.ts";
import type { Condition } from "../core/condition.ts";
import type { Event } from "../core/engine.ts";
import type { Difference } from "../core/identity.ts";
import { unraised } from "../core/incident.ts";
import type { Instant } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { ClockTrust, EventRecord } from "../sinks/record.ts";
import type { Store } from "../store/store.ts";
import { correlationOf } from "./correlation.ts";
import type { Evidence } from "./evidence.ts";
import { othersOf } from "./others.ts";
import { recordOf, retired } from "./record.ts";

interface BookOptions {
  readonly env: Env;
  readonly site: Site;
  readonly store: Store;
  clockTrust(): ClockTrust;
  stranger(device: string): Difference | null;
  onEvents(records: readonly EventRecord[]): void;
}

export type IncidentBook = ReturnType<typeof incidentBook>;

/** Open incidents and sequence numbers: both move only when a commit has landed. */
export function incidentBook({ env, site, store, clockTrust, stranger, onEvents }: BookOptions) {
  let { epoch } = store.kept;
  const open = new Map([...store.kept.incidents].map(([key, text]) => [key, JSON.parse(text) as EventRecord]));
  /** Incidents that are over, by id, while others that they explained go on and may yet name them. */
  const ended = new Map<string, EventRecord>();
  let lastSeq = store.kept.lastSeq;
  let { lastPosition } = store.outbox;
  const adopt = (records: readonly EventRecord[]): void => {
    lastSeq = records.at(-1)?.seq ?? lastSeq;
    for (const one of records) {
      if (one.open) open.set(one.conditionKey, one);
      else open.delete(one.conditionKey);
    }
    if (records.some((one) => !one.open)) keepEnded(records);
    if (records.length === 0) return;
    ({ lastPosition } = store.outbox);
    onEvents(records);
  };
  const keepEnded = (records: readonly EventRecord[]): void => {
    const named = new Set([...open.values()].flatMap(({ causeIds = [] }) => causeIds));
    for (const one of records) if (!one.open) ended.set(one.incidentId, one);
    for (const id of ended.keys()) if (!named.has(id)) ended.delete(id);
  };
  return {
    adopt,
    epoch: () => epoch,
    /** From now on numbers begin anew, if this is another epoch. */
    move(to: string): void {
      if (to !== epoch) lastSeq = 0;
      epoch = to;
    },
    /** Made in an epoch that is over, they get numbers of this one; the incidents stay what they are. */
    numbered(records: readonly EventRecord[], now: string): readonly EventRecord[] {
      const last = now === epoch ? lastSeq : 0;
      return records.map((record, i) => (record.epoch === now ? record : { ...record, epoch: now, seq: last + i + 1 }));
    },
    /** As they are kept, by condition. */
    kept: (): ReadonlyMap<string, string> => new Map([...open].map(([key, record]) => [key, JSON.stringify(record)])),
    open: () => [...open.values()],
    lastSeq: () => lastSeq,
    lastPosition: () => lastPosition,
    write(events: readonly Event[], evidenceOf: (event: Event) => Evidence): EventRecord[] {
      const telling = { site, epoch, bootId: env.bootId, clock: clockTrust(), stranger };
      if (events.length === 0) return [];
      const newest = new Map(open);
      return events.map((event, i) => {
        const others = othersOf(site, event, { newest, ended: [...ended.values()] });
        const last = newest.get(event.condition.key);
        const made = recordOf(telling, event, lastSeq + i + 1, others);
        // It may have begun in another epoch.
        const record = last?.open ? { ...made, incidentId: last.incidentId } : made;
        const rest = [...newest.values()].filter((one) => one.open || one.incidentId === record.incidentId);
        const since = last?.incidentId === record.incidentId && last.onsetUncertain ? { onsetUncertain: true } : {};
        const told = { ...record, ...since, ...evidenceOf(event), ...correlationOf(site, record, event.causes, rest) };
        newest.set(record.conditionKey, told);
        return told;
      });
    },
    /** An incident whose rule is no longer in the configuration is closed with a reason, never orphaned. */
    retire(now: Instant) {
      const orphans = [...open.values()].filter(({ conditionKey }) => !site.about.has(conditionKey));
      if (orphans.length === 0) return null;
      const records = orphans.map((last, i) => retired(last, lastSeq + i + 1, now, site.language));
      const conditions = new Map(orphans.map(({ conditionKey }) => [conditionKey, closed(store, conditionKey)]));
      return { conditions, records, land: adopt };
    },
  };
}

/** Its count of occurrences stays, so that the rule, should it come back, does not use an id twice. */
function closed(store: Store, key: string): string {
  const kept = JSON.parse(store.kept.conditions.get(key) ?? "{}") as Partial<Condition>;
  return JSON.stringify({ ...unraised, ...kept, latches: [], open: null } satisfies Condition);
}
