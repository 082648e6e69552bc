import type { Site } from "../config/resolved.ts";
import type { Refusal } from "../core/command.ts";
import type { Condition } from "../core/condition.ts";
import { cycle as engineCycle, type Input } from "../core/engine.ts";
import type { Known } from "../core/explain.ts";
import type { Difference } from "../core/identity.ts";
import type { Kpi } from "../core/kpi.ts";
import { type Memory, memoryOf } from "../core/memory.ts";
import { earliest, type Mono, type PointId, type Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { ClockTrust, EventRecord } from "../sinks/record.ts";
import type { Store } from "../store/store.ts";
import { type IncidentBook, incidentBook } from "./book.ts";
import { type Calls, callsOf } from "./calls.ts";
import type { EngineClock } from "./clock.ts";
import { committer, type Judged, type Pending, pendings } from "./commits.ts";
import type { Meant } from "./deeds.ts";
import { evidenceIn } from "./evidence.ts";
import { changedConditions, judgeCycle, wantedConfirmations } from "./judge.ts";
import type { Asked, Modes } from "./modes.ts";
import { type Newest, newestSamples } from "./newest.ts";
import { type Plans, plansOf } from "./plans.ts";

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
  /** The point has a new sensor: what rules remember of the old one is forgotten. Null: it is. */
  replaced(point: PointId): Refusal | null;
  /** What would be answered; nothing changes. */
  tryOut(meant: readonly Meant[]): readonly (Refusal | null)[];
  modes(): Modes;
  /** The newest record of every open incident. */
  openIncidents(): readonly EventRecord[];
  /** In which, and up to which number, events were committed. */
  readonly epoch: string;
  readonly lastSeq: number;
  /** In the outbox, of the newest of them. */
  readonly lastPosition: number;
  /** Grows with each cycle that changes a condition, an incident or a mode: most samples change nothing. */
  readonly revision: number;
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
const never: Mono = Number.POSITIVE_INFINITY;

export function ingest(options: IngestOptions): Ingest {
  const { env, site, store, clock } = options;
  const memory: Memory = memoryOf(site.model, keptConditions(store));
  const newest = newestSamples();
  const book = incidentBook(options);
  const calls = callsOf(site, store.kept.calls, clock.now().at);
  const plans = plansOf(site, store.kept.plans, options.clockTrust);
  const { commit, again } = committer(env, store, book);
  const pendingOf = pendings(options, memory, book);
  let waiting: readonly Sample[] = [];
  const timer = timerFor(options, () => accept([]));
  const begin = startOnce(clock);
  let stopped = false;
  let revision = 0;

  const onChanged = (): void => void revision++;
  const judge = judging(options, { memory, newest, book, calls, plans, pendingOf, commit, onChanged });

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
    const wakes = [memory.deadlines.next(), calls.wakeAt(), plans.wakeAt()];
    timer.set(again.isNeeded() ? clock.now().at + retryMs : earliest(wakes));
  };

  const orphans = book.retire(clock.now());
  if (orphans !== null) commit(pendingOf(orphans));
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
    replaced(point) {
      accept([]);
      if (stopped || again.isNeeded()) return busy("ask again later");
      judge([], [{ kind: "replaced", point, now: clock.now() }]);
      wakeLater();
      return null;
    },
    openIncidents: book.open,
    get epoch() {
      return book.epoch();
    },
    get lastSeq() {
      return book.lastSeq();
    },
    get lastPosition() {
      return book.lastPosition();
    },
    get revision() {
      return revision;
    },
    known: { rule: memory.rule, sourceAt: memory.sourceAt, newest: newest.of },
    kpis: () => calls.kpis(clock.now().at),
    stop() {
      stopped = true;
      timer.stop();
    },
  };
}

/** One timer for whatever falls due first. */
function timerFor({ env, clock }: Pick<IngestOptions, "env" | "clock">, wake: () => void) {
  let at: Mono = never;
  let cancel = (): void => {};
  return {
    /** Wakes at `next`, or before. */
    set(next: Mono | null): void {
      // Most samples move it later: one that goes off for nothing now and then costs less than another one for each of them.
      if (next === null || next >= at) return;
      cancel();
      at = next;
      cancel = env.after(Math.max(0, next - clock.now().at), () => {
        at = never;
        wake();
      });
    },
    stop: () => cancel(),
  };
}

interface Parts {
  readonly memory: Memory;
  readonly newest: Newest;
  readonly book: IncidentBook;
  readonly calls: Calls;
  readonly plans: Plans;
  pendingOf(judged: Judged): Pending;
  commit(pending: Pending): void;
  onChanged(): void;
}

/** Judges inputs on a draft, and commits what comes of them; what was answered to each of `first`. */
function judging({ env, site, store, clock, onConfirmWanted }: IngestOptions, parts: Parts) {
  const { memory, newest, book, calls, plans, pendingOf, commit, onChanged } = parts;
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
    const isNothing = conditions.size === 0 && records.length === 0 && !planned.isNews;
    const pending = pendingOf({
      records,
      conditions,
      rest: (isWhole, hasEvents) => ({ ...called.kept(isWhole || hasEvents), ...planned.kept(isWhole) }),
      land(told) {
        memory.adopt(judged.changes);
        newest.note([...samples, ...planned.samples, ...called.samples]);
        planned.land();
        called.land();
        book.adopt(told);
        if (!isNothing) onChanged();
      },
    });
    if (isNothing && book.epoch() === store.epoch) pending.land([]);
    else commit(pending);
    for (const { point, at } of wantedConfirmations(site, judged, now.at)) onConfirmWanted(point, at);
    return answers;
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

const withTexts = (records: readonly EventRecord[], texts: ReadonlyMap<number, string>): readonly EventRecord[] =>
  texts.size === 0 ? records : records.map((one, i) => ({ ...one, text: texts.get(i) ?? one.text }));

const busy = (then: string): Refusal => ({ code: "busy", detail: `the store takes nothing now; ${then}` });

function keptConditions(store: Store): ReadonlyMap<string, Condition> {
  return new Map([...store.kept.conditions].map(([key, text]) => [key, JSON.parse(text) as Condition]));
}
