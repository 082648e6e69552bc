import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drivers } from "../../drivers/index.ts";
import { encode, requestOf, versions } from "../../drivers/snmp/message.ts";
import { plan } from "../../drivers/snmp/plan.ts";
import { bus as busSchema } from "../../drivers/snmp/schema.ts";
import { SnmpSession } from "../../drivers/snmp/session.ts";
import { fromDisk } from "../config/load.ts";
import type { Env } from "../env.ts";
import type { Row } from "./bench.ts";
import { benchAgent } from "./bench-agent.ts";
import { withPorts } from "./ports.ts";

/**
 * What SNMP costs this process: the driver alone, beside a bare socket that sends a canned request to the same device and
 * awaits its answer; and the whole agent. The devices are another process's.
 */
export interface SnmpBench {
  readonly folder: string;
  /** What this process has used so far, of all cores. */
  cpuMs(): number;
  /** Starts `mepwatch simulate` with these arguments; the ports by the name of the recording or bus. */
  simulate(args: readonly string[]): Promise<Readonly<Record<string, number>>>;
}

const oidsEach = 20;
const rounds = 4000;
const warmRounds = 1000;
const oids = Array.from({ length: oidsEach }, (_, i) => `1.3.6.1.4.1.99999.1.${i + 1}.0`);
const timeoutMs = 5000;
const resendMs = 1000;
/** So many times in a row it is sent once more. */
const silencesMax = 10;

export async function benchSnmp(env: Env, bench: SnmpBench): Promise<Row[]> {
  return [...(await driverRows(env, bench)), await agentRow(env, bench)];
}

interface Cost {
  /** CPU seconds for a million OIDs. */
  readonly perMillion: number;
  readonly oidsPerSecond: number;
}

async function driverRows(env: Env, bench: SnmpBench): Promise<Row[]> {
  const recording = join(bench.folder, "device.snmprec");
  writeFileSync(recording, oids.map((oid, i) => `${oid}|66|${230 + i}\n`).join(""));
  const { device: port = 0 } = await bench.simulate(["--snmprec", recording]);
  const bare = await pingPong(env, port, (exchange) => measured(env, bench, exchange));
  const ours = await sessionOn(env, port, {}, (read) => measured(env, bench, read));
  const secure = await sessionOn(env, port, { version: 3, user: "public" }, (read) => measured(env, bench, read));
  const cpu = (how: string, { perMillion }: Cost, times: number): Row => ({
    ...{ bench: "snmp", metric: `CPU for a million OIDs, driver alone, GETs of ${oidsEach}, ${how}`, unit: "s" },
    ...{ ours: perMillion, baseline: bare.perMillion, goal: `≤ ${times * 100} %` },
    ok: perMillion <= times * bare.perMillion,
  });
  return [
    cpu("v2c", ours, 8),
    cpu("v3 without keys", secure, 8),
    {
      ...{
        bench: "snmp",
        metric: `OIDs a second, one device, one GET of ${oidsEach} after the other, v2c`,
        unit: "1/s",
      },
      ...{ ours: ours.oidsPerSecond, baseline: bare.oidsPerSecond, goal: "≥ 12.5 %" },
      ok: ours.oidsPerSecond >= bare.oidsPerSecond / 8,
    },
  ];
}

async function measured(env: Env, { cpuMs }: SnmpBench, exchange: () => Promise<void>): Promise<Cost> {
  for (let i = 0; i < warmRounds; i++) await exchange();
  const [began, used] = [env.clock.mono(), cpuMs()];
  for (let i = 0; i < rounds; i++) await exchange();
  const all = rounds * oidsEach;
  return {
    perMillion: Math.round(((cpuMs() - used) * 1e6) / all) / 1000,
    oidsPerSecond: Math.round((all * 1000) / (env.clock.mono() - began)),
  };
}

/** One socket, one canned request, whatever answer comes. */
async function pingPong<T>(env: Env, port: number, work: (exchange: () => Promise<void>) => Promise<T>): Promise<T> {
  // Made by the codec, not by a turn of the driver: net-snmp keeps a timer for one, and the process for that, until it is ended.
  const canned = encode({ version: versions.v2c, community: "public", ...requestOf(1, oids) });
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

async function sessionOn<T>(env: Env, port: number, options: object, work: (read: () => Promise<void>) => Promise<T>) {
  const bus = busSchema.parse({ host: "127.0.0.1", port, ...options });
  const session = new SnmpSession(bus, env);
  const [request] = plan(
    oids.map((oid) => ({ id: `d/${oid}`, device: {}, address: { oid } })),
    bus,
  );
  const read = async (): Promise<void> => {
    const readings = request === undefined ? [] : await session.read(request, timeoutMs);
    if (readings.length !== oidsEach || readings.some((one) => "fault" in one)) throw new Error("bug: not read");
  };
  try {
    return await work(read);
  } finally {
    await session.close();
  }
}

const [devices, silent, pointsEach] = [200, 20, 40];
const warmMs = 5000;
const measureMs = 20_000;
async function agentRow(env: Env, bench: SnmpBench): Promise<Row> {
  const file = join(bench.folder, "site.yaml");
  const text = siteYaml(devices - silent);
  mkdirSync(join(bench.folder, "profiles"));
  writeFileSync(file, text);
  writeFileSync(join(bench.folder, "profiles/box.yaml"), JSON.stringify(profile));
  const ports = new Map(Object.entries(await bench.simulate(["--config", file, "--story", "calm"])));
  const holes = await Promise.all(Array.from({ length: silent }, blackHole));
  const mute = holes.map((hole, i) => [`x${i}`, hole.address().port] as const);
  writeFileSync(file, withPorts(siteYaml(devices - silent, silent), new Map([...ports, ...mute])));
  const agent = agentOn(env, file, join(bench.folder, "snmp.db"));
  await pause(env, warmMs);
  const [used, before] = [bench.cpuMs(), agent.reads()];
  await pause(env, measureMs);
  const [ms, read] = [bench.cpuMs() - used, agent.reads() - before];
  const { pointsGood } = agent.status().heartbeat;
  await agent.stop();
  for (const hole of holes) hole.close();
  const due = (devices - silent) * pointsEach * (measureMs / 1000);
  const share = Math.round((read / due) * 1000) / 10;
  const ours = Math.round((ms * 1e6) / Math.max(1, read)) / 1000;
  const how = `${devices} agents × ${pointsEach} OIDs at 1 Hz, ${silent} of them silent`;
  const come = `${share} % of the others' came, ${pointsGood} good now`;
  return {
    ...{ bench: "snmp", metric: `CPU for a million OIDs, whole agent, ${how} (${come})`, unit: "s" },
    ...{ ours, baseline: null, goal: "≤ 14", ok: ours <= 14 },
  };
}

const points = Object.fromEntries(
  Array.from({ length: pointsEach }, (_, i) => [`p${i}`, { address: { oid: `1.3.6.1.4.1.99999.2.${i + 1}.0` } }]),
);
const profile = {
  ...{ profile: "box", describe: "Forty numbers.", protocol: "snmp", class: "test", interval: "1s", points },
  rules: {
    high: { type: "level", point: "*", levels: [{ limit: 10, deadband: 1, severity: "high" }], ackRequired: false },
    comm: { type: "comm", failures: 3 },
  },
};

function siteYaml(answering: number, mute = 0): string {
  const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  const ids = [...named("d", answering), ...named("x", mute)];
  const bus = "{ protocol: snmp, host: 127.0.0.1, port: 1, timeout: 500ms }";
  const device = (id: string) => `  - { id: ${id}, profile: box, bus: ${bus} }`;
  return ["version: 1", "site: { id: bench }", "devices:", ...ids.map(device), ""].join("\n");
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
