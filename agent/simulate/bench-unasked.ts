import { createSocket } from "node:dgram";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { startBacnetSimulator } from "../../drivers/bacnet/simulated/simulator.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import { startSnmpSimulator } from "../../drivers/snmp/simulator.ts";
import { fromFiles } from "../config/load.ts";
import type { Env } from "../env.ts";
import type { Row } from "./bench.ts";
import { benchAgent } from "./bench-agent.ts";

/**
 * From what a device says unasked to whoever listens at the broker: a trap, whose poll confirms what it is about; a change of value
 * that it was asked to tell. The next beat would come in an hour.
 */
interface Unasked {
  readonly what: string;
  /** Values of the point: what is normal, and what is not. */
  readonly swing: readonly [number, number];
  readonly goalMs: number;
  /** Site and profile; `traps` is the port where traps are heard. */
  files(port: number, traps: number): Readonly<Record<string, string>>;
  start(value: () => number): Promise<RunningSimulator>;
  /** Absent: the device notices by itself. */
  announce?(device: RunningSimulator, to: { readonly address: string; readonly port: number }): void;
}

const swings = 20;
/** Longer than a device has peace between two hints. */
const betweenMs = 700;
const host = "127.0.0.1";
const oid = "1.3.6.1.2.1.33.1.4.1.0";
const trapOid = "1.3.6.1.2.1.33.2.1";
const fan = { object: "binary-input", instance: 3, cov: true };

const rulesOf = (point: string, [normal, other]: Unasked["swing"]) => ({
  told: { type: "state", point, normal: [normal], map: { [other]: "high" }, ackRequired: false },
});
const filesOf = (site: object, profile: object) => ({
  "site.yaml": JSON.stringify({ version: 1, site: { id: "bench" }, ...site }),
  "profiles/box.yaml": JSON.stringify({
    profile: "box",
    describe: "A box.",
    class: "test",
    interval: "1h",
    ...profile,
  }),
});

const cases: readonly Unasked[] = [
  {
    ...{ what: "trap → confirmed incident", swing: [3, 5], goalMs: 1000 },
    files: (port, traps) =>
      filesOf(
        {
          traps: { address: host, port: traps, communities: ["public"] },
          devices: [{ id: "ups", profile: "box", bus: { protocol: "snmp", host, port } }],
        },
        {
          ...{ protocol: "snmp", points: { source: { address: { oid } } }, rules: rulesOf("source", [3, 5]) },
          traps: { "on-battery": { oid: trapOid, points: ["source"] } },
        },
      ),
    start: (value) =>
      startSnmpSimulator({ host, port: 0, points: [{ id: "ups/source", device: {}, address: { oid } }], value }),
    announce: (device, to) => device.announce?.({ oid: trapOid }, to),
  },
  {
    ...{ what: "change of value that a BACnet device tells → incident", swing: [0, 1], goalMs: 500 },
    files: (port) =>
      filesOf(
        {
          devices: [{ id: "crac", profile: "box", bus: { protocol: "bacnet", host, port }, address: { instance: 1 } }],
        },
        { protocol: "bacnet", points: { fan: { address: fan } }, rules: rulesOf("fan", [0, 1]) },
      ),
    start: (value) =>
      startBacnetSimulator({
        host,
        port: 0,
        points: [{ id: "crac/fan", device: { instance: 1 }, address: fan }],
        value,
      }),
  },
];

/** @param url of a mosquitto; null: there is none on this machine */
export async function benchUnasked(env: Env, folder: string, url: string | null): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [nth, one] of cases.entries()) {
    const told = url === null ? [] : await measure(env, join(folder, `unasked-${nth}.db`), url, one);
    const worst = told.length === 0 ? null : Math.round(Math.max(...told));
    const how = worst === null ? ": mosquitto is not installed" : "";
    rows.push({
      ...{ bench: "end-to-end", metric: `${one.what} at the subscriber, longest of ${2 * swings}${how}`, unit: "ms" },
      ...{ ours: worst, baseline: null, goal: `< ${one.goalMs}`, ok: worst !== null && worst < one.goalMs },
    });
  }
  return rows;
}

async function measure(env: Env, path: string, url: string, { swing, files, start, announce }: Unasked) {
  const [normal, other] = swing;
  let value = normal;
  const device = await start(() => value);
  const traps = await freePort();
  let hear = (): void => {};
  const subscriber = await connectAsync(url, { protocolVersion: 5 });
  subscriber.on("message", () => hear());
  await subscriber.subscribeAsync("mepwatch/v1/bench/+/event", { qos: 1 });
  const agent = benchAgent(env, { files: fromFiles(files(device.port, traps)), path, url });
  while (agent.status().heartbeat.pointsGood < 1) await pause(env, betweenMs);
  const told: number[] = [];
  for (const now of Array.from({ length: swings }, () => [other, normal]).flat()) {
    const heard = new Promise<void>((resolve) => {
      hear = resolve;
    });
    value = now;
    const began = env.clock.mono();
    announce?.(device, { address: host, port: traps });
    await heard;
    told.push(env.clock.mono() - began);
    await pause(env, betweenMs);
  }
  await agent.stop();
  await subscriber.endAsync();
  await device.close();
  return told;
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => void socket.bind(0, host, resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => void socket.close(resolve));
  return port;
}

const pause = (env: Env, ms: number): Promise<void> => new Promise((resolve) => void env.after(ms, resolve));
