import * as z from "zod";
import type { RunningSimulator, SimulatorOptions, StartSimulator } from "../../drivers/simulator.ts";
import type { Bus, Device, Site } from "../config/resolved.ts";
import type { PointId, Wall } from "../core/sample.ts";
import type { Env } from "../env.ts";
import { hallOf } from "./hall.ts";
import { type Scene, selfOf, servedBy, truthOf, wordsOf } from "./served.ts";
import { simulators } from "./simulators.ts";
import { stage } from "./stage.ts";
import type { Story } from "./story.ts";

/**
 * A site that is not there: every bus of a resolved site answers over its real protocol, and what its devices say is
 * read off one plant to which a story happens.
 */
export interface SimulatedSite {
  /** The port on which each bus listens: its own, unless that was taken. */
  readonly ports: ReadonlyMap<Bus["id"], number>;
  /** The path at which each serial line is. */
  readonly lines: ReadonlyMap<Bus["id"], string>;
  /**
   * One device, or all on a bus, as RunningSimulator has it.
   * @throws when there is no such device or bus, or its protocol does not know that fault, with what there is
   */
  misbehave(who: Device["id"] | Bus["id"], how: string): void;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface SimulateOptions {
  readonly story: Story;
  readonly seed: number;
  /** Story seconds per real second. */
  readonly speed: number;
  /** The address to listen on, whatever the site file says: the site's own addresses belong to real devices. */
  readonly host: string;
  /** Lets the system choose every port instead of trying the site's own first. */
  readonly anyPort?: boolean;
  /** Where devices send their traps to, when what one is about changes; absent: nowhere. */
  readonly trapsTo?: { readonly address: string; readonly port: number } | undefined;
  /** Told of what truly is: first how it begins, then each change, never later than a device says it. */
  readonly onTruth?: (line: Truth) => void;
}

/** A line of ground truth, to compare with what the agent made of it. */
export interface Truth {
  readonly at: Wall;
  /** A point whose value causes alone decide, in the point's unit; or `$utility`. */
  readonly point: PointId;
  readonly value: number;
}

const stepMs = 100;

export async function simulate(env: Env, site: Site, options: SimulateOptions): Promise<SimulatedSite> {
  const { story, seed, speed, onTruth = () => {} } = options;
  const play = stage(hallOf(site), story);
  const began = env.clock.mono();
  const scene = (): Scene => ({ plant: play.plant, seed });
  const tell = truthTeller((point, value) => onTruth({ at: env.clock.wall(), point, value }));
  let hasBegun = false;
  // How it begins is no news.
  const announce = truthTeller((point) => hasBegun && announceOf(site, running, options.trapsTo, point));
  let cancelTimer = (): void => {};
  const act = (): void => {
    play.advance(((env.clock.mono() - began) / 1000) * speed);
    const truth = truthOf(site, scene());
    tell(truth);
    announce(truth);
    cancelTimer = env.after(stepMs, act);
  };
  const running = await startAll(site, options, servedBy(site, scene));
  announce(truthOf(site, scene()));
  hasBegun = true;
  act();
  return {
    ports: new Map([...running].flatMap(([bus, { port, path }]) => (path === undefined ? [[bus, port]] : []))),
    lines: new Map([...running].flatMap(([bus, { path }]) => (path === undefined ? [] : [[bus, path]]))),
    misbehave(who, how) {
      const device = site.devices.find(({ id }) => id === who);
      const found = running.get(device?.bus ?? who);
      if (found === undefined)
        throw new Error(`no device or bus "${who}"; expected one of ${namesOf(site).join(", ")}`);
      found.misbehave(how, device?.address);
    },
    async close() {
      cancelTimer();
      await closeAll(running);
    },
  };
}

/** A bus of a device's own bears its id. */
const namesOf = ({ devices, buses }: Site): string[] => [...new Set([...devices, ...buses].map(({ id }) => id))];

type Running = ReadonlyMap<Bus["id"], RunningSimulator>;

/** All or none: one that cannot start takes the others down again. */
async function startAll(site: Site, options: SimulateOptions, value: SimulatorOptions["value"]): Promise<Running> {
  const running = new Map<Bus["id"], RunningSimulator>();
  try {
    for (const bus of site.buses) running.set(bus.id, await startBus(site, bus, options, value));
  } catch (error) {
    await closeAll(running);
    throw error;
  }
  return running;
}

const closeAll = async (running: Running): Promise<void> => {
  await Promise.all([...running.values()].map((one) => one.close()));
};

/** Every driver that reaches a bus over a network has a port among the bus's options. */
const listening = z.looseObject({ port: z.number().default(0) });

async function startBus(
  site: Site,
  bus: Bus,
  { host, anyPort = false }: SimulateOptions,
  value: SimulatorOptions["value"],
): Promise<RunningSimulator> {
  const { protocol } = bus.driver;
  const start = simulators.get(protocol);
  if (start === undefined) throw new Error(`bus ${bus.id} speaks ${protocol}, which cannot be simulated`);
  const devices = site.devices.filter((device) => device.bus === bus.id);
  const points = devices.flatMap((device) =>
    device.points.map(({ id, address }) => ({ id, device: device.address, address })),
  );
  const port = anyPort ? 0 : listening.parse(whereAsked(site, bus)).port;
  const identities = devices.flatMap(selfOf);
  return onPort(start, { host, port, bus: bus.options, points, value, describe: wordsOf(devices), identities });
}

/** Where a bus has no address of its own, all of its protocol are asked where the site listens to them. */
const whereAsked = ({ listeners }: Site, { driver, options }: Bus): unknown =>
  driver.listening?.isNeededBy?.(options) ? listeners.find((one) => one.driver === driver)?.options : options;

/** A port that is taken is no reason to fail: the system finds another, and `ports` tells. */
async function onPort(start: StartSimulator, options: SimulatorOptions): Promise<RunningSimulator> {
  try {
    return await start(options);
  } catch (error) {
    const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    if (!taken || options.port === 0) throw error;
    return start({ ...options, port: 0 });
  }
}

/** Tells each point that changed; of the first time, all. */
function truthTeller(tell: (point: PointId, value: number) => void): (now: ReadonlyMap<PointId, number>) => void {
  const told = new Map<PointId, number>();
  return (now) => {
    for (const [point, value] of now) {
      if (told.get(point) === value) continue;
      told.set(point, value);
      tell(point, value);
    }
  };
}

/** The first trap of its device that is about the point. */
function announceOf({ devices }: Site, running: Running, to: SimulateOptions["trapsTo"], point: PointId): void {
  if (to === undefined) return;
  const device = devices.find(({ points }) => points.some(({ id }) => id === point));
  const about = device?.traps?.find(({ points }) => points.includes(point));
  if (device !== undefined && about !== undefined) running.get(device.bus)?.announce?.(about.trap, to, device.address);
}
