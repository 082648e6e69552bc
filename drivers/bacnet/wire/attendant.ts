import type { Env } from "../../../agent/env.ts";
import { unaskedBudget } from "../../unasked-budget.ts";
import { type Call, pdu, readCall, rejectOf, simpleAck } from "./apdu.ts";
import { encoders } from "./encode.ts";
import { keyOfPeer, type Peer, type PeerKey } from "./line.ts";
import type { Address } from "./packet.ts";
import { type CovNotification, type EventNotification, readUnasked, type Unasked } from "./unasked.ts";
import { type IAm, type IHave, iAm } from "./whois.ts";

/** Hears what devices say unasked, as far as the budget goes, gives it to whom it concerns, and answers what has to be. */
export interface Attendant {
  /** @param from who sent the datagram; another than the peer where it was sent on */
  hear(apdu: Buffer, peer: Peer, from: Address): void;
  /** A process id for a subscription, and who hears its notifications; those that are not taken are refused. */
  subscribe(process: CovProcess): { readonly id: number; end(): void };
  /** Whoever has a device's subscriptions is told of its I-Am: it may have restarted, and lost them. */
  onIAm(device: number, told: () => void): () => void;
  /** As if each device that is waited for had introduced itself. */
  greetAll(): void;
  /** From now on events are heard too, and Who-Is is answered as this device; undefined: as none. */
  attend(ears: EventEars, instance: number | undefined): void;
  readonly counts: { readonly received: number; readonly dropped: number };
}

export interface CovProcess {
  /** Whether the notification is one of this subscriber's. */
  notified(notification: CovNotification, from: PeerKey): boolean;
}

export interface EventEars {
  event(notification: EventNotification, from: Peer, isConfirmed: boolean): void;
  /** One was dropped, since this source sends too many. */
  dropped(source: string): void;
}

interface Surroundings {
  readonly env: Env;
  isKnown(peer: PeerKey): boolean;
  present(told: IAm | IHave, from: Peer): void;
  send(apdu: Buffer, to: Peer): void;
}

/** Each object that was subscribed to tells at once what it is. */
const covRate = { burst: 1000, perSecond: 100 };
const unrecognizedService = 9; // Reject
/** Class services, unknown-subscription. */
const unknownSubscription = { errorClass: 5, code: 79 };

export function attendantOf({ env, isKnown, present, send }: Surroundings): Attendant {
  const processes = new Map<number, CovProcess>();
  const watchers = new Map<number, Set<() => void>>();
  const budgets = { trap: unaskedBudget(env), cov: unaskedBudget(env, covRate) };
  /** Nobody can know which it will be. */
  let lastProcess = Math.floor(env.random() * 2 ** 31);
  let attending: { readonly ears: EventEars; readonly instance: number | undefined } | undefined;
  const counts = { received: 0, dropped: 0 };

  const isWithinBudget = (told: Unasked | null, peer: Peer, from: Address): boolean => {
    counts.received++;
    const key = keyOfPeer(peer);
    const isOurs = isKnown(key);
    if (budgets[told?.kind === "cov" ? "cov" : "trap"](isOurs ? key : from.host, isOurs)) return true;
    counts.dropped++;
    attending?.ears.dropped(from.host);
    return false;
  };
  /** What is to be answered, if whoever asks wants an answer. */
  const answerTo = (told: Unasked | null, call: Call, peer: Peer): Buffer | null => {
    if (told?.kind === "who-is") {
      const own = attending?.instance;
      return own !== undefined && own >= told.low && own <= told.high ? iAm(own) : null;
    }
    const isTaken = take(told, call.kind !== "unconfirmed", peer);
    if (call.kind === "unconfirmed") return null;
    if (call.kind === "unreadable" || told === null) return rejectOf(call.invokeId, unrecognizedService);
    if (isTaken) return simpleAck(call.invokeId, call.service);
    return told.kind === "cov" ? unknownTo(call.invokeId, call.service) : rejectOf(call.invokeId, unrecognizedService);
  };
  const take = (told: Unasked | null, isConfirmed: boolean, peer: Peer): boolean => {
    if (told?.kind === "cov") return processes.get(told.processId)?.notified(told, keyOfPeer(peer)) ?? false;
    if (told?.kind !== "event" || attending === undefined) return false;
    attending.ears.event(told, peer, isConfirmed);
    return true;
  };

  return {
    hear(apdu, peer, from) {
      const call = readCall(apdu);
      if (call === undefined) return;
      const told = call.kind === "unreadable" ? null : readUnasked(call);
      // In a large network hundreds introduce themselves whenever anybody asks; most of them mean nothing here.
      if (told?.kind === "i-am" || told?.kind === "i-have") {
        present(told, peer);
        if (told.kind === "i-am") for (const tell of watchers.get(told.device) ?? []) tell();
      } else if (isWithinBudget(told, peer, from)) {
        const answer = answerTo(told, call, peer);
        if (answer !== null) send(answer, peer);
      }
    },
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
    greetAll() {
      for (const all of watchers.values()) for (const tell of all) tell();
    },
    attend(ears, instance) {
      attending = { ears, instance };
    },
    counts,
  };
}

const unknownTo = (invokeId: number, service: number): Buffer =>
  Buffer.concat([
    Buffer.of(pdu.error, invokeId, service),
    encoders.enumerated(unknownSubscription.errorClass),
    encoders.enumerated(unknownSubscription.code),
  ]);
