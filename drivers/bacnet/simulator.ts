import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { type Env, realEnv } from "../../agent/env.ts";
import { datagramFlood } from "../flood.ts";
import {
  type Misbehaviour,
  misbehaviourNamed,
  type RunningSimulator,
  type SimulatorOptions,
  type StartSimulator,
} from "../simulator.ts";
import { characterString, datagram, encoders, objectIdentifier } from "./encode.ts";
import { pdu } from "./frame.ts";
import type { Point } from "./plan.ts";
import { address, device, deviceObject, deviceProperties, part } from "./schema.ts";
import { ServedDevice } from "./served.ts";
import { answer, confirmed, errorAnswer, type Requested, requestApdu, whoIsAnswer } from "./services.ts";

const slowMs = 3000;
const operationalProblem = { errorClass: 0 /* device */, code: 25 };
/** An Error whose error class announces a length and ends: it throws in the library's decoder. */
const rubbish = ({ invokeId, service }: Requested): Buffer => datagram(pdu.error, invokeId, service, 0x95);

/**
 * One BACnet device on one UDP port. Answers Who-Is with an I-Am to the sender alone, never by broadcast;
 * a broadcast Who-Is reaches it only if `host` is 0.0.0.0, for that is how Linux delivers broadcasts.
 */
export const startBacnetSimulator: StartSimulator = async (options) => {
  const served = new ServedDevice(options.points.map(typed), options.value, selfKnowledge(options));
  const env = realEnv({ logLevel: "silent" });
  const socket = createSocket({ type: "udp4", reuseAddr: false });
  const pending = new Set<() => void>();
  let how: Misbehaviour = "none";
  const flood = datagramFlood(socket, env, () => how === "flood");
  /** To whoever asked last. */
  let pour = (): void => {};

  const send = (bytes: Buffer, to: RemoteInfo): void => socket.send(bytes, to.port, to.address, () => {});
  socket.on("message", (bytes, from) => {
    if (how === "silent") return;
    const apdu = requestApdu(bytes);
    const request = apdu && confirmed(apdu);
    const iAm = apdu && whoIsAnswer(served, apdu);
    if (iAm) send(iAm, from);
    if (!request) return;
    // Right answers, but to a request that is not open.
    pour = () => flood(answer(served, { ...request, invokeId: request.invokeId ^ 0x80 }), from);
    if (how === "flood") pour();
    else if (how === "slow") later(env, pending, () => send(answer(served, request), from));
    else send(reply(served, request, how), from);
  });
  const close = closer(socket, pending);
  await bound(socket, options);
  socket.on("error", () => {}); // a datagram that could not be sent is a datagram lost

  return {
    port: socket.address().port,
    misbehave(next) {
      how = misbehaviourNamed(next);
      if (how === "flood") pour();
    },
    close() {
      how = "silent";
      pour = () => {};
      return close();
    },
  };
};

/** The simulator's points come from a parsed configuration, untyped; parsing again is how they get their types. */
const typed = (point: SimulatorOptions["points"][number]): Point => ({
  id: point.id,
  device: device.parse(point.device),
  address: address.parse(point.address),
});

function selfKnowledge({ identities = [] }: SimulatorOptions): () => ReadonlyMap<number, Buffer | null> {
  const asked = identities.flatMap(({ parts, text }) =>
    parts.map(({ name, address: written }) => ({ name, text, property: part.parse(written).property })),
  );
  return () =>
    new Map(
      asked.map(({ name, text, property }) => {
        const now = text(name);
        return [deviceProperties[property], now === null ? null : encoded(property, now)];
      }),
    );
}

function encoded(property: keyof typeof deviceProperties, text: string): Buffer {
  if (property === "vendor-identifier") return encoders.unsigned(Number(text));
  return property === "object-identifier" ? objectIdentifier(deviceObject, Number(text)) : characterString(text);
}

function reply(
  served: ServedDevice,
  request: Requested,
  how: Exclude<Misbehaviour, "silent" | "slow" | "flood">,
): Buffer {
  switch (how) {
    case "none":
      return answer(served, request);
    case "rubbish":
      return rubbish(request);
    case "error":
      return errorAnswer(request, operationalProblem);
  }
}

function later(env: Env, pending: Set<() => void>, send: () => void): void {
  const cancel = env.after(slowMs, () => {
    pending.delete(cancel);
    send();
  });
  pending.add(cancel);
}

async function bound(socket: ReturnType<typeof createSocket>, { host, port }: SimulatorOptions): Promise<void> {
  socket.bind({ address: host, port, exclusive: true });
  await once(socket, "listening"); // rejects with what the socket emits as error
}

function closer(socket: ReturnType<typeof createSocket>, pending: Set<() => void>): RunningSimulator["close"] {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= new Promise((resolve) => {
      for (const cancel of pending) cancel();
      socket.close(() => resolve());
    });
    return closed;
  };
}
