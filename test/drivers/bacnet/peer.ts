import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { realEnv } from "../../../agent/env.ts";
import type { Request } from "../../../drivers/bacnet/plan.ts";
import type { ObjectPoint } from "../../../drivers/bacnet/question.ts";
import { address, bus, type ObjectAddress } from "../../../drivers/bacnet/schema.ts";
import { sessionOn } from "../../../drivers/bacnet/session.ts";
import { pdu } from "../../../drivers/bacnet/wire/apdu.ts";
import {
  closing,
  context,
  datagram,
  encoders,
  objectIdentifier,
  objectIdOctets,
  opening,
  unsignedOctets,
} from "../../../drivers/bacnet/wire/encode.ts";
import { type Hub, hubOf } from "../../../drivers/bacnet/wire/hub.ts";
import { readDatagram } from "../../../drivers/bacnet/wire/packet.ts";
import type { Learnt, News, Session } from "../../../drivers/driver.ts";

/** A hand-driven BACnet peer for the tests: says exactly what it is told to, well-formed or not. */

export const env = realEnv({ logLevel: "silent" });

export interface Requested {
  readonly invokeId: number;
  readonly service: number;
  readonly payload: Buffer;
}
export type Peer = {
  socket: Socket;
  port: number;
  requests: Requested[];
  /** How often it was asked who it is. */
  asked: number;
};
/** What to send for the nth request (from 0); undefined: nothing. */
export type Script = (request: Requested, nth: number, from: RemoteInfo) => Buffer | Buffer[] | undefined;

/** @param isKnown answers by itself who it is, as whoever asks it first wants to know */
export async function peer(script: Script, isKnown = true): Promise<Peer> {
  const socket = createSocket("udp4");
  const device: Peer = { socket, port: 0, requests: [], asked: 0 };
  socket.on("message", (bytes, from) => {
    const packet = readDatagram(bytes);
    const request = packet?.kind === "packet" ? requestIn(packet.apdu) : undefined;
    if (!request) return;
    const introduction = isKnown ? introduced(request) : undefined;
    if (introduction) {
      device.asked++;
      socket.send(introduction, from.port, from.address);
      return;
    }
    device.requests.push(request);
    const answers = script(request, device.requests.length - 1, from) ?? [];
    for (const answer of [answers].flat()) socket.send(answer, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  device.port = socket.address().port;
  return device;
}

function requestIn(apdu: Buffer): Requested | undefined {
  const [head = 0xff, , invokeId, service] = apdu;
  if ((head & 0xf8) !== pdu.confirmedRequest || invokeId === undefined || service === undefined) return undefined;
  return { invokeId, service, payload: apdu.subarray(4) };
}

/** Object identifier and longest APDU of the device object that is asked for. */
function introduced({ invokeId, service, payload }: Requested): Buffer | undefined {
  const id = payload.subarray(1, 5);
  const isOfDevice = payload[0] === 0x0c && id.length === 4 && id.readUInt32BE() >>> 22 === 8;
  if (!isOfDevice) return undefined;
  const own = objectIdentifier(8, id.readUInt32BE() & 0x3f_ffff);
  const rest = payload.subarray(5).toString("hex");
  if (service === 12 && rest === "194b")
    return datagram(pdu.complexAck, invokeId, 12, payload, opening(3), own, closing(3));
  if (service !== 14 || rest !== "1e094b093e1f") return undefined;
  const values = [
    ...[context(2, unsignedOctets(75)), opening(4), own, closing(4)],
    ...[context(2, unsignedOctets(62)), opening(4), encoders.unsigned(1476), closing(4)],
  ];
  return datagram(pdu.complexAck, invokeId, 14, payload.subarray(0, 5), opening(1), ...values, closing(1));
}

export function hub(): Hub {
  const hub = hubOf(env);
  onTestFinished(() => hub.close());
  return hub;
}

export const session = (
  port: number,
  on: Hub = hub(),
  options: { readonly learnt?: Learnt; readonly news?: News; readonly bus?: object } = {},
): Session<Request> =>
  sessionOn(bus.parse({ host: "127.0.0.1", port, maxPoints: 20, ...options.bus }), { env, hub: on, ...options });

export const addressOf = (written: object): ObjectAddress => address.parse(written) as ObjectAddress;

export const analogInput = (instance: number): ObjectPoint => ({
  id: `crac/ai${instance}`,
  device: { instance: 1 },
  address: addressOf({ object: "analog-input", instance }),
});
export const request = (...instances: number[]) => ({ points: instances.map(analogInput) });

const object = (instance: number): Buffer => context(0, objectIdOctets(0, instance));

/** An RPM answer: present-value of each analog-input, as encoded. */
export function multiple({ invokeId }: Requested, values: Record<number, Buffer>): Buffer {
  const parts = Object.entries(values).flatMap(([instance, value]) => [
    object(Number(instance)),
    opening(1),
    context(2, unsignedOctets(85)),
    value,
    closing(1),
  ]);
  return datagram(pdu.complexAck, invokeId, 14, ...parts);
}

export const real = (value: number): Buffer => Buffer.concat([opening(4), encoders.real(value), closing(4)]);
export const failed = (errorClass: number, code: number): Buffer =>
  Buffer.concat([opening(5), encoders.enumerated(errorClass), encoders.enumerated(code), closing(5)]);

/** A ReadProperty answer for one property of an analog-input. */
export const single = ({ invokeId }: Requested, instance: number, property: number, value: Buffer): Buffer =>
  datagram(
    pdu.complexAck,
    invokeId,
    12,
    object(instance),
    context(1, unsignedOctets(property)),
    opening(3),
    value,
    closing(3),
  );

/** Object instances asked for, in order, read off the octets of a request: context tag 0 of length 4. */
export function asked({ payload }: Requested): number[] {
  const instances: number[] = [];
  for (let at = 0; at + 5 <= payload.length; at++) {
    if (payload[at] === 0x0c) instances.push(payload.readUInt32BE(at + 1) & 0x3f_ffff);
  }
  return instances;
}
