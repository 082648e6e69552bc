import type { Mono } from "../../../agent/core/sample.ts";
import type { Env } from "../../../agent/env.ts";
import { id, kindOf } from "../object-kinds.ts";
import { deviceObject, properties } from "../schema.ts";
import { contents, context, enclosed, objectIdOctets } from "../wire/encode.ts";
import type { Tag } from "../wire/tags.ts";
import { numberIn, type Outcome, objectIn } from "./asking.ts";
import { keyOf, type PropertyError, type ServedDevice, unknownObject } from "./served.ts";
import { flagsOf, type State } from "./served-object.ts";

/** Who wants to be told of changes of a simulated device's values, and tells them (ASHRAE 135, 13.1 and 13.14). */

export interface Subscriptions<Recipient> {
  /** Makes, renews or cancels one, for whoever is named by `key`. */
  subscribe(key: string, recipient: Recipient, tags: readonly Tag[]): Outcome;
  /** As a boot does. */
  forget(): void;
}

/** `isConfirmed`: until it is acknowledged or given up, when `done` is called. */
export type Notify<Recipient> = (parameters: Buffer, to: Recipient, isConfirmed: boolean, done: () => void) => void;

interface Subscription<Recipient> {
  readonly recipient: Recipient;
  readonly process: number;
  readonly type: number;
  readonly instance: number;
  readonly isConfirmed: boolean;
  /** Null: for good. */
  readonly until: Mono | null;
  told: State | null;
  isUnderWay: boolean;
}

/** How often values are compared. */
const lookMs = 100;
/** A device has no room for more. */
const subscriptionsMax = 1000;

const noCov: PropertyError = { errorClass: 1, code: 45 }; // object: optional-functionality-not-supported
const noRoom: PropertyError = { errorClass: 3, code: 19 }; // resources: no-space-to-add-list-element

export function subscriptionsOf<Recipient>(
  env: Env,
  served: ServedDevice,
  notify: Notify<Recipient>,
): Subscriptions<Recipient> {
  const all = new Map<string, Subscription<Recipient>>();
  let cancel: (() => void) | undefined;

  const tell = (key: string, one: Subscription<Recipient>, state: State): void => {
    one.told = state;
    one.isUnderWay = one.isConfirmed;
    notify(notification(served, one, leftSeconds(env, one)), one.recipient, one.isConfirmed, () => {
      const now = all.get(key); // renewed meanwhile, or gone
      if (now !== undefined) now.isUnderWay = false;
    });
  };
  const look = (): void => {
    for (const [key, one] of all) {
      if (one.until !== null && one.until <= env.clock.mono()) all.delete(key);
      else if (!one.isUnderWay) {
        const state = served.state(one.type, one.instance);
        if (state !== undefined && hasChanged(one.told, state)) tell(key, one, state);
      }
    }
    cancel = all.size === 0 ? undefined : env.after(lookMs, look);
  };

  return {
    subscribe(who, recipient, tags) {
      const asked = subscribed(tags, served);
      if (asked === undefined) return undefined;
      const { process, type, instance, isConfirmed, lifetimeS } = asked;
      const key = `${who} ${process} ${keyOf(type, instance)}`;
      if (isConfirmed === undefined && lifetimeS === undefined) {
        all.delete(key);
        return "done";
      }
      if (type !== deviceObject && served.state(type, instance) === undefined) return unknownObject;
      if (kindOf(type).family === "other" || type === deviceObject) return noCov;
      if (!all.has(key) && all.size >= subscriptionsMax) return noRoom;
      const until = lifetimeS === undefined || lifetimeS === 0 ? null : env.clock.mono() + lifetimeS * 1000;
      const before = all.get(key);
      const isUnderWay = before?.isUnderWay ?? false;
      all.set(key, {
        recipient,
        process,
        type,
        instance,
        isConfirmed: isConfirmed ?? false,
        until,
        told: null,
        isUnderWay,
      });
      // The first notification comes after the acknowledgement of this.
      cancel?.();
      cancel = env.after(0, look);
      return "done";
    },
    forget() {
      all.clear();
      cancel?.();
      cancel = undefined;
    },
  };
}

/** Undefined: it does not decode. Neither confirmed nor a lifetime: it is to be cancelled. */
function subscribed(tags: readonly Tag[], served: ServedDevice) {
  const process = numberIn(tags[0], 0);
  const object = objectIn(tags[1], 1, served);
  const confirmed = numberIn(tags[2], 2);
  const lifetimeS = numberIn(tags[confirmed === undefined ? 2 : 3], 3);
  if (process === undefined || object === undefined) return undefined;
  return { process, ...object, isConfirmed: confirmed === undefined ? undefined : confirmed === 1, lifetimeS };
}

const leftSeconds = ({ clock }: Env, { until }: Pick<Subscription<unknown>, "until">): number =>
  until === null ? 0 : Math.max(1, Math.round((until - clock.mono()) / 1000));

function hasChanged(told: State | null, now: State): boolean {
  if (told === null || flagsOf(told).join() !== flagsOf(now).join()) return true;
  if (told.presentValue === null || now.presentValue === null) return told.presentValue !== now.presentValue;
  const difference = Math.abs(now.presentValue - told.presentValue);
  return difference > 0 && difference >= now.covIncrement;
}

function notification(
  served: ServedDevice,
  { process, type, instance }: Pick<Subscription<unknown>, "process" | "type" | "instance">,
  leftS: number,
): Buffer {
  const values = [properties["present-value"], id.statusFlags].flatMap((property) => {
    const value = served.read(type, instance, property);
    return Buffer.isBuffer(value) ? [context(0, contents.enumerated(property)), enclosed(2, value)] : [];
  });
  return Buffer.concat([
    context(0, contents.unsigned(process)),
    context(1, objectIdOctets(deviceObject, served.instance)),
    context(2, objectIdOctets(type, instance)),
    context(3, contents.unsigned(leftS)),
    enclosed(4, ...values),
  ]);
}
