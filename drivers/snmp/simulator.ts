import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { type Env, realEnv } from "../../agent/env.ts";
import { datagramFlood } from "../flood.ts";
import type { RunningSimulator, SimulatorOptions } from "../simulator.ts";
import { timersOf } from "../timers.ts";
import { part } from "./address.ts";
import * as ber from "./ber.ts";
import { type SnmpFault, snmpFaultNamed } from "./faults.ts";
import { decode, encode, errors, pdus, versions } from "./message.ts";
import { type Bus, defaultCommunity } from "./schema.ts";
import { type Answering, type Objects, type Respond, responseTo, ServedDevice } from "./served.ts";
import { objectsOfPoints } from "./served-tables.ts";
import { answeringUser } from "./served-v3.ts";
import { trap as trapSchema } from "./trap-schema.ts";

const slowMs = 3000;
const rebootEveryMs = 10_000;
/** Octets in a UDP datagram over IPv4. */
const datagramMax = 65_507;
/** As many OIDs as a small device takes at once; any more are tooBig to one that says so. */
const fewOids = 5;
/** A sequence that announces more than there is. */
const rubbish = Buffer.from("3026020101", "hex");
const sysUpTime = "1.3.6.1.2.1.1.3.0";

/**
 * Serves GetRequest, GetNextRequest and GetBulkRequest as its bus says that it is asked: with a community, by SNMPv1 and v2c,
 * or by SNMPv3 as its user. Without a bus the community is "public", and so is a user without keys. Terminal tools work on it:
 * `snmpwalk -v2c -c public 127.0.0.1:PORT .1`.
 */
export const startSnmpSimulator = (options: SimulatorOptions): Promise<RunningSimulator> =>
  serveSnmp({ ...options, objects: objectsOf(options) });

interface Serving extends Pick<SimulatorOptions, "host" | "port" | "bus"> {
  /** What there is; sysUpTime is the simulator's own, and goes on from what stands there. */
  readonly objects: Objects;
}

export async function serveSnmp({ host, port, bus, objects }: Serving): Promise<RunningSimulator> {
  const env = realEnv({ logLevel: "silent" });
  const answering = answeringOf(bus as Bus | undefined, env);
  const clock = upTimeOf(env, objects);
  const served = new ServedDevice(new Map([...objects, [sysUpTime, clock.upTime]]));
  const socket = createSocket("udp4");
  const timers = timersOf(env);
  let stranger: Socket | undefined;
  let how: SnmpFault = "none";

  function send(bytes: Buffer, to: RemoteInfo): void {
    if (how === "wrongSource") stranger ??= createSocket("udp4").on("error", () => {});
    const from = how === "wrongSource" && stranger !== undefined ? stranger : socket;
    from.send(bytes, to.port, to.address, () => {});
  }
  function reboot(): void {
    clock.reboot();
    for (const one of answering) one.reboot();
    timers.after(rebootEveryMs, () => how === "reboot" && reboot());
  }
  socket.on("message", (bytes, from) => {
    const answer = firstOf(answering, (one) => one.answer(bytes, respondBy(served, how)));
    if (answer === undefined || how === "silent") return;
    if (how === "flood") {
      flood(answer, from);
      return;
    }
    const sent = how === "rubbish" ? rubbish : answer;
    if (how === "slow") timers.after(slowMs, () => send(sent, from));
    else send(sent, from);
  });
  const flood = datagramFlood(socket, env, () => how === "flood");
  const close = closer(timers, () => [socket, ...(stranger ? [stranger] : [])]);
  socket.bind(port, host);
  await once(socket, "listening"); // rejects with what the socket emits as error
  socket.on("error", () => {}); // a datagram that could not be sent is a datagram lost

  const community = announcingAs(bus as Bus | undefined);
  return {
    port: socket.address().port,
    ...(community !== null && {
      announce(named, to) {
        socket.send(
          notification(community, clock.upTime(), trapSchema.parse(named).oid),
          to.port,
          to.address,
          () => {},
        );
      },
    }),
    misbehave(next) {
      how = snmpFaultNamed(next);
      if (how === "reboot") reboot();
    },
    close() {
      how = "silent";
      return close();
    },
  };
}

/** By SNMPv2c; null: what is asked by a user's keys only does not say it in the clear. */
const announcingAs = (bus: Bus | undefined): string | null =>
  bus?.version === 3 ? null : (bus?.community?.reveal() ?? defaultCommunity);

/** RFC 3416, 4.2.6: sysUpTime, then which it is. */
const notification = (community: string, upTime: ber.Element, oid: string): Buffer =>
  encode({
    ...{ version: versions.v2c, community, pdu: pdus.trap, requestId: 1, errorStatus: errors.none, errorIndex: 0 },
    bindings: [
      { oid: sysUpTime, value: upTime },
      { oid: "1.3.6.1.6.3.1.1.4.1.0", value: ber.oid(oid) }, // snmpTrapOID
    ],
  });

function answeringOf(bus: Bus | undefined, env: Env): Answering[] {
  if (bus?.version === 3) return [answeringUser({ ...bus, user: bus.user ?? "", context: bus.context ?? "" }, env)];
  const community = answeringCommunity(bus?.community?.reveal() ?? defaultCommunity);
  return bus === undefined ? [community, answeringUser({ user: defaultCommunity, context: "" }, env)] : [community];
}

const answeringCommunity = (community: string): Answering => ({
  answer(datagram, respond) {
    const message = decode(datagram);
    if (message?.community !== community) return undefined;
    return respond(message, message.version === versions.v1, (answer) => encode({ ...message, ...answer }));
  },
  reboot() {},
});

const respondBy =
  (served: ServedDevice, how: SnmpFault): Respond =>
  (request, isV1, encoded) => {
    const answer = served.answer(request, { isV1, isEndless: how === "endlessWalk" });
    if (answer === undefined) return undefined;
    if (how === "error") return encoded(responseTo(request, errors.genErr));
    // Right, but an answer to nothing that was asked.
    if (how === "flood") return encoded({ ...answer, requestId: request.requestId ^ 1 });
    const datagram = encoded(answer);
    const isTooBig = datagram.length > datagramMax || (how === "tooBig" && request.bindings.length > fewOids);
    return isTooBig ? encoded(responseTo(request, errors.tooBig)) : datagram;
  };

function firstOf<From, To>(all: readonly From[], find: (one: From) => To | undefined): To | undefined {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

function objectsOf({ points, value, identities = [] }: SimulatorOptions): Objects {
  return new Map([
    ["1.3.6.1.2.1.1.1.0", () => ber.text("mepwatch SNMP simulator")], // sysDescr
    ["1.3.6.1.2.1.1.2.0", () => ber.oid("0.0")], // sysObjectID: of no maker
    ...objectsOfPoints(points, value),
    ...identities.flatMap(({ parts, text }) =>
      parts.map(({ name, address: written }) => {
        const { oid } = part.parse(written);
        return [oid, () => textElement(text(name))] as const;
      }),
    ),
  ]);
}

/** What looks like an OID is one, as sysObjectID is. */
function textElement(text: string | null): ber.Element | null {
  if (text === null) return null;
  return part.safeParse({ oid: text }).success ? ber.oid(text) : ber.text(text);
}

/** In 1/100 s, from what `objects` has of it; from 0 after a boot. */
function upTimeOf(env: Env, objects: Objects) {
  const recorded = objects.get(sysUpTime)?.()?.content;
  let ticks = recorded === undefined || recorded.length > 5 ? 0 : Number(`0x${recorded.toString("hex") || 0}`);
  let since = env.clock.mono();
  return {
    upTime: () => ber.integer((ticks + Math.floor((env.clock.mono() - since) / 10)) % 2 ** 32, ber.tags.timeTicks),
    reboot() {
      ticks = 0;
      since = env.clock.mono();
    },
  };
}

function closer(timers: { cancel(): void }, sockets: () => readonly Socket[]): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    timers.cancel();
    closed ??= Promise.all(
      sockets().map((socket) => new Promise<void>((resolve) => void socket.close(() => resolve()))),
    ).then(() => {});
    return closed;
  };
}
