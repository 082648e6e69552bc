import type { ObjectId } from "../question.ts";
import { deviceObject } from "../schema.ts";
import { apduMax, type Call, confirmedService, unconfirmedService } from "./apdu.ts";
import type { Tag } from "./tags.ts";
import { characters, numberOf, objectOf } from "./values.ts";

/** What devices say unasked, and what they ask of us (ASHRAE 135, 13, 16 and 21). Total: null for whatever lacks a part. */
export type Unasked =
  | { readonly kind: "i-am"; readonly device: number; readonly apduMax: number; readonly vendor: number }
  | { readonly kind: "i-have"; readonly device: number; readonly object: ObjectId; readonly name: string }
  | { readonly kind: "who-is"; readonly low: number; readonly high: number }
  | CovNotification
  | EventNotification;

export interface CovNotification {
  readonly kind: "cov";
  readonly processId: number;
  readonly device: number;
  readonly object: ObjectId;
  /** By property: what is between its brackets; that of array elements is left out. */
  readonly values: ReadonlyMap<number, readonly Tag[]>;
}

export interface EventNotification {
  readonly kind: "event";
  readonly device: number;
  readonly object: ObjectId;
  /** BACnetEventType. */
  readonly eventType: number;
  /** BACnetNotifyType: alarm 0, event 1, acknowledgement 2. */
  readonly notifyType: number;
  readonly text: string | null;
  /** BACnetEventState; null: not said, as in acknowledgements. */
  readonly from: number | null;
  readonly to: number | null;
}

export function readUnasked(call: Exclude<Call, { kind: "unreadable" }>): Unasked | null {
  const { tags } = call;
  if (call.kind === "confirmed") {
    if (call.service === confirmedService.confirmedCovNotification) return readCov(tags);
    return call.service === confirmedService.confirmedEventNotification ? readEvent(tags) : null;
  }
  switch (call.service) {
    case unconfirmedService.iAm:
      return readIAm(tags);
    case unconfirmedService.iHave:
      return readIHave(tags);
    case unconfirmedService.whoIs:
      return readWhoIs(tags);
    case unconfirmedService.covNotification:
      return readCov(tags);
    case unconfirmedService.eventNotification:
      return readEvent(tags);
    default:
      return null;
  }
}

function readIAm([id, longest, , vendor]: readonly Tag[]): Unasked | null {
  const device = deviceIn(id);
  const most = numberOf(longest);
  if (device === null || most === null) return null;
  // 50 is the least that the standard allows; none here is longer than what is taken.
  return { kind: "i-am", device, apduMax: Math.min(Math.max(most, 50), apduMax), vendor: numberOf(vendor) ?? 0 };
}

function readIHave([id, had, called]: readonly Tag[]): Unasked | null {
  const device = deviceIn(id);
  const object = objectOf(had);
  const name = characters(called);
  return device === null || object === null || name === null ? null : { kind: "i-have", device, object, name };
}

function readWhoIs(tags: readonly Tag[]): Unasked | null {
  if (tags.length === 0) return { kind: "who-is", low: 0, high: Number.POSITIVE_INFINITY };
  const [low, high] = [contextNumber(tags, 0), contextNumber(tags, 1)];
  return low === null || high === null ? null : { kind: "who-is", low, high };
}

function readCov(tags: readonly Tag[]): Unasked | null {
  const processId = contextNumber(tags, 0);
  const device = deviceIn(contextTag(tags, 1));
  const object = objectOf(contextTag(tags, 2));
  const list = within(tags, 4);
  if (processId === null || device === null || object === null || list === null) return null;
  const values = new Map<number, readonly Tag[]>();
  for (let at = 0; at < list.length; ) {
    const property = numberOf(list[at++]);
    const isElement = isContext(list[at], 1);
    if (isElement) at++;
    const value = within(list.slice(at), 2);
    if (property === null || value === null || !isOpening(list[at], 2)) return null;
    at += value.length + 2;
    if (isContext(list[at], 3)) at++; // priority
    if (!isElement) values.set(property, value);
  }
  return { kind: "cov", processId, device, object, values };
}

function readEvent(tags: readonly Tag[]): Unasked | null {
  const device = deviceIn(contextTag(tags, 1));
  const object = objectOf(contextTag(tags, 2));
  const eventType = contextNumber(tags, 6);
  const notifyType = contextNumber(tags, 8);
  if (device === null || object === null || eventType === null || notifyType === null) return null;
  return {
    ...{ kind: "event", device, object, eventType, notifyType },
    text: characters(contextTag(tags, 7)),
    from: contextNumber(tags, 10),
    to: contextNumber(tags, 11),
  };
}

function deviceIn(tag: Tag | undefined): number | null {
  const object = objectOf(tag);
  return object?.type === deviceObject ? object.instance : null;
}

const isContext = (tag: Tag | undefined, number: number): boolean => tag?.kind === "context" && tag.number === number;
const isOpening = (tag: Tag | undefined, number: number): boolean => tag?.kind === "opening" && tag.number === number;

/** Of the outermost level: what is in brackets has numbers of its own. */
function contextTag(tags: readonly Tag[], number: number): Tag | undefined {
  let depth = 0;
  for (const tag of tags) {
    if (tag.kind === "opening") depth++;
    else if (tag.kind === "closing") depth--;
    else if (depth === 0 && isContext(tag, number)) return tag;
  }
  return undefined;
}

const contextNumber = (tags: readonly Tag[], number: number): number | null => numberOf(contextTag(tags, number));

/** What is between the first brackets of the outermost level that bear the number; null: there are none. */
export function within(tags: readonly Tag[], number: number): readonly Tag[] | null {
  let depth = 0;
  let from: number | null = null;
  for (const [at, tag] of tags.entries()) {
    if (tag.kind === "opening") {
      if (depth === 0 && tag.number === number && from === null) from = at + 1;
      depth++;
    } else if (tag.kind === "closing") {
      depth--;
      if (depth === 0 && from !== null) return tags.slice(from, at);
    }
  }
  return null;
}
