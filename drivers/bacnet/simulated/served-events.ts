import {
  bitOctets,
  bitString,
  contents,
  context,
  dateAndTime,
  enclosed,
  encoders,
  objectIdentifier,
  objectIdOctets,
} from "../wire/encode.ts";
import { type Asking, type Outcome, objectIn } from "./asking.ts";
import { eventState } from "./event-state.ts";
import { keyOf, type ServedDevice } from "./served.ts";

/**
 * Which objects of a simulated device are not normal, as GetEventInformation and GetAlarmSummary tell it. Nobody acknowledges
 * anything at it, and what is normal again counts as acknowledged.
 */
interface ServedEvent {
  readonly type: number;
  readonly instance: number;
  readonly state: number;
  readonly isAcknowledged: boolean;
}

const eventEnrollment = 9;
/** Most that a count of events adds to those that there are. */
const eventsMax = 1000;

/**
 * By object identifier. Where the site has a point that counts events, there are as many as that says: those that no object has
 * are event enrollments, which are told here and nowhere else.
 */
function eventsOf(served: ServedDevice): ServedEvent[] {
  const objects = served.objects().flatMap(({ type, instance }) => {
    const state = served.state(type, instance)?.eventState ?? eventState.normal;
    return state === eventState.normal ? [] : [{ type, instance, state }];
  });
  const bounded = (count: number): number => Math.min(Math.max(count, 0), eventsMax);
  const active = Math.max(objects.length, bounded(served.events.active() ?? 0));
  const unacknowledged = bounded(served.events.unacknowledged() ?? objects.length);
  return Array.from({ length: Math.max(active, unacknowledged) }, (_, nth) => {
    const state = nth < active ? eventState.offnormal : eventState.normal;
    const made = { type: eventEnrollment, instance: nth - objects.length + 1, state };
    return { ...(objects[nth] ?? made), isAcknowledged: nth >= unacknowledged };
  }).toSorted((a, b) => a.type - b.type || a.instance - b.instance);
}

/** Bits of what becomes of an object: offnormal, fault, normal. */
const transitions = [0, 1, 2];
const pendingOf = ({ state, isAcknowledged }: ServedEvent): number | null =>
  isAcknowledged ? null : state === eventState.fault ? 1 : 0;
const acknowledgedOf = (event: ServedEvent): number[] => transitions.filter((bit) => bit !== pendingOf(event));

/** GetAlarmSummary: those that are not normal now. */
export const alarmSummary = (served: ServedDevice): Buffer =>
  Buffer.concat(
    eventsOf(served)
      .filter(({ state }) => state !== eventState.normal)
      .flatMap((event) => [
        objectIdentifier(event.type, event.instance),
        encoders.enumerated(event.state),
        bitString(3, acknowledgedOf(event)),
      ]),
  );

/** The brackets around the list, and whether there are more. */
const frameOctets = 4;

/** GetEventInformation: those after the object named, as many as there is room for. */
export function eventInformation({ served, tags, room }: Asking): Outcome {
  const [last] = tags;
  const after = objectIn(last, 0, served);
  if (tags.length > 1 || (last !== undefined && after === undefined)) return undefined;
  const isNext = ({ type, instance }: ServedEvent): boolean =>
    after === undefined || type > after.type || (type === after.type && instance > after.instance);
  const all = eventsOf(served)
    .filter(isNext)
    .map((event) => summaryOf(served, event));
  let taken = 0;
  const fitting = all.filter(({ length }, nth) => {
    taken += length;
    // One alone must be told, or the request refused as too much.
    return nth === 0 || taken + frameOctets <= room;
  });
  return Buffer.concat([enclosed(0, ...fitting), context(1, contents.boolean(Number(fitting.length < all.length)))]);
}

const priorities = { offnormal: 100, fault: 100, normal: 200 };

function summaryOf(served: ServedDevice, event: ServedEvent): Buffer {
  const { type, instance, state } = event;
  const at = served.announced.get(keyOf(type, instance))?.at ?? [null, null, null];
  return Buffer.concat([
    context(0, objectIdOctets(type, instance)),
    context(1, contents.enumerated(state)),
    context(2, bitOctets(3, acknowledgedOf(event))),
    enclosed(3, ...at.map((wall) => enclosed(2, dateAndTime(wall)))),
    context(4, contents.enumerated(0)), // an alarm
    context(5, bitOctets(3, transitions)), // all of them are told
    enclosed(6, ...Object.values(priorities).map(encoders.unsigned)),
  ]);
}

export const priorityOf = (state: number): number =>
  state === eventState.normal
    ? priorities.normal
    : state === eventState.fault
      ? priorities.fault
      : priorities.offnormal;
