import {
  type AnyRequest,
  answered,
  type Closable,
  type Fault,
  faults,
  type News,
  type Reading,
} from "../../drivers/driver.ts";
import type { Bus, Device, DevicePoint, Site } from "../config/resolved.ts";
import { assess, type Observation } from "../core/quality.ts";
import { commPoint, type Instant, type Mono, type PointId, type Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import { type Airtime, idle, type Shares, sharesOf, used } from "./airtime.ts";
import type { EngineClock } from "./clock.ts";
import type { Priority } from "./fairness.ts";
import type { Identities } from "./identities.ts";
import { type LearntStore, learntOf } from "./learnt.ts";
import {
  begun,
  demand,
  done,
  hasten,
  hinted,
  isSilent,
  laneOf,
  next,
  type Schedule,
  schedule,
  type Task,
  type Wanted,
} from "./schedule.ts";
import { type Turns, turns, windowOf } from "./turns.ts";
import { plannedOf, wantedOf } from "./wanted.ts";

/**
 * One poller a bus: asks what the schedule says, as many requests at a time as the bus carries, and hands on samples. Buses
 * know nothing of each other, so that a slow one delays nobody else.
 */
export interface Poller {
  readonly bus: string;
  /** Reads a point at `at` if it would be read later. */
  hasten(point: PointId, at: Mono): void;
  /** Reads these points of a device soon: it has said that there is something to be read. */
  hint(device: string, points: ReadonlySet<PointId>): void;
  /** Reads these points now, beside their beats, before all else that is due; for a person who asks. */
  read(points: ReadonlySet<PointId>): Promise<readonly Reading[]>;
  status(): BusStatus;
  /** False when an exchange has been under way for longer than any may take: this bus is polled no more. */
  alive(): boolean;
  close(): Promise<void>;
}

export interface BusStatus {
  readonly bus: string;
  readonly skipped: number;
  readonly devices: ReadonlyMap<string, DeviceStatus>;
  /** How much of its time the plan takes, 0 … and above 1 where it cannot be kept; null: not known before, as of networks. */
  readonly planned: number | null;
  /** How much it was in use in the last minute, and for what. */
  readonly measured: Shares;
}

export interface DeviceStatus {
  readonly answering: boolean | null;
  /** Wall time of the last exchange that brought a value; null: never. */
  readonly lastGoodAt: number | null;
  /** Why the last exchange brought none; null where it did. */
  readonly fault: string | null;
  readonly lastMs: number;
}

export interface PollerOptions {
  readonly env: Env;
  readonly site: Site;
  readonly bus: Bus;
  readonly shared: Closable;
  readonly store: LearntStore;
  readonly clock: EngineClock;
  readonly identities: Identities;
  onSamples(samples: readonly Sample[]): void;
}

export function poller(options: PollerOptions): Poller {
  const { env, site, store, bus, shared, clock } = options;
  const devices = site.devices.filter((device) => device.bus === bus.id);
  const known: Known = {
    points: new Map(devices.flatMap((device) => device.points.map((point) => [point.id, point] as const))),
    commPoints: new Map(devices.map(({ id }) => [id, commPoint(id)])),
  };
  const wanted = wantedOf(site, bus);
  const hear = newsTo(options, devices, known.points);
  const line = turns(env, bus, shared, learntOf(env, store, bus.id), (news) => {
    if (!closed) hear(news);
  });
  const window = windowOf(bus);
  /** When each began that is under way. */
  const underWay = new Map<AnyRequest, Mono>();
  const state: State = {
    plan: schedule(wanted, clock.now().at),
    airtime: idle(clock.now().at),
    devices: new Map(devices.map(({ id }) => [id, unasked])),
  };
  let cancelTimer = (): void => {};
  let closed = false;
  /** What devices hinted at during an exchange, whose answer may be older than that. */
  const hints: (readonly [device: string, points: ReadonlySet<PointId>])[] = [];

  const poll = async (task: Task): Promise<void> => {
    const exchange = await exchanged(options, state, line, task, (began) => underWay.set(task.request, began));
    underWay.delete(task.request);
    if (closed) return;
    aside.answered(task.request, exchange.readings);
    adopt(options, state, task, exchange, known);
    for (const [device, hintedAt] of hints.splice(0)) state.plan = hinted(state.plan, device, hintedAt, clock.now().at);
    arm();
  };
  const arm = (): void => {
    cancelTimer();
    while (!closed && underWay.size < window) {
      const { at } = clock.now();
      const upcoming = next(state.plan, at);
      if (upcoming === null) return;
      if (upcoming.at > at) {
        cancelTimer = env.after(upcoming.at - at, arm);
        return;
      }
      state.plan = begun(state.plan, upcoming.task);
      void poll(upcoming.task);
    }
  };
  const aside = asideOf(state, wanted, () => clock.now().at, arm);

  // Not at once: whoever made it is to have it first.
  cancelTimer = env.after(0, arm);
  return {
    bus: bus.id,
    hasten(point, at) {
      if (!known.points.has(point)) return;
      state.plan = hasten(state.plan, point, at);
      arm();
    },
    hint(device, hintedAt) {
      if (underWay.size === 0) state.plan = hinted(state.plan, device, hintedAt, clock.now().at);
      else if (hints.length < hintsMax) hints.push([device, hintedAt]);
      arm();
    },
    read: async (asked) => (closed ? [] : await aside.read(asked)),
    status: () => ({
      ...{ bus: bus.id, skipped: state.plan.skipped, devices: state.devices, planned: plannedOf(bus, wanted) },
      measured: sharesOf(state.airtime, clock.now().at, window),
    }),
    alive: () => [...underWay.values()].every((began) => clock.now().at - began < bus.timeoutMs + stuckMs),
    async close() {
      closed = true;
      cancelTimer();
      await line.close();
      aside.end();
    },
  };
}

/** More than come within an exchange, unless something is wrong. */
const hintsMax = 1000;

/** What people ask for, beside the beats. */
function asideOf(state: State, wanted: readonly Wanted[], now: () => Mono, arm: () => void) {
  const waiting = new Map<AnyRequest, (readings: readonly Reading[]) => void>();
  const ask = (one: Wanted): Promise<readonly Reading[]> =>
    new Promise((resolve) => {
      // Another object than that of the beat: both may be under way.
      const request = { ...one.request };
      waiting.set(request, resolve);
      state.plan = demand(state.plan, { ...one, request }, now());
      arm();
    });
  return {
    async read(points: ReadonlySet<PointId>): Promise<readonly Reading[]> {
      const readings: Reading[] = [];
      /** By device that did not answer: what it said instead. */
      const silent = new Map<string, Fault>();
      for (const one of wanted.filter(({ request }) => request.points.some(({ id }) => points.has(id)))) {
        const known = silent.get(one.device);
        // It would not answer the next one either, and a person waits.
        const some = known === undefined ? await ask(one) : faults(one.request, known.fault, known.detail);
        const [first] = some;
        if (first !== undefined && "fault" in first && !answered(some)) silent.set(one.device, first);
        readings.push(...some);
      }
      return readings.filter(({ point }) => points.has(point));
    },
    answered(request: AnyRequest, readings: readonly Reading[]): void {
      waiting.get(request)?.(readings);
      waiting.delete(request);
    },
    end(): void {
      for (const [request, resolve] of waiting) resolve(faults(request, "unreachable", "the agent stops"));
      waiting.clear();
    },
  };
}

/** Of the devices of a bus. */
interface Known {
  readonly points: ReadonlyMap<PointId, DevicePoint>;
  /** By device. */
  readonly commPoints: ReadonlyMap<string, PointId>;
}

interface State {
  plan: Schedule;
  airtime: Airtime;
  readonly devices: Map<string, DeviceStatus>;
}

interface Exchanged {
  /** As they may be believed of this device. */
  readonly readings: readonly Reading[];
  readonly ok: boolean;
  readonly ms: number;
  /** Whether all points of the device are to be looked at now. */
  readonly isOdd: boolean;
}

/** Asks; and who it is of a device that has answered, where that is to be known. */
async function exchanged(
  { clock, identities }: PollerOptions,
  state: State,
  line: Turns,
  task: Task,
  began: (at: Mono) => void,
): Promise<Exchanged> {
  const { request, device } = task;
  const timed = async <T>(priority: Priority, work: () => Promise<T>): Promise<{ answer: T; ms: number }> => {
    const from = clock.now().at;
    began(from);
    const answer = await work();
    const { at } = clock.now();
    state.airtime = used(state.airtime, priority, at - from, at);
    return { answer, ms: at - from };
  };
  const { answer, ms } = await timed(laneOf(state.plan, task), () => line.read(request));
  const ok = answered(answer);
  if (!ok) identities.lost(device);
  const inquiry = ok ? identities.due(device, clock.now().at) : null;
  if (inquiry === null) return { readings: identities.believed(device, answer), ok, ms, isOdd: false };
  const told = await timed("diagnostics", () => line.identify(inquiry));
  const isOdd = identities.heard(device, told.answer, clock.now().at);
  return { readings: identities.believed(device, answer), ok, ms, isOdd };
}

/** What an exchange means for what comes next, for people who ask, and for the rules. */
function adopt(
  { env, site, bus, clock, identities, onSamples }: PollerOptions,
  state: State,
  task: Task,
  { readings, ok, ms, isOdd }: Exchanged,
  { points, commPoints }: Known,
): void {
  const now = clock.now();
  const { device } = task;
  const before = state.plan;
  state.plan = done(before, task, ok, now.at, ms);
  const all = isOdd ? (site.devices.find(({ id }) => id === device)?.points ?? []) : [];
  for (const { id } of all) state.plan = hasten(state.plan, id, now.at);
  if (state.plan.skipped > before.skipped) env.report("poll.overrun", { bus: bus.id, skipped: state.plan.skipped });
  const status = stateAfter(state.devices.get(device) ?? unasked, readings, now.wall, ms);
  state.devices.set(device, status);
  tellTurns(env, bus.id, device, status, isSilent(before, device), isSilent(state.plan, device));
  // What a person asks for is no sample: it may come at any rate.
  if (task.isOnce) return;
  // Who it is comes first: what follows from it waits for that, not the other way about.
  const comm = commSample(commPoints.get(device) ?? commPoint(device), ok, now);
  onSamples([...identities.samples(device, now), ...samplesOf(readings, points, now), comm]);
}

/** What devices tell by themselves is no exchange, and says nothing of whether they answer. */
function newsTo(
  { clock, identities, onSamples }: PollerOptions,
  devices: readonly Device[],
  points: ReadonlyMap<PointId, DevicePoint>,
): News {
  const owners = new Map(devices.flatMap(({ id, points }) => points.map((point) => [point.id, id] as const)));
  return (readings) => {
    const told = new Map<string, Reading[]>();
    for (const one of readings) {
      const device = owners.get(one.point);
      if (device !== undefined) told.set(device, [...(told.get(device) ?? []), one]);
    }
    const now = clock.now();
    for (const [device, some] of told) onSamples(samplesOf(identities.believed(device, some), points, now));
  };
}

/** Beyond the deadline of an exchange, before it counts as stuck. */
const stuckMs = 10_000;

const unasked: DeviceStatus = { answering: null, lastGoodAt: null, fault: null, lastMs: 0 };

function stateAfter(before: DeviceStatus, readings: readonly Reading[], wall: number, lastMs: number): DeviceStatus {
  // A device that answers without a single value is reachable, and yet tells nothing.
  if (readings.some((one) => !("fault" in one))) return { answering: true, lastGoodAt: wall, fault: null, lastMs };
  const fault = readings.find((one): one is Fault => "fault" in one)?.detail ?? "no answer";
  return { answering: answered(readings), lastGoodAt: before.lastGoodAt, fault, lastMs };
}

/** Once for each change of state, not for each failure. */
function tellTurns(env: Env, bus: string, device: string, { fault }: DeviceStatus, was: boolean, is: boolean): void {
  if (is && !was) env.report("device.lost", { device, bus, fault });
  if (was && !is) env.report("device.back", { device, bus });
}

function samplesOf(readings: readonly Reading[], points: ReadonlyMap<PointId, DevicePoint>, now: Instant): Sample[] {
  const samples: Sample[] = [];
  for (const reading of readings) {
    const point = points.get(reading.point);
    if (point !== undefined) samples.push(assess(point.definition, observation(reading), now));
  }
  return samples;
}

export const observation = (reading: Reading): Observation =>
  "fault" in reading
    ? { fault: reading.fault }
    : { raw: reading.value, scale: reading.scale, sourceAt: reading.sourceAt };

const commSample = (point: PointId, ok: boolean, { at, wall }: Instant): Sample => ({
  at,
  wall,
  point,
  quality: "good",
  value: ok ? 1 : 0,
});
