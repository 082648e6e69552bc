import type { Mono } from "../../agent/core/sample.ts";
import type { Env } from "../../agent/env.ts";
import type { Deadline } from "../deadline.ts";
import type { Reading } from "../driver.ts";
import type { Met } from "./acquaintance.ts";
import { fault, type Result, type ResultKey, resultKey } from "./answer.ts";
import { readingOf } from "./codec.ts";
import { atOnce, newest, type Subscription, verify } from "./cov-told.ts";
import { errorOf } from "./events.ts";
import { type ObjectId, type ObjectPoint, objectOf } from "./question.ts";
import { type Ask, isUnknownService } from "./reader.ts";
import type { Bus } from "./schema.ts";
import { confirmedService, requestHead } from "./wire/apdu.ts";
import { context, objectIdOctets, unsignedOctets } from "./wire/encode.ts";
import type { Hub } from "./wire/hub.ts";
import { type Encoded, keyOfPeer, type PeerKey } from "./wire/line.ts";
import type { CovNotification } from "./wire/unasked.ts";
import { resultOf } from "./wire/values.ts";

/**
 * Subscriptions to changes of value (ASHRAE 135, 13.1 and 13.14) of the devices of a bus. They are kept with the reads: made after
 * the first, renewed at half of their life, made anew after the device was silent, has introduced itself (it may have restarted and
 * lost them), or holds another value than it told last.
 */
export interface Subscriptions {
  /** Makes what is due of these points, as far as the time goes; the device has just answered. */
  keep(points: readonly ObjectPoint[], met: Met, by: Deadline): Promise<void>;
  /** What a poll brought: it verifies what was told. */
  verify(points: readonly ObjectPoint[], readings: readonly Reading[]): void;
  /** What a poll that began at `since` brought; of points of which a change was told meanwhile, that: the answer may be older. */
  newest(points: readonly ObjectPoint[], readings: readonly Reading[], since: Mono): readonly Reading[];
  /** All of a device are to be made anew. */
  lost(device: number): void;
  close(): void;
}

interface Subscribed {
  readonly device: number;
  readonly objects: Map<string, Subscription>;
  /** Where notifications of it come from. */
  from: PeerKey | null;
  /** Before this it is not asked again, as it knows no COV; 0: it may. */
  deafUntil: Mono;
  /** How many requests in a row it neither answered nor met with a change, while it answered reads. */
  silences: number;
  /** When its I-Am was last taken for a restart. */
  greetedAt: Mono;
  readonly unwatch: () => void;
}

/** In one read, so that many objects do not keep the other reads waiting. */
const makesMax = 20;
/** A device that drops what it does not know would cost each read a timeout. */
const silencesMax = 3;
/** Until a device or an object that refused is asked again. */
const refusedMs = 3_600_000;
/** Anybody can send an I-Am in a device's name; making its subscriptions anew costs a request each. */
const greetingMs = 60_000;

export function subscriptions(
  env: Env,
  hub: Hub,
  { confirmedCov, covLifetime }: Bus,
  news: (readings: readonly Reading[]) => void,
): Subscriptions {
  const devices = new Map<number, Subscribed>();
  const now = (): Mono => env.clock.mono();

  const process = hub.subscribe({
    notified(notification, from) {
      const device = devices.get(notification.device);
      const subscription = device?.objects.get(keyOfObject(notification.object));
      if (subscription === undefined || device?.from !== from) return false;
      device.silences = 0;
      const readings = readingsOf(notification, subscription);
      for (const reading of readings) subscription.told.set(reading.point, { reading, at: now() });
      news(readings);
      return true;
    },
  });
  const subscribedOf = (device: number): Subscribed => {
    const known = devices.get(device);
    if (known !== undefined) return known;
    const unwatch = hub.onIAm(device, () => {
      if (now() - made.greetedAt < greetingMs) return;
      made.greetedAt = now();
      forget(made);
    });
    const made: Subscribed = {
      ...{ device, objects: new Map(), from: null, deafUntil: 0, silences: 0, greetedAt: atOnce, unwatch },
    };
    devices.set(device, made);
    return made;
  };
  /** False: the device does not answer, or knows no COV. */
  const make = async (device: Subscribed, one: Subscription, ask: Ask, by: Deadline): Promise<boolean> => {
    const answer = await ask(subscribe(process.id, one.object, confirmedCov, covLifetime), by);
    device.silences = answer.kind === "fault" ? device.silences + 1 : 0;
    if (device.silences >= silencesMax) giveUp(device);
    if (answer.kind === "fault") return false;
    one.isRefused = answer.kind !== "results";
    one.dueAt = now() + (one.isRefused ? refusedMs : covLifetime / 2);
    if (answer.kind === "results") return true;
    if (!isUnknownService(answer)) return true;
    giveUp(device);
    return false;
  };
  const giveUp = (device: Subscribed): void => {
    device.deafUntil = now() + refusedMs;
    device.silences = 0;
    env.report("bacnet.no_cov", { device: device.device });
  };

  const subscriptionOf = (point: ObjectPoint): Subscription | undefined =>
    devices.get(point.device.instance)?.objects.get(keyOfObject(objectOf(point)));

  return {
    async keep(points, { line, ask }, by) {
      const wanted = points.filter(({ address }) => address.cov);
      const [first] = wanted;
      if (first === undefined) return;
      const device = subscribedOf(first.device.instance);
      device.from = keyOfPeer(line.peer);
      if (device.deafUntil > now()) return;
      const due = noted(device, wanted).filter(({ dueAt }) => dueAt <= now());
      for (const [nth, one] of due.slice(0, makesMax).entries()) {
        // A slow device leaves time for one at most, which it must have.
        if ((nth > 0 && by.isLate()) || !(await make(device, one, ask, by))) return;
      }
    },
    verify: (points, readings) => verify(points, readings, subscriptionOf),
    newest: (points, readings, since) => newest(points, readings, since, subscriptionOf),
    lost(device) {
      const one = devices.get(device);
      if (one !== undefined) forget(one);
    },
    close() {
      process.end();
      for (const { unwatch } of devices.values()) unwatch();
      devices.clear();
    },
  };
}

/** Of flags alone, or of what does not decode, there are none: the next poll tells more. */
function readingsOf(notification: CovNotification, { points }: Subscription): readonly Reading[] {
  const results = resultsOf(notification);
  const readings = [...points.values()].map((point) => readingOf(point, results));
  return readings.filter((one) => !("fault" in one) || one.fault !== "bad_reply");
}

/** All is to be made anew; what was refused comes in its time. */
function forget({ objects }: Subscribed): void {
  for (const one of objects.values()) {
    one.told.clear();
    if (!one.isRefused) one.dueAt = atOnce;
  }
}

/** The subscriptions of these points, one for each object. */
function noted({ objects }: Subscribed, points: readonly ObjectPoint[]): readonly Subscription[] {
  const all = new Set<Subscription>();
  for (const point of points) {
    const object = objectOf(point);
    const key = keyOfObject(object);
    const one = objects.get(key) ?? { object, points: new Map(), dueAt: atOnce, isRefused: false, told: new Map() };
    objects.set(key, one);
    one.points.set(point.id, point);
    all.add(one);
  }
  return [...all];
}

const keyOfObject = ({ type, instance }: ObjectId): string => `${type}:${instance}`;

/** As if it had been read; what has a form that no number has is left out. */
function resultsOf({ object, values }: CovNotification): ReadonlyMap<ResultKey, Result> {
  const results = new Map<ResultKey, Result>();
  for (const [property, tags] of values) {
    const result = resultOf(tags);
    if (result !== null) results.set(resultKey(object, property), result);
  }
  return results;
}

const subscribe =
  (processId: number, object: ObjectId, isConfirmed: boolean, lifetimeMs: number) =>
  (invokeId: number): Encoded => ({
    apdu: Buffer.concat([
      requestHead(invokeId, confirmedService.subscribeCov),
      context(0, unsignedOctets(processId)),
      context(1, objectIdOctets(object.type, object.instance)),
      context(2, Buffer.of(isConfirmed ? 1 : 0)),
      context(3, unsignedOctets(Math.round(lifetimeMs / 1000))),
    ]),
    decode(of, apdu) {
      if (of.service !== confirmedService.subscribeCov) return fault("bad_reply", "an answer to another service");
      if (of.kind === "error") return errorOf(apdu);
      return of.kind === "done" ? { kind: "results", results: new Map() } : fault("bad_reply", "no acknowledgement");
    },
  });
