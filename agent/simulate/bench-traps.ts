import { createSocket } from "node:dgram";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { startSnmpSimulator } from "../../drivers/snmp/simulator.ts";
import { fromFiles } from "../config/load.ts";
import type { Env } from "../env.ts";
import type { Row } from "./bench.ts";
import { benchAgent } from "./bench-agent.ts";

/**
 * From a trap to whoever listens at the broker: the poll that it hints at, which would otherwise come in an hour, has confirmed
 * what it is about.
 */
const [mains, battery] = [3, 5];
const swings = 20;
const oid = "1.3.6.1.2.1.33.1.4.1.0";
const trapOid = "1.3.6.1.2.1.33.2.1";
/** Longer than a device has peace between two hints. */
const betweenMs = 700;

const files = (port: number, traps: number) => ({
  "site.yaml": JSON.stringify({
    version: 1,
    site: { id: "bench" },
    traps: { address: "127.0.0.1", port: traps, communities: ["public"] },
    devices: [{ id: "ups", profile: "ups", bus: { protocol: "snmp", host: "127.0.0.1", port } }],
  }),
  "profiles/ups.yaml": JSON.stringify({
    ...{ profile: "ups", describe: "A UPS.", protocol: "snmp", class: "ups", interval: "1h" },
    points: { source: { address: { oid } } },
    traps: { "on-battery": { oid: trapOid, points: ["source"] } },
    rules: {
      "on-battery": { type: "state", point: "source", normal: [mains], map: { [battery]: "high" }, ackRequired: false },
    },
  }),
});

/** @param url of a mosquitto; null: there is none on this machine */
export async function benchTraps(env: Env, folder: string, url: string | null): Promise<Row[]> {
  const told = url === null ? [] : await measure(env, folder, url);
  const worst = told.length === 0 ? null : Math.round(Math.max(...told));
  const how = worst === null ? ": mosquitto is not installed" : "";
  return [
    {
      ...{ bench: "end-to-end", metric: `trap → confirmed incident at the subscriber, longest of ${2 * swings}${how}` },
      ...{ unit: "ms", ours: worst, baseline: null, goal: "< 1000", ok: worst !== null && worst < 1000 },
    },
  ];
}

async function measure(env: Env, folder: string, url: string): Promise<number[]> {
  let source = mains;
  const simulator = await startSnmpSimulator({
    ...{ host: "127.0.0.1", port: 0, points: [{ id: "ups/source", device: {}, address: { oid } }] },
    value: () => source,
  });
  const traps = await freePort();
  let hear = (): void => {};
  const subscriber = await connectAsync(url, { protocolVersion: 5 });
  subscriber.on("message", () => hear());
  await subscriber.subscribeAsync("mepwatch/v1/bench/+/event", { qos: 1 });
  const path = join(folder, "traps.db");
  const agent = benchAgent(env, { files: fromFiles(files(simulator.port, traps)), path, url });
  await pause(env, 2 * betweenMs);
  const told: number[] = [];
  for (const now of Array.from({ length: swings }, () => [battery, mains]).flat()) {
    const heard = new Promise<void>((resolve) => {
      hear = resolve;
    });
    source = now;
    const began = env.clock.mono();
    simulator.announce?.({ oid: trapOid }, { address: "127.0.0.1", port: traps });
    await heard;
    told.push(env.clock.mono() - began);
    await pause(env, betweenMs);
  }
  await agent.stop();
  await subscriber.endAsync();
  await simulator.close();
  return told;
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => void socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => void socket.close(resolve));
  return port;
}

const pause = (env: Env, ms: number): Promise<void> => new Promise((resolve) => void env.after(ms, resolve));
