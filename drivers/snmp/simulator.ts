import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { realEnv } from "../../agent/env.ts";
import { datagramFlood } from "../flood.ts";
import { type Misbehaviour, misbehaviourNamed, type SimulatorOptions, type StartSimulator } from "../simulator.ts";
import * as ber from "./ber.ts";
import { decode, encode, errors, type Message, pdus, versions } from "./message.ts";
import { address, defaultCommunity as community } from "./schema.ts";
import { type Objects, ServedDevice, withoutExceptions } from "./served.ts";

const slowMs = 3000;
/** Octets in a UDP datagram over IPv4. */
const datagramMax = 65_507;
/** A sequence that announces more than there is. */
const rubbish = Buffer.from("3026020101", "hex");

/**
 * An agent of SNMPv1 and SNMPv2c for GetRequest, GetNextRequest and GetBulkRequest of community "public"; to any other
 * it is silent, as agents are. Terminal tools work on it: `snmpwalk -v2c -c public 127.0.0.1:PORT .1`.
 */
export const startSnmpSimulator: StartSimulator = async (options) => {
  const env = realEnv({ logLevel: "silent" });
  const startedAt = env.clock.mono();
  const upTime = () => ber.integer(Math.floor((env.clock.mono() - startedAt) / 10) % 2 ** 32, ber.tags.timeTicks);
  const served = new ServedDevice(objectsOf(options, upTime));
  const socket = createSocket("udp4");
  const pending = new Set<() => void>();
  let how: Misbehaviour = "none";
  const flood = datagramFlood(socket, env, () => how === "flood");

  const send = (bytes: Buffer, to: RemoteInfo): void => socket.send(bytes, to.port, to.address, () => {});
  const later = (work: () => void): void => {
    const cancel = env.after(slowMs, () => {
      pending.delete(cancel);
      work();
    });
    pending.add(cancel);
  };
  socket.on("message", (bytes, from) => {
    const request = decode(bytes);
    const answer = request?.community === community ? reply(served, request, how) : undefined;
    if (answer && how === "flood") flood(answer, from);
    else if (answer && how === "slow") later(() => send(answer, from));
    else if (answer) send(answer, from);
  });
  const close = closer(socket, pending);
  socket.bind(options.port, options.host);
  await once(socket, "listening"); // rejects with what the socket emits as error
  socket.on("error", () => {}); // a datagram that could not be sent is a datagram lost

  return {
    port: socket.address().port,
    misbehave(next) {
      how = misbehaviourNamed(next);
    },
    close() {
      how = "silent";
      return close();
    },
  };
};

function objectsOf({ points, value, identities = [] }: SimulatorOptions, upTime: () => ber.Element): Objects {
  return new Map([
    ["1.3.6.1.2.1.1.1.0", () => ber.text("mepwatch SNMP simulator")], // sysDescr
    ["1.3.6.1.2.1.1.2.0", () => ber.oid("0.0")], // sysObjectID: of no maker
    ["1.3.6.1.2.1.1.3.0", upTime], // sysUpTime, 1/100 s
    ...points.map(({ id, address: written }) => {
      const { oid } = address.parse(written);
      return [oid, () => elementOf(value(id))] as const;
    }),
    ...identities.flatMap(({ parts, text }) =>
      parts.map(({ name, address: written }) => {
        const { oid } = address.parse(written);
        return [oid, () => textElement(text(name))] as const;
      }),
    ),
  ]);
}

/** Integer32 where it fits; else decimal text, which is how devices without floats send them. */
function elementOf(value: number | null): ber.Element | null {
  if (value === null) return null;
  const isInteger32 = value === (value | 0);
  return isInteger32 ? ber.integer(value) : ber.text(String(value));
}

/** What looks like an OID is one, as sysObjectID is. */
function textElement(text: string | null): ber.Element | null {
  if (text === null) return null;
  return address.safeParse({ oid: text }).success ? ber.oid(text) : ber.text(text);
}

function reply(served: ServedDevice, request: Message, how: Misbehaviour): Buffer | undefined {
  const isV1 = request.version === versions.v1;
  const full = isV1 && request.pdu === pdus.getBulk ? undefined : served.answer(request);
  if (full === undefined) return undefined;
  const answer = isV1 ? withoutExceptions(request, full) : full;
  const refusal = { ...request, pdu: pdus.response, errorIndex: 0 };
  switch (how) {
    case "none":
    case "slow":
      return fitting(encode(answer)) ?? encode({ ...refusal, errorStatus: errors.tooBig, bindings: [] });
    case "silent":
      return undefined;
    case "flood": // right, but an answer to nothing that was asked
      return encode({ ...answer, requestId: request.requestId ^ 1 });
    case "rubbish":
      return rubbish;
    case "error":
      return encode({ ...refusal, errorStatus: errors.genErr });
  }
}

const fitting = (bytes: Buffer): Buffer | undefined => (bytes.length <= datagramMax ? bytes : undefined);

function closer(socket: Socket, pending: Set<() => void>): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= new Promise((resolve) => {
      for (const cancel of pending) cancel();
      socket.close(() => resolve());
    });
    return closed;
  };
}
