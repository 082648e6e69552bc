import type { Closable, Driver, Reading } from "../../drivers/driver.ts";
import { configPoint, type Device, type Site } from "../config/resolved.ts";
import type { Kpi } from "../core/kpi.ts";
import type { PointId, Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { HeartbeatFacts, Sink, SinkHooks } from "../sinks/sink.ts";
import type { History, HistoryOptions } from "../store/history.ts";
import type { Lookback } from "../store/journal.ts";
import type { Store } from "../store/store.ts";
import { type EngineClock, engineClock } from "./clock.ts";
import { askedOf, type Deed, type Done, inMode, meantBy, type Silenced, silencedIn } from "./deeds.ts";
import { type Explained, explainTarget, type Unknown } from "./explain.ts";
import { forwarder } from "./forwarder.ts";
import { type Ingest, ingest } from "./ingest.ts";
import { historyOf } from "./keeping.ts";
import { type IncidentTold, incidentsOf, type OpenIncident, openIncidents } from "./lookback.ts";
import type { Modes } from "./modes.ts";
import { type BusStatus, type Poller, poller } from "./poller.ts";
import { type Trend, trendOf } from "./trend.ts";
import { trustOf } from "./trust.ts";
import { vitalsOf } from "./vitals.ts";

/** The agent: pollers → ingest → store → forwarder → sink, wired once, for a site that does not change. */
export interface Agent {
  status(): AgentStatus;
  /** Reads points of a device now. */
  read(device: Device, points: ReadonlySet<PointId>): Promise<readonly Reading[]>;
  /** Why conditions are, or are not, active: of a device, a point, a rule, a condition or an open incident. */
  explain(target: string): Explained | Unknown;
  /** Does what a person asks of conditions and incidents; `preview`: says only which are meant. */
  command(deed: Deed, preview: boolean): readonly Done[] | Unknown | string;
  silences(): readonly Silenced[];
  /** How the alarms of the last 24 hours did by the standards. */
  kpis(): readonly Kpi[];
  /** What is open, those first that call somebody. */
  incidents(): readonly OpenIncident[];
  /** The incidents that a person means, open or over. */
  incident(target: string): readonly IncidentTold[] | Unknown;
  /** What a point (`DEVICE/POINT`) said in the last `spanMs`, in `count` buckets. */
  trend(target: string, spanMs: number, count: number): Trend | Unknown;
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
  readonly open: readonly EventRecord[];
  readonly connected: boolean;
  readonly trouble: string | null;
  readonly heartbeat: HeartbeatFacts;
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
}

export function startAgent(options: AgentOptions): Agent {
  const { env, site, store, configRejected, openSink, heartbeatMs } = options;
  const clock = engineClock(env, store.kept.clock);
  const startedAt = env.clock.wall();
  const { history, keepEvidence } = historyOf(options, clock.now());
  const shared = sharedOf(env, site);
  const trust = trustOf(env);
  const vitals = vitalsOf(env, site, store, trust, () => door);
  // Bound further down, once what they name exists.
  let wake = (): void => {};
  let pollers: readonly Poller[] = [];
  const door = ingest({
    env,
    site,
    store,
    clock,
    clockTrust: trust.now,
    onEvents: (records) => {
      wake();
      keepEvidence(records);
    },
    onConfirmWanted: (point, at) => {
      for (const one of pollers) one.hasten(point, at);
    },
  });
  const accept = (samples: readonly Sample[]): void => {
    vitals.note(samples);
    history.note(samples);
    const stepped = clock.stepped();
    if (stepped !== 0) env.report("clock.step", { ms: stepped });
    door.accept(samples);
  };
  const sink = openSink({ birth: vitals.birth, onConnected: () => wake(), onLost: () => {} });
  const forward = forwarder(env, store.outbox, sink);
  wake = forward.wake;
  pollers = site.buses.map((bus) =>
    poller({ env, site, bus, shared: shared.of(bus.driver), clock, onSamples: accept }),
  );
  const pulse = every(env, heartbeatMs, () => sink.heartbeat(vitals.heartbeat()));
  accept([{ ...clock.now(), point: configPoint, quality: "good", value: configRejected ? 1 : 0 }]);
  env.report("agent.started", { site: site.id, devices: site.devices.length, config: site.configHash });

  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    pulse();
    trust.stop();
    await Promise.all(pollers.map((one) => one.close()));
    await shared.close();
    door.stop();
    await sink.close();
    forward.stop();
    history.close();
    store.close();
    env.report("agent.stopped");
  };
  return {
    status: () => ({
      site,
      now: env.clock.wall(),
      startedAt,
      configRejected,
      modes: door.modes(),
      buses: pollers.map((one) => one.status()),
      open: door.openIncidents(),
      connected: sink.connected,
      trouble: sink.trouble,
      heartbeat: vitals.heartbeat(),
    }),
    read: async (device, points) => (await pollers.find(({ bus }) => bus === device.bus)?.read(points)) ?? [],
    explain: (target) =>
      explainTarget({ site, open: door.openIncidents(), known: door.known, now: clock.now() }, target),
    command: (deed, preview) => commanded(site, door, deed, preview),
    silences: () => silencedIn(site, door.known, clock.now()),
    kpis: door.kpis,
    ...lookingBack(site, door, store.journal, history, clock),
    alive: () => pollers.every((one) => one.alive()),
    stop: () => (stopping ??= stop()),
  };
}

function lookingBack(
  site: Site,
  door: Ingest,
  journal: Lookback,
  history: History,
  clock: EngineClock,
): Pick<Agent, "incidents" | "incident" | "trend" | "journal"> {
  return {
    incidents: () => openIncidents(site, door.known, door.openIncidents()),
    incident: (target) => incidentsOf({ site, open: door.openIncidents(), journal, history }, target),
    trend: (target, spanMs, count) => trendOf({ site, history, now: clock.now() }, target, spanMs, count),
    journal,
  };
}

function commanded(site: Site, door: Ingest, deed: Deed, preview: boolean): readonly Done[] | Unknown | string {
  const meant = meantBy(site, door.openIncidents(), deed);
  if (typeof meant === "string" || "found" in meant) return meant;
  const asked = askedOf(deed, door.modes());
  if (typeof asked === "string") return asked;
  const some = asked?.what === "end" ? inMode(site, door.known, meant, asked.mode) : meant;
  const answers = preview ? door.tryOut(some) : door.command(some, asked);
  return some.map(({ key }, i) => ({ key, refused: answers[i] ?? null }));
}

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
