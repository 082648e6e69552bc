import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decode } from "../../../agent/centre/decode.ts";
import { holesIn, type Range, type Ranges, united, without } from "../../../agent/core/ranges.ts";
import { examples } from "../../../agent/sinks/mqtt/examples.ts";
import { addressOf, type channels } from "../../../agent/sinks/mqtt/topics.ts";
import { event } from "../sinks/event.ts";
import { consumer, type Message, story, uuid, voice } from "./told.ts";

const one = voice();

test("in whatever order events come, twice or only when asked for, the picture in the end is that of order", () => {
  const chance = fc.record({
    length: fc.integer({ min: 1, max: 60 }),
    conditions: fc.integer({ min: 1, max: 6 }),
    deal: fc.array(fc.record({ at: fc.nat(1000), lost: fc.boolean(), twice: fc.boolean() }), {
      minLength: 60,
      maxLength: 60,
    }),
  });
  void fc.assert(
    fc.property(chance, ({ length, conditions, deal }) => {
      const events = story(length, conditions);
      const ordered = consumer();
      ordered.hear(one.birth(0), ...events.map(one.event));
      const it = consumer();
      it.hear(one.birth(0));
      const dealt = events.map((told, i) => ({ told, ...deal[i]! })).sort((a, b) => a.at - b.at);
      const arriving = dealt.filter(({ lost }) => !lost);
      it.hear(
        ...arriving.flatMap(({ told, twice }) => (twice ? [one.event(told), one.event(told)] : [one.event(told)])),
      );
      it.hear(one.heartbeat(length));
      let [answered, rounds] = [0, 0];
      for (; it.acks().at(-1)?.except.length !== 0 || it.acks().at(-1)?.upTo !== length; rounds++) {
        expect(rounds).toBeLessThan(100);
        it.pass(6);
        it.hear(one.heartbeat(length));
        const asked = it.asked().slice(answered);
        answered = it.asked().length;
        for (const [from = 0, to = 0] of asked)
          it.hear(
            ...events
              .slice(from - 1, to)
              .reverse()
              .map(one.backfill),
          );
      }
      expect(it.open()).toEqual(ordered.open());
      expect(it.told("event")).toHaveLength(length);
      const seqs = it.told("event").flatMap((told) => (told.kind === "event" ? [told.event.seq] : []));
      expect(new Set(seqs).size).toBe(length);
    }),
    { numRuns: 100 },
  );
});

test("retained and live messages in any interleaving give what was said last of each condition", () => {
  void fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.boolean(), { minLength: 80, maxLength: 80 }),
      (length, turns) => {
        const events = story(length, 3);
        const live = events.map(one.event);
        const retained = events.map(one.active); // in its own order, as the broker keeps it
        const it = consumer();
        it.hear(one.birth(0));
        for (const isLive of turns) it.hear(...(isLive ? live : retained).splice(0, 1));
        it.hear(...live, ...retained);
        const ordered = consumer();
        ordered.hear(one.birth(0), ...events.map(one.event));
        expect(it.open()).toEqual(ordered.open());
      },
    ),
    { numRuns: 100 },
  );
});

test("ranges hold what was put in", () => {
  const range = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(6)).map(([from, more]): Range => [from, from + more]);
  const each = (ranges: Ranges): number[] =>
    ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
  void fc.assert(
    fc.property(fc.array(range), fc.array(range), (put, taken) => {
      const inside = new Set(each(put));
      const gone = new Set(each(taken));
      const ranges = put.reduce(united, [] as Ranges);
      expect(each(ranges)).toEqual([...inside].sort((a, b) => a - b));
      expect(ranges.every(([from], i) => i === 0 || from > ranges[i - 1]![1] + 1)).toBe(true);
      expect(each(holesIn(ranges, [1, 70]))).toEqual(each([[1, 70]]).filter((seq) => !inside.has(seq)));
      expect(each(without(ranges, taken.reduce(united, [] as Ranges)))).toEqual(
        each(ranges).filter((seq) => !gone.has(seq)),
      );
    }),
  );
});

test("an agent that tells only holes, epochs and conditions without end takes bounded memory", () => {
  const it = consumer();
  it.hear(one.birth(0));
  for (let seq = 1; seq < 6000; seq += 2)
    it.hear(one.event(event(seq, { open: false, conditionKey: `hall-1/${seq}/-/r` })));
  it.pass(30);
  for (let n = 0; n < 30; n++)
    it.hear(one.event(event(1, { epoch: uuid(100 + n), incidentId: uuid(n) })), one.gap(n, n + 1, 1));
  for (let n = 0; n < 200; n++)
    it.put({ kind: "sent", site: "hall-1", agent: "edge-1", cmdId: uuid(n), command: "snapshot", epoch: null });
  const { receptions, asked } = it.agent();
  expect(receptions.size).toBeLessThanOrEqual(9);
  expect(asked.size).toBeLessThanOrEqual(64);
  for (const { got, lost, holes, gaps } of receptions.values())
    expect(Math.max(got.length, lost.length, holes.length, gaps.length)).toBeLessThanOrEqual(1001);
  expect(it.acks().every(({ except }) => except.length <= 1000)).toBe(true);
  expect(it.told("limit").length).toBeGreaterThan(0);
});

const place = {
  prefix: "mepwatch",
  site: "fra-1",
  agent: "edge-1",
  h: "0".repeat(32),
  device: "d",
  point: "p",
  host: "noc",
};
const topicOf = (name: keyof typeof channels): string =>
  Object.entries({ ...place, cmdId: uuid(1), name: "ping" }).reduce(
    (all, [key, value]) => all.replace(`{${key}}`, value),
    addressOf(name),
  );
const golden: readonly Message[] = [
  ...(["birth", "death"] as const).map((name) => ({
    topic: topicOf("status"),
    payload: JSON.stringify(examples[name]),
    retain: true,
  })),
  ...(["event", "gap"] as const).map((name) => ({
    topic: topicOf("event"),
    payload: JSON.stringify(examples[name]),
    retain: false,
  })),
  ...(["heartbeat", "silences", "blind", "diag", "ack", "telemetry"] as const).map((name) => ({
    ...{ topic: topicOf(name), payload: JSON.stringify(examples[name]), retain: true },
  })),
  { topic: topicOf("reply"), payload: JSON.stringify(examples.result), retain: false },
  { topic: topicOf("active"), payload: JSON.stringify(examples.event), retain: true },
  { topic: topicOf("active"), payload: "", retain: true },
];

test("every example of the contract is understood", () => {
  const it = consumer();
  it.hear(...golden);
  expect(it.told("invalid")).toEqual([]);
});

test("what a newer contract adds is ignored, or passed on; a word that is not known stands for its default", () => {
  const more = (name: "birth" | "heartbeat" | "silences" | "blind" | "result" | "diag") => ({
    ...examples[name],
    quux: { a: 1 },
  });
  const { event: told } = examples;
  const data = {
    ...told.data,
    kind: "escalate",
    severity: "dire",
    state: "odd",
    clock: { ...told.data.clock, ppm: 3 },
    quux: 1,
  };
  const it = consumer();
  const hear = (topic: string, json: object) => it.hear({ topic, payload: JSON.stringify(json), retain: false });
  hear(topicOf("status"), more("birth"));
  for (const name of ["heartbeat", "silences", "blind", "diag"] as const) hear(topicOf(name), more(name));
  hear(topicOf("reply"), more("result"));
  hear(topicOf("event"), { ...told, data, quux: 2 });
  expect(it.told("invalid")).toEqual([]);
  expect(it.told("event")).toMatchObject([
    { event: { kind: "update", severity: "high", state: "active-unacked", quux: 1, clock: { ppm: 3 } } },
  ]);
});

test.each<[string, (event: Record<string, unknown>) => object | string]>([
  ["no JSON", () => "{"],
  ["of another agent", (told) => ({ ...told, source: "/mepwatch/fra-1/edge-2" })],
  ["under an id that is not its own", (told) => ({ ...told, id: "x:1" })],
  ["without a sequence number", (told) => ({ ...told, data: { ...(told.data as object), seq: undefined } })],
  ["larger than anything of the contract", (told) => ({ ...told, more: "x".repeat(200_000) })],
])("an event that is %s is counted and told, and changes nothing else", (_, spoil) => {
  const it = consumer();
  const json = spoil(examples.event);
  it.hear({ topic: topicOf("event"), payload: typeof json === "string" ? json : JSON.stringify(json), retain: false });
  expect(it.state.invalid).toBe(1);
  expect(it.told("invalid")).toMatchObject([{ topic: topicOf("event"), why: expect.stringMatching(/./) }]);
  expect(it.state.agents.size).toBe(0);
});

test("20,000 mutated messages: nothing throws, everything is bounded, and a sound message is taken afterwards", () => {
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const values = [
    null,
    -1,
    2 ** 53,
    1e308,
    "",
    "x",
    [],
    {},
    true,
    [[5, 1]],
    [[1, 9]],
    "2026-01-01T00:00:00.000Z",
    uuid(3),
  ];
  const mutateJson = (json: unknown, depth = 0): unknown => {
    if (depth > 6 || random(12) === 0) return values[random(values.length)];
    if (Array.isArray(json))
      return random(4) === 0
        ? [...json, ...json]
        : json.map((some) => (random(4) === 0 ? mutateJson(some, depth + 1) : some));
    if (typeof json !== "object" || json === null) return random(2) === 0 ? values[random(values.length)] : json;
    const entries = Object.entries(json);
    const which = random(entries.length);
    return Object.fromEntries(
      entries.flatMap(([key, value], i) =>
        i !== which ? [[key, value]] : random(5) === 0 ? [] : [[key, mutateJson(value, depth + 1)]],
      ),
    );
  };
  const it = consumer();
  for (let i = 0; i < 20_000; i++) {
    const { topic, payload } = golden[random(golden.length)]!;
    let bytes = Buffer.from(payload);
    if (random(2) === 0 && payload !== "") bytes = Buffer.from(JSON.stringify(mutateJson(JSON.parse(payload))) ?? "");
    else for (let n = random(4); n >= 0 && bytes.length > 0; n--) bytes[random(bytes.length)] = random(256);
    const where =
      random(20) === 0
        ? golden[random(golden.length)]!.topic
        : random(50) === 0
          ? topic.slice(0, random(topic.length))
          : topic;
    it.put({ kind: "message", topic: where, payload: bytes, retained: random(2) === 0 });
    if (i % 50 === 0) it.pass(1);
  }
  expect(it.state.agents.size).toBeLessThanOrEqual(1);
  expect(it.agent("fra-1/edge-1").receptions.size).toBeLessThanOrEqual(9);
  expect(it.state.invalid).toBeGreaterThan(2000);
  const other = voice({ agent: "edge-7" });
  it.hear(other.birth(0), other.event(event(1)));
  expect(it.open("hall-1/edge-7")).toHaveLength(1);
});

test("topics of others are none of its business", () => {
  const payload = Buffer.from("{}");
  for (const topic of [
    "",
    "/",
    "mepwatch/v1/a/b/telemetry/d/p",
    "mepwatch/v2/a/b/status",
    "mepwatch/v1/STATE/noc",
    "other/v1/a/b/status",
  ])
    expect(decode("mepwatch", topic, payload)).toBeNull();
});
