import type { MqttClient, Packet } from "mqtt";

/**
 * What a broker may do to the agent. The library looks at the size of a packet when it has all of it, and takes for good
 * whatever else comes; a broker that is broken, or is none, could have all memory and all time.
 */

/** Where in the stream of packets the bytes so far end. */
export interface Framing {
  /** Bytes of the fixed header that are known: its first one, then the remaining length, of which `length` is known so far. */
  readonly header: number;
  readonly length: number;
  /** What is still to come of the packet behind its header. */
  readonly left: number;
  /** Chunks that the packet under way is in. */
  readonly pieces: number;
}

/** Nothing of the contract is larger, whoever hears it. */
export const inboundMax = 256 * 1024;

export type Wrong = "too large" | "malformed" | "in too many pieces";

export const nothingYet: Framing = { header: 0, length: 0, left: 0, pieces: 0 };

/**
 * First bytes of what a broker may say to a client that never publishes or subscribes with QoS 2: CONNACK, PUBLISH, PUBACK,
 * SUBACK, UNSUBACK, PINGRESP, DISCONNECT, AUTH.
 */
const firstBytes: ReadonlySet<number> = new Set([
  ...[0x20, 0x30, 0x31, 0x32, 0x33, 0x38, 0x39, 0x3a, 0x3b, 0x40, 0x90, 0xb0, 0xd0, 0xe0, 0xf0],
]);
/** The narrowest line carries the largest packet in half as many; each costs far more memory than the byte in it. */
const piecesMax = 1024;
const lengthBytesMax = 4;

/**
 * Reads the fixed headers in `chunk`, nothing else.
 * @param sizeMax largest packet, with its header, bytes
 */
export function framed(state: Framing, chunk: Uint8Array, sizeMax: number): Framing | Wrong {
  let { header, length, left, pieces } = state;
  for (let at = 0; at < chunk.length; ) {
    if (left > 0) {
      const here = Math.min(left, chunk.length - at);
      at += here;
      left -= here;
    } else {
      const byte = chunk[at++] ?? 0;
      if (header === 0 && !firstBytes.has(byte)) return "malformed";
      if (header > 0) length += (byte & 0x7f) * 128 ** (header - 1);
      header++;
      if (header === 1) continue;
      if (header + length > sizeMax) return "too large";
      if (byte >= 0x80) {
        if (header > lengthBytesMax) return "malformed";
        continue;
      }
      left = length;
    }
    if (left === 0) [header, length, pieces] = [0, 0, 0];
  }
  if (header > 0 && ++pieces > piecesMax) return "in too many pieces";
  return { header, length, left, pieces };
}

const whys: Readonly<Record<Wrong, string>> = {
  "too large": "the broker sends a packet larger than the agent said it takes",
  malformed: "what answers is no MQTT broker: it sends what is no packet",
  "in too many pieces": "the broker sends a packet in more pieces than any line would cut it into",
};

/** Has `end` called, once, with what is wrong with a packet. To be called before the client has heard anything. */
export function guardPackets(client: MqttClient, sizeMax: number, end: (why: string) => void): void {
  let state: Framing | Wrong = nothingYet;
  // In front of the library's own listener, on the same chunks: nothing is copied, paused or held back.
  client.stream.prependListener("data", (chunk: Uint8Array) => {
    if (typeof state === "string") return;
    state = framed(state, chunk, sizeMax);
    if (typeof state === "string") end(whys[state]);
  });
}

/** Also with what nobody asked for, of a client that subscribes to little. */
export function guard(client: MqttClient, sizeMax: number, end: (why: string) => void): void {
  guardPackets(client, sizeMax, end);
  const isUnaskedTooOften = tally();
  client.on("packetsend", (packet: Packet) => isUnaskedTooOften.sent(packet));
  client.on("packetreceive", (packet: Packet) => {
    if (isUnaskedTooOften.received(packet)) end("the broker keeps sending what nobody asked for");
  });
}

/** More than a broker that kept the session may have queued for the agent before it was asked anything. */
const unaskedMax = 5000;
const asking: ReadonlySet<string | undefined> = new Set(["connect", "publish", "subscribe", "unsubscribe", "pingreq"]);

/** Counts what comes beside what was subscribed to on this connection. */
function tally() {
  const filters = new Set<string>();
  let [asked, others] = [0, 0];
  return {
    sent(packet: Packet): void {
      if (asking.has(packet.cmd)) asked++;
      if (packet.cmd === "subscribe") for (const { topic } of packet.subscriptions) filters.add(topic);
    },
    /** Whether it is one too many. Each packet has one answer, and may come back to a subscription of an earlier connection. */
    received(packet: Packet): boolean {
      if (packet.cmd === "publish" && [...filters].some((filter) => isIn(filter, packet.topic))) return false;
      return ++others > unaskedMax + 2 * asked;
    },
  };
}

function isIn(filter: string, topic: string): boolean {
  const [wanted, given] = [filter.split("/"), topic.split("/")];
  const end = wanted.indexOf("#");
  const isLong = end < 0 ? wanted.length === given.length : given.length >= end;
  return (
    isLong && wanted.slice(0, end < 0 ? wanted.length : end).every((level, i) => level === "+" || level === given[i])
  );
}
