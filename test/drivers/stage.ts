import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "vitest";
import { type Env, realEnv } from "../../agent/env.ts";
import type { AnyRequest, Closable, Driver, PlannedPoint, Reading, Session, Told } from "../../drivers/driver.ts";
import type { RunningSimulator, StartSimulator } from "../../drivers/simulator.ts";

/** Where a driver and the simulator of its protocol meet for a test, on a loopback address of their own. */

export interface Fixture {
  readonly driver: Driver;
  readonly startSimulator: StartSimulator;
  /** As in a site file, unparsed; so are `device` and each `address`. */
  bus(host: string, port: number): unknown;
  readonly device: unknown;
  /** Another device on the same bus; there, where a bus has several. */
  readonly neighbour?: unknown;
  /** At least three, with values the protocol carries exactly (each must be able to be 1 too); best of every type, near and far from each other. */
  readonly points: readonly { readonly address: unknown; readonly value: number }[];
  /** What tells which device it is; the first one any text, the others best of every kind. */
  readonly parts: readonly { readonly address: unknown; readonly text: string }[];
}

export interface Stage {
  readonly env: Env;
  readonly shared: Closable;
  readonly session: Session;
  readonly simulator: RunningSimulator & {
    /** Again on the same port, well. */
    restart(): Promise<void>;
  };
  readonly requests: readonly AnyRequest[];
  /** What the simulator serves; null: no such point. Free to change. */
  readonly values: Map<string, number | null>;
  /** Reads the whole plan, one request after the other, as a poller does. */
  readAll(timeoutMs: number): Promise<readonly Reading[]>;
  /** The same of the other device on the bus. */
  readNeighbour(timeoutMs: number): Promise<readonly Reading[]>;
  /** As `readAll`; expects nothing but faults, one for each point. */
  readBad(timeoutMs: number): Promise<readonly Reading[]>;
  /** What the device tells of itself; null: it has no such part. Free to change. */
  readonly texts: Map<string, string | null>;
  identify(timeoutMs: number): Promise<readonly Told[]>;
  close(): Promise<void>;
}

interface World {
  readonly env?: Env;
  /** Of another stage, which closes it. */
  readonly shared?: Closable;
}

/** A simulator with the fixture's points and a session that has not read yet; both gone afterwards. */
export async function onStage(
  fixture: Fixture,
  play: (stage: Stage) => Promise<void>,
  world: World = {},
): Promise<void> {
  const { driver } = fixture;
  const { env = realEnv({ logLevel: "silent" }) } = world;
  const host = ownHost();
  const values = new Map<string, number | null>(Object.entries(servedBy(fixture)));
  const texts = new Map<string, string | null>(fixture.parts.map(({ text }, i) => [`part${i}`, text]));
  const inquiry = {
    device: driver.device.parse(fixture.device),
    parts: fixture.parts.map(({ address }, i) => ({ name: `part${i}`, address: driver.part!.parse(address) })),
  };
  const beside = fixture.neighbour === undefined ? [] : pointsOf(fixture, "neighbour");
  const served = { ...servedBy(fixture, "neighbour") };
  const start = (port: number): Promise<RunningSimulator> =>
    fixture.startSimulator({
      ...{ host, port },
      bus: driver.bus.parse(fixture.bus(host, 1)),
      points: [...pointsOf(fixture), ...beside],
      value: (id) => values.get(id) ?? served[id] ?? null,
      identities: [{ ...inquiry, text: (part) => texts.get(part) ?? null }],
    });
  let running = await start(0);
  const { port } = running;
  const simulator: Stage["simulator"] = {
    port,
    misbehave: (how, device) => running.misbehave(how, device),
    close: () => running.close(),
    async restart() {
      running = await again(() => start(port));
    },
  };
  const bus = driver.bus.parse(fixture.bus(host, port));
  const shared = world.shared ?? driver.share?.(env) ?? { close: async () => {} };
  const session = driver.open(bus, env, shared);
  const requests = driver.plan(pointsOf(fixture), bus);

  async function read(some: readonly AnyRequest[], timeoutMs: number): Promise<readonly Reading[]> {
    const readings: Reading[] = [];
    for (const request of some) readings.push(...(await session.read(request, timeoutMs)));
    return readings;
  }
  async function readBad(timeoutMs: number): Promise<readonly Reading[]> {
    const readings = await read(requests, timeoutMs);
    expect(readings.map(({ point }) => point)).toEqual(idsOf(requests));
    expect(valuesOf(readings)).toEqual({});
    return readings;
  }

  try {
    await play({
      ...{ env, shared, session, simulator, requests, values, texts, readBad },
      readAll: (timeoutMs) => read(requests, timeoutMs),
      readNeighbour: (timeoutMs) => read(driver.plan(beside, bus), timeoutMs),
      identify: (timeoutMs) => session.identify!(inquiry, timeoutMs),
      close: () => session.close(),
    });
  } finally {
    await session.close();
    if (world.shared === undefined) await shared.close();
    await simulator.close();
  }
}

/** A socket of another test that is bound to all addresses may have been given the port for a moment. */
async function again<T>(work: () => Promise<T>, times = 50): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (times === 0 || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    await pause(20);
    return await again(work, times - 1);
  }
}

let hosts = 0;
/** Nobody else is given a port there while a simulator is away from it. */
function ownHost(): string {
  const nth = hosts++;
  const among = (process.pid * 7 + Number(process.env.VITEST_POOL_ID ?? 0)) % 250;
  return `127.${1 + among}.${(nth >> 7) & 0xff}.${1 + (nth & 0x7f)}`;
}

type Which = "device" | "neighbour";

export const idOf = (i: number, which: Which = "device"): string => `${which}/p${String(i).padStart(2, "0")}`;

export function pointsOf(fixture: Fixture, which: Which = "device"): PlannedPoint[] {
  const { driver, points } = fixture;
  return points.map(({ address }, i) => ({
    id: idOf(i, which),
    device: driver.device.parse(fixture[which]),
    address: driver.address.parse(address),
  }));
}

export const idsOf = (requests: readonly AnyRequest[]): string[] =>
  requests.flatMap(({ points }) => points.map(({ id }) => id));

/** The neighbour holds 1 everywhere, so that a value of the one is none of the other. */
export const servedBy = ({ points }: Fixture, which: Which = "device"): Record<string, number> =>
  Object.fromEntries(points.map(({ value }, i) => [idOf(i, which), which === "device" ? value : 1]));

export const valuesOf = (readings: readonly Reading[]): Record<string, number> =>
  Object.fromEntries(readings.flatMap((one) => ("fault" in one ? [] : [[one.point, one.value]])));

export const faultsOf = (readings: readonly Reading[]): string[] =>
  readings.flatMap((one) => ("fault" in one ? [one.fault] : []));

/** Lets what has come over sockets be heard, so many times. */
export async function turns(times: number): Promise<void> {
  for (let turn = 0; turn < times; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** An Env that knows how many of its timers have neither run out nor been cancelled. */
export function counting(env: Env): { env: Env; open(): number } {
  const timers = new Set<object>();
  return {
    open: () => timers.size,
    env: {
      ...env,
      after(ms, then) {
        const timer = {};
        timers.add(timer);
        const cancel = env.after(ms, () => {
          timers.delete(timer);
          then();
        });
        return () => {
          timers.delete(timer);
          cancel();
        };
      },
    },
  };
}

/** How many of each kind keep this thread alive: sockets, timers. */
export function resources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** The kinds of which there are more than before. */
export const more = (now: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): string[] =>
  [...now].flatMap(([kind, count]) =>
    count > (before.get(kind) ?? 0) ? [`${kind}: ${count}, before ${before.get(kind) ?? 0}`] : [],
  );

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

export const mebibyte = 2 ** 20;

/** Octets that are in use, on the heap and beside it. On a busy machine what one collection found is freed by the next. */
export function memory(): number {
  const used = Array.from({ length: 3 }, () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  });
  return Math.min(...used);
}
