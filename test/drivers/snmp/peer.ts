import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { realEnv } from "../../../agent/env.ts";
import type { Reading } from "../../../drivers/driver.ts";
import * as ber from "../../../drivers/snmp/ber.ts";
import { decode, encode, type Message, pdus } from "../../../drivers/snmp/message.ts";
import type { Point } from "../../../drivers/snmp/plan.ts";
import { bus } from "../../../drivers/snmp/schema.ts";
import { ServedDevice } from "../../../drivers/snmp/served.ts";
import { SnmpSession } from "../../../drivers/snmp/session.ts";

/** A hand-driven SNMP peer for the tests: says exactly what it is told to, well-formed or not. */

export const env = realEnv({ logLevel: "silent" });

export interface Peer {
  readonly socket: Socket;
  readonly port: number;
  readonly requests: Message[];
}
/** What to send for the nth datagram received (from 0); undefined: nothing. */
export type Script = (request: Message, nth: number, from: RemoteInfo) => Buffer | Buffer[] | undefined;

export async function peer(script: Script, port = 0): Promise<Peer> {
  const socket = await boundTo("127.0.0.1", port);
  const requests: Message[] = [];
  socket.on("message", (bytes, from) => {
    const request = decode(bytes)!;
    requests.push(request);
    const answers = script(request, requests.length - 1, from) ?? [];
    for (const answer of [answers].flat()) socket.send(answer, from.port, from.address);
  });
  return { socket, port: socket.address().port, requests };
}

export async function boundTo(host: string, port = 0): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(port, host);
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return socket;
}

/** A port that was free a moment ago. */
export async function closedPort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

export function session(port: number, options: object = {}): SnmpSession {
  const opened = new SnmpSession(bus.parse({ host: "127.0.0.1", port, ...options }), env);
  onTestFinished(() => opened.close());
  return opened;
}

export const root = "1.3.6.1.4.1.99999.1";
export const point = (row: number): Point => ({ id: `ups/p${row}`, device: {}, address: { oid: `${root}.${row}` } });
export const request = (...rows: number[]) => ({ points: rows.map(point) });
/** The row numbers of the OIDs asked for. */
export const rows = ({ bindings }: Message): number[] => bindings.map(({ oid }) => Number(oid.split(".").at(-1)));

/** A Response that gives each OID asked for its row number, changed as told. */
export function response(asked: Message, change: Partial<Message> = {}): Message {
  const bindings = asked.bindings.map(({ oid }, at) => ({ oid, value: ber.integer(rows(asked)[at]!) }));
  return { ...asked, pdu: pdus.response, errorStatus: 0, errorIndex: 0, bindings, ...change };
}
export const good = (asked: Message): Buffer => encode(response(asked));
/** The value `value` for each OID asked for. */
export const all = (asked: Message, value: ber.Element): Buffer =>
  encode(response(asked, { bindings: asked.bindings.map(({ oid }) => ({ oid, value })) }));

export const brief = (readings: readonly Reading[]): (string | number)[] =>
  readings.map((reading) => ("fault" in reading ? reading.fault : reading.value));

/** What an agent holds, by OID; free to change. */
export type Held = Map<string, ber.Element>;

/** As an agent answers that holds this: GetRequest, GetNextRequest, GetBulkRequest. */
export function answered(held: Held, asked: Message): Message {
  const served = new ServedDevice(new Map([...held].map(([oid, value]) => [oid, () => value] as const)));
  const answer = served.answer(asked, { isV1: asked.version === 0, isEndless: false });
  return response(asked, answer ?? { errorStatus: 5, bindings: [] });
}

export const serving =
  (held: Held): Script =>
  (asked) =>
    encode(answered(held, asked));
