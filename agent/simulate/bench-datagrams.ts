import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drivers } from "../../drivers/index.ts";
import { fromDisk } from "../config/load.ts";
import type { Env } from "../env.ts";
import type { Row } from "./bench.ts";
import { benchAgent } from "./bench-agent.ts";
import { withPorts } from "./ports.ts";

/**
 * What a protocol over UDP costs this process: the driver alone, beside a bare socket that sends a canned request to the same device
 * and awaits its answer; and the whole agent. The devices are another process's.
 */
export interface DatagramBench {
  readonly folder: string;
  /** What this process has used so far, of all cores. */
  cpuMs(): number;
  /** Starts `mepwatch simulate` with these arguments; the ports by the name of the recording or bus. */
  simulate(args: readonly string[]): Promise<Readonly<Record<string, number>>>;
}

export interface Cost {
  /** CPU seconds for a million values. */
  readonly perMillion: number;
  readonly perSecond: number;
}

const rounds = 4000;
const warmRounds = 1000;
const resendMs = 1000;
/** So many times in a row it is sent once more. */
const silencesMax = 10;

/** @param each values that an exchange brings */
export async function measured(
  env: Env,
  { cpuMs }: DatagramBench,
  each: number,
  exchange: () => Promise<void>,
): Promise<Cost> {
  for (let i = 0; i < warmRounds; i++) await exchange();
  const [began, used] = [env.clock.mono(), cpuMs()];
  for (let i = 0; i < rounds; i++) await exchange();
  const all = rounds * each;
  return {
    perMillion: Math.round(((cpuMs() - used) * 1e6) / all) / 1000,
    perSecond: Math.round((all * 1000) / (env.clock.mono() - began)),
  };
}

/** One socket, one canned request, whatever answer comes. */
export async function pingPong<T>(
  env: Env,
  port: number,
  canned: Buffer,
  work: (exchange: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const socket = createSocket("udp4");
  socket.connect(port, "127.0.0.1");
  await once(socket, "connect");
  let [heard, fail] = [(): void => {}, (_error: Error): void => {}];
  let silences = 0;
  socket.on("message", () => {
    silences = 0;
    heard();
  });
  const exchange = (): Promise<void> =>
    new Promise((resolve, reject) => {
      [heard, fail] = [resolve, reject];
      socket.send(canned);
    });
  // Datagrams get lost, also here; one that is sent once more now and then costs nothing.
  let cancel = (): void => {};
  const again = (): void => {
    if (++silences > silencesMax) fail(new Error("the device of the bench does not answer"));
    socket.send(canned);
    cancel = env.after(resendMs, again);
  };
  again();
  try {
    return await work(exchange);
  } finally {
    cancel();
    socket.close();
  }
}

/** A crowd of devices, some of which are silent, on the whole agent. */
export interface Crowd {
  /** Name of the bench, and of the protocol. */
  readonly bench: string;
  readonly devices: number;
  readonly silent: number;
  /** What each device has, for people: "40 OIDs", and how many. */
  readonly each: string;
  readonly pointsEach: number;
  readonly everyMs: number;
  readonly profile: object;
  /** Line of a device of the site, as JSON; port 1 is replaced. */
  device(id: string, nth: number): object;
  /** CPU seconds for a million values. */
  readonly goal: number;
}

const warmMs = 5000;
const measureMs = 20_000;

export async function crowdRow(env: Env, bench: DatagramBench, crowd: Crowd): Promise<Row> {
  const { devices, silent, pointsEach, everyMs, goal } = crowd;
  const file = join(bench.folder, "site.yaml");
  mkdirSync(join(bench.folder, "profiles"));
  writeFileSync(file, siteOf(crowd, devices - silent, 0));
  writeFileSync(join(bench.folder, "profiles/box.yaml"), JSON.stringify(crowd.profile));
  const ports = new Map(Object.entries(await bench.simulate(["--config", file, "--story", "calm"])));
  const holes = await Promise.all(Array.from({ length: silent }, blackHole));
  const mute = holes.map((hole, i) => [`x${i}`, hole.address().port] as const);
  writeFileSync(file, withPorts(siteOf(crowd, devices - silent, silent), new Map([...ports, ...mute])));
  const agent = agentOn(env, file, join(bench.folder, "crowd.db"));
  await pause(env, warmMs);
  const [used, before] = [bench.cpuMs(), agent.reads()];
  await pause(env, measureMs);
  const [ms, read] = [bench.cpuMs() - used, agent.reads() - before];
  const { pointsGood } = agent.status().heartbeat;
  await agent.stop();
  for (const hole of holes) hole.close();
  const due = (devices - silent) * pointsEach * (measureMs / everyMs);
  const share = Math.round((read / due) * 1000) / 10;
  const ours = Math.round((ms * 1e6) / Math.max(1, read)) / 1000;
  const how = `${devices} devices × ${crowd.each} every ${everyMs / 1000} s, ${silent} of them silent`;
  const come = `${share} % of the others' came, ${pointsGood} good now`;
  return {
    ...{ bench: crowd.bench, metric: `CPU for a million of them, whole agent, ${how} (${come})`, unit: "s" },
    ...{ ours, baseline: null, goal: `≤ ${goal}`, ok: ours <= goal },
  };
}

function siteOf({ device }: Crowd, answering: number, mute: number): string {
  const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  const ids = [...named("d", answering), ...named("x", mute)];
  const lines = ids.map((id, nth) => `  - ${JSON.stringify(device(id, nth))}`);
  return ["version: 1", "site: { id: bench }", "devices:", ...lines, ""].join("\n");
}

async function blackHole(): Promise<Socket> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

function agentOn(env: Env, file: string, path: string) {
  let reads = 0;
  const counting = drivers.map((driver) => ({
    ...driver,
    open: (...how: Parameters<typeof driver.open>) => {
      const session = driver.open(...how);
      const { read } = session;
      session.read = async (...asked) => {
        const readings = await read.apply(session, asked);
        reads += readings.reduce((sum, one) => sum + ("fault" in one ? 0 : 1), 0);
        return readings;
      };
      return session;
    },
  }));
  const agent = benchAgent(env, { files: fromDisk(file), path, speaking: counting });
  return { ...agent, reads: () => reads };
}

const pause = (env: Env, ms: number): Promise<void> => new Promise((resolve) => void env.after(ms, resolve));
