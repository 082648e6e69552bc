import type { Wall } from "../../../agent/core/sample.ts";
import { kindOf } from "../object-kinds.ts";
import { deviceObject, objectTypes, properties } from "../schema.ts";
import {
  bitOctets,
  contents,
  context,
  dateAndTime,
  type Encoding,
  enclosed,
  objectIdOctets,
  textOctets,
} from "../wire/encode.ts";
import { eventState } from "./event-state.ts";
import { type Announced, keyOf, type ServedDevice } from "./served.ts";
import { priorityOf } from "./served-events.ts";
import { flagsOf, type State } from "./served-object.ts";

/** What a simulated device says when the event state of one of its objects changes: an event notification (ASHRAE 135, 13.8). */

interface Transition {
  readonly type: number;
  readonly instance: number;
  readonly from: number;
  readonly to: number;
}

const everyProcess = 0;
const notificationClass = 1;
/** BACnetEventType. */
const eventType = { changeOfState: 1, outOfRange: 5, unsignedRange: 11, changeOfReliability: 19 } as const;
const outOfRange: Readonly<Record<Encoding, number>> = {
  ...{ real: eventType.outOfRange, double: 14, signed: 15, unsigned: 16 },
  ...{ enumerated: eventType.changeOfState, boolean: eventType.changeOfState },
};
const noState: State = { presentValue: null, eventState: 0, reliability: 0, isOutOfService: false, covIncrement: 0 };

/** What was so at the start is normal, unless a point tells the event state. */
export function announcer(served: ServedDevice) {
  const presentValue = (type: number, instance: number): number | null =>
    served.told(type, instance, properties["present-value"]);
  const normal = new Map(
    served.objects().map(({ type, instance }) => [keyOf(type, instance), presentValue(type, instance)]),
  );

  function stateNow(type: number, instance: number, from: number): number {
    const told = served.told(type, instance, properties["event-state"]);
    if (told !== null) return told;
    const [now, start = null] = [presentValue(type, instance), normal.get(keyOf(type, instance))];
    // Of an object that nobody reads it is not known how it is: each time it has changed.
    if (now === null) return from === eventState.normal ? eventState.offnormal : eventState.normal;
    if (now === start) return eventState.normal;
    if (kindOf(type).family !== "analog") return eventState.offnormal;
    return now > (start ?? 0) ? eventState.highLimit : eventState.lowLimit;
  }

  /** The parameters of the notification about an object, whose event state is from now on what it says. */
  return (type: number, instance: number, at: Wall): Buffer => {
    const before = served.announced.get(keyOf(type, instance));
    const from = before?.state ?? eventState.normal;
    const to = stateNow(type, instance, from);
    served.announced.set(keyOf(type, instance), { state: to, at: stamped(before?.at ?? [null, null, null], to, at) });
    return notification(served, { type, instance, from, to }, at);
  };
}

function stamped([offnormal, fault, normal]: Announced["at"], to: number, at: Wall): Announced["at"] {
  if (to === eventState.normal) return [offnormal, fault, at];
  return to === eventState.fault ? [offnormal, at, normal] : [at, fault, normal];
}

function notification(served: ServedDevice, transition: Transition, at: Wall): Buffer {
  const { type, instance, from, to } = transition;
  const name = served.nameOf(type, instance) ?? `${type} ${instance}`;
  const [event, values] = valuesOf(served, transition);
  return Buffer.concat([
    context(0, contents.unsigned(everyProcess)),
    context(1, objectIdOctets(deviceObject, served.instance)),
    context(2, objectIdOctets(type, instance)),
    enclosed(3, enclosed(2, dateAndTime(at))),
    context(4, contents.unsigned(notificationClass)),
    context(5, contents.unsigned(priorityOf(to))),
    context(6, contents.enumerated(event)),
    context(7, textOctets(`${name}: ${to === eventState.normal ? "normal" : "alarm"}`)),
    context(8, contents.enumerated(0)), // an alarm
    context(9, contents.boolean(1)), // to be acknowledged
    context(10, contents.enumerated(from)),
    context(11, contents.enumerated(to)),
    enclosed(12, enclosed(event, ...values)),
  ]);
}

/** What was watched, by the type of event that watches objects of this type. */
function valuesOf(served: ServedDevice, { type, instance, from, to }: Transition): [event: number, values: Buffer[]] {
  const state = served.state(type, instance) ?? noState;
  const flags = (number: number): Buffer => context(number, bitOctets(4, flagsOf(state)));
  const { encoding, family } = kindOf(type);
  const value = state.presentValue ?? 0;
  if (from === eventState.fault || to === eventState.fault)
    return [eventType.changeOfReliability, [context(0, contents.enumerated(state.reliability)), flags(1), enclosed(2)]];
  if (family === "binary" || family === "states") {
    const choice = family === "binary" ? 1 : 11; // BACnetPropertyStates: binary-value, unsigned-value
    return [eventType.changeOfState, [enclosed(0, context(choice, contents.unsigned(value))), flags(1)]];
  }
  const limit = to === eventState.lowLimit ? properties["low-limit"] : properties["high-limit"];
  const exceeded = contents[encoding](served.told(type, instance, limit) ?? value);
  const exceeding = context(0, contents[encoding](value));
  if (type === objectTypes.accumulator) return [eventType.unsignedRange, [exceeding, flags(1), context(2, exceeded)]];
  const band = served.told(type, instance, properties.deadband) ?? 0;
  const deadband = contents[encoding === "signed" ? "unsigned" : encoding](band);
  return [outOfRange[encoding], [exceeding, flags(1), context(2, deadband), context(3, exceeded)]];
}
