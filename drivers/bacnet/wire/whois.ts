import type { BadReason } from "../../../agent/core/sample.ts";
import type { Env } from "../../../agent/env.ts";
import type { Deadline } from "../../deadline.ts";
import { deviceObject } from "../schema.ts";
import { apduMax, pdu, unconfirmedService } from "./apdu.ts";
import { context, encoders, objectIdentifier, textOctets, unsignedOctets } from "./encode.ts";
import { keyOfPeer, type Peer, sayPeer } from "./line.ts";
import type { Unasked } from "./unasked.ts";

/**
 * Where devices are, by their instance: asked by Who-Is, answered by I-Am. Only what was asked for is believed, so that nobody
 * draws a device's requests to himself by an I-Am of his own; and where two answer to one instance, neither is.
 */
export interface Directory {
  find(device: number, by: Deadline): Promise<Located | NotLocated>;
  heard(told: IAm, from: Peer): void;
  close(): void;
}

export type IAm = Extract<Unasked, { kind: "i-am" }>;
export type IHave = Extract<Unasked, { kind: "i-have" }>;

export interface Located {
  readonly peer: Peer;
  /** Longest APDU that it takes, octets. */
  readonly apduMax: number;
}
interface NotLocated {
  readonly fault: BadReason;
  readonly detail: string;
}

/** So long is waited for a second device of the same instance, before the first one is believed. */
const doubtMs = 100;
/** Between two Who-Is: each is a broadcast, which every device of the network has to look at. */
export const paceMs = 200;
const againMs = 2000;
/** More that answer to one instance are not told apart: a storm of forged I-Am is to cost no memory. */
const foundMax = 4;
/** Instances between two that are asked for, which are asked for with them. */
const gapMax = 5;

interface Wanted {
  askAt: number;
  readonly found: Map<string, Located>;
  readonly waiting: Set<(located: Located | NotLocated) => void>;
  settleSoon: (() => void) | undefined;
}

/** @param broadcast an APDU, to all networks */
export function directory(env: Env, broadcast: (apdu: Buffer) => void): Directory {
  const wanted = new Map<number, Wanted>();
  let cancel: (() => void) | undefined;
  let lastAt = Number.NEGATIVE_INFINITY;

  const settle = (device: number, located: Located | NotLocated): void => {
    const one = wanted.get(device);
    if (one === undefined) return;
    one.settleSoon?.();
    wanted.delete(device);
    for (const resolve of one.waiting) resolve(located);
  };
  /** Asks for those that are due, as many as lie close together, and comes again while any is. */
  const ask = (): void => {
    cancel = undefined;
    const now = env.clock.mono();
    const due = [...wanted].filter(([, { askAt, found }]) => askAt <= now && found.size === 0);
    // Who waits longest comes first: else a few that never answer would keep others from being asked for.
    const [longest] = due.toSorted(([, a], [, b]) => a.askAt - b.askAt);
    if (longest !== undefined) {
      const range = runAround(
        longest[0],
        due.map(([device]) => device),
      );
      lastAt = now;
      for (const [device, one] of wanted)
        if (device >= range.low && device <= range.high && one.askAt <= now) one.askAt = now + againMs;
      broadcast(whoIs(range.low, range.high));
    }
    arm();
  };
  const arm = (): void => {
    const next = Math.min(...[...wanted.values()].filter(({ found }) => found.size === 0).map(({ askAt }) => askAt));
    // A later question may be due before the one that the timer is for.
    cancel?.();
    cancel = undefined;
    if (next === Number.POSITIVE_INFINITY) return;
    cancel = env.after(Math.max(0, Math.max(next, lastAt + paceMs) - env.clock.mono()), ask);
  };

  return {
    find(device, by) {
      return new Promise((resolve) => {
        const one: Wanted = wanted.get(device) ?? {
          ...{ askAt: env.clock.mono(), found: new Map(), waiting: new Set(), settleSoon: undefined },
        };
        wanted.set(device, one);
        const done = (located: Located | NotLocated): void => {
          cancelWait();
          resolve(located);
        };
        const cancelWait = env.after(Math.max(0, by.leftMs()), () => {
          one.waiting.delete(done);
          if (one.waiting.size === 0 && wanted.get(device) === one) settle(device, absent(device));
          resolve(absent(device));
        });
        one.waiting.add(done);
        arm();
      });
    },
    heard({ device, apduMax: longest }, peer) {
      const one = wanted.get(device);
      if (one === undefined || one.found.size >= foundMax) return;
      one.found.set(keyOfPeer(peer), { peer, apduMax: longest });
      one.settleSoon ??= env.after(doubtMs, () => {
        const all = [...one.found.values()];
        const [only] = all;
        settle(device, all.length === 1 && only !== undefined ? only : doubled(device, all));
      });
    },
    close() {
      cancel?.();
      for (const device of [...wanted.keys()]) settle(device, { fault: "unreachable", detail: "the hub is closed" });
    },
  };
}

const absent = (device: number): NotLocated => ({
  fault: "timeout",
  detail: `no device answers to instance ${device}: Who-Is was sent, and no I-Am came`,
});

const doubled = (device: number, all: readonly Located[]): NotLocated => ({
  fault: "identity_mismatch",
  detail: `${all.length}${all.length < foundMax ? "" : " or more"} devices answer to instance ${device}: ${all.map(({ peer }) => sayPeer(peer)).join(" and ")}; give each its own`,
});

/** One, and those that lie close to it or to one another. */
function runAround(one: number, all: readonly number[]): { readonly low: number; readonly high: number } {
  const ascending = all.toSorted((a, b) => a - b);
  let [low, high] = [one, one];
  for (const next of ascending) if (next > high && next - high <= gapMax) high = next;
  for (const next of ascending.toReversed()) if (next < low && low - next <= gapMax) low = next;
  return { low, high };
}

export const whoIs = (low: number, high: number): Buffer =>
  Buffer.concat([
    Buffer.of(pdu.unconfirmedRequest, unconfirmedService.whoIs),
    context(0, unsignedOctets(low)),
    context(1, unsignedOctets(high)),
  ]);

/** Who of the range has an object of this name. */
export const whoHas = (low: number, high: number, name: string): Buffer =>
  Buffer.concat([
    Buffer.of(pdu.unconfirmedRequest, unconfirmedService.whoHas),
    context(0, unsignedOctets(low)),
    context(1, unsignedOctets(high)),
    context(3, textOctets(name)),
  ]);

/** Of the agent itself: it takes no segments, and is of no maker (0: ASHRAE). */
export const iAm = (device: number): Buffer =>
  Buffer.concat([
    Buffer.of(pdu.unconfirmedRequest, unconfirmedService.iAm),
    objectIdentifier(deviceObject, device),
    encoders.unsigned(apduMax),
    encoders.enumerated(noSegmentation),
    encoders.unsigned(0),
  ]);
const noSegmentation = 3;
