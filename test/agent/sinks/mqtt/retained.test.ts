import { type AddressInfo, createServer } from "node:net";
import { Aedes } from "aedes";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, describe, expect, test } from "vitest";
import { realEnv } from "../../../../agent/env.ts";
import { openMqttSink } from "../../../../agent/sinks/mqtt/index.ts";
import { topicsOf } from "../../../../agent/sinks/mqtt/topics.ts";
import type { EventRecord } from "../../../../agent/sinks/record.ts";
import type { Sink } from "../../../../agent/sinks/sink.ts";
import { startMosquitto } from "../../../interop/mosquitto.ts";
import { requireProgram } from "../../../interop/programs.ts";
import { until } from "../../../process.ts";
import { event, outgoing } from "../event.ts";
import { birthFacts, hooksOf, optionsTo } from "./sinks.ts";

/** What real brokers keep of an agent, before and after it comes. */
interface Broker {
  readonly url: string;
  stop(): Promise<void>;
}

async function startAedes(): Promise<Broker> {
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      server.close();
    },
  };
}

const brokers = [
  { name: "aedes, MQTT 3.1.1", present: true, start: startAedes },
  { name: "mosquitto, MQTT 5", present: requireProgram("/usr/sbin/mosquitto"), start: () => startMosquitto() },
];
const address = { prefix: "mepwatch", site: "hall-1", agent: "a" };
const topics = topicsOf(address);
const of = (conditionKey: string, also: Partial<EventRecord> = {}): EventRecord => event(7, { conditionKey, ...also });

let broker: Broker;
let sink: Sink;
let centre: MqttClient;
afterEach(async () => {
  await sink?.close();
  await centre?.endAsync(true);
  await broker?.stop();
});

function openSink(active: readonly EventRecord[]): Sink {
  const real = realEnv({ logLevel: "silent" });
  const env = { ...real, after: (ms: number, callback: () => void) => real.after(ms / 10, callback) };
  const waiting = { firstSeq: 8, lastSeq: 7, waitingFrom: 8, lastPosition: 7 };
  const birth = () => birthFacts({ ...waiting, activeCount: active.length, active });
  return openMqttSink(optionsTo(broker.url, address), env, hooksOf({ birth }), () => 1);
}

/** What the broker keeps of open incidents, as a centre sees it that has just come: revisions by topic, `count` at least. */
async function kept(count: number): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const client = await connectAsync(broker.url, { protocolVersion: 4 });
  client.on("message", (topic, payload, { retain }) => {
    if (retain && topic.includes("/active/")) found.set(topic, JSON.parse(payload.toString()).data.rev);
  });
  await client.subscribeAsync("mepwatch/#");
  await until(() => (found.size >= count ? true : null));
  await client.endAsync(true);
  return found;
}

describe.each(brokers)("$name", ({ present, start }) => {
  test.skipIf(!present)("keeps what is open, as it is now, and nothing of what an agent has forgotten", async () => {
    broker = await start();
    centre = await connectAsync(broker.url, { protocolVersion: 4 });
    const deleted: string[] = [];
    centre.on("message", (topic, payload, { retain }) => payload.length === 0 && !retain && deleted.push(topic));
    const retain = (topic: string, rev: number) =>
      centre.publishAsync(topic, JSON.stringify({ data: { rev } }), { qos: 1, retain: true });
    const orphans = ["k/gone", "k/gone-too"].map(topics.active);
    const neighbour = topicsOf({ ...address, agent: "b" }).active("k/gone");
    for (const topic of [...orphans, neighbour]) await retain(topic, 9);
    await retain(topics.active("k/outdated"), 2);
    await retain(topics.active("k/returns"), 5);
    await centre.subscribeAsync("mepwatch/#", { qos: 1 });

    sink = openSink([of("k/outdated", { rev: 3 }), of("k/missing", { rev: 1 })]);
    await until(() => (sink.connected ? true : null));
    // Raised while the agent looks what the broker keeps: not to be taken for what was there before.
    expect(await sink.deliver(outgoing(event(8, { conditionKey: "k/returns", rev: 1 })))).toBe("delivered");
    await until(() => (deleted.length >= orphans.length ? true : null));
    await sink.close();

    expect(deleted.sort()).toEqual([...orphans].sort());
    expect(await kept(4)).toEqual(
      new Map([
        [neighbour, 9],
        [topics.active("k/outdated"), 3],
        [topics.active("k/missing"), 1],
        [topics.active("k/returns"), 1],
      ]),
    );
  });
});
