import { answered, type Closable, type Fault, type Reading } from "../../drivers/driver.ts";
import type { Bus, Device, DevicePoint, Site } from "../config/resolved.ts";
import { assess, type Observation } from "../core/quality.ts";
import { commPoint, type Mono, type PointId, type Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { EngineClock } from "./clock.ts";
import type { Identities } from "./identities.ts";
import { done, hasten, hinted, isSilent, next, type Schedule, schedule, type Task, type Wanted } from "./schedule.ts";
import { type Turns, turns } from "./turns.ts";

/**
 * One poller a bus: asks what the schedule says, one request at a time, and hands on samples. Buses know nothing of
 * each other, so that a slow one delays nobody else.
 */
export interface Poller {
  readonly bus: string;
  /** Reads a point at `at` if it would be read later. */
  hasten(point: PointId, at: Mono): void;
  /** Reads these points of a device soon: it has said that there is something to be read. */
  hint(device: string, points: ReadonlySet<PointId>): void;
  /** Reads these points now, beside the schedule but in turn; for a person who asks. */
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
  readonly clock: EngineClock;
  readonly identities: Identities;
  onSamples(samples: readonly Sample[]): void;
}

export function poller({ env, site, bus, shared, clock, identities, onSamples }: PollerOptions): Poller {
  const devices = site.devices.filter((device) => device.bus === bus.id);
  const points = new Map(devices.flatMap((device) => device.points.map((point) => [point.id, point] as const)));
  const states = new Map<string, DeviceStatus>(devices.map(({ id }) => [id, unasked]));
  const pointsOf = (device: string) => devices.find(({ id }) => id === device)?.points.map(({ id }) => id) ?? [];
  const tasks = devices.flatMap((device) => wantedOf(bus, device));
  const line = turns(env, bus, shared);
  let plan: Schedule = schedule(tasks, clock.now().at);
  let cancelTimer = (): void => {};
  let closed = false;
  let busySince: Mono | null = null;
  /** What devices hinted at during an exchange, whose answer may be older than that. */
  const hints: (readonly [device: string, points: ReadonlySet<PointId>])[] = [];

  /** Asks a device that has answered who it is, where that is to be known; true: all its points are to be looked at. */
  const askWho = async (device: string): Promise<boolean> => {
    const inquiry = identities.due(device, clock.now().at);
    if (inquiry === null) return false;
    busySince = clock.now().at;
    return identities.heard(device, await line.identify(inquiry), clock.now().at);
  };
  const poll = async (task: Task): Promise<void> => {
    const began = clock.now().at;
    busySince = began;
    const answers = await line.read(task.request);
    const lastMs = clock.now().at - began;
    const ok = answered(answers);
    if (!ok) identities.lost(task.device);
    const isOdd = ok && (await askWho(task.device));
    busySince = null;
    if (closed) return;
    const readings = identities.believed(task.device, answers);
    const now = clock.now();
    const before = plan;
    plan = done(plan, task, ok, now.at);
    if (isOdd) for (const id of pointsOf(task.device)) plan = hasten(plan, id, now.at);
    for (const [device, hintedAt] of hints.splice(0)) plan = hinted(plan, device, hintedAt, now.at);
    if (plan.skipped > before.skipped) env.report("poll.overrun", { bus: bus.id, skipped: plan.skipped });
    const state = stateAfter(states.get(task.device) ?? unasked, readings, now.wall, lastMs);
    states.set(task.device, state);
    tellTurns(env, bus.id, task.device, state, isSilent(before, task.device), isSilent(plan, task.device));
    // Who it is comes first: what follows from it waits for that, not the other way about.
    onSamples([
      ...identities.samples(task.device, now),
      ...samplesOf(readings, points, now),
      commSample(task.device, ok, now),
    ]);
    arm();
  };
  const arm = (): void => {
    cancelTimer();
    const upcoming = next(plan);
    if (closed || busySince !== null || upcoming === null) return;
    cancelTimer = env.after(Math.max(0, upcoming.at - clock.now().at), () => void poll(upcoming.task));
  };

  arm();
  return {
    bus: bus.id,
    hasten(point, at) {
      if (!points.has(point)) return;
      plan = hasten(plan, point, at);
      arm();
    },
    hint(device, hintedAt) {
      if (busySince === null) plan = hinted(plan, device, hintedAt, clock.now().at);
      else if (hints.length < hintsMax) hints.push([device, hintedAt]);
      arm();
    },
    read: (wanted) => readBeside(tasks, line, identities, wanted),
    status: () => ({ bus: bus.id, skipped: plan.skipped, devices: states }),
    alive: () => busySince === null || clock.now().at - busySince < bus.timeoutMs + stuckMs,
    async close() {
      closed = true;
      cancelTimer();
      await line.close();
    },
  };
}

/** More than come within an exchange, unless something is wrong. */
const hintsMax = 1000;

async function readBeside(
  tasks: readonly Wanted[],
  line: Turns,
  identities: Identities,
  wanted: ReadonlySet<PointId>,
): Promise<readonly Reading[]> {
  const readings: Reading[] = [];
  for (const { request, device } of tasks) {
    if (!request.points.some(({ id }) => wanted.has(id))) continue;
    readings.push(...identities.believed(device, await line.read(request)));
  }
  return readings.filter(({ point }) => wanted.has(point));
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

/** Points of one device and interval are planned together. */
function wantedOf({ driver, options }: Bus, device: Device): Wanted[] {
  const intervals = [...new Set(device.points.map(({ intervalMs }) => intervalMs))];
  return intervals.flatMap((intervalMs) => {
    const points = device.points
      .filter((point) => point.intervalMs === intervalMs)
      .map(({ id, address }) => ({ id, device: device.address, address }));
    return driver.plan(points, options).map((request) => ({ request, device: device.id, intervalMs }));
  });
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
