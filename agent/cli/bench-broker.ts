import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Env } from "../env.ts";
import type { Row } from "../simulate/bench.ts";
import { benchDrain } from "../simulate/bench-drain.ts";
import { benchLatency } from "../simulate/bench-latency.ts";
import { benchCommits, benchStart, type Opening } from "../simulate/bench-outbox.ts";

const mosquitto = "/usr/sbin/mosquitto";
const subscriber = "/usr/bin/mosquitto_sub";
const isHere = existsSync(mosquitto) && existsSync(subscriber);

/** The rows of the outbox, with the processes that they need beside this one. */
export async function benchOutbox(env: Env, program: string): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-bench-"));
  const others: ChildProcess[] = [];
  try {
    const open = (path: string): Opening =>
      JSON.parse(
        execFileSync(process.execPath, [...process.execArgv, program, "bench", "--opens", path], { encoding: "utf8" }),
      );
    const url = isHere ? await startBroker(env, folder, others) : null;
    const drain = await benchDrain(env, join(folder, "drain.db"), url);
    return [benchCommits(env, folder), ...benchStart(folder, open), drain];
  } finally {
    for (const one of others) one.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** From the wire to the subscriber. */
export async function benchEndToEnd(env: Env): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-bench-"));
  const others: ChildProcess[] = [];
  try {
    return await benchLatency(env, folder, isHere ? await startBroker(env, folder, others) : null);
  } finally {
    for (const one of others) one.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** With a subscriber, since what nobody hears is not acknowledged. */
async function startBroker(env: Env, folder: string, others: ChildProcess[]): Promise<string> {
  const port = await freePort();
  const config = join(folder, "mosquitto.conf");
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  others.push(spawn(mosquitto, ["-c", config], { stdio: "ignore" }));
  await pause(env, 500);
  others.push(spawn(subscriber, ["-h", "127.0.0.1", "-p", String(port), "-t", "#"], { stdio: "ignore" }));
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
