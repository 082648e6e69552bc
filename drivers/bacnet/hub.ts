import type { Env } from "../../agent/env.ts";
import type { Closable } from "../driver.ts";
import { trapBudget } from "../trap-budget.ts";
import { pdu, readAnswer, readCall, rejectOf, simpleAck } from "./apdu.ts";
import { encoders } from "./encode.ts";
import { type Foreign, foreignDevice } from "./foreign.ts";
import { keyOfPeer, type Line, lineTo, type Peer, type PeerKey } from "./line.ts";
import {
  type Address,
  broadcast,
  distributed,
  everyNetwork,
  type Packet,
  readDatagram,
  rejectMessage,
  unicast,
} from "./packet.ts";
import type { Network } from "./schema.ts";
import { type Sockets, socketsOf } from "./sockets.ts";
import { type CovNotification, type EventNotification, readUnasked } from "./unasked.ts";
import { type Directory, directory, iAm, type IAm } from "./whois.ts";

/**
 * All BACnet of an agent, through one socket: what comes is given to whom it is for, by the peer that sent it, and only what was
 * asked for or subscribed to. Whatever comes, nothing is thrown.
 */
export interface Hub extends Closable {
  /** The same line for the same peer, always: a rebuilt session goes on with the invoke ids of the one before. */
  line(peer: Peer): Line;
  readonly directory: Directory;
  /** A process id for a subscription, and who hears its notifications; those that are not taken are refused. */
  subscribe(process: CovProcess): { readonly id: number; end(): void };
  /** Whoever has a device's subscriptions is told of its I-Am: it may have restarted, and lost them. */
  onIAm(device: number, told: () => void): () => void;
  /** How the network is reached and heard, from now on. */
  join(network: Network, told: NetworkEars): NetworkStatus;
}

export interface CovProcess {
  /** Whether the notification is one of this subscriber's. */
  notified(notification: CovNotification, from: PeerKey): boolean;
}

export interface NetworkEars {
  /** Whether it is taken: only then it is confirmed. */
  event(notification: EventNotification, from: Peer, isConfirmed: boolean): boolean;
  /** The registration at the BBMD: null, it is there; else why it is not. */
  registration(lost: string | null): void;
  /** One was dropped unread, since this source sends too many. */
  dropped(source: string): void;
}

export interface NetworkStatus {
  at(): string | null;
  trouble(): string | null;
  isRegistered(): boolean | null;
  received(): number;
  dropped(): number;
}

/** Each object that was subscribed to tells at once what it is. */
const covRate = { burst: 1000, perSecond: 100 };
const unrecognizedService = 9; // Reject
/** Class services, unknown-subscription. */
const unknownSubscription = { errorClass: 5, code: 79 };

export function hubOf(env: Env): Hub {
  const lines = new Map<PeerKey, Line>();
  const processes = new Map<number, CovProcess>();
  const watchers = new Map<number, Set<() => void>>();
  const isWithinBudget = { trap: trapBudget(env), cov: trapBudget(env, covRate) };
  /** Nobody can know which it will be. */
  let lastProcess = Math.floor(env.random() * 2 ** 31);
  let network: Network | null = null;
  let ears: NetworkEars | undefined;
  let foreign: Foreign | undefined;
  const counts = { received: 0, dropped: 0 };

  const sockets: Sockets = socketsOf(
    env,
    () => network,
    (datagram, { address, port }) => receive(datagram, { host: address, port }),
  );
  const send = (apdu: Buffer, { host, port, station }: Peer, isReplyExpected: boolean, failed: (error: Error) => void = ignore): void =>
    sockets.send(unicast(apdu, { destination: station, isReplyExpected }), { host, port }, failed);
  const toAll = (apdu: Buffer): void => {
    if (network === null) return;
    const { broadcast: host, port, bbmd } = network;
    const route = { destination: { network: everyNetwork, mac: "" } };
    sockets.send(broadcast(apdu, route), { host, port }, ignore);
    if (bbmd) sockets.send(distributed(apdu, route), bbmd, ignore);
  };
  const whereabouts = directory(env, toAll);

  const receive = (datagram: Buffer, from: Address): void => {
    const read = readDatagram(datagram);
    if (read?.kind === "packet") return heard(read, from);
    if (read?.kind === "result" && isBbmd(from)) foreign?.result(read.code);
    if (read?.kind !== "message" || read.type !== rejectMessage) return;
    for (const line of lines.values()) {
      const { host, port, station } = line.peer;
      if (host === from.host && port === from.port && station?.network === read.network) line.unrouted();
    }
  };
  const isBbmd = ({ host, port }: Address): boolean => network?.bbmd?.host === host && network.bbmd.port === port;

  const heard = ({ apdu, origin, source: station, isBroadcast, destination }: Packet, from: Address): void => {
    // What was broadcast, or is said to come from elsewhere, answers nothing.
    if (readAnswer(apdu)) {
      if (origin === null && !isBroadcast) lines.get(keyOfPeer({ ...from, station }))?.receive(apdu);
      return;
    }
    if (destination !== null && destination.network !== everyNetwork) return; // for a network that is not here
    unasked(apdu, { ...(origin ?? from), station }, from);
  };
  const unasked = (apdu: Buffer, peer: Peer, from: Address): void => {
    const call = readCall(apdu);
    if (call === undefined) return;
    const told = call.kind === "unreadable" ? null : readUnasked(call);
    const isConfirmed = call.kind !== "unconfirmed";
    // In a large network hundreds introduce themselves whenever anybody asks; most of them mean nothing here.
    if (told?.kind === "i-am") return present(told, peer);
    counts.received++;
    const key = keyOfPeer(peer);
    const isKnown = lines.has(key);
    if (!isWithinBudget[told?.kind === "cov" ? "cov" : "trap"](isKnown ? key : from.host, isKnown)) {
      counts.dropped++;
      ears?.dropped(from.host);
      return;
    }
    if (told?.kind === "who-is") return introduce(told.low, told.high, peer);
    const reply = (answer: Buffer): void => send(answer, peer, false);
    if (told?.kind === "cov") {
      const isTaken = processes.get(told.processId)?.notified(told, key) ?? false;
      if (call.kind !== "confirmed") return;
      return reply(isTaken ? simpleAck(call.invokeId, call.service) : errorOf(call.invokeId, call.service));
    }
    const isTaken = told?.kind === "event" && (ears?.event(told, peer, isConfirmed) ?? false);
    if (!isConfirmed) return;
    const isAcknowledged = isTaken && call.kind === "confirmed";
    reply(isAcknowledged ? simpleAck(call.invokeId, call.service) : rejectOf(call.invokeId, unrecognizedService));
  };
  const present = (told: IAm, peer: Peer): void => {
    whereabouts.heard(told, peer);
    for (const tell of watchers.get(told.device) ?? []) tell();
  };
  const introduce = (low: number, high: number, peer: Peer): void => {
    const own = network?.instance;
    if (own !== undefined && own >= low && own <= high) send(iAm(own), peer, false);
  };

  return {
    line(peer) {
      const key = keyOfPeer(peer);
      const line = lines.get(key) ?? lineTo(env, peer, (apdu, failed) => send(apdu, peer, true, failed));
      lines.set(key, line);
      return line;
    },
    directory: whereabouts,
    subscribe(process) {
      lastProcess = (lastProcess % (2 ** 32 - 2)) + 1;
      const id = lastProcess;
      processes.set(id, process);
      return { id, end: () => void processes.delete(id) };
    },
    onIAm(device, told) {
      const all = watchers.get(device) ?? new Set();
      watchers.set(device, all.add(told));
      return () => void all.delete(told);
    },
    join(joined, given) {
      network = joined;
      ears = given;
      sockets.stayOpen();
      const { bbmd } = joined;
      if (bbmd)
        foreign = foreignDevice(env, bbmd, sockets.send, (lost) => {
          given.registration(lost);
          // Who restarted meanwhile has told nobody here.
          if (lost === null) for (const all of watchers.values()) for (const tell of all) tell();
        });
      return {
        ...{ at: sockets.at, trouble: () => sockets.trouble() ?? foreign?.trouble() ?? null },
        isRegistered: () => foreign?.isRegistered() ?? null,
        ...{ received: () => counts.received, dropped: () => counts.dropped },
      };
    },
    close() {
      foreign?.close();
      whereabouts.close();
      return sockets.close();
    },
  };
}

const ignore = (): void => {};

const errorOf = (invokeId: number, service: number): Buffer =>
  Buffer.concat([
    Buffer.of(pdu.error, invokeId, service),
    encoders.enumerated(unknownSubscription.errorClass),
    encoders.enumerated(unknownSubscription.code),
  ]);
