import type { Closable, Driver, Reading } from "../../drivers/driver.ts";
import { configPoint, type Device, type Site } from "../config/resolved.ts";
import type { Refusal } from "../core/command.ts";
import type { Kpi } from "../core/kpi.ts";
import type { Mono, PointId, Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { HeartbeatFacts, Sink, SinkHooks } from "../sinks/sink.ts";
import type { HistoryOptions } from "../store/history.ts";
import type { Lookback } from "../store/journal.ts";
import type { Health, Store } from "../store/store.ts";
import type { Acceptance, Accepted } from "./acceptance.ts";
import { answersOf } from "./answers.ts";
import { type Auditor, auditorOf } from "./auditor.ts";
import { type EngineClock, engineClock } from "./clock.ts";
import type { Deed, Done, Silenced } from "./deeds.ts";
import type { Explained, Unknown } from "./explain.ts";
import { forwarder } from "./forwarder.ts";
import { type Identities, type IdentityStatus, identitiesOf } from "./identities.ts";
import { type Ingest, ingest } from "./ingest.ts";
import { historyOf } from "./keeping.ts";
import type { IncidentTold, OpenIncident } from "./lookback.ts";
import type { Modes } from "./modes.ts";
import { ordersOf, type Replay } from "./orders.ts";
import { type BusStatus, type Poller, poller } from "./poller.ts";
import { quietOf } from "./quiet.ts";
import { storageWatch, tended } from "./storage.ts";
import type { Trend } from "./trend.ts";
import { trustOf } from "./trust.ts";
import { type Vitals, vitalsOf } from "./vitals.ts";

/** The agent: pollers → ingest → store → forwarder → sink, wired once, for a site that does not change. */
export interface Agent {
  status(): AgentStatus;
  /** Reads points of a device now. */
  read(device: Device, points: ReadonlySet<PointId>): Promise<readonly Reading[]>;
  /** Why conditions are, or are not, active: of a device, a point, a rule, a condition or an open incident. */
  explain(target: string): Explained | Unknown;
  /** Does what a person asks of conditions and incidents; `preview`: says only which are meant. */
  command(deed: Deed, preview: boolean): readonly Done[] | Unknown | string;
  /** Takes a device for the one that it should be from now on; `preview`: says only what that changes. */
  acceptDevice(acceptance: Acceptance, preview: boolean): Accepted | Refusal;
  silences(): readonly Silenced[];
  /** How the alarms of the last 24 hours did by the standards. */
  kpis(): readonly Kpi[];
  /** What is open, those first that call somebody. */
  incidents(): readonly OpenIncident[];
  /** The incidents that a person means, open or over. */
  incident(target: string): readonly IncidentTold[] | Unknown;
  /** What a point (`DEVICE/POINT`) said in the last `spanMs`, in `count` buckets. */
  trend(target: string, spanMs: number, count: number): Trend | Unknown;
  /** Who did what. */
  readonly audit: Pick<Auditor, "since" | "verify">;
  /** What happened in the last days. */
  readonly journal: Lookback;
  /** Whether every loop makes progress: the watchdog is fed only then. */
  alive(): boolean;
  /** Stops in an order that loses nothing; idempotent, settles within 5 s. */
  stop(): Promise<void>;
}

export interface AgentStatus {
  readonly site: Site;
  readonly now: number;
  readonly startedAt: number;
  readonly configRejected: boolean;
  readonly modes: Modes;
  readonly buses: readonly BusStatus[];
  /** By device id, of those that something tells from others. */
  readonly identities: ReadonlyMap<string, IdentityStatus>;
  readonly open: readonly EventRecord[];
  readonly connected: boolean;
  readonly trouble: string | null;
  readonly heartbeat: HeartbeatFacts;
  readonly storage: Health;
}

export interface AgentOptions {
  readonly env: Env;
  readonly site: Site;
  readonly store: Store;
  /** Whether `site` is the last accepted one because a newer one was refused. */
  readonly configRejected: boolean;
  /** Where samples are kept, for how long (ms), and in how much room (bytes). */
  readonly history: Pick<HistoryOptions, "path" | "keepMs" | "bytesMax">;
  openSink(hooks: SinkHooks): Sink;
  readonly heartbeatMs: number;
  /** Folder of the audit; null: none is kept. */
  readonly audit: string | null;
}

export function startAgent(options: AgentOptions): Agent {
  const { env, site, store, configRejected, openSink, heartbeatMs } = options;
  const clock = engineClock(env, store.kept.clock);
  const startedAt = env.clock.wall();
  const { history, keepEvidence } = historyOf(options, clock.now());
  const shared = sharedOf(env, site);
  const trust = trustOf(env);
  const vitals = vitalsOf(env, site, store, trust, () => door);
  const identities = identitiesOf(env, site, store);
  const quiet = quietOf({ env, site, clock, door: () => door, blind: vitals.blind }, () => sink.quietChanged());
  const audit = auditorOf(options);
  const storage = storageWatch(site, store);
  // Bound further down, once what they name exists.
  let wake = (): void => {};
  let pollers: readonly Poller[] = [];
  const door = ingest({
    ...{ env, site, store, clock },
    clockTrust: trust.now,
    stranger: identities.stranger,
    onEvents: (records) => {
      wake();
      keepEvidence(records);
    },
    onConfirmWanted: (point, at) => hasten(pollers, point, at),
  });
  tended(store);
  const accept = (samples: readonly Sample[]): void => {
    vitals.note(samples);
    history.note(samples);
    tellSteps(env, clock);
    door.accept(samples);
    const changed = storage(clock.now(), door);
    if (changed !== null) door.accept(changed);
    quiet.note();
  };
  const answers = answersOf({
    ...{ site, door, clock, identities, history, journal: store.journal, audit, onCommanded: quiet.note },
    onAccepted: (device) => {
      accept(identities.samples(device.id, clock.now()));
      for (const { id } of device.points) hasten(pollers, id, clock.now().at);
    },
  });
  const orders = ordersOf({ env, site, store, door, trust, audit, answers, sink: () => sink, replay: notYet });
  const { birth } = vitals;
  const sink = openSink({ birth, quiet: quiet.facts, orders, onConnected: () => wake(), onLost: () => {} });
  const forward = forwarder(env, store.outbox, sink);
  wake = forward.wake;
  pollers = site.buses.map((bus) =>
    poller({ env, site, bus, shared: shared.of(bus.driver), clock, identities, onSamples: accept }),
  );
  const pulse = every(env, heartbeatMs, () => sink.heartbeat(vitals.heartbeat()));
  const tend = every(env, tendMs, () => {
    const isBack = tended(store);
    accept([]);
    if (isBack) wake();
  });
  accept([{ ...clock.now(), point: configPoint, quality: "good", value: configRejected ? 1 : 0 }]);
  env.report("agent.started", { site: site.id, devices: site.devices.length, config: site.configHash });

  const stop = once(async () => {
    for (const end of [pulse, tend, quiet.stop, trust.stop]) end();
    await Promise.all(pollers.map((one) => one.close()));
    await shared.close();
    door.stop();
    await sink.close();
    forward.stop();
    history.close();
    store.close();
    audit.noteEnd();
    env.report("agent.stopped");
  });
  return {
    status: () => statusOf({ ...options, startedAt, pollers, identities, door, sink, vitals }, env.clock.wall()),
    read: async (device, points) => (await pollers.find(({ bus }) => bus === device.bus)?.read(points)) ?? [],
    ...answers,
    alive: () => pollers.every((one) => one.alive()),
    stop,
  };
}

const notYet: Replay = () => ({ code: "busy", detail: "this agent says no events once more" });

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => (running ??= work());
}

function hasten(pollers: readonly Poller[], point: PointId, at: Mono): void {
  for (const one of pollers) one.hasten(point, at);
}

function tellSteps(env: Env, clock: EngineClock): void {
  const ms = clock.stepped();
  if (ms !== 0) env.report("clock.step", { ms });
}

interface Parts extends Pick<AgentOptions, "site" | "store" | "configRejected"> {
  readonly startedAt: number;
  readonly pollers: readonly Poller[];
  readonly identities: Identities;
  readonly door: Ingest;
  readonly sink: Sink;
  readonly vitals: Vitals;
}

function statusOf(parts: Parts, now: number): AgentStatus {
  const { site, store, configRejected, startedAt, pollers, identities, door, sink, vitals } = parts;
  return {
    site,
    now,
    startedAt,
    configRejected,
    modes: door.modes(),
    buses: pollers.map((one) => one.status()),
    identities: identities.all(),
    open: door.openIncidents(),
    connected: sink.connected,
    trouble: sink.trouble,
    heartbeat: vitals.heartbeat(),
    storage: store.health,
  };
}

const tendMs = 5000;

function every(env: Env, ms: number, work: () => void): () => void {
  let cancel = env.after(ms, function again() {
    work();
    cancel = env.after(ms, again);
  });
  return () => cancel();
}

/** What the sessions of one protocol share is made once, when the first bus needs it. */
function sharedOf(env: Env, site: Site) {
  const made = new Map<Driver, Closable>();
  for (const { driver } of site.buses) {
    if (!made.has(driver)) made.set(driver, driver.share?.(env) ?? { close: async () => {} });
  }
  return {
    of: (driver: Driver): Closable => made.get(driver) ?? { close: async () => {} },
    async close(): Promise<void> {
      await Promise.all([...made.values()].map((one) => one.close()));
    },
  };
}
