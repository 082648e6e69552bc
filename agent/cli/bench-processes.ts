import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Env } from "../env.ts";
import type { Row } from "../simulate/bench.ts";
import { benchDrain } from "../simulate/bench-drain.ts";
import { benchLatency } from "../simulate/bench-latency.ts";
import { benchModbus } from "../simulate/bench-modbus.ts";
import { benchCommits, benchStart, type Opening } from "../simulate/bench-outbox.ts";
import { benchTraps } from "../simulate/bench-traps.ts";

const mosquitto = "/usr/sbin/mosquitto";
const subscriber = "/usr/bin/mosquitto_sub";
const isHere = existsSync(mosquitto) && existsSync(subscriber);

/** The rows of the outbox, with the processes that they need beside this one. */
export const benchOutbox = (env: Env, program: string): Promise<Row[]> =>
  withOthers(async (folder, others) => {
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
export const benchEndToEnd = (env: Env): Promise<Row[]> =>
  withOthers(async (folder, others) => {
    const url = isHere ? await startBroker(env, folder, others) : null;
    return [...(await benchLatency(env, folder, url)), ...(await benchTraps(env, folder, url))];
  });

/** The devices are a process of their own, so that what they cost does not count. */
export const benchModbusDriver = (env: Env, program: string, cpuMs: () => number): Promise<Row[]> =>
  withOthers(async (folder, others) => {
    const serving = spawn(process.execPath, [program, "bench", "--serves-modbus"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    others.push(serving);
    for await (const line of createInterface({ input: serving.stdout }))
      return await benchModbus(env, folder, JSON.parse(line), cpuMs);
    throw new Error("the devices of the bench ended before they were ready");
  });

async function withOthers(work: (folder: string, others: ChildProcess[]) => Promise<Row[]>): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-bench-"));
  const others: ChildProcess[] = [];
  try {
    return await work(folder, others);
  } finally {
    for (const one of others) one.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startBroker(env: Env, folder: string, others: ChildProcess[]): Promise<string> {
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
