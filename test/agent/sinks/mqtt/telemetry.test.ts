import type { IPublishPacket } from "mqtt-packet";
import { afterEach, beforeEach, expect, test } from "vitest";
import { realEnv } from "../../../../agent/env.ts";
import { openMqttSink } from "../../../../agent/sinks/mqtt/index.ts";
import { birthMessage } from "../../../../agent/sinks/mqtt/messages.ts";
import { telemetryMessage } from "../../../../agent/sinks/mqtt/telemetry.ts";
import type { Sink, TelemetryBatch } from "../../../../agent/sinks/sink.ts";
import { until } from "../../../process.ts";
import { event, outgoing } from "../event.ts";
import { type ScriptedBroker, startBroker } from "./broker.ts";
import { birthFacts, hooksOf, optionsTo } from "./sinks.ts";

/** Values on their way to a broker, and what they must not stand in the way of. */
let broker: ScriptedBroker;
let sink: Sink;

beforeEach(async () => {
  broker = await startBroker();
});
afterEach(async () => {
  await sink.close();
  await broker.close();
});
async function open(capabilities: string[] = ["telemetry"]): Promise<void> {
  const hooks = hooksOf({ birth: () => birthFacts({ capabilities }) });
  sink = openMqttSink(optionsTo(broker.url), realEnv({ logLevel: "silent" }), hooks, () => 1);
  await until(() => (on("blind").length === 1 ? true : null));
}
const on = (suffix: string): IPublishPacket[] =>
  broker.publishes.filter(({ topic }) => topic.startsWith(`mepwatch/v1/hall-1/a/${suffix}`));
const wall = Date.UTC(2026, 0, 2);
const batch = (count: number, point = "crac-1/supply"): TelemetryBatch => ({
  point,
  unit: "Cel",
  samples: Array.from({ length: count }, (_, i) => [wall + i, 20 + i / 7, "good"] as const),
});
const read = ({ payload }: IPublishPacket) => telemetryMessage.parse(JSON.parse(payload.toString()));

test("go on a topic a point, by QoS 0, for five minutes, as the contract has them", async () => {
  await open();
  const samples = [
    [wall, 20.5, "good"],
    [wall + 1000, null, "bad"],
  ] as const;
  expect(sink.telemetry!({ point: "crac-1/supply", unit: "Cel", samples })).toBe(true);
  const [sent] = await until(() => (on("telemetry").length > 0 ? on("telemetry") : null));
  expect(sent).toMatchObject({ topic: "mepwatch/v1/hall-1/a/telemetry/crac-1/supply", qos: 0, retain: false });
  expect(sent!.properties).toMatchObject({ messageExpiryInterval: 300 });
  expect(read(sent!)).toEqual({
    ...{ point: "crac-1/supply", unit: "Cel" },
    samples: [
      ["2026-01-02T00:00:00.000Z", 20.5, "good"],
      ["2026-01-02T00:00:01.000Z", null, "bad"],
    ],
  });
});

test.each([[["telemetry"]], [[]]])("the birth says whether they come: %j", async (capabilities) => {
  await open(capabilities);
  const birth = birthMessage.parse(JSON.parse(on("status")[0]!.payload.toString()));
  expect(birth.capabilities.includes("telemetry")).toBe(capabilities.length > 0);
  expect(birth.capabilities).toContain("event");
});

test("are cut into what the broker's packets take, none lost", async () => {
  broker.onConnect = () => ({ properties: { maximumPacketSize: 4000 } });
  await open();
  expect(sink.telemetry!(batch(500))).toBe(true);
  const told = await until(() => {
    const all = on("telemetry").flatMap((one) => read(one).samples);
    return all.length === 500 ? all : null;
  });
  expect(told.map(([at]) => Date.parse(at) - wall)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  for (const { length } of on("telemetry")) expect(length).toBeLessThan(4000);
});

test("are not taken where there is no broker", async () => {
  await open();
  await sink.close();
  expect(sink.telemetry!(batch(1))).toBe(false);
});

test("of a broker that does not read wait outside; an incident is behind 100 KiB of them at most, and they go on", async () => {
  await open();
  for (const socket of broker.sockets) socket.pause();
  let taken = 0;
  // Long enough for the system to take megabytes, were they written.
  for (let i = 0; i < 1000; i++) {
    if (sink.telemetry!(batch(500, `crac-1/p${i}`))) taken++;
    if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const delivered = sink.deliver(outgoing(event(1), wall));
  for (const socket of broker.sockets) socket.resume();
  expect(await delivered).toBe("delivered");
  const place = broker.publishes.findIndex(({ topic }) => topic.endsWith("/event"));
  const before = broker.publishes.slice(0, place).filter(({ topic }) => topic.includes("/telemetry/"));
  const bytes = before.reduce((sum, { length = 0 }) => sum + length, 0);
  expect(before.length).toBe(taken);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(100 * 1024);
  // Once it has read them there is room again, for as many as ever.
  let more = 0;
  await until(() => {
    if (sink.telemetry!(batch(500))) more++;
    return more === 20 ? true : null;
  });
  await until(() => (on("telemetry").length === taken + 20 ? true : null));
});

test("in a window full of events are still sent, and take no place of theirs", async () => {
  broker.onConnect = () => ({ properties: { receiveMaximum: 1 } });
  broker.onPublish = ({ topic }) => (topic.endsWith("/event") ? null : 0);
  await open();
  void sink.deliver(outgoing(event(1), wall));
  await until(() => (on("event").length === 1 ? true : null));
  expect(sink.telemetry!(batch(1))).toBe(true);
  await until(() => (on("telemetry").length === 1 ? true : null));
});
