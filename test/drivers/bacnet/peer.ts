import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { realEnv } from "../../../agent/env.ts";
import {
  closing,
  context,
  datagram,
  encoders,
  objectIdOctets,
  opening,
  unsignedOctets,
} from "../../../drivers/bacnet/encode.ts";
import { pdu } from "../../../drivers/bacnet/frame.ts";
import { Hub } from "../../../drivers/bacnet/hub.ts";
import type { Point } from "../../../drivers/bacnet/plan.ts";
import { confirmed, type Requested, requestApdu } from "../../../drivers/bacnet/services.ts";
import { BacnetSession } from "../../../drivers/bacnet/session.ts";

/** A hand-driven BACnet peer for the tests: says exactly what it is told to, well-formed or not. */

export const env = realEnv({ logLevel: "silent" });

export type Peer = { socket: Socket; port: number; requests: Requested[] };
/** What to send for the nth request (from 0); undefined: nothing. */
export type Script = (request: Requested, nth: number, from: RemoteInfo) => Buffer | Buffer[] | undefined;

export async function peer(script: Script): Promise<Peer> {
  const socket = createSocket("udp4");
  const requests: Requested[] = [];
  socket.on("message", (bytes, from) => {
    const apdu = requestApdu(bytes);
    const request = apdu && confirmed(apdu);
    if (!request) return;
    requests.push(request);
    const answers = script(request, requests.length - 1, from) ?? [];
    for (const answer of [answers].flat()) socket.send(answer, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return { socket, port: socket.address().port, requests };
}

export function hub(): Hub {
  const hub = new Hub(env);
  onTestFinished(() => hub.close());
  return hub;
}

export const session = (port: number, on: Hub = hub()): BacnetSession =>
  new BacnetSession({ host: "127.0.0.1", port, maxPoints: 20 }, env, on);

export const analogInput = (instance: number): Point => ({
  id: `crac/ai${instance}`,
  device: { instance: 1 },
  address: { object: "analog-input", instance, property: "present-value" },
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
