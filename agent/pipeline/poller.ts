import {
  type AnyRequest,
  answered,
  type Closable,
  type Fault,
  faults,
  type Learnt,
  type Reading,
} from "../../drivers/driver.ts";
import type { Bus, DevicePoint, Site } from "../config/resolved.ts";
import { assess, type Observation } from "../core/quality.ts";
import { commPoint, type Mono, type PointId, type Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import { type Airtime, idle, type Shares, sharesOf, used } from "./airtime.ts";
import type { EngineClock } from "./clock.ts";
import type { Identities } from "./identities.ts";
import {
  begun,
  demand,
  done,
  hasten,
  isSilent,
  laneOf,
  next,
  type Schedule,
  schedule,
  type Task,
  type Wanted,
} from "./schedule.ts";
import { turns, windowOf } from "./turns.ts";
import { plannedOf, wantedOf } from "./wanted.ts";

/**
 * One poller a bus: asks what the schedule says, as many requests at a time as the bus carries, and hands on samples. Buses
 * know nothing of each other, so that a slow one delays nobody else.
 */
export interface Poller {
  readonly bus: string;
  /** Reads a point at `at` if it would be read later. */
  hasten(point: PointId, at: Mono): void;
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
  readonly learnt?: Learnt;
  readonly clock: EngineClock;
  readonly identities: Identities;
  onSamples(samples: readonly Sample[]): void;
}

export function poller({ env, site, bus, shared, learnt, clock, identities, onSamples }: PollerOptions): Poller {
  const devices = site.devices.filter((device) => device.bus === bus.id);
  const points = new Map(devices.flatMap((device) => device.points.map((point) => [point.id, point] as const)));
  const states = new Map<string, DeviceStatus>(devices.map(({ id }) => [id, unasked]));
  const pointsOf = (device: string) => devices.find(({ id }) => id === device)?.points.map(({ id }) => id) ?? [];
  const wanted = wantedOf(site, bus);
  const line = turns(env, bus, shared, learnt);
  const window = windowOf(bus);
  /** When each began that is under way. */
  const underWay = new Map<AnyRequest, Mono>();
  /** Who waits for what was asked for once. */
  const waiting = new Map<AnyRequest, (readings: readonly Reading[]) => void>();
  let plan: Schedule = schedule(wanted, clock.now().at);
  let airtime: Airtime = idle(clock.now().at);
  let cancelTimer = (): void => {};
  let closed = false;

  /** Asks a device that has answered who it is, where that is to be known; true: all its points are to be looked at. */
  const askWho = async (device: string): Promise<boolean> => {
    const began = clock.now().at;
    const inquiry = identities.due(device, began);
    if (inquiry === null) return false;
    const answers = await line.identify(inquiry);
    const { at } = clock.now();
    airtime = used(airtime, "diagnostics", at - began, at);
    return identities.heard(device, answers, at);
  };
  const ended = (task: Task, answers: readonly Reading[], lastMs: number): void => {
    const readings = identities.believed(task.device, answers);
    waiting.get(task.request)?.(readings);
    waiting.delete(task.request);
    const now = clock.now();
    const before = plan;
    const ok = answered(answers);
    plan = done(plan, task, ok, now.at, lastMs);
    if (plan.skipped > before.skipped) env.report("poll.overrun", { bus: bus.id, skipped: plan.skipped });
    const state = stateAfter(states.get(task.device) ?? unasked, readings, now.wall, lastMs);
    states.set(task.device, state);
    tellTurns(env, bus.id, task.device, state, isSilent(before, task.device), isSilent(plan, task.device));
    // What a person asks for is no sample: it may come at any rate.
    if (task.isOnce) return;
    // Who it is comes first: what follows from it waits for that, not the other way about.
    onSamples([
      ...identities.samples(task.device, now),
      ...samplesOf(readings, points, now),
      commSample(task.device, ok, now),
    ]);
  };
  const poll = async (task: Task): Promise<void> => {
    const began = clock.now().at;
    underWay.set(task.request, began);
    const answers = await line.read(task.request);
    const { at } = clock.now();
    airtime = used(airtime, laneOf(plan, task), at - began, at);
    const ok = answered(answers);
    if (!ok) identities.lost(task.device);
    underWay.set(task.request, at);
    const isOdd = ok && (await askWho(task.device));
    underWay.delete(task.request);
    if (closed) return;
    ended(task, answers, at - began);
    if (isOdd) for (const id of pointsOf(task.device)) plan = hasten(plan, id, clock.now().at);
    arm();
  };
  const arm = (): void => {
    cancelTimer();
    while (!closed && underWay.size < window) {
      const { at } = clock.now();
      const upcoming = next(plan, at);
      if (upcoming === null) return;
      if (upcoming.at > at) {
        cancelTimer = env.after(upcoming.at - at, arm);
        return;
      }
      plan = begun(plan, upcoming.task);
      void poll(upcoming.task);
    }
  };
  const askOnce = (one: Wanted): Promise<readonly Reading[]> =>
    new Promise((resolve) => {
      // Another object than that of the beat: both may be under way.
      const request = { ...one.request };
      waiting.set(request, resolve);
      plan = demand(plan, { ...one, request }, clock.now().at);
      arm();
    });

  // Not at once: whoever made it is to have it first.
  cancelTimer = env.after(0, arm);
  return {
    bus: bus.id,
    hasten(point, at) {
      if (!points.has(point)) return;
      plan = hasten(plan, point, at);
      arm();
    },
    async read(asked) {
      if (closed) return [];
      const meant = wanted.filter(({ request }) => request.points.some(({ id }) => asked.has(id)));
      const readings = (await Promise.all(meant.map(askOnce))).flat();
      return readings.filter(({ point }) => asked.has(point));
    },
    status: () => ({
      ...{ bus: bus.id, skipped: plan.skipped, devices: states, planned: plannedOf(bus, wanted) },
      measured: sharesOf(airtime, clock.now().at, window),
    }),
    alive: () => [...underWay.values()].every((began) => clock.now().at - began < bus.timeoutMs + stuckMs),
    async close() {
      closed = true;
      cancelTimer();
      await line.close();
      for (const [request, resolve] of waiting) resolve(faults(request, "unreachable", "the agent stops"));
      waiting.clear();
    },
  };
}

/** Beyond the deadline of an exchange, before it counts as stuck. */
const stuckMs = 10_000;

const unasked: DeviceStatus = { answering: null, lastGoodAt: null, fault: null, lastMs: 0 };

function stateAfter(before: DeviceStatus, readings: readonly Reading[], wall: number, lastMs: number): DeviceStatus {
  // A device that answers without a single value is reachable, and yet tells nothing.
  const told = readings.some((one) => !("fault" in one));
  const lastGoodAt = told ? wall : before.lastGoodAt;
  const fault = readings.find((one): one is Fault => "fault" in one)?.detail ?? "no answer";
  return { answering: answered(readings), lastGoodAt, fault: told ? null : fault, lastMs };
}

/** Once for each change of state, not for each failure. */
function tellTurns(env: Env, bus: string, device: string, { fault }: DeviceStatus, was: boolean, is: boolean): void {
  if (is && !was) env.report("device.lost", { device, bus, fault });
  if (was && !is) env.report("device.back", { device, bus });
}

function samplesOf(
  readings: readonly Reading[],
  points: ReadonlyMap<PointId, DevicePoint>,
  now: ReturnType<EngineClock["now"]>,
): Sample[] {
  return readings.flatMap((reading) => {
    const point = points.get(reading.point);
    return point === undefined ? [] : [assess(point.definition, observation(reading), now)];
  });
}

const observation = (reading: Reading): Observation =>
  "fault" in reading ? { fault: reading.fault } : { raw: reading.value, sourceAt: reading.sourceAt };

const commSample = (device: string, ok: boolean, now: ReturnType<EngineClock["now"]>): Sample => ({
  ...now,
  point: commPoint(device),
  quality: "good",
  value: ok ? 1 : 0,
});
