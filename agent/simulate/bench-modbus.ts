import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import type { Driver, PlannedPoint, Session } from "../../drivers/driver.ts";
import { modbus } from "../../drivers/modbus/index.ts";
import { fromFiles } from "../config/load.ts";
import type { Env } from "../env.ts";
import type { Row } from "./bench.ts";
import { benchAgent } from "./bench-agent.ts";
import { type BareDevices, baud, deadUnits, units } from "./bench-device.ts";

/** What reading 100 registers costs: the driver, and the whole agent with a hundred devices of which ten are black holes. */

const registers = 100;
const exchanges = 20_000;
const warmUp = 2000;
const watchedSeconds = 20;
const settlingSeconds = 8;
/** Code that runs a hundred times a second is compiled for so long, which is no cost of a point. */
const warmSeconds = 30;
const lineSeconds = 60;

const points: readonly PlannedPoint[] = Array.from({ length: registers }, (_, register) => ({
  id: `d/r${register}`,
  device: modbus.device.parse({ unit: 1 }),
  address: modbus.address.parse({ table: "holding", register }),
}));

interface Spent {
  readonly cpuMs: number;
  readonly ms: number;
}

/** @param cpuMs what this process has used so far, of all cores */
export async function benchModbus(env: Env, folder: string, devices: BareDevices, cpuMs: () => number): Promise<Row[]> {
  const spent = async (work: () => Promise<void>): Promise<Spent> => {
    const [cpu, ms] = [cpuMs(), env.clock.mono()];
    await work();
    return { cpuMs: cpuMs() - cpu, ms: env.clock.mono() - ms };
  };
  const [port = 0] = devices.ports;
  return [
    ...(await driverRows(env, port, spent)),
    ...(await agentRows(env, folder, devices, spent)),
    await lineRow(env, folder, devices),
  ];
}

/** Both in turns, for a machine that is not always equally fast. */
async function driverRows(
  env: Env,
  port: number,
  spent: (work: () => Promise<void>) => Promise<Spent>,
): Promise<Row[]> {
  const options = modbus.bus.parse({ host: "127.0.0.1", port });
  const [request] = modbus.plan(points, options);
  if (request === undefined) throw new Error("bug: no request for 100 registers");
  const session = modbus.open(options, env, { close: async () => {} });
  const bare = await bareSession(port);
  const ours = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await session.read(request, 1000);
  };
  await ours(warmUp);
  await bare.read(warmUp);
  let [driver, floor]: [Spent, Spent] = [none, none];
  for (let turn = 0; turn < 4; turn++) {
    driver = sum(driver, await spent(() => ours(exchanges / 4)));
    floor = sum(floor, await spent(() => bare.read(exchanges / 4)));
  }
  bare.close();
  await session.close();
  const perTransaction = ({ cpuMs }: Spent): number => hundredth((1000 * cpuMs) / exchanges);
  const rate = ({ ms }: Spent): number => Math.round((1000 * exchanges * registers) / ms);
  const perMillion = ({ cpuMs }: Spent): number => hundredth((1000 * cpuMs) / (exchanges * registers));
  const common = { bench: "modbus" } as const;
  return [
    {
      ...{ ...common, metric: "driver CPU a transaction of 100 registers; bare socket, hand-made frame", unit: "µs" },
      ...{ ours: perTransaction(driver), baseline: perTransaction(floor), goal: "≤ 400 %" },
      ok: driver.cpuMs <= 4 * floor.cpuMs,
    },
    {
      ...{ ...common, metric: "points/s of the driver, one request at a time; bare socket", unit: "points/s" },
      ...{ ours: rate(driver), baseline: rate(floor), goal: "–", ok: true },
    },
    {
      ...{ ...common, metric: "driver CPU-s a million points; bare socket", unit: "s" },
      ...{ ours: perMillion(driver), baseline: perMillion(floor), goal: "–", ok: true },
    },
  ];
}

const none: Spent = { cpuMs: 0, ms: 0 };
const sum = (a: Spent, b: Spent): Spent => ({ cpuMs: a.cpuMs + b.cpuMs, ms: a.ms + b.ms });
const hundredth = (value: number): number => Math.round(100 * value) / 100;

/** The least that can be done on Node: one socket, one frame, the registers out of the reply. */
async function bareSession(port: number) {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  const frame = Buffer.from([0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, registers]);
  let seen = 0;
  const one = (): Promise<void> =>
    new Promise((done) => {
      let rest: Buffer = Buffer.alloc(0);
      const hear = (bytes: Buffer): void => {
        rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
        if (rest.length < 9 + 2 * registers) return;
        socket.off("data", hear);
        for (let i = 0; i < registers; i++) seen += rest.readUInt16BE(9 + 2 * i);
        done();
      };
      socket.on("data", hear);
      socket.write(frame);
    });
  return {
    async read(count: number) {
      for (let i = 0; i < count; i++) await one();
      if (seen === 0) throw new Error("bug: nothing was read");
    },
    close: () => void socket.destroy(),
  };
}

/** When each device was asked, by the bus it is on. */
type Beats = Map<string, number[]>;

/** Notes when requests begin, and changes nothing else. */
function watched(env: Env, beats: Beats): Driver {
  return {
    ...modbus,
    open(options, ...rest): Session {
      const session = modbus.open(options, ...rest);
      return {
        ...session,
        read(request, timeoutMs) {
          const { id = "" } = request.points[0] ?? {};
          const key = id.split("/")[0] ?? "";
          const known = beats.get(key);
          if (known === undefined) beats.set(key, [env.clock.mono()]);
          else known.push(env.clock.mono());
          return session.read(request, timeoutMs);
        },
      };
    },
  };
}

const device = (id: string, port: number) => ({
  ...{ id, profile: "meter", bus: { protocol: "modbus", host: "127.0.0.1", port } },
});

async function agentRows(
  env: Env,
  folder: string,
  devices: BareDevices,
  spent: (work: () => Promise<void>) => Promise<Spent>,
): Promise<Row[]> {
  const well = devices.ports.slice(0, 90);
  const others = devices.ports.slice(90, 100);
  const run = async (name: string, last: readonly number[]) => {
    const beats: Beats = new Map();
    const all = [...well.map((port, i) => device(`d${i}`, port)), ...last.map((port, i) => device(`x${i}`, port))];
    const agent = agentOn(env, join(folder, `${name}.db`), { devices: all }, "1s", watched(env, beats));
    await wait(env, warmSeconds);
    beats.clear();
    const cost = await spent(() => wait(env, watchedSeconds));
    await agent.stop();
    const asked = well.map((_, i) => beats.get(`d${i}`) ?? []);
    return { cost, count: asked.reduce((total, times) => total + times.length, 0), late: asked.flatMap(jitter) };
  };
  const floor = await beatsOf(env, devices.ports, spent);
  const ideal = await run("ideal", others);
  const holed = await run("holed", devices.silent);
  const p99 = at(holed.late, 0.99);
  const read = watchedSeconds * devices.ports.length * registers;
  const perMillion = hundredth((1000 * ideal.cost.cpuMs) / read);
  return [
    {
      ...{
        bench: "modbus",
        metric: "whole agent, 100 devices × 100 registers at 1 Hz, 3 rules a point: CPU-s a million points",
      },
      ...{ unit: "s", ours: perMillion, baseline: null, goal: "≤ 3", ok: perMillion <= 3 },
    },
    {
      ...{
        bench: "modbus",
        metric: "the same read by bare sockets at the same beat, and nothing done with it",
        unit: "s",
      },
      ...{ ours: hundredth((1000 * floor.cpuMs) / read), baseline: null, goal: "–", ok: true },
    },
    {
      ...{
        bench: "modbus",
        metric: "10 of 100 devices are black holes: reads of the others; without them",
        unit: "reads",
      },
      ...{ ours: holed.count, baseline: ideal.count, goal: "≥ 99 %", ok: holed.count >= 0.99 * ideal.count },
    },
    {
      ...{ bench: "modbus", metric: "the same: jitter of the others' beat, p99", unit: "ms" },
      ...{ ours: Math.round(p99), baseline: null, goal: "< 100", ok: p99 < 100 },
    },
  ];
}

/** What the machine takes for a hundred exchanges a second, whoever makes them: it sleeps in between, and wakes for each. */
async function beatsOf(
  env: Env,
  ports: readonly number[],
  spent: (work: () => Promise<void>) => Promise<Spent>,
): Promise<Spent> {
  const sessions = await Promise.all(ports.map(bareSession));
  const cancels = sessions.map((session, i) => {
    let cancel = env.after((1000 * i) / sessions.length, function beat() {
      cancel = env.after(1000, beat);
      void session.read(1);
    });
    return () => cancel();
  });
  await wait(env, settlingSeconds);
  const cost = await spent(() => wait(env, watchedSeconds));
  for (const cancel of cancels) cancel();
  for (const session of sessions) session.close();
  return cost;
}

/** How far each read is from the beat that the median of them keeps, ms. */
function jitter(times: readonly number[]): number[] {
  const phases = times.map((time, nth) => time - 1000 * nth);
  const beat = at(phases, 0.5);
  return phases.map((phase) => Math.abs(phase - beat));
}

const at = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

const wait = (env: Env, seconds: number): Promise<void> =>
  new Promise((resolve) => void env.after(seconds * 1000, resolve));

/** Two lines at once, of which one has dead units: how often the others are asked, as fast as the line goes. */
async function lineRow(env: Env, folder: string, { line, wellLine }: BareDevices): Promise<Row> {
  const beats: Beats = new Map();
  const alive = units.filter((unit) => !deadUnits.includes(unit));
  const on = (bus: string, all: readonly number[]) =>
    all.map((unit) => ({ id: `${bus}${unit}`, profile: "meter", bus, address: { unit } }));
  const bus = (port: number) => ({ protocol: "modbus", transport: "rtu-over-tcp", host: "127.0.0.1", port });
  const site = {
    buses: { line: bus(line), well: bus(wellLine) },
    devices: [...on("line", units), ...on("well", alive)],
  };
  const agent = agentOn(env, join(folder, "line.db"), site, "500ms", watched(env, beats));
  await wait(env, settlingSeconds + 2 * deadUnits.length * 3);
  beats.clear();
  await wait(env, lineSeconds);
  await agent.stop();
  const count = (name: string): number =>
    alive.reduce((total, unit) => total + (beats.get(`${name}${unit}`)?.length ?? 0), 0);
  const [ours, baseline] = [count("line"), count("well")];
  return {
    ...{
      bench: "modbus",
      metric: `8 units on a line at ${baud} baud, 2 dead: reads of the others in ${lineSeconds} s; without the dead`,
    },
    ...{ unit: "reads", ours, baseline, goal: "≥ 90 %", ok: ours >= 0.9 * baseline },
  };
}

/** @param site buses and devices as in a site file */
function agentOn(env: Env, path: string, site: object, interval: string, driver: Driver) {
  const level = (limit: number) => ({ type: "level", point: "*", levels: [{ limit, severity: "high" }] });
  const files = {
    "site.yaml": JSON.stringify({ version: 1, site: { id: "bench" }, ...site }),
    "profiles/meter.yaml": JSON.stringify({
      ...{ profile: "meter", describe: "Registers.", protocol: "modbus", class: "test", interval },
      points: Object.fromEntries(
        points.map((_, register) => [`r${register}`, { address: { table: "holding", register } }]),
      ),
      rules: { high: level(60_000), higher: level(65_000), stale: { type: "stale", point: "*", after: "60s" } },
    }),
  };
  return benchAgent(env, { files: fromFiles(files), path, speaking: [driver] });
}
