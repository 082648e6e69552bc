import type { IPublishPacket } from "mqtt-packet";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { realEnv } from "../../../../agent/env.ts";
import type { AgentEventCode, Facts } from "../../../../agent/events.ts";
import type { MqttOptions } from "../../../../agent/sinks/mqtt/brokers.ts";
import { type ResultMessage, resultMessage } from "../../../../agent/sinks/mqtt/commands.ts";
import { openMqttSink } from "../../../../agent/sinks/mqtt/index.ts";
import { birthMessage } from "../../../../agent/sinks/mqtt/messages.ts";
import type { Answer, Orders } from "../../../../agent/sinks/orders.ts";
import type { BirthFacts, Sink } from "../../../../agent/sinks/sink.ts";
import { until } from "../../../process.ts";
import { event, outgoing } from "../event.ts";
import { type ScriptedBroker, startBroker } from "./broker.ts";
import { bytesOf, signed, topicFor, trusted } from "./orders.ts";
import { birthFacts, hooksOf, optionsTo } from "./sinks.ts";

/** Commands on the line: what is subscribed to, when, and where the answers go. */
let broker: ScriptedBroker;
let facts: BirthFacts;
let obeyed: string[];
let answer: Answer;
const sinks: Sink[] = [];
const reports: { code: AgentEventCode; facts: Facts }[] = [];
const quiet = { configHash: "c", silences: [], modes: [], pointsExpected: 4, blind: [] };
const now = (): number => env.clock.wall();
const real = realEnv({ logLevel: "silent" });
const env = {
  ...real,
  after: (ms: number, callback: () => void) => real.after(ms / 20, callback),
  random: () => 0.1,
  report: (code: AgentEventCode, more: Facts = {}) => void reports.push({ code, facts: more }),
};

beforeEach(async () => {
  broker = await startBroker();
  reports.length = 0;
  obeyed = [];
  answer = { status: "ok", detail: "done" };
  facts = birthFacts();
});
afterEach(async () => {
  await Promise.all(sinks.splice(0).map((sink) => sink.close()));
  await broker.close();
});

const remembered = new Map<string, { result: string | null; nonce: string }>();
const orders: Orders = {
  memory: {
    find: (cmdId) => remembered.get(cmdId) ?? null,
    taker: (nonce) => [...remembered].find(([, one]) => one.nonce === nonce)?.[0] ?? null,
    begin: ({ cmdId, nonce }) => remembered.set(cmdId, { result: null, nonce }).size > 0,
    end: (cmdId, result) => void remembered.set(cmdId, { ...remembered.get(cmdId)!, result }),
    forgottenTo: 0,
  },
  synced: () => true,
  obey: ({ cmdId }) => {
    obeyed.push(cmdId);
    return answer;
  },
  refused: () => {},
  repeated: () => {},
};

function open(also: Partial<MqttOptions> = {}): Sink {
  const options = optionsTo(broker.url, { site: "s", keys: trusted, ...also });
  const hooks = hooksOf({ birth: () => facts, quiet: () => quiet, orders });
  const sink = openMqttSink(options, env, hooks, () => 1);
  sinks.push(sink);
  return sink;
}
const connected = (sink: Sink): Promise<true> => until(() => (sink.connected ? true : null));
const base = "mepwatch/v1/s/a";
const births = () => broker.publishes.filter(({ topic }) => topic === `${base}/status`);
const birthOf = (packet: IPublishPacket) => birthMessage.parse(JSON.parse(packet.payload.toString()));
const filters = () => broker.subscribes.flatMap(({ packet }) => packet.subscriptions.map(({ topic }) => topic));
const refuseCommands = (code: number | null) => {
  broker.onSubscribe = (topics) => (topics.includes(`${base}/cmd/+`) ? code : 0);
};
type Properties = NonNullable<IPublishPacket["properties"]>;
const say = (command: { name: string }, properties: Properties = {}, retain = false): void =>
  broker.say({
    cmd: "publish",
    topic: topicFor(command.name),
    payload: bytesOf(command),
    qos: 1,
    messageId: 77,
    retain,
    dup: false,
    properties,
  });
const answered = ({ cmdId }: { cmdId: string }): Promise<{ packet: IPublishPacket; result: ResultMessage }> =>
  until(() => {
    for (const packet of broker.publishes.filter(({ topic }) => topic.includes("reply/"))) {
      const result = resultMessage.parse(JSON.parse(packet.payload.toString()));
      if (result.cmdId === cmdId) return { packet, result };
    }
    return null;
  });

describe("what is subscribed to", () => {
  test("commands, before the birth, which says so; neither what is retained again nor what it says itself", async () => {
    facts = birthFacts({ capabilities: ["telemetry"] });
    await connected(open());
    const { packet, published } = broker.subscribes[0]!;
    expect(packet.subscriptions).toEqual([{ topic: `${base}/cmd/+`, qos: 1, nl: true, rap: true, rh: 1 }]);
    expect(published).toBe(0);
    expect(birthOf(births()[0]!).capabilities).toEqual(expect.arrayContaining(["event", "telemetry", "command"]));
  });

  test.each<[string, Partial<MqttOptions>]>([
    ["no keys", { keys: new Map() }],
    ["no file of keys", { keys: undefined as never }],
  ])("nothing with %s, and the birth says nothing of it", async (_, also) => {
    await connected(open(also));
    await until(() => (broker.subscribes.length > 0 ? true : null));
    expect(filters()).toEqual([`${base}/active/+`]);
    expect(birthOf(births()[0]!).capabilities).not.toContain("command");
  });

  test("one that does not answer to it is no hindrance either", async () => {
    refuseCommands(null);
    const sink = open();
    await connected(sink);
    expect(await sink.deliver(outgoing(event(1), now()))).toBe("delivered");
    expect(reports).toContainEqual({
      code: "commands.deaf",
      facts: { broker: broker.url, why: "no answer in time" },
    });
  });

  test.each([5, 4])("MQTT %d: a broker that refuses it is told of once, and all else goes on", async (version) => {
    broker.onConnect = ({ protocolVersion }) => (protocolVersion === version ? {} : { reasonCode: 0x84 });
    refuseCommands(version === 5 ? 0x87 : 0x80);
    const sink = open();
    await connected(sink);
    expect(birthOf(births()[0]!).capabilities).not.toContain("command");
    expect(await sink.deliver(outgoing(event(1), now()))).toBe("delivered");
    broker.drop();
    await until(() => (births().length > 1 && sink.connected ? true : null));
    expect(reports.filter(({ code }) => code === "commands.deaf")).toEqual([
      { code: "commands.deaf", facts: { broker: broker.url, why: expect.any(String) } },
    ]);
  });
});

describe("what comes, and what is answered", () => {
  test("is answered on the topic of its id, QoS 1, not retained", async () => {
    await connected(open());
    const command = signed("ping", now());
    say(command);
    const { packet, result } = await answered(command);
    expect(packet).toMatchObject({ topic: `${base}/reply/${command.cmdId}`, qos: 1, retain: false });
    expect(packet.properties).toMatchObject({ messageExpiryInterval: 300 });
    expect(result).toMatchObject({ name: "ping", status: "ok", detail: "done" });
    expect(obeyed).toEqual([command.cmdId]);
  });

  test("what a broker had kept for the session comes first, and is not lost", async () => {
    const command = signed("ping", now());
    broker.early = [
      {
        cmd: "publish",
        topic: topicFor("ping"),
        payload: bytesOf(command),
        qos: 1,
        messageId: 9,
        retain: false,
        dup: false,
      },
    ];
    await connected(open());
    expect((await answered(command)).result.status).toBe("ok");
  });

  const correlation = Buffer.from([0, 1, 2, 255]);
  test.each<[string, Properties, string | null, Buffer | undefined]>([
    [
      "where it wants",
      { responseTopic: "mepwatch/v1/reply/noc/7", correlationData: correlation },
      "mepwatch/v1/reply/noc/7",
      correlation,
    ],
    ["where it wants, uncorrelated", { responseTopic: "mepwatch/v1/reply/noc" }, "mepwatch/v1/reply/noc", undefined],
    ["not elsewhere", { responseTopic: "mepwatch/v1/s/a/cmd/ack", correlationData: correlation }, null, undefined],
    ["not on another's topic", { responseTopic: "other/v1/reply/x" }, null, undefined],
    ["not on a topic that only begins like it", { responseTopic: "mepwatch/v1/reply/" }, null, undefined],
    ["not on all topics", { responseTopic: "mepwatch/v1/reply/#" }, null, undefined],
    ["not on any topic", { responseTopic: "mepwatch/v1/reply/+/x" }, null, undefined],
    ["not on what is no topic", { responseTopic: "mepwatch/v1/reply/\u0001" }, null, undefined],
    ["not on a topic too long", { responseTopic: `mepwatch/v1/reply/${"x".repeat(500)}` }, null, undefined],
    [
      "without a correlation too long",
      { responseTopic: "mepwatch/v1/reply/x", correlationData: Buffer.alloc(1025) },
      "mepwatch/v1/reply/x",
      undefined,
    ],
  ])("%s", async (_, properties, topic, echoed) => {
    await connected(open());
    const command = signed("ping", now());
    say(command, properties);
    const { packet } = await answered(command);
    expect(packet.topic).toBe(topic ?? `${base}/reply/${command.cmdId}`);
    expect(packet.properties?.correlationData).toEqual(echoed);
  });

  test("refused ones are answered there too; retained ones are refused", async () => {
    await connected(open());
    const command = signed("ping", now());
    say(command, { responseTopic: "mepwatch/v1/reply/noc" }, true);
    const { packet, result } = await answered(command);
    expect([packet.topic, result.code]).toEqual(["mepwatch/v1/reply/noc", "retained"]);
    expect(obeyed).toEqual([]);
  });

  test("an answer longer than the broker takes leaves out the single conditions", async () => {
    broker.onConnect = () => ({ properties: { maximumPacketSize: 3000 } });
    const conditions = Array.from({ length: 100 }, (_, i) => ({ conditionKey: `s/d/p/r${i}`, result: "ok" as const }));
    answer = { status: "ok", detail: "done for 100", conditions };
    await connected(open());
    const command = signed("ping", now());
    say(command);
    expect((await answered(command)).result).toMatchObject({ detail: "done for 100" });
    expect((await answered(command)).result.conditions).toBeUndefined();
  });

  test("after a new connection it goes on, and knows what was done", async () => {
    const sink = open();
    await connected(sink);
    const [first, second] = [signed("ping", now()), signed("ping", now())];
    say(first);
    await answered(first);
    broker.drop();
    await until(() => (births().length > 1 && sink.connected ? true : null));
    broker.publishes.length = 0;
    say(first);
    expect((await answered(first)).result).toMatchObject({ status: "duplicate", first: "ok" });
    say(second);
    expect((await answered(second)).result.status).toBe("ok");
  });
});

describe("a snapshot", () => {
  const on = (suffix: string) => broker.publishes.filter(({ topic }) => topic.startsWith(`${base}/${suffix}`));
  const revs = () =>
    on("active/").map(({ payload }) => (payload.length === 0 ? null : JSON.parse(payload.toString()).data.rev));

  test("says anew what is open, what is over, silenced and not seen, and goes on from there", async () => {
    const [first, second] = [event(1, { conditionKey: "s/a" }), event(2, { conditionKey: "s/b" })];
    facts = { ...facts, lastSeq: 2, activeCount: 2, active: [first, second] };
    const sink = open();
    expect(sink.snapshot()).toBe(false);
    await connected(sink);
    await until(() => (on("blind").length === 1 ? true : null));
    broker.publishes.length = 0;
    // Since then b is over, which was not delivered yet.
    facts = { ...facts, lastSeq: 4, lastPosition: 4, active: [{ ...first, seq: 3, rev: 2 }] };
    expect(sink.snapshot()).toBe(true);
    expect(sink.snapshot()).toBe(false);
    await until(() =>
      on("blind").length === 1 && on("silences").length === 1 && on("active/").length === 2 ? true : null,
    );
    expect(revs()).toEqual([2, null]);
    // What is older leaves the picture alone, what is newer changes it.
    const late = event(4, { conditionKey: "s/b", open: false });
    expect(await sink.deliver(outgoing(late, now()))).toBe("delivered");
    expect(await sink.deliver(outgoing({ ...first, seq: 2, rev: 1 }, now()))).toBe("delivered");
    expect(on("active/")).toHaveLength(2);
    expect(await sink.deliver(outgoing({ ...first, seq: 5, rev: 3 }, now()))).toBe("delivered");
    expect(revs()).toEqual([2, null, 3]);
    await until(() => (sink.snapshot() ? true : null));
  });

  test("what happens meanwhile is not shown as it was before", async () => {
    const many = Array.from({ length: 40 }, (_, i) => event(i + 1, { conditionKey: `s/${i}` }));
    const sink = open();
    await connected(sink);
    await until(() => (on("blind").length === 1 ? true : null));
    facts = { ...facts, lastSeq: 40, lastPosition: 40, active: many };
    broker.ackMs = 5;
    expect(sink.snapshot()).toBe(true);
    const last = { ...many[39]!, seq: 41, rev: 9 };
    expect(await sink.deliver({ ...outgoing(last, now()), position: 41 })).toBe("delivered");
    await until(() => (on("active/").length === 40 ? true : null));
    await until(() => (sink.snapshot() ? true : null));
    const shown = on("active/")
      .slice(0, 40)
      .map(({ payload }) => JSON.parse(payload.toString()).data);
    expect(shown.filter(({ conditionKey }) => conditionKey === "s/39").map(({ rev }) => rev)).toEqual([9]);
  });
});
