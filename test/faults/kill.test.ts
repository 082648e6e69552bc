import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startModbusSimulator } from "../../drivers/modbus/simulator.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import { startMosquitto } from "../interop/mosquitto.ts";
import { requireProgram } from "../interop/programs.ts";
import { mepwatch, type Running, until } from "../process.ts";

/**
 * The agent is killed twenty times, most of them between commit and acknowledgement, while a site goes its way and
 * writes down what was true. Afterwards a subscriber must have heard of each condition exactly once.
 */
const mosquitto = "/usr/sbin/mosquitto";
const points = 6;
/** Where each agent in turn is killed, and on which passage; "": whenever. Twelve die between commit and acknowledgement. */
const kills = [
  "after-commit:1",
  "after-publish:1",
  "",
  "after-commit:2",
  "after-publish:2",
  "after-ack:1",
  "after-commit:3",
  "after-publish:1",
  "after-trim:1",
  "",
  "after-commit:1",
  "after-publish:3",
  "before-commit:1",
  "after-commit:2",
  "after-publish:1",
  "after-ack:2",
  "",
  "after-commit:1",
  "after-publish:2",
  "after-trim:2",
];
/** A contact stays as it is until that was heard, and up to this much longer. */
const lingerMs = 1500;

let folder: string;
let broker: Awaited<ReturnType<typeof startMosquitto>>;
let simulator: RunningSimulator;
let subscriber: MqttClient;
const values = new Map<string, number>();
const truth = new Map<string, { raises: number; clears: number }>();
const heard = new Map<string, { key: string; kind: string; seq: number; epoch: string }>();

const profile = `
profile: relay
describe: Alarm contacts.
protocol: modbus
class: test
interval: 200ms
points:
${Array.from({ length: points }, (_, i) => `  c${i}: { address: { table: holding, register: ${i} } }`).join("\n")}
rules:
  on: { type: state, point: "*", normal: [0], map: { "1": high }, onDelay: 300ms, offDelay: 300ms }
`;

beforeAll(async () => {
  if (!requireProgram(mosquitto)) return;
  folder = mkdtempSync(join(tmpdir(), "mepwatch-kill-"));
  const address = (i: number) => ({ table: "holding", register: i, type: "u16", order: "ABCD" });
  const served = Array.from({ length: points }, (_, i) => ({
    id: `r/c${i}`,
    device: { unit: 1 },
    address: address(i),
  }));
  simulator = await startModbusSimulator({
    host: "127.0.0.1",
    port: 0,
    points: served,
    value: (id) => values.get(id) ?? 0,
  });
  broker = await startMosquitto();
  subscriber = connect(broker.url, { protocolVersion: 5 });
  subscriber.on("message", (_topic, payload) => {
    const { id, subject, data } = JSON.parse(payload.toString());
    heard.set(id, { key: subject, kind: data.kind, seq: data.seq, epoch: data.epoch });
  });
  await subscriber.subscribeAsync("mepwatch/v1/+/+/event", { qos: 1 });
  const site = { version: 1, site: { id: "s" }, devices: [device(simulator.port)] };
  writeFileSync(join(folder, "site.yaml"), JSON.stringify(site));
  mkdirSync(join(folder, "profiles"));
  writeFileSync(join(folder, "profiles/relay.yaml"), profile);
});

let running: Running | null = null;
afterAll(async () => {
  await running?.kill("SIGKILL");
  await subscriber?.endAsync(true);
  await broker?.stop();
  await simulator?.close();
  if (folder) rmSync(folder, { recursive: true });
});

const device = (port: number) => ({
  id: "r",
  profile: "relay",
  bus: { protocol: "modbus", host: "127.0.0.1", port, timeout: "150ms" },
});

const count = (key: string, kind: string): number =>
  [...heard.values()].filter((one) => one.key === key && one.kind === kind).length;

/** Each contact closes and opens at its own pace, whether the agent lives or not, and what it did is written down. */
function live(random: () => number): { stop(): Promise<void> } {
  let running = true;
  const contact = async (i: number): Promise<void> => {
    const key = `s/r/c${i}/on`;
    const told = { raises: 0, clears: 0 };
    truth.set(key, told);
    while (running) {
      await pause(lingerMs * random());
      values.set(`r/c${i}`, 1);
      told.raises++;
      await until(() => (count(key, "raise") >= told.raises ? true : null));
      await pause(lingerMs * random());
      values.set(`r/c${i}`, 0);
      told.clears++;
      await until(() => (count(key, "clear") >= told.clears ? true : null));
    }
  };
  const contacts = Array.from({ length: points }, (_, i) => contact(i));
  return {
    async stop() {
      running = false;
      await Promise.all(contacts);
    },
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const startAgent = (crash: string): Running => {
  running = mepwatch(["run", "--config", join(folder, "site.yaml")], {
    MEPWATCH_MQTT_URL: broker.url,
    MEPWATCH_AGENT: "a",
    MEPWATCH_STORE: join(folder, "store.db"),
    MEPWATCH_SOCKET: join(folder, "api.sock"),
    MEPWATCH_LOG_LEVEL: "error",
    MEPWATCH_CRASH: crash,
  });
  return running;
};

test.skipIf(!requireProgram(mosquitto))(
  "twenty kills: each condition is told exactly once, and its end too",
  async () => {
    let seed = 7;
    const random = (): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    const site = live(random);
    const ends: (number | NodeJS.Signals | null)[] = [];
    for (const crash of kills) {
      const agent = startAgent(crash);
      if (crash === "") {
        await pause(500 + 1500 * random());
        await agent.kill("SIGKILL");
      }
      ends.push(await agent.ended);
    }
    expect(ends).toEqual(kills.map(() => "SIGKILL"));
    const last = startAgent("");
    await site.stop();
    await last.kill("SIGTERM");
    const got = [...truth.keys()].map((key) => [key, { raises: count(key, "raise"), clears: count(key, "clear") }]);
    expect(got).toEqual([...truth]);
    const seqs = [...heard.values()].map(({ seq }) => seq).sort((a, b) => a - b);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => i + 1));
    expect(new Set([...heard.values()].map(({ epoch }) => epoch)).size).toBe(1);
  },
  240_000,
);
