import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Env, within } from "../env.ts";
import type { Row } from "../simulate/bench.ts";
import { benchBacnet } from "../simulate/bench-bacnet.ts";
import type { DatagramBench } from "../simulate/bench-datagrams.ts";
import type { BareDevices } from "../simulate/bench-device.ts";
import { benchDrain } from "../simulate/bench-drain.ts";
import { benchLatency } from "../simulate/bench-latency.ts";
import { benchModbus } from "../simulate/bench-modbus.ts";
import { benchCommits, benchStart, type Opening } from "../simulate/bench-outbox.ts";
import { benchSnmp } from "../simulate/bench-snmp.ts";
import { benchUnasked } from "../simulate/bench-unasked.ts";

const mosquitto = "/usr/sbin/mosquitto";
const subscriber = "/usr/bin/mosquitto_sub";
const isHere = existsSync(mosquitto) && existsSync(subscriber);

/** The rows of the outbox, with the processes that they need beside this one. */
export const benchOutbox = (env: Env, stopped: Promise<void>, program: string): Promise<Row[]> =>
  withOthers(env, stopped, async (folder, others) => {
    const open = (path: string): Opening =>
      JSON.parse(
        execFileSync(process.execPath, [...process.execArgv, program, "bench", "--opens", path], { encoding: "utf8" }),
      );
    const url = isHere ? await startBroker(env, folder, others) : null;
    // What nobody hears is not acknowledged.
    if (url !== null) others.push(spawn(subscriber, ["-L", `${url}/#`], { stdio: "ignore" }));
    await pause(env, 500);
    const drain = await benchDrain(env, join(folder, "drain.db"), url);
    return [benchCommits(env, folder), ...benchStart(folder, open), drain];
  });

/** From the wire to the subscriber. */
export const benchEndToEnd = (env: Env, stopped: Promise<void>): Promise<Row[]> =>
  withOthers(env, stopped, async (folder, others) => {
    const url = isHere ? await startBroker(env, folder, others) : null;
    return [...(await benchLatency(env, folder, url)), ...(await benchUnasked(env, folder, url))];
  });

/** The devices are a process of their own, so that what they cost does not count. */
export const benchModbusDriver = (
  env: Env,
  stopped: Promise<void>,
  program: string,
  cpuMs: () => number,
): Promise<Row[]> =>
  withOthers(env, stopped, async (folder, others) => {
    const ports = await serving(program, ["bench", "--serves-modbus"], others);
    return await benchModbus(env, folder, ports as BareDevices, cpuMs);
  });

/** So are these. */
const benchOf =
  (bench: (env: Env, bench: DatagramBench) => Promise<Row[]>) =>
  (env: Env, stopped: Promise<void>, program: string, cpuMs: () => number): Promise<Row[]> =>
    withOthers(env, stopped, (folder, others) => {
      const simulate: DatagramBench["simulate"] = async (args) =>
        ((await serving(program, ["simulate", ...args], others)) as { ports: Readonly<Record<string, number>> }).ports;
      return bench(env, { folder, cpuMs, simulate });
    });
export const benchSnmpDriver = benchOf(benchSnmp);
export const benchBacnetDriver = benchOf(benchBacnet);

/** This program once more; what it wrote on its first line, as JSON, which says that it is ready. */
async function serving(program: string, args: readonly string[], others: Others): Promise<unknown> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  others.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    child.stdout.resume();
    return JSON.parse(line);
  }
  throw new Error(`${args.join(" ")} ended before it was ready`);
}

/** What is killed when a bench is over. */
type Others = Pick<ChildProcess, "kill">[];

/** No bench takes half as long on a machine that does nothing else. */
const longestMs = 10 * 60_000;

/**
 * With a folder, and with other processes, which end with the work, whether that fails, takes too long or is stopped: whatever it
 * waits for. They are killed, since one that outlives us holds the terminal or the pipe that it has from us.
 */
async function withOthers(
  env: Env,
  stopped: Promise<void>,
  work: (folder: string, others: Others) => Promise<Row[]>,
): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-bench-"));
  const others: Others = [];
  const ended = Promise.race([work(folder, others), stopped.then(() => "it was stopped")]);
  try {
    const rows = await within(env, longestMs, ended, () => `it takes more than ${longestMs / 60_000} minutes`);
    if (typeof rows === "string") throw new Error(`the bench was given up: ${rows}`);
    return rows;
  } finally {
    for (const one of others) one.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startBroker(env: Env, folder: string, others: Others): Promise<string> {
  const port = await freePort();
  const config = join(folder, "mosquitto.conf");
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  others.push(spawn(mosquitto, ["-c", config], { stdio: "ignore" }));
  await pause(env, 500);
  return `mqtt://127.0.0.1:${port}`;
}

const pause = (env: Env, ms: number): Promise<void> => new Promise((resolve) => void env.after(ms, resolve));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
