import type { Site } from "../config/resolved.ts";
import type { Refusal } from "../core/command.ts";
import type { Condition } from "../core/condition.ts";
import { type Event, cycle as engineCycle, type Input } from "../core/engine.ts";
import type { Known } from "../core/explain.ts";
import type { Difference } from "../core/identity.ts";
import { unraised } from "../core/incident.ts";
import type { Kpi } from "../core/kpi.ts";
import { type Memory, memoryOf } from "../core/memory.ts";
import { earliest, type Mono, type PointId, type Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { ClockTrust, EventRecord } from "../sinks/record.ts";
import type { Cycle, OutboundEvent, Store } from "../store/store.ts";
import { type Calls, callsOf } from "./calls.ts";
import type { EngineClock } from "./clock.ts";
import { correlationOf } from "./correlation.ts";
import type { Meant } from "./deeds.ts";
import { type Evidence, evidenceIn } from "./evidence.ts";
import { changedConditions, judgeCycle, wantedConfirmations } from "./judge.ts";
import type { Asked, Modes } from "./modes.ts";
import { type Newest, newestSamples } from "./newest.ts";
import { othersOf } from "./others.ts";
import { type Plans, plansOf } from "./plans.ts";
import { recordOf, retired } from "./record.ts";

/**
 * The one door to the engine. A cycle of inputs is judged on a draft; changes and events are committed in one
 * transaction; only then the draft becomes the state. A cycle whose commit failed is kept and repeated as it was,
 * with the same ids, before anything else is judged: the failed commit may have landed.
 */
export interface Ingest {
  /** Judges samples, with whatever timers are due. */
  accept(samples: readonly Sample[]): void;
  /**
   * Judges commands, each for itself; what was answered to each once it is durable. Null: obeyed.
   * @param asked the mode that is begun, if any is obeyed, or ended by them
   */
  command(meant: readonly Meant[], asked?: Asked | null): readonly (Refusal | null)[];
  /** What would be answered; nothing changes. */
  tryOut(meant: readonly Meant[]): readonly (Refusal | null)[];
  modes(): Modes;
  /** The newest record of every open incident. */
  openIncidents(): readonly EventRecord[];
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
  /** What shows that another device answers in the place of one; null: nothing does. */
  stranger(device: string): Difference | null;
  /** Events were committed. */
  onEvents(records: readonly EventRecord[]): void;
  /** A delay ends then if a sample of this point confirms it: read it at that time rather than an interval later. */
  onConfirmWanted(point: PointId, at: Mono): void;
}

/** Samples that wait behind a cycle whose commit fails; beyond it the oldest go. */
const waitingMax = 50_000;
const retryMs = 1000;

/** A cycle to commit, and what follows when it is. */
interface Pending {
  readonly cycle: Cycle;
  land(): void;
}

export function ingest(options: IngestOptions): Ingest {
  const { env, site, store, clock } = options;
  const memory: Memory = memoryOf(site.model, keptConditions(store));
  const newest = newestSamples();
  const book = incidentBook(options);
  const calls = callsOf(site, store.kept.calls, clock.now().at);
  const plans = plansOf(site, store.kept.plans, options.clockTrust);
  const { commit, again } = committer(env, store);
  let waiting: readonly Sample[] = [];
  let cancelTimer = (): void => {};
  let [stopped, started] = [false, false];

  const judge = judging(options, { memory, newest, book, calls, plans, commit });

  const accept = (samples: readonly Sample[]): void => {
    if (stopped) return;
    const isFree = again();
    const all = waiting.length === 0 ? samples : [...waiting, ...samples];
    waiting = [];
    if (isFree) judge(all, begin());
    else waiting = all.slice(-waitingMax);
    wakeLater();
  };

  /** Once: what outlived the restart is told to those that listen. */
  const begin = (): readonly Input[] => {
    const first: readonly Input[] = started ? [] : [{ kind: "start", now: clock.now() }];
    started = true;
    return first;
  };

  const wakeLater = (): void => {
    cancelTimer();
    const wakes = [memory.deadlines.next(), calls.wakeAt(), plans.wakeAt()].flatMap((at) => at ?? []);
    const next = again.isNeeded() ? clock.now().at + retryMs : earliest(wakes);
    if (next !== null) cancelTimer = env.after(Math.max(0, next - clock.now().at), () => accept([]));
  };

  const orphans = book.retire(clock.now());
  if (orphans !== null) commit({ ...orphans, cycle: { ...orphans.cycle, clock: clock.save() } });
  accept([]);
  return {
    accept,
    tryOut(meant) {
      const trial = engineCycle(site.model, memory);
      const now = clock.now();
      return meant.map(({ key, command }) => trial.take({ kind: "command", key, command, now }));
    },
    modes: plans.modes,
    command(meant, asked = null) {
      accept([]);
      if (stopped || again.isNeeded()) return meant.map(() => busy("ask again later"));
      const now = clock.now();
      const inputs = meant.map(({ key, command }): Input => ({ kind: "command", key, command, now }));
      const answers = judge([], inputs, asked);
      wakeLater();
      return again.isNeeded() ? meant.map(() => busy("it is done as soon as that takes it")) : answers;
    },
    openIncidents: book.open,
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

interface Parts {
  readonly memory: Memory;
  readonly newest: Newest;
  readonly book: ReturnType<typeof incidentBook>;
  readonly calls: Calls;
  readonly plans: Plans;
  commit(pending: Pending): void;
}

/** Judges inputs on a draft, and commits what comes of them; what was answered to each of `first`. */
function judging({ env, site, clock, onConfirmWanted }: IngestOptions, parts: Parts) {
  const { memory, newest, book, calls, plans, commit } = parts;
  return (
    samples: readonly Sample[],
    first: readonly Input[] = [],
    asked: Asked | null = null,
  ): readonly (Refusal | null)[] => {
    const now = clock.now();
    const { judged, answers } = judgeCycle(site, memory, first, samples, now);
    const isObeyed = asked?.what === "end" || answers.includes(null);
    const commanded = first.some(({ kind }) => kind === "command");
    const planned = plans.judge(judged, now, commanded, isObeyed ? asked : null);
    for (const { rule, point, value } of judged.oddities) env.report("value.odd", { rule: rule.name, point, value });
    const called = calls.judge(judged, now);
    const written = book.write(judged.events, evidenceIn(site, newest, samples));
    const records = called.told(withTexts(written, planned.texts));
    const conditions = changedConditions(site, memory, judged);
    const land = (): void => {
      memory.adopt(judged.changes);
      newest.note([...samples, ...planned.samples, ...called.samples]);
      planned.land();
      called.land();
      book.adopt(records);
    };
    const kept = { ...called.kept(records), ...planned.kept };
    const cycle = { clock: clock.save(), conditions, events: records.map(outbound(env)), ...kept };
    if (conditions.size === 0 && records.length === 0 && planned.kept.plans === undefined) land();
    else commit({ cycle, land });
    for (const { point, at } of wantedConfirmations(site, judged, now.at)) onConfirmWanted(point, at);
    return answers;
  };
}

const withTexts = (records: readonly EventRecord[], texts: ReadonlyMap<number, string>): readonly EventRecord[] =>
  texts.size === 0 ? records : records.map((one, i) => ({ ...one, text: texts.get(i) ?? one.text }));

const busy = (then: string): Refusal => ({ code: "busy", detail: `the store takes nothing now; ${then}` });

/** Commits cycles in order: one whose commit failed stands before all others until it has landed. */
function committer(env: Env, store: Store) {
  let failed: Pending | null = null;
  const commit = (pending: Pending): void => {
    failed = pending;
    try {
      env.crashSite("before-commit");
      store.commit(pending.cycle);
    } catch (error) {
      env.report("commit.failed", { error: error instanceof Error ? error.message : String(error) });
      return;
    }
    failed = null;
    env.crashSite("after-commit");
    pending.land();
  };
  /** Tries the one that failed once more; whether none is left. */
  const again = (): boolean => {
    if (failed !== null) commit(failed);
    return failed === null;
  };
  return { commit, again: Object.assign(again, { isNeeded: () => failed !== null }) };
}

/** Open incidents and sequence numbers: both move only when a commit has landed. */
function incidentBook({ env, site, store, clockTrust, stranger, onEvents }: IngestOptions) {
  const { epoch } = store.kept;
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
    open: () => [...open.values()],
    lastSeq: () => lastSeq,
    write(events: readonly Event[], evidenceOf: (event: Event) => Evidence): EventRecord[] {
      const telling = { site, epoch, bootId: env.bootId, clock: clockTrust(), stranger };
      if (events.length === 0) return [];
      const newest = new Map(open);
      return events.map((event, i) => {
        const others = othersOf(site, event, { newest, ended: [...ended.values()] });
        const record = recordOf(telling, event, lastSeq + i + 1, others);
        const rest = [...newest.values()].filter((one) => one.open || one.incidentId === record.incidentId);
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
      return { cycle: { conditions, events: records.map(outbound(env)) }, land: () => adopt(records) };
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
