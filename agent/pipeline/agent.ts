import type { Closable, Driver, Reading } from "../../drivers/driver.ts";
import { configPoint, type Device, type Site } from "../config/resolved.ts";
import type { Kpi } from "../core/kpi.ts";
import type { PointId, Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { ClockTrust, EventRecord } from "../sinks/record.ts";
import type { HeartbeatFacts, Sink, SinkHooks } from "../sinks/sink.ts";
import type { Lookback } from "../store/journal.ts";
import type { Health, Store } from "../store/store.ts";
import { engineClock } from "./clock.ts";
import { type Deed, type Done, meantBy, type Silenced, silencedIn } from "./deeds.ts";
import { type Explained, explainTarget, type Unknown } from "./explain.ts";
import { forwarder } from "./forwarder.ts";
import { type Ingest, ingest } from "./ingest.ts";
import { type IncidentTold, incidentsOf, type OpenIncident, openIncidents } from "./lookback.ts";
import { type BusStatus, type Poller, poller } from "./poller.ts";
import { storageWatch, tended } from "./storage.ts";
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
  silences(): readonly Silenced[];
  /** How the alarms of the last 24 hours did by the standards. */
  kpis(): readonly Kpi[];
  /** What is open, those first that call somebody. */
  incidents(): readonly OpenIncident[];
  /** The incidents that a person means, open or over. */
  incident(target: string): readonly IncidentTold[] | Unknown;
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
  readonly buses: readonly BusStatus[];
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
  openSink(hooks: SinkHooks): Sink;
  readonly heartbeatMs: number;
}

export function startAgent({ env, site, store, configRejected, openSink, heartbeatMs }: AgentOptions): Agent {
  const clock = engineClock(env, store.kept.clock);
  const startedAt = env.clock.wall();
  const vitals = vitalsOf(env, site, store, () => door);
  const shared = sharedOf(env, site);
  const storage = storageWatch(site, store);
  // Bound further down, once what they name exists.
  let wake = (): void => {};
  let pollers: readonly Poller[] = [];
  const door = ingest({
    env,
    site,
    store,
    clock,
    clockTrust: () => untold,
    onEvents: () => wake(),
    onConfirmWanted: (point, at) => {
      for (const one of pollers) one.hasten(point, at);
    },
  });
  tended(store);
  const accept = (samples: readonly Sample[]): void => {
    vitals.note(samples);
    const stepped = clock.stepped();
    if (stepped !== 0) env.report("clock.step", { ms: stepped });
    door.accept(samples);
    const changed = storage(clock.now(), door);
    if (changed !== null) door.accept(changed);
  };

  const sink = openSink({ birth: vitals.birth, onConnected: () => wake(), onLost: () => {} });
  const forward = forwarder(env, store.outbox, sink);
  wake = forward.wake;
  pollers = site.buses.map((bus) =>
    poller({ env, site, bus, shared: shared.of(bus.driver), clock, onSamples: accept }),
  );
  const pulse = every(env, heartbeatMs, () => sink.heartbeat(vitals.heartbeat()));
  const tend = every(env, tendMs, () => {
    const isBack = tended(store);
    accept([]);
    if (isBack) wake();
  });
  accept([{ ...clock.now(), point: configPoint, quality: "good", value: configRejected ? 1 : 0 }]);
  env.report("agent.started", { site: site.id, devices: site.devices.length, config: site.configHash });

  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    pulse();
    tend();
    await Promise.all(pollers.map((one) => one.close()));
    await shared.close();
    door.stop();
    await sink.close();
    forward.stop();
    store.close();
    env.report("agent.stopped");
  };
  return {
    status: () => statusOf({ site, startedAt, configRejected, pollers, door, sink, vitals, store }, env.clock.wall()),
    async read(device, points) {
      return (await pollers.find(({ bus }) => bus === device.bus)?.read(points)) ?? [];
    },
    explain: (target) =>
      explainTarget({ site, open: door.openIncidents(), known: door.known, now: clock.now() }, target),
    command(deed, preview) {
      const meant = meantBy(site, door.openIncidents(), deed);
      if (typeof meant === "string" || "found" in meant) return meant;
      const answers = preview ? [] : door.command(meant);
      return meant.map(({ key }, i) => ({ key, refused: answers[i] ?? null }));
    },
    silences: () => silencedIn(site, door.known, clock.now()),
    kpis: door.kpis,
    incidents: () => openIncidents(site, door.known, door.openIncidents()),
    incident: (target) => incidentsOf({ site, open: door.openIncidents(), journal: store.journal }, target),
    journal: store.journal,
    alive: () => pollers.every((one) => one.alive()),
    stop: () => (stopping ??= stop()),
  };
}

interface Parts extends Pick<AgentStatus, "site" | "startedAt" | "configRejected"> {
  readonly pollers: readonly Poller[];
  readonly door: Ingest;
  readonly sink: Sink;
  readonly vitals: Vitals;
  readonly store: Store;
}

function statusOf({ pollers, door, sink, vitals, store, ...known }: Parts, now: number): AgentStatus {
  return {
    ...known,
    now,
    buses: pollers.map((one) => one.status()),
    open: door.openIncidents(),
    connected: sink.connected,
    trouble: sink.trouble,
    heartbeat: vitals.heartbeat(),
    storage: store.health,
  };
}

const tendMs = 5000;

/** The system's word on its clock is not asked for yet, so nothing is claimed. */
const untold: ClockTrust = { synced: null, source: null, offsetMs: null, lastSyncAt: null };

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
