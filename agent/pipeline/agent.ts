import type { Closable, Driver, Reading } from "../../drivers/driver.ts";
import { configPoint, type Device, type Site } from "../config/resolved.ts";
import type { Refusal } from "../core/command.ts";
import type { Kpi } from "../core/kpi.ts";
import type { Mono, PointId, Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { HeartbeatFacts } from "../sinks/sink.ts";
import type { HistoryOptions } from "../store/history.ts";
import type { Lookback } from "../store/journal.ts";
import type { Health } from "../store/store.ts";
import type { Acceptance, Accepted } from "./acceptance.ts";
import { answersOf } from "./answers.ts";
import { type Auditor, auditorOf } from "./auditor.ts";
import { type EngineClock, engineClock } from "./clock.ts";
import type { Deed, Done, Silenced } from "./deeds.ts";
import type { Explained, Unknown } from "./explain.ts";
import { type Identities, type IdentityStatus, identitiesOf } from "./identities.ts";
import { type Ingest, ingest } from "./ingest.ts";
import { historyOf } from "./keeping.ts";
import type { IncidentTold, OpenIncident } from "./lookback.ts";
import type { Modes } from "./modes.ts";
import { type ChannelStatus, type Notifying, type NotifyPlan, notifyingOf } from "./notifying.ts";
import { ordersOf } from "./orders.ts";
import { type BusStatus, type Poller, poller } from "./poller.ts";
import { quietOf } from "./quiet.ts";
import { type StorageWatch, storageWatch, tended } from "./storage.ts";
import { type TelemetryOptions, telemetryOf } from "./telemetry.ts";
import { type Traps, type TrapsStatus, trapsOf } from "./traps.ts";
import type { Trend } from "./trend.ts";
import { trustOf } from "./trust.ts";
import { type Uplink, type UplinkOptions, uplinkOf } from "./uplink.ts";
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
  /** The traps that came; null: none are heard. */
  traps(): TrapsStatus | null;
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
  /** The channels past the uplink. */
  readonly notify: readonly ChannelStatus[];
  /** Null: none are heard. */
  readonly traps: TrapsStatus | null;
}

export interface AgentOptions extends UplinkOptions {
  readonly site: Site;
  /** Whether `site` is the last accepted one because a newer one was refused. */
  readonly configRejected: boolean;
  /** Where samples are kept, for how long (ms), and in how much room (bytes). */
  readonly history: Pick<HistoryOptions, "path" | "keepMs" | "bytesMax">;
  /** What is told past the uplink while it is down; null: nothing. */
  readonly notify: NotifyPlan | null;
  readonly heartbeatMs: number;
  /** Whether and how values are sent; absent: not. */
  readonly telemetry?: TelemetryOptions | null;
  /** Folder of the audit; null: none is kept. */
  readonly audit: string | null;
  /** Descriptor of a socket that the service manager has opened for traps; absent: there is none. */
  readonly passedSocket?: number | null;
}

export function startAgent(options: AgentOptions): Agent {
  const { env, site, store, configRejected, heartbeatMs } = options;
  const clock = engineClock(env, store.kept.clock);
  const startedAt = env.clock.wall();
  const { history, keepEvidence } = historyOf(options, clock.now());
  const shared = sharedOf(env, site);
  const trust = trustOf(env);
  const vitals = vitalsOf(env, site, store, trust, () => door);
  const identities = identitiesOf(env, site, store);
  const quiet = quietOf({ env, site, clock, vitals, door: () => door }, () => sink.quietChanged());
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
  const telemetry = telemetryOf(env, site, options.telemetry ?? null, () => sink);
  const accept = acceptor({ env, clock, door, quiet, note: [vitals.note, history.note, telemetry.note], storage });
  const answers = answersOf({
    ...{ site, door, clock, identities, history, journal: store.journal, audit, onCommanded: quiet.note },
    onAccepted: (device) => {
      accept(identities.samples(device.id, clock.now()));
      for (const { id } of device.points) hasten(pollers, id, clock.now().at);
    },
  });
  const birth = () => ({ ...vitals.birth(), capabilities: telemetry.capabilities });
  const orders = ordersOf({ env, site, store, door, trust, audit, answers, sink: () => sink, forward: () => forward });
  const { sink, forward } = uplinkOf(options, { birth, quiet: quiet.facts, orders });
  const notifying = notifyingOf({ env, site, store, clock, door, sink }, options.notify);
  wake = forward.wake;
  pollers = site.buses.map((bus) =>
    poller({ env, site, store, bus, clock, identities, shared: shared.of(bus.driver), onSamples: accept }),
  );
  const { passedSocket = null } = options;
  const traps = trapsOf({ env, site, clock, store, shared: shared.of, passedSocket, pollers, accept });
  const pulse = every(env, heartbeatMs, () => sink.heartbeat(vitals.heartbeat()));
  const tend = tending({ env, store, forward, notifying, judge: () => accept([]), wake: () => wake() });
  accept([{ ...clock.now(), point: configPoint, quality: "good", value: configRejected ? 1 : 0 }]);
  env.report("agent.started", { site: site.id, devices: site.devices.length, config: site.configHash });

  const stop = once(async () => {
    for (const end of [pulse, quiet.stop, trust.stop, tend, telemetry.stop]) end();
    await traps.close();
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
    status: () =>
      statusOf(
        { ...options, startedAt, pollers, identities, door, sink, forward, vitals, notifying, traps },
        env.clock.wall(),
      ),
    read: async (device, points) => (await pollers.find(({ bus }) => bus === device.bus)?.read(points)) ?? [],
    traps: traps.status,
    ...answers,
    alive: () => pollers.every((one) => one.alive()),
    stop,
  };
}

interface Accepting {
  readonly env: Env;
  readonly clock: EngineClock;
  readonly door: Ingest;
  readonly quiet: { note(): void };
  readonly storage: StorageWatch;
  /** Who else is told of samples, before they are judged. */
  readonly note: readonly ((samples: readonly Sample[]) => void)[];
}

function acceptor({ env, clock, door, quiet, storage, note }: Accepting): (samples: readonly Sample[]) => void {
  return (samples) => {
    for (const tell of note) tell(samples);
    tellSteps(env, clock);
    door.accept(samples);
    const changed = storage(clock.now(), door);
    if (changed !== null) door.accept(changed);
    quiet.note();
  };
}

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

interface Parts extends Pick<AgentOptions, "site" | "store" | "configRejected">, Uplink {
  readonly startedAt: number;
  readonly pollers: readonly Poller[];
  readonly identities: Identities;
  readonly door: Ingest;
  readonly vitals: Vitals;
  readonly notifying: Notifying;
  readonly traps: Traps;
}

function statusOf(parts: Parts, now: number): AgentStatus {
  const { site, store, configRejected, startedAt, pollers, identities, door, sink, forward, vitals } = parts;
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
    trouble: sink.trouble ?? forward.trouble(),
    heartbeat: vitals.heartbeat(),
    storage: store.health,
    notify: parts.notifying.status(),
    traps: parts.traps.status(),
  };
}

const tendMs = 5000;

interface Tending extends Pick<AgentOptions, "env" | "store">, Pick<Uplink, "forward"> {
  readonly notifying: Notifying;
  judge(): void;
  wake(): void;
}

/** What is looked after also while nothing happens. */
function tending({ env, store, forward, notifying, judge, wake }: Tending): () => void {
  const end = every(env, tendMs, () => {
    const isBack = tended(store);
    judge();
    if (isBack) wake();
    forward.trouble();
    notifying.tick();
  });
  return () => {
    end();
    notifying.stop();
  };
}

function every(env: Env, ms: number, work: () => void): () => void {
  let cancel = env.after(ms, function again() {
    work();
    cancel = env.after(ms, again);
  });
  return () => cancel();
}

/** What the sessions and the listener of one protocol share is made once. */
function sharedOf(env: Env, site: Site) {
  const made = new Map<Driver, Closable>();
  for (const { driver } of [...site.buses, ...site.listeners]) {
    if (!made.has(driver)) made.set(driver, driver.share?.(env) ?? { close: async () => {} });
  }
  return {
    of: (driver: Driver): Closable => made.get(driver) ?? { close: async () => {} },
    async close(): Promise<void> {
      await Promise.all([...made.values()].map((one) => one.close()));
    },
  };
}
