import type { Site } from "../config/resolved.ts";
import { phrase } from "../core/language.ts";
import { rank, type Severity } from "../core/severity.ts";
import type { Env } from "../env.ts";
import type { Notifier } from "../sinks/notify/notice.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { Sink } from "../sinks/sink.ts";
import type { Store } from "../store/store.ts";
import type { EngineClock } from "./clock.ts";
import type { Ingest } from "./ingest.ts";
import { openIncidents } from "./lookback.ts";
import { answered, judged, next, type SecondPath, type Standing, secondPath, seen } from "./second-path.ts";

/** Looks at the uplink, and sends what `second-path.ts` decides; what is sent is kept before it is. */
export interface Notifying {
  /** Every few seconds. */
  tick(): void;
  /** Of each channel, why it did not take the last message; null: it did, or was sent none. */
  status(): readonly ChannelStatus[];
  stop(): void;
}

export interface ChannelStatus {
  readonly channel: string;
  readonly trouble: string | null;
  readonly waiting: number;
}

export interface NotifyPlan {
  /** For how long the uplink must be down. */
  readonly afterMs: number;
  readonly notifiers: readonly Notifier[];
}

interface Parts {
  readonly env: Env;
  readonly site: Site;
  readonly store: Store;
  readonly clock: EngineClock;
  readonly door: Pick<Ingest, "openIncidents" | "known">;
  readonly sink: Pick<Sink, "connected">;
}

/** After a start the broker is given time: what it takes at once nobody need hear twice. */
const graceMs = 30_000;
/** A shorter interruption is not worth a write. */
const briefMs = 30_000;

/** @param plan null: there is no second path */
export function notifyingOf(parts: Parts, plan: NotifyPlan | null): Notifying {
  if (plan === null || plan.notifiers.length === 0) return { tick() {}, status: () => [], stop() {} };
  const { env, site, store, clock, sink } = parts;
  const { afterMs, notifiers } = plan;
  const startedAt = clock.now().at;
  const saved = store.secondPath();
  let path = secondPath(
    saved === null ? null : (JSON.parse(saved) as SecondPath),
    notifiers.map(({ channel }) => channel),
    startedAt,
  );
  const keep = keeper(env, store, saved);
  const standingsOf = standings(parts);
  const underWay = new Set<string>();
  let stopped = false;

  const pump = (): void => {
    for (const notifier of notifiers) if (!stopped && !underWay.has(notifier.channel)) send(notifier);
  };
  const send = (notifier: Notifier): void => {
    const { channel } = notifier;
    const sending = next(path, channel, clock.now().at);
    if (sending === null) return;
    const { news } = sending;
    path = sending.path;
    keep(path, clock.now().at);
    underWay.add(channel);
    void notifier.send(news).then(({ delivered, said }) => {
      underWay.delete(channel);
      if (stopped) return;
      const { kind, incidentId = null } = news;
      const before = path.channels[channel]?.trouble ?? null;
      path = answered(path, channel, news, delivered ? null : said, clock.now().at);
      keep(path, clock.now().at);
      if (delivered) env.report("notify.sent", { channel, kind, incident: incidentId, severity: news.severity });
      else if (before === null) env.report("notify.failed", { channel, why: said });
      pump();
    });
  };

  return {
    tick() {
      const now = clock.now();
      if (stopped || now.at - startedAt < graceMs) return;
      const was = path;
      const head = store.outbox.after(0, 1)[0]?.position ?? null;
      const looked = seen(was, { connected: sink.connected, head }, now, afterMs);
      path = judged({ was, path: looked }, standingsOf(looked), now, site.language);
      if (path.isDown && !was.isDown) env.report("notify.down");
      if (was.isDown && !path.isDown) env.report("notify.back", { told: was.count });
      keep(path, now.at);
      pump();
    },
    status: () =>
      Object.entries(path.channels).map(([channel, { trouble, queue }]) => ({
        channel,
        trouble,
        waiting: queue.length,
      })),
    stop() {
      stopped = true;
    },
  };
}

/** Writes what has changed. */
function keeper(env: Env, store: Store, saved: string | null) {
  let kept = saved;
  let isTold = false;
  return (path: SecondPath, now: number): void => {
    const { since, isDown } = path;
    const isBrief = since !== null && !isDown && now - since.at < briefMs;
    const json = JSON.stringify({ ...path, since: isBrief ? null : since, head: null } satisfies SecondPath);
    if (json === kept) return;
    try {
      store.keepSecondPath(json);
      kept = json;
      isTold = false;
    } catch (error) {
      if (!isTold) env.report("notify.unkept", { error: error instanceof Error ? error.message : String(error) });
      isTold = true;
    }
  };
}

/** How the open incidents stand, and those that were told of. */
function standings({ site, store, door }: Parts) {
  /** By incident and severity: the event by which it began to call, as severe as it is. */
  let begun = new Map<string, EventRecord>();

  return (path: SecondPath): Standing[] => {
    const open = openIncidents(site, door.known, door.openIncidents());
    const over = overOf(
      path,
      open.map(({ record }) => record),
    );
    const asked = path.isDown ? open.filter(({ record, calls }) => calls && isGrave(record)) : [];
    look(asked.map(({ record }) => record));
    return [
      ...open.map(({ record, calls }): Standing => {
        const began = begun.get(nameOf(record));
        const active = record.active || record.latched;
        const text = active ? (began ?? record).text : record.text;
        return { ...standingOf(record, text), active, calls, isKnown: began === undefined || isWithCentre(began) };
      }),
      ...over,
    ];
  };

  /** One that was quiet in between began anew. */
  function look(records: readonly EventRecord[]): void {
    const asked = new Set(records.map(nameOf));
    begun = new Map([...begun].filter(([name]) => asked.has(name)));
    const missing = records.filter((record) => !begun.has(nameOf(record)));
    if (missing.length === 0) return;
    const events = eventsOf(missing.map(({ incidentId }) => incidentId));
    for (const record of missing) begun.set(nameOf(record), beginningOf(record, events));
  }

  /** Those that were given up unsent wait no more, and the centre does not know of them. */
  function isWithCentre({ epoch, seq }: EventRecord): boolean {
    const { gap } = store.outbox;
    const isGivenUp = gap !== null && gap.epoch === epoch && gap.first <= seq && seq <= gap.last;
    return !isGivenUp && !store.outbox.waits(epoch, seq);
  }

  /** Those told of that are not open any more, with the words of their end. */
  function overOf(path: SecondPath, open: readonly EventRecord[]): Standing[] {
    const there = new Set(open.map(({ incidentId }) => incidentId));
    const gone = Object.entries(path.told).filter(([id]) => !there.has(id));
    if (gone.length === 0) return [];
    const events = eventsOf(gone.map(([id]) => id));
    return gone.map(([incidentId, { conditionKey, severity, raisedAt }]) => {
      const last = events.findLast((one) => one.incidentId === incidentId && one.kind === "clear");
      const text = last?.text ?? phrase(site.language, "closed");
      return { incidentId, conditionKey, severity, raisedAt, text, active: false, calls: false, isKnown: false };
    });
  }

  function eventsOf(incidents: readonly string[]): EventRecord[] {
    return store.journal.ofIncidents(incidents).flatMap(readable);
  }
}

/** The first of the events since which it calls without a break; where they are not kept any more, the newest there is. */
function beginningOf(record: EventRecord, events: readonly EventRecord[]): EventRecord {
  const its = events.filter(({ incidentId }) => incidentId === record.incidentId);
  const broke = its.findLastIndex((one) => !one.annunciate || rank(one.severity) < rank(record.severity));
  return its[broke + 1] ?? record;
}

/** The journal is expendable, and so is a row of it. */
function readable(json: string): EventRecord[] {
  try {
    return [JSON.parse(json) as EventRecord];
  } catch {
    return [];
  }
}

const standingOf = ({ incidentId, conditionKey, severity, raisedAt }: EventRecord, text: string) => ({
  ...{ incidentId, conditionKey, severity, raisedAt, text },
});
const isGrave = ({ severity }: { severity: Severity }): boolean => rank(severity) >= rank("high");
const nameOf = ({ incidentId, severity }: EventRecord): string => `${incidentId} ${severity}`;
