import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Env, realEnv } from "../../../../agent/env.ts";
import type { AgentEventCode, Facts } from "../../../../agent/events.ts";
import { Secret } from "../../../../agent/secret.ts";
import type { MqttOptions } from "../../../../agent/sinks/mqtt/brokers.ts";
import { openMqttSink } from "../../../../agent/sinks/mqtt/index.ts";
import {
  activeDigestOf,
  birthMessage,
  deathMessage,
  diagMessage,
  eventMessage,
  gapMessage,
  heartbeatMessage,
} from "../../../../agent/sinks/mqtt/messages.ts";
import { blindMessage, silencesMessage } from "../../../../agent/sinks/mqtt/quiet.ts";
import type { QuietFacts } from "../../../../agent/sinks/quiet.ts";
import type { EventRecord } from "../../../../agent/sinks/record.ts";
import type { Arrived, BirthFacts, Sink } from "../../../../agent/sinks/sink.ts";
import { until } from "../../../process.ts";
import { epoch, event, outgoing } from "../event.ts";
import { type ScriptedBroker, startBroker } from "./broker.ts";
import { birthFacts, hooksOf, nothingQuiet, optionsTo } from "./sinks.ts";

let broker: ScriptedBroker;
const sinks: Sink[] = [];
/** What was waited for, ms, before it was hurried. */
const waits: number[] = [];
const reports: { code: AgentEventCode; facts: Facts }[] = [];
let bdSeq: number;
let lost: number;
let heard: number;
let acks: Arrived[];
let facts: BirthFacts;
let quiet: QuietFacts;

beforeEach(async () => {
  broker = await startBroker();
  reports.length = 0;
  waits.length = 0;
  bdSeq = 0;
  [lost, heard, acks] = [0, 0, []];
  facts = birthFacts();
  quiet = nothingQuiet;
});
afterEach(async () => {
  await Promise.all(sinks.splice(0).map((sink) => sink.close()));
  await broker.close();
});

/** Timers run this much faster, so that no test waits for a deadline. */
const hurry = 20;
function env(): Env {
  const real = realEnv({ logLevel: "silent" });
  return {
    ...real,
    after(ms, callback) {
      waits.push(ms);
      return real.after(ms / hurry, callback);
    },
    random: () => 0.1,
    report: (code, more = {}) => void reports.push({ code, facts: more }),
  };
}

function open(also: Partial<MqttOptions> = {}): Sink {
  const hooks = hooksOf({
    ...{ birth: () => facts, quiet: () => quiet, onLost: () => void lost++ },
    ...{ onHeard: () => void heard++, onAck: (arrived) => void acks.push(arrived) },
  });
  const sink = openMqttSink(optionsTo(broker.url, also), env(), hooks, () => ++bdSeq);
  sinks.push(sink);
  return sink;
}

const connected = (sink: Sink): Promise<true> => until(() => (sink.connected ? true : null));
const base = "mepwatch/v1/hall-1/a";
const on = (suffix: string) => broker.publishes.filter(({ topic }) => topic === `${base}/${suffix}`);
const actives = () => broker.publishes.filter(({ topic }) => topic.startsWith(`${base}/active/`));
const read = (payload: string | Buffer): unknown => JSON.parse(payload.toString());
const codes = () => reports.map(({ code }) => code);
const persistedAt = Date.UTC(2026, 0, 2);

describe("coming and going", () => {
  test("the Will tells a death that a later birth outdates", async () => {
    await connected(open());
    const [connect] = broker.connects;
    expect(connect).toMatchObject({ clean: false, keepalive: 30, protocolVersion: 5, clientId: "mepwatch-hall-1-a" });
    expect(connect!.properties).toMatchObject({ sessionExpiryInterval: 3600 });
    expect(connect!.will).toMatchObject({ topic: `${base}/status`, qos: 1, retain: true });
    expect(connect!.will!.properties).toMatchObject({ willDelayInterval: 20 });
    const will = deathMessage.parse(read(connect!.will!.payload as Buffer));
    const birth = birthMessage.parse(read(on("status")[0]!.payload));
    expect(will).toMatchObject({ bdSeq: birth.bdSeq, sessionId: birth.sessionId, reason: "lwt" });
    broker.drop();
    await until(() => (on("status").length > 1 ? true : null));
    expect(birthMessage.parse(read(on("status")[1]!.payload)).bdSeq).toBe(birth.bdSeq + 1);
  });

  test("birth, then what is open, both retained and acknowledged, and only then events", async () => {
    const open1 = event(7);
    facts = { ...facts, firstSeq: 2, lastSeq: 7, waitingFrom: 5, activeCount: 1, active: [open1] };
    broker.ackMs = 10;
    const sink = open();
    expect(sink.connected).toBe(false);
    expect(await sink.deliver(outgoing(event(5), persistedAt))).toBe("retry");
    await connected(sink);
    await until(() => (on("blind").length === 1 ? true : null));
    expect(broker.publishes.map(({ topic, retain, qos }) => [topic, retain, qos])).toEqual([
      [`${base}/status`, true, 1],
      [expect.stringMatching(/\/active\/[0-9a-f]{32}$/), true, 1],
      [`${base}/silences`, true, 1],
      [`${base}/blind`, true, 1],
    ]);
    expect(birthMessage.parse(read(on("status")[0]!.payload))).toMatchObject({
      agentVersion: "1.2.3",
      protocol: 5,
      firstSeq: 2,
      backlog: [[5, 7]],
      activeCount: 1,
      activeDigest: activeDigestOf([open1]),
    });
    expect(eventMessage.parse(read(actives()[0]!.payload)).data).toEqual(open1);
  });

  test("a planned stop says so, waits for the acknowledgement, then disconnects", async () => {
    const sink = open();
    await connected(sink);
    await sink.close();
    expect(deathMessage.parse(read(on("status").at(-1)!.payload))).toMatchObject({ reason: "shutdown", bdSeq: 1 });
    await until(() => (broker.others.some(({ cmd }) => cmd === "disconnect") ? true : null));
    expect(codes()).toEqual(["broker.connected"]);
    await sink.close();
  });

  test.each(["no CONNACK", "no PUBACK of the birth", "no PUBACK of the death"])(
    "closes in time with %s",
    async (what) => {
      if (what === "no CONNACK") broker.onConnect = () => null;
      if (what === "no PUBACK of the birth") broker.onPublish = () => null;
      const sink = open();
      if (what === "no PUBACK of the death") {
        await connected(sink);
        broker.onPublish = () => null;
      } else await until(() => (broker.connects.length > 0 ? true : null));
      await sink.close();
      expect(sink.connected).toBe(false);
    },
  );

  test("heartbeats are sent while connected, and not kept otherwise", async () => {
    const { clock } = facts;
    const vital = { epoch, lastSeq: 3, ackedSeq: 2, depth: 1, oldestAgeMs: 5, activeCount: 0, active: [] };
    const beat = { ...vital, pointsExpected: 4, pointsGood: 4, configHash: "c", clock };
    const sink = open();
    sink.heartbeat(beat);
    await connected(sink);
    sink.heartbeat(beat);
    await until(() => (on("heartbeat").length > 0 ? true : null));
    const [sent] = on("heartbeat");
    expect(sent).toMatchObject({ qos: 0, retain: false, properties: { messageExpiryInterval: 90 } });
    expect(heartbeatMessage.parse(read(sent!.payload))).toMatchObject({ ackedSeq: 2, bdSeq: 1, clock });
    expect(on("heartbeat")).toHaveLength(1);
  });

  test("what the agent says of itself is told while connected, and not taken otherwise", async () => {
    const said = {
      at: persistedAt,
      level: "warn",
      code: "clock.step",
      text: "the clock was set",
      facts: { ms: 5 },
    } as const;
    const sink = open();
    expect(sink.diag(said)).toBe(false);
    await connected(sink);
    expect(sink.diag(said)).toBe(true);
    await until(() => (on("diag").length > 0 ? true : null));
    const [sent] = on("diag");
    expect(sent).toMatchObject({ qos: 1, retain: false, properties: { messageExpiryInterval: 86_400 } });
    const { sessionId: _, ...rest } = diagMessage.parse(read(sent!.payload));
    expect(rest).toEqual({ ...said, at: new Date(persistedAt).toISOString() });
  });
});

describe("the centre", () => {
  const state = (online: boolean, second: number) =>
    JSON.stringify({ online, timestamp: `2026-01-01T00:00:0${second}.000Z`, sessionId: epoch });
  const topic = "mepwatch/v1/STATE/noc";
  const tell = (about: string, payload: string): void =>
    broker.say({ cmd: "publish", topic: about, payload, qos: 0, retain: false, dup: false });
  const subscribed = (before = Number.POSITIVE_INFINITY): string[] =>
    broker.subscribes
      .filter(({ published }) => published <= before)
      .flatMap(({ packet }) => packet.subscriptions.map((one) => one.topic));

  test("is listened to before the birth; what it says that is wrong counts for nothing", async () => {
    const sink = open({ centre: "noc", delivery: "centre" });
    await connected(sink);
    const born = broker.publishes.findIndex((one) => one.topic === `${base}/status`);
    expect(subscribed(born)).toEqual([`${base}/ack`, topic]);
    const ack = { epoch, upTo: 7, except: [[3, 4]], host: "noc", at: "2026-01-01T00:00:00.000Z" };
    for (const wrong of [
      "",
      "{",
      "[]",
      JSON.stringify({ ...ack, upTo: -1 }),
      JSON.stringify({ ...ack, except: [[1]] }),
    ])
      tell(`${base}/ack`, wrong);
    tell(`${base}/other`, JSON.stringify(ack));
    tell(`${base}/ack`, JSON.stringify({ ...ack, later: "more" }));
    await until(() => (acks.length > 0 ? true : null));
    expect(acks.map(({ upTo, except }) => [upTo, except])).toEqual([[7, [[3, 4]]]]);
  });

  test("that is away is waited for, and told of; an older absence than its presence is none", async () => {
    broker.kept = new Map([[topic, state(false, 1)]]);
    const sink = open({ centre: "noc" });
    await connected(sink);
    await until(() => (codes().includes("centre.away") ? true : null));
    expect([sink.isHeard, sink.trouble]).toEqual([false, "the centre noc is away"]);
    tell(topic, state(true, 5));
    await until(() => (heard > 0 ? true : null));
    tell(topic, state(false, 3));
    tell(topic, "rubbish");
    tell(topic, state(true, 6));
    await until(() => (sink.isHeard ? true : null));
    tell(topic, state(false, 7));
    await until(() => (sink.isHeard ? null : true));
    expect([heard, codes().filter((code) => code === "centre.away").length]).toEqual([1, 2]);
  });

  test("that nobody named is whoever is subscribed", async () => {
    const sink = open();
    await connected(sink);
    await until(() => (subscribed().length > 0 ? true : null));
    expect([sink.isHeard, subscribed()]).toEqual([true, [`${base}/active/+`]]);
  });
});

describe("what is silenced and what is not seen", () => {
  const silence = (i: number, conditions: string[]): QuietFacts["silences"][number] => ({
    ...{ how: "shelved", by: "anna", reason: `reason ${i}`, until: null, count: conditions.length, conditions },
  });
  const blind = (i: number): QuietFacts["blind"][number] => ({
    ...{ device: `pdu-${i}`, why: "timeout", since: "2026-01-02T03:04:05.678Z", count: 2, points: ["inlet", "load"] },
  });
  const silencesSent = () => on("silences").map(({ payload }) => silencesMessage.parse(read(payload)));
  const blindSent = () => on("blind").map(({ payload }) => blindMessage.parse(read(payload)));

  test("are retained for each connection, and again only when they have changed", async () => {
    quiet = { ...quiet, silences: [silence(1, ["a", "b"])], blind: [blind(1)] };
    const sink = open();
    sink.quietChanged();
    await until(() => (on("blind").length === 1 ? true : null));
    for (const { qos, retain } of [...on("silences"), ...on("blind")]) expect([qos, retain]).toEqual([1, true]);
    expect(silencesSent()).toMatchObject([{ count: 2, left: 0, silences: quiet.silences, bdSeq: 1 }]);
    expect(blindSent()).toMatchObject([{ count: 2, left: 0, blind: quiet.blind, pointsExpected: 4 }]);
    sink.quietChanged();
    quiet = { ...quiet, blind: [] };
    sink.quietChanged();
    await until(() => (on("blind").length === 2 ? true : null));
    expect(blindSent()[1]).toMatchObject({ count: 0, blind: [] });
    expect(on("silences")).toHaveLength(1);
    broker.drop();
    await until(() => (on("blind").length === 3 ? true : null));
    expect(silencesSent().map(({ bdSeq }) => bdSeq)).toEqual([1, 2]);
  });

  test("are told again after the broker refused them", async () => {
    broker.onPublish = ({ topic }) => (topic.endsWith("/silences") ? 0x97 : 0);
    const sink = open();
    await connected(sink);
    await until(() => (on("silences").length === 1 ? true : null));
    await sink.deliver(outgoing(event(1), persistedAt)); // the answer to it comes behind the refusal
    sink.quietChanged();
    await until(() => (on("silences").length === 2 ? true : null));
    expect(on("blind")).toHaveLength(1);
  });

  test.each([
    { broker: "any", most: 128 * 1024, maximumPacketSize: 10_000_000 },
    { broker: "one that takes less", most: 20_000, maximumPacketSize: 20_000 },
  ])("are no larger than $most bytes for $broker, and say how many are left out", async ({ most, ...properties }) => {
    broker.onConnect = () => ({ properties: { maximumPacketSize: properties.maximumPacketSize } });
    const keys = Array.from({ length: 5000 }, (_, i) => `hall-1/pdu-${i}/inlet-temperature/inlet-hot-ü`);
    const mode = { mode: "commissioning", target: "room=Hall-1", by: "kim", reason: "x".repeat(500), overdue: false };
    const times = { beganAt: "2026-01-02T03:04:05.678Z", until: "2026-01-02T03:04:05.678Z" };
    quiet = {
      ...quiet,
      silences: [silence(1, ["first"]), silence(2, keys), silence(3, ["last"])],
      modes: Array(500).fill({ ...mode, ...times }),
      blind: Array.from({ length: 5000 }, (_, i) => blind(i)),
    };
    await connected(open());
    await until(() => (on("blind").length === 1 ? true : null));
    for (const { payload } of [...on("silences"), ...on("blind")]) {
      expect(payload.length).toBeLessThanOrEqual(most);
      expect(payload.length).toBeGreaterThan(most / 2);
    }
    const [silences] = silencesSent();
    expect(silences!.silences.map(({ count }) => count)).toEqual([1, 5000, 1]); // who and why, of all of them
    const listed = silences!.silences.flatMap(({ conditions }) => conditions);
    expect(silences).toMatchObject({ count: 5002, left: 5002 - listed.length });
    const [unseen] = blindSent();
    expect(unseen).toMatchObject({
      count: 10_000,
      left: 10_000 - unseen!.blind.flatMap(({ points = [] }) => points).length,
    });
    expect(unseen!.left).toBeGreaterThan(0);
  });
});

describe("an event", () => {
  test("is a CloudEvent, once, and its incident's latest is retained until it is over", async () => {
    const sink = open();
    await connected(sink);
    const cleared = event(2, { kind: "clear", rev: 2, open: false, active: false, state: "normal" });
    expect(await sink.deliver(outgoing(event(1), persistedAt))).toBe("delivered");
    expect(await sink.deliver(outgoing(cleared, persistedAt))).toBe("delivered");
    expect(on("event").map(({ qos, retain, properties }) => [qos, retain, properties?.contentType])).toEqual(
      Array(2).fill([1, false, "application/cloudevents+json; charset=utf-8"]),
    );
    const [raised] = on("event").map(({ payload }) => eventMessage.parse(read(payload)));
    expect(raised).toMatchObject({
      id: `${epoch}:1`,
      source: "/mepwatch/hall-1/a",
      type: "mepwatch.incident.raised",
      subject: "hall-1/crac-1/running/stopped",
      time: "2026-01-02T03:04:05.678Z",
      recordedtime: "2026-01-02T00:00:00.000Z",
      sequence: "00000000000000000001",
      severitynumber: 17,
      data: event(1),
    });
    expect(actives().map(({ retain, payload }) => [retain, payload.length > 0])).toEqual([
      [true, true],
      [true, false],
    ]);
    expect(new Set(actives().map(({ topic }) => topic)).size).toBe(1);
  });

  test("goes without its evidence where it would be larger than 16 KiB", async () => {
    const sink = open();
    await connected(sink);
    const id = "00000000-0000-8000-8000-00000000000b";
    const companions = [{ point: "ups-1/load", value: 1, unit: "%", quality: "good" as const }];
    const context: EventRecord["context"] = [[1, 2, "good"]];
    const witnesses = (count: number): EventRecord["witnesses"] =>
      Array(count).fill({ rule: "ups-1/on-battery", name: "UPS-1 Ü", says: "active" });
    const more = { context, companions, causeIds: [id], witnesses: witnesses(3) };
    await sink.deliver(outgoing(event(1, more), persistedAt));
    await sink.deliver(outgoing(event(2, { ...more, witnesses: witnesses(300) }), persistedAt));
    const [small, large] = on("event").map(({ payload }) => ({
      bytes: payload.length,
      ...eventMessage.parse(read(payload)),
    }));
    expect(small!.data).toEqual(event(1, more));
    expect(large!.bytes).toBeLessThanOrEqual(16 * 1024);
    expect(large!.data).toEqual(event(2, { causeIds: [id] }));
  });

  test("of another epoch than the birth's is no older one", async () => {
    const sink = open();
    await connected(sink);
    const moved = event(1, { epoch: "00000000-0000-4000-8000-00000000000f" });
    await sink.deliver(outgoing(moved, persistedAt));
    expect(actives()).toHaveLength(1);
  });

  test("that was given up is told of among the others, until somebody has heard it", async () => {
    const sink = open();
    const gap = { epoch, first: 3, last: 90, count: 80 };
    expect(await sink.tellGap(gap)).toBe("retry");
    await connected(sink);
    expect(await sink.tellGap(gap)).toBe("delivered");
    const [told] = on("event").map(({ payload }) => gapMessage.parse(read(payload)));
    expect(told).toMatchObject({
      id: `${epoch}:gap:90:80`,
      source: "/mepwatch/hall-1/a",
      type: "mepwatch.gap",
      data: { epoch, firstSeq: 3, lastSeq: 90, count: 80 },
    });
  });

  test("that is older than the birth does not put the retained picture back", async () => {
    const newest = event(9, { rev: 3 });
    facts = { ...facts, firstSeq: 7, lastSeq: 9, waitingFrom: 7, lastPosition: 99, activeCount: 1, active: [newest] };
    const sink = open();
    await connected(sink);
    const cleared = { kind: "clear", open: false, active: false, state: "normal" } as const;
    const gone = { ...cleared, conditionKey: "hall-1/ups-1/output/battery" };
    const other = { epoch: "00000000-0000-4000-8000-000000000002" };
    const late = [
      outgoing(event(70, { ...other, rev: 1 }), persistedAt, 90), // of an earlier epoch
      outgoing(event(71, { ...other, ...cleared }), persistedAt, 91),
      outgoing(event(7, cleared), persistedAt, 97), // an earlier occurrence
      outgoing(event(8, { rev: 1 }), persistedAt, 98),
      outgoing(event(8, gone), persistedAt, 98),
      outgoing(event(9, gone), persistedAt, 99),
    ];
    for (const one of late) await sink.deliver(one);
    await sink.deliver(outgoing(event(1, { ...other, rev: 4 }), persistedAt, 100)); // of a later epoch
    expect(on("event")).toHaveLength(late.length + 1);
    const [born, deleted, next, ...more] = actives();
    expect([born, next].map((one) => eventMessage.parse(read(one!.payload)).data.rev)).toEqual([3, 4]);
    expect(deleted!.payload).toHaveLength(0);
    expect(deleted!.topic).not.toBe(born!.topic);
    expect(more).toEqual([]);
  });

  test("that waited goes to backfill, and says that it is historical, also within its bounds", async () => {
    const sink = open();
    await connected(sink);
    const text = 'he said "historical":false';
    const many = {
      context: [],
      labels: { a: "x".repeat(9000) },
      companions: Array(80).fill({ point: "p".repeat(90), value: 1, unit: "%", quality: "good" }),
    };
    for (const one of [event(1, { text }), event(2, many)]) await sink.deliver({ ...outgoing(one), isLate: true });
    await sink.deliver(outgoing(event(3)));
    const told = on("backfill").map(({ payload }) => eventMessage.parse(read(payload)).data);
    expect(told.map(({ seq, historical }) => [seq, historical])).toEqual([
      [1, true],
      [2, true],
    ]);
    expect(told.map((one) => one.text === text)).toEqual([true, false]);
    expect(told[1]).not.toHaveProperty("companions");
    expect(on("event").map(({ payload }) => eventMessage.parse(read(payload)).data.historical)).toEqual([false]);
  });

  test.each([
    { answer: 0x00, delivery: "delivered", told: [] },
    { answer: 0x10, delivery: "retry", told: ["broker.unheard"] },
    { answer: 0x80, delivery: "retry", told: ["broker.refused"] },
    { answer: 0x87, delivery: "retry", told: ["broker.refused"] },
    { answer: 0x97, delivery: "retry", told: ["broker.refused"] },
    { answer: 0x90, delivery: "poison", told: ["broker.refused"] },
    { answer: 0x99, delivery: "poison", told: ["broker.refused"] },
    { answer: "close", delivery: "retry", told: ["broker.away", "broker.connected"] },
    { answer: null, delivery: "retry", told: ["broker.away", "broker.connected"] },
  ] as const)("answered with $answer is '$delivery'", async ({ answer, delivery, told }) => {
    const sink = open();
    await connected(sink);
    broker.onPublish = ({ topic }) => (topic.endsWith("/event") ? answer : 0);
    expect(await sink.deliver(outgoing(event(1), persistedAt))).toBe(delivery);
    await connected(sink);
    await until(() => (codes().length > told.length ? true : null));
    expect(codes()).toEqual(["broker.connected", ...told]);
    expect(lost).toBe(answer === null || answer === "close" ? 1 : 0);
  });

  test("is reported as delivered again, once, after trouble", async () => {
    const sink = open();
    await connected(sink);
    broker.onPublish = ({ topic }) => (topic.endsWith("/event") ? 0x10 : 0);
    for (let i = 0; i < 3; i++) expect(await sink.deliver(outgoing(event(1), persistedAt))).toBe("retry");
    broker.onPublish = () => 0;
    for (let i = 1; i < 3; i++) expect(await sink.deliver(outgoing(event(i), persistedAt))).toBe("delivered");
    expect(codes()).toEqual(["broker.connected", "broker.unheard", "broker.connected"]);
  });

  test("is not 'delivered' while its acknowledgement is on the way", async () => {
    const sink = open();
    await connected(sink);
    broker.ackMs = 50;
    let settled = false;
    const delivery = sink.deliver(outgoing(event(1), persistedAt)).then((how) => {
      settled = true;
      return how;
    });
    await until(() => (on("event").length > 0 ? true : null));
    expect(settled).toBe(false);
    expect(await delivery).toBe("delivered");
  });

  test("too large for the broker is poison, and is not sent", async () => {
    broker.onConnect = () => ({ properties: { maximumPacketSize: 2048 } });
    const sink = open();
    await connected(sink);
    expect(await sink.deliver(outgoing(event(1, { labels: { note: "x".repeat(2048) } }), persistedAt))).toBe("poison");
    expect(on("event")).toEqual([]);
    expect(await sink.deliver(outgoing(event(2, { labels: { note: "x" } }), persistedAt))).toBe("delivered");
  });

  test.each([
    { says: 4, window: 4 },
    { says: 1, window: 1 },
    { says: 1000, window: 20 },
    { says: undefined, window: 20 },
  ])("a receive maximum of $says is a window of $window, never exceeded", async ({ says, window }) => {
    broker.onConnect = () => (says === undefined ? {} : { properties: { receiveMaximum: says } });
    broker.ackMs = 5;
    const sink = open();
    await connected(sink);
    expect(sink.window).toBe(window);
    const deliveries = Array.from({ length: 30 }, (_, i) => sink.deliver(outgoing(event(i + 1), persistedAt)));
    expect(new Set(await Promise.all(deliveries))).toEqual(new Set(["delivered"]));
    expect(broker.unackedMax).toBe(window);
    expect(on("event").map(({ payload }) => eventMessage.parse(read(payload)).data.seq)).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
  });
});

describe("what the broker keeps of incidents that are over", () => {
  const orphan = `${base}/active/00000000000000000000000000000000`;
  const deletions = () => actives().filter(({ payload }) => payload.length === 0);

  test("is deleted, and reported; events do not wait for that", async () => {
    broker.kept = new Map([[orphan, "{}"]]);
    const sink = open();
    await connected(sink);
    expect(await sink.deliver(outgoing(event(1), persistedAt))).toBe("delivered");
    expect(deletions()).toEqual([]);
    await until(() => (deletions().length === 1 ? true : null));
    expect(deletions()[0]).toMatchObject({ topic: orphan, qos: 1, retain: true });
    await until(() => (codes().includes("broker.orphans") ? true : null));
    expect(waits).toContain(2000);
  });

  test("stays where the agent may not look, and the agent goes on", async () => {
    broker.kept = null;
    const sink = open();
    await connected(sink);
    for (let i = 1; i < 5; i++) expect(await sink.deliver(outgoing(event(i), persistedAt))).toBe("delivered");
    expect([deletions(), codes(), lost]).toEqual([[], ["broker.connected"], 0]);
  });
});

describe("a broker", () => {
  test.each([{ reasonCode: 0x84 }, { reasonCode: 0x01, returnCode: 1 }])(
    "that speaks no MQTT 5 (%o) is spoken to in 3.1.1, at once and from then on",
    async (refusal) => {
      broker.onConnect = ({ protocolVersion }) => (protocolVersion === 5 ? refusal : {});
      const sink = open();
      await connected(sink);
      expect(await sink.deliver(outgoing(event(1), persistedAt))).toBe("delivered");
      expect(birthMessage.parse(read(on("status")[0]!.payload)).protocol).toBe(4);
      broker.drop();
      await until(() => (lost === 1 ? true : null));
      await connected(sink);
      expect(broker.connects.map(({ protocolVersion }) => protocolVersion)).toEqual([5, 4, 4]);
      expect(codes()).toEqual(["broker.connected", "broker.away", "broker.connected"]);
    },
  );

  test.each([
    ["a wrong password", { reasonCode: 0x86 }, /user name or password/i],
    ["a banned client", { reasonCode: 0x8a }, /banned/i],
    ["neither version", { reasonCode: 0x84, returnCode: 1 }, /protocol version/i],
  ])("that refuses %s is reported once, and connected to when it changes its mind", async (_what, refusal, why) => {
    broker.onConnect = () => refusal;
    const sink = open({ username: "u", password: new Secret("hush-hush") });
    await until(() => (broker.connects.length >= 6 ? true : null));
    expect(codes()).toEqual(["broker.refused"]);
    expect(reports[0]!.facts.why).toMatch(why);
    expect(JSON.stringify(reports)).not.toContain("hush");
    expect(broker.connects[0]!.password?.toString()).toBe("hush-hush");
    broker.onConnect = () => ({});
    await connected(sink);
    expect(codes()).toEqual(["broker.refused", "broker.connected"]);
  });

  test("that is away is reported once, and found when it is back", async () => {
    const port = Number(new URL(broker.url).port);
    await broker.close();
    const sink = open({ urls: [`mqtt://127.0.0.1:${port}`] });
    await until(() => (bdSeq >= 5 ? true : null));
    expect(codes()).toEqual(["broker.away"]);
    expect(waits.filter((ms) => ms < 2000).slice(0, 4)).toEqual([100, 200, 400, 800]);
    expect(reports[0]!.facts).toMatchObject({ broker: `mqtt://127.0.0.1:${port}`, why: /ECONNREFUSED/ });
    broker = await startBroker(port);
    await connected(sink);
    expect(codes()).toEqual(["broker.away", "broker.connected"]);
  });

  test("is one of several: the first that can be had, in their order, each told of once", async () => {
    const second = await startBroker();
    const away = "mqtt://127.0.0.1:1";
    broker.onConnect = () => ({ reasonCode: 0x88 });
    const sink = open({ urls: [away, broker.url, second.url] });
    await connected(sink);
    expect(await sink.deliver(outgoing(event(1), persistedAt))).toBe("delivered");
    expect(second.publishes.map(({ topic }) => topic)).toContain(`${base}/event`);
    second.drop();
    await until(() => (second.connects.length === 2 && sink.connected ? true : null));
    expect(reports.map(({ code, facts: { broker: which } }) => [code, which])).toEqual([
      ["broker.away", away],
      ["broker.refused", broker.url],
      ["broker.connected", second.url],
      ["broker.away", second.url],
      ["broker.connected", second.url],
    ]);
    broker.onConnect = () => ({});
    second.drop();
    await until(() => (on("status").length > 0 && sink.connected ? true : null));
    expect(second.connects).toHaveLength(2);
    await sink.close();
    await second.close();
  });

  test("that takes the link and not the birth gives way to the next", async () => {
    const second = await startBroker();
    broker.onPublish = () => 0x87;
    const sink = open({ urls: [broker.url, second.url] });
    await connected(sink);
    expect(second.publishes[0]!.topic).toBe(`${base}/status`);
    expect(sink.trouble).toBeNull();
    await sink.close();
    await second.close();
  });

  test("that answers no CONNECT, or what is no MQTT, is away", async () => {
    broker.onConnect = () => null;
    open();
    await until(() => (bdSeq >= 2 ? true : null));
    expect(codes()).toEqual(["broker.away"]);
  });

  test("a certificate that is none is told, not thrown", async () => {
    open({ urls: [broker.url.replace("mqtt:", "mqtts:")], ca: "no PEM", cert: "no PEM", key: new Secret("hush-hush") });
    await until(() => (codes().length > 0 ? true : null));
    expect(codes()).toEqual(["broker.away"]);
    expect(JSON.stringify(reports)).not.toContain("hush");
  });

  test("a topic that a broker would end the connection for is refused at once", () => {
    expect(() => open({ agent: "a/#" })).toThrow(/agent "a\/#" cannot be part of a topic; expected/);
  });
});
