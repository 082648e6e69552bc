import { join } from "node:path";
import { connectAsync } from "mqtt";
import { startModbusSimulator } from "../../drivers/modbus/simulator.ts";
import { fromFiles } from "../config/load.ts";
import type { Env } from "../env.ts";
import { openBare } from "../store/bare.ts";
import type { Row } from "./bench.ts";
import { benchAgent } from "./bench-agent.ts";
import { cycleOf } from "./bench-outbox.ts";

/**
 * From a value on the wire to whoever listens at the broker: simulated register, driver, engine, store, mosquitto,
 * subscriber, most of them in this one process. The time of one sync of this disk, measured beside it, is taken off.
 */
const [normal, over] = [5, 20];
const names = Array.from({ length: 25 }, (_, i) => `r${i}`);
/** Up and down, as often as does not yet count as flapping. */
const swings = 4;

const files = (port: number) => ({
  "site.yaml": JSON.stringify({
    version: 1,
    site: { id: "bench" },
    devices: [
      {
        ...{ id: "m", profile: "meter", address: { unit: 1 } },
        bus: { protocol: "modbus", host: "127.0.0.1", port, timeout: "500ms" },
      },
    ],
  }),
  "profiles/meter.yaml": JSON.stringify({
    ...{ profile: "meter", describe: "A register.", protocol: "modbus", class: "test", interval: "100ms" },
    points: Object.fromEntries(names.map((name, register) => [name, { address: { table: "holding", register } }])),
    rules: {
      high: {
        type: "level",
        point: "*",
        levels: [{ limit: 10, deadband: 1, severity: "high" }],
        ackRequired: false,
      },
    },
  }),
});

/** @param url of a mosquitto; null: there is none on this machine */
export async function benchLatency(env: Env, folder: string, url: string | null): Promise<Row[]> {
  const goals = [
    { share: 0.5, name: "p50", goal: 3 },
    { share: 0.99, name: "p99", goal: 10 },
  ];
  const measured = url === null ? null : await measure(env, folder, url);
  return goals.map(({ share, name, goal }) => {
    const missing = measured === null ? ": mosquitto is not installed" : "";
    const [told, sync] = measured === null ? [0, 0] : [at(measured.told, share), at(measured.syncs, share)];
    const ours = measured === null ? null : Math.round((told - sync) * 100) / 100;
    const took = measured === null ? "" : ` (${told.toFixed(2)} ms, a sync ${sync.toFixed(2)} ms)`;
    return {
      ...{ bench: "end-to-end", unit: "ms", ours, baseline: null, goal: `< ${goal}` },
      metric: `register crosses the limit → subscriber, ${name} beyond one sync${took}${missing}`,
      ok: ours !== null && ours < goal,
    };
  });
}

const at = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;

async function measure(env: Env, folder: string, url: string) {
  const values = new Map(names.map((name) => [`m/${name}`, normal]));
  let crossing = { point: "", seenAt: null as number | null };
  const points = names.map((name, register) => ({
    ...{ id: `m/${name}`, device: { unit: 1 } },
    address: { table: "holding", register, type: "u16", order: "ABCD" },
  }));
  const simulator = await startModbusSimulator({
    ...{ host: "127.0.0.1", port: 0, points },
    value: (point) => {
      const mine = crossing;
      // The answer is written before anything else is done.
      if (point === mine.point && mine.seenAt === null) queueMicrotask(() => (mine.seenAt ??= env.clock.mono()));
      return values.get(point) ?? normal;
    },
  });
  let hear = (_subject: string): void => {};
  const subscriber = await connectAsync(url, { protocolVersion: 5 });
  subscriber.on("message", (_, payload) => hear(JSON.parse(payload.toString()).subject));
  await subscriber.subscribeAsync("mepwatch/v1/bench/+/event", { qos: 1 });
  const path = join(folder, "latency.db");
  const agent = benchAgent(env, { files: fromFiles(files(simulator.port)), path, url });
  const bare = openBare(join(folder, "sync.db"));
  const [told, syncs]: [number[], number[]] = [[], []];
  await new Promise<void>((resolve) => void env.after(1000, resolve));
  const levels = Array.from({ length: swings }, () => [over, normal]).flat();
  for (const [point, value] of levels.flatMap((to) => names.map((name) => [`m/${name}`, to] as const))) {
    const heard = new Promise<void>((resolve) => {
      hear = (subject) => subject === `bench/${point}/high` && resolve();
    });
    crossing = { point, seenAt: null };
    values.set(point, value);
    await heard;
    told.push(env.clock.mono() - (crossing.seenAt ?? 0));
    const began = env.clock.mono();
    bare.commit(cycleOf(told.length, 1));
    syncs.push(env.clock.mono() - began);
  }
  bare.close();
  await agent.stop();
  await subscriber.endAsync();
  await simulator.close();
  return { told, syncs };
}
