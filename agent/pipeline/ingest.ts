import type { Site } from "../config/resolved.ts";
import type { Refusal } from "../core/command.ts";
import type { Condition } from "../core/condition.ts";
import type { Event, Input } from "../core/engine.ts";
import type { Known } from "../core/explain.ts";
import { unraised } from "../core/incident.ts";
import type { Kpi } from "../core/kpi.ts";
import { type Memory, memoryOf } from "../core/memory.ts";
import type { Mono, PointId, Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { ClockTrust, EventRecord } from "../sinks/record.ts";
import type { Cycle, OutboundEvent, Store } from "../store/store.ts";
import { callsOf } from "./calls.ts";
import type { EngineClock } from "./clock.ts";
import { correlationOf } from "./correlation.ts";
import type { Meant } from "./deeds.ts";
import { type Evidence, evidenceIn } from "./evidence.ts";
import { allConditions, changedConditions, judgeCycle, wantedConfirmations } from "./judge.ts";
import { newestSamples } from "./newest.ts";
import { othersOf } from "./others.ts";
import { recordOf, retired } from "./record.ts";

/**
 * The one door to the engine. A cycle of inputs is judged on a draft; changes and events are committed in one
 * transaction; only then the draft becomes the state. A cycle whose commit failed is kept and repeated as it was,
 * with the same ids, before anything else is judged: the failed commit may have landed. Where the store had to move (its
 * epoch is another), the cycle is numbered anew and all state there is goes with it.
 */
export interface Ingest {
  /** Judges samples, with whatever timers are due. */
  accept(samples: readonly Sample[]): void;
  /** Judges commands, each for itself; what was answered to each once it is durable. Null: obeyed. */
  command(meant: readonly Meant[]): readonly (Refusal | null)[];
  /** The newest record of every open incident. */
  openIncidents(): readonly EventRecord[];
  /** In which, and up to which number, events were committed. */
  readonly epoch: string;
  readonly lastSeq: number;
  /** The state as committed, with the samples that led to it. */
  readonly known: Known;
  kpis(): readonly Kpi[];
  stop(): void;
}

export interface IngestOptions {
  readonly env: Env;
  readonly site: Site;
  readonly store: Store;
  readonly clock: EngineClock;
  clockTrust(): ClockTrust;
  /** Events were committed. */
  onEvents(records: readonly EventRecord[]): void;
  /** A delay ends then if a sample of this point confirms it: read it at that time rather than an interval later. */
  onConfirmWanted(point: PointId, at: Mono): void;
}

/** Samples that wait behind a cycle whose commit fails; beyond it the oldest go. */
const waitingMax = 50_000;
const retryMs = 1000;

/** A cycle to commit, and what follows when it is; both with its records as they are numbered then. */
interface Pending {
  readonly records: readonly EventRecord[];
  /** `isWhole`: with all state there is. */
  cycle(records: readonly EventRecord[], isWhole: boolean): Cycle;
  land(records: readonly EventRecord[]): void;
}

export function ingest(options: IngestOptions): Ingest {
  const { env, site, store, clock } = options;
  const memory: Memory = memoryOf(site.model, keptConditions(store));
  const newest = newestSamples();
  const book = incidentBook(options);
  const calls = callsOf(site, store.kept.calls, clock.now().at);
  const { commit, again } = committer(env, store, book);
  const pendingOf = pendings(options, memory, book);
  let waiting: readonly Sample[] = [];
  let cancelTimer = (): void => {};
  const begin = startOnce(clock);
  let stopped = false;

  const judge = (samples: readonly Sample[], first: readonly Input[] = []): readonly (Refusal | null)[] => {
    const now = clock.now();
    const { judged, answers } = judgeCycle(site, memory, first, samples, now);
    for (const { rule, point, value } of judged.oddities) env.report("value.odd", { rule: rule.name, point, value });
    const called = calls.judge(judged, now);
    const records = called.told(book.write(judged.events, evidenceIn(site, newest, samples)));
    const conditions = changedConditions(site, memory, judged);
    const pending = pendingOf({
      records,
      conditions,
      rest: called.kept,
      land(told) {
        memory.adopt(judged.changes);
        newest.note([...samples, ...called.samples]);
        called.land();
        book.adopt(told);
      },
    });
    if (conditions.size === 0 && records.length === 0 && book.epoch() === store.epoch) pending.land([]);
    else commit(pending);
    for (const { point, at } of wantedConfirmations(site, judged, now.at)) options.onConfirmWanted(point, at);
    return answers;
  };

  const accept = (samples: readonly Sample[]): void => {
    if (stopped) return;
    const isFree = again();
    const all = waiting.length === 0 ? samples : [...waiting, ...samples];
    waiting = [];
    if (isFree) judge(all, begin());
    else waiting = all.slice(-waitingMax);
    wakeLater();
  };

  const wakeLater = (): void => {
    cancelTimer();
    const next = again.isNeeded() ? clock.now().at + retryMs : earlier(memory.deadlines.next(), calls.wakeAt());
    if (next !== null) cancelTimer = env.after(Math.max(0, next - clock.now().at), () => accept([]));
  };

  const orphans = book.retire(clock.now());
  if (orphans !== null) commit(pendingOf(orphans));
  accept([]);
  return {
    accept,
    command(meant) {
      accept([]);
      if (stopped || again.isNeeded()) return meant.map(() => busy("ask again later"));
      const now = clock.now();
      const inputs = meant.map(({ key, command }): Input => ({ kind: "command", key, command, now }));
      const answers = judge([], inputs);
      wakeLater();
      return again.isNeeded() ? meant.map(() => busy("it is done as soon as that takes it")) : answers;
    },
    openIncidents: book.open,
    get epoch() {
      return book.epoch();
    },
    get lastSeq() {
      return book.lastSeq();
    },
    known: { rule: memory.rule, sourceAt: memory.sourceAt, newest: newest.of },
    kpis: () => calls.kpis(clock.now().at),
    stop() {
      stopped = true;
      cancelTimer();
    },
  };
}

/** The first time: what outlived the restart is told to those that listen. */
function startOnce(clock: EngineClock): () => readonly Input[] {
  let started = false;
  return () => {
    const first: readonly Input[] = started ? [] : [{ kind: "start", now: clock.now() }];
    started = true;
    return first;
  };
}

/** What a cycle comes to. */
interface Judged extends Pick<Pending, "records" | "land"> {
  readonly conditions: ReadonlyMap<string, string>;
  rest?(isNeeded: boolean): Partial<Cycle>;
}

/** Stamped with the clocks of now, whenever it lands. */
const pendings =
  ({ env, site, clock }: IngestOptions, memory: Memory, book: IncidentBook) =>
  ({ records, conditions, rest, land }: Judged): Pending => {
    const saved = clock.save();
    const cycle = (told: readonly EventRecord[], isWhole: boolean): Cycle => ({
      clock: saved,
      conditions: isWhole ? new Map([...allConditions(site, memory), ...conditions]) : conditions,
      events: told.map(outbound(env)),
      ...(isWhole ? { incidents: book.kept() } : {}),
      ...rest?.(isWhole || told.length > 0),
    });
    return { records, cycle, land };
  };

type IncidentBook = ReturnType<typeof incidentBook>;

const earlier = (a: Mono | null, b: Mono | null): Mono | null => (a === null || b === null ? (a ?? b) : Math.min(a, b));

const busy = (then: string): Refusal => ({ code: "busy", detail: `the store takes nothing now; ${then}` });

/** More would be no disk that fails but a store that is wrong. */
const movesMax = 5;

/** Commits cycles in order: one whose commit failed stands before all others until it has landed. */
function committer(env: Env, store: Store, book: IncidentBook) {
  let failed: Pending | null = null;
  const put = ({ records, cycle }: Pending): readonly EventRecord[] => {
    for (let moves = 0; moves < movesMax; moves++) {
      const { epoch } = store;
      const told = book.numbered(records, epoch);
      store.commit(cycle(told, epoch !== book.epoch()));
      if (store.epoch !== epoch) continue;
      book.move(epoch);
      return told;
    }
    throw new Error(`bug: the store has moved ${movesMax} times`);
  };
  const commit = (pending: Pending): void => {
    failed = pending;
    let told: readonly EventRecord[];
    try {
      env.crashSite("before-commit");
      told = put(pending);
    } catch (error) {
      env.report("commit.failed", { error: error instanceof Error ? error.message : String(error) });
      return;
    }
    failed = null;
    env.crashSite("after-commit");
    pending.land(told);
  };
  /** Tries the one that failed once more; whether none is left. */
  const again = (): boolean => {
    if (failed !== null) commit(failed);
    return failed === null;
  };
  return { commit, again: Object.assign(again, { isNeeded: () => failed !== null }) };
}

/** Open incidents and sequence numbers: both move only when a commit has landed. */
function incidentBook({ env, site, store, clockTrust, onEvents }: IngestOptions) {
  let { epoch } = store.kept;
  const open = new Map([...store.kept.incidents].map(([key, text]) => [key, JSON.parse(text) as EventRecord]));
  /** Incidents that are over, by id, while others that they explained go on and may yet name them. */
  const ended = new Map<string, EventRecord>();
  let lastSeq = store.kept.lastSeq;
  const adopt = (records: readonly EventRecord[]): void => {
    lastSeq = records.at(-1)?.seq ?? lastSeq;
    for (const one of records) {
      if (one.open) open.set(one.conditionKey, one);
      else open.delete(one.conditionKey);
    }
    if (records.some((one) => !one.open)) keepEnded(records);
    if (records.length > 0) onEvents(records);
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
    write(events: readonly Event[], evidenceOf: (event: Event) => Evidence): EventRecord[] {
      const telling = { site, epoch, bootId: env.bootId, clock: clockTrust() };
      if (events.length === 0) return [];
      const newest = new Map(open);
      return events.map((event, i) => {
        const others = othersOf(site, event, { newest, ended: [...ended.values()] });
        const last = newest.get(event.condition.key);
        const made = recordOf(telling, event, lastSeq + i + 1, others);
        // It may have begun in another epoch.
        const record = last?.open ? { ...made, incidentId: last.incidentId } : made;
        const rest = [...newest.values()].filter((one) => one.open);
        const told = { ...record, ...evidenceOf(event), ...correlationOf(site, record, event.causes, rest) };
        newest.set(record.conditionKey, told);
        return told;
      });
    },
    /** An incident whose rule is no longer in the configuration is closed with a reason, never orphaned. */
    retire(now: ReturnType<EngineClock["now"]>) {
      const orphans = [...open.values()].filter(({ conditionKey }) => !site.about.has(conditionKey));
      if (orphans.length === 0) return null;
      const records = orphans.map((last, i) => retired(last, lastSeq + i + 1, now, site.language));
      const conditions = new Map(orphans.map(({ conditionKey }) => [conditionKey, closed(store, conditionKey)]));
      return { conditions, records, land: adopt };
    },
  };
}

function keptConditions(store: Store): ReadonlyMap<string, Condition> {
  return new Map([...store.kept.conditions].map(([key, text]) => [key, JSON.parse(text) as Condition]));
}

/** Its count of occurrences stays, so that the rule, should it come back, does not use an id twice. */
function closed(store: Store, key: string): string {
  const kept = JSON.parse(store.kept.conditions.get(key) ?? "{}") as Partial<Condition>;
  return JSON.stringify({ ...unraised, ...kept, latches: [], open: null } satisfies Condition);
}

const outbound =
  (env: Env) =>
  (record: EventRecord): OutboundEvent => ({
    seq: record.seq,
    at: Date.parse(record.at),
    incident: record.incidentId,
    key: record.conditionKey,
    open: record.open,
    persistedAt: Math.round(env.clock.wall()),
    record: JSON.stringify(record),
  });
