import fc from "fast-check";
import mqtt, { type Packet } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { type Framing, framed, nothingYet, type Wrong } from "../../../../agent/sinks/mqtt/guard.ts";

const sizeMax = 1000;
const feed = (chunks: readonly Uint8Array[], most = sizeMax): Framing | Wrong =>
  chunks.reduce<Framing | Wrong>(
    (state, chunk) => (typeof state === "string" ? state : framed(state, chunk, most)),
    nothingYet,
  );
const bytes = (...all: number[]): Uint8Array => Uint8Array.from(all);
const body = (length: number): number[] => Array<number>(length).fill(0x30);

/** All that a right broker says to this client, as the library writes it. */
const ids = fc.integer({ min: 1, max: 65_535 });
const packets: fc.Arbitrary<Packet> = fc.oneof(
  fc.constant<Packet>({ cmd: "connack", sessionPresent: false, reasonCode: 0, returnCode: 0 }),
  fc.record({
    cmd: fc.constant("publish" as const),
    topic: fc.constantFrom("a", "mepwatch/v1/hall-1/a/cmd/shelve"),
    payload: fc.uint8Array({ maxLength: 900 }).map((all) => Buffer.from(all)),
    qos: fc.constantFrom(0 as const, 1 as const),
    messageId: ids,
    retain: fc.boolean(),
    dup: fc.boolean(),
  }),
  ids.map((messageId): Packet => ({ cmd: "puback", messageId, reasonCode: 16 })),
  ids.map((messageId): Packet => ({ cmd: "suback", messageId, granted: [0, 1, 135] })),
  ids.map((messageId): Packet => ({ cmd: "unsuback", messageId, granted: [0] })),
  fc.constant<Packet>({ cmd: "pingresp" }),
);
const written = (packet: Packet, protocolVersion: number): Buffer => mqtt.generate(packet, { protocolVersion });
/** A stream cut somewhere. */
const cut = (stream: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const at = [0, ...cuts.map((one) => one % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  return at.slice(1).map((end, i) => stream.subarray(at[i], end));
};
const streams = fc.record({
  version: fc.constantFrom(4, 5),
  all: fc.array(packets, { minLength: 1, maxLength: 20 }),
  cuts: fc.array(fc.nat(), { maxLength: 40 }),
});

describe("inbound packets", () => {
  test("of a right broker pass, however the stream is cut, and end where the library says", () => {
    fc.assert(
      fc.property(streams, ({ version, all, cuts }) => {
        const stream = Buffer.concat(all.map((packet) => written(packet, version)));
        expect(feed(cut(stream, cuts))).toEqual(nothingYet);
      }),
      { numRuns: 300 },
    );
  });

  test("are refused at the first that is too large or none, however the stream is cut", () => {
    const bad = fc.constantFrom<[Wrong, Uint8Array]>(
      ["too large", bytes(0x30, 0xe6, 0x07)], // 998 and its header of 3
      ["too large", bytes(0x30, 0xff, 0xff, 0xff, 0x7f)],
      ["malformed", bytes(0x34)],
      ["malformed", bytes(0x10)],
      ["malformed", bytes(0xd0, 0x80, 0x80, 0x80, 0x80)],
    );
    fc.assert(
      fc.property(streams, bad, fc.uint8Array(), ({ version, all, cuts }, [wrong, start], rest) => {
        const stream = Buffer.concat([...all.map((packet) => written(packet, version)), start, rest]);
        expect(feed(cut(stream, cuts))).toBe(wrong);
      }),
      { numRuns: 300 },
    );
  });

  test("are decided on for whatever bytes, and the same in whatever pieces", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(), { maxLength: 20 }), (stream, cuts) => {
        const strip = (state: Framing | Wrong) => (typeof state === "string" ? state : { ...state, pieces: 0 });
        expect(strip(feed(cut(stream, cuts)))).toEqual(strip(feed([stream])));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ["the largest", [bytes(0x30, 0xe5, 0x07, ...body(997))], nothingYet],
    ["one byte more", [bytes(0x30, 0xe6, 0x07)], "too large"],
    ["a first byte alone", [bytes(0x30)], { header: 1, length: 0, left: 0, pieces: 1 }],
    ["half a length", [bytes(0x30, 0x85)], { header: 2, length: 5, left: 0, pieces: 1 }],
    ["a length, no more", [bytes(0x30), bytes(0x85, 0x01)], { header: 3, length: 133, left: 133, pieces: 2 }],
    ["a body cut off", [bytes(0x30, 0x03), bytes(1, 2)], { header: 2, length: 3, left: 1, pieces: 2 }],
    ["another one in the body", [bytes(0x30, 0x02, 0xff, 0xff, 0xd0, 0x00)], nothingYet],
    ["as many pieces as a line may make", [bytes(0x30, 0xe5, 0x07), ...body(997).map((one) => bytes(one))], nothingYet],
  ] as const)("%s", (_what, chunks, expected) => {
    expect(feed(chunks)).toEqual(expected);
  });

  test("in more pieces than 1024 are refused, each counted from its own beginning", () => {
    const drip = (length: number): Uint8Array[] => [
      bytes(0x30, 0x80 | (length & 0x7f), length >> 7),
      ...body(length).map((one) => bytes(one)),
    ];
    expect(feed([...drip(900), ...drip(900)], 5000)).toEqual(nothingYet);
    expect(feed(drip(1200), 5000)).toBe("in too many pieces");
  });
});
