import type { Env } from "../../agent/env.ts";
import type { Hint, Listener, ListenHooks } from "../driver.ts";
import { visible } from "../told.ts";
import { type Bus, type Device, type Network, objectName, objectNumber, type Trap } from "./schema.ts";
import type { Hub, NetworkStatus } from "./wire/hub.ts";
import { type Peer, sayPeer } from "./wire/line.ts";
import type { EventNotification } from "./wire/unasked.ts";

/**
 * Event notifications (ASHRAE 135, 13.8 and 13.9): what a device's own alarms say. A hint, no more: the points that it is about are
 * read at once.
 */
export function listen(network: Network, env: Env, hub: Hub, hooks: ListenHooks<Bus, Trap, Device>): Listener {
  const status: NetworkStatus = hub.join(network, {
    event: (notification, from, isConfirmed) => hooks.onHint(hintOf(notification, from, isConfirmed)),
    registration(lost) {
      if (lost === null) env.report("bacnet.registered", { bbmd: network.bbmd?.host ?? "" });
      else env.report("bacnet.unregistered", { why: lost });
      hooks.onRegistered?.(lost);
    },
    dropped: hooks.onDropped,
  });
  return {
    status: () => ({
      at: status.at() ?? `${network.address}:${network.port}`,
      known: knownAs(network, status.isRegistered()),
      trouble: status.trouble(),
      ...{ ...status.counts, answered: 0, refused: [] },
    }),
    // The hub is closed by who made it, after the last session.
    close: async () => {},
  };
}

function knownAs({ instance, bbmd }: Network, isRegistered: boolean | null): string {
  const own = instance === undefined ? "no device" : `device ${instance}`;
  if (bbmd === undefined) return own;
  return `${own}, ${isRegistered === true ? "foreign device of" : "not registered at"} ${bbmd.host}:${bbmd.port}`;
}

function hintOf(notification: EventNotification, from: Peer, isConfirmed: boolean): Hint<Bus, Trap, Device> {
  const { device, object, eventType, from: before, to, text, notifyType } = notification;
  const said = [
    ["event-type", eventTypes[eventType] ?? String(eventType)],
    ["notify-type", notifyTypes[notifyType] ?? String(notifyType)],
    ["from-state", before === null ? null : sayState(before)],
    ["to-state", to === null ? null : sayState(to)],
    ["message-text", text === null ? null : visible(text)],
  ] as const;
  return {
    source: from.host,
    buses: null,
    isFrom: ({ instance }) => instance === device,
    trap: `${objectName(object.type)} ${object.instance}`,
    by: `${isConfirmed ? "confirmed" : "unconfirmed"} event notification of device ${device}, from ${sayPeer(from)}`,
    bindings: said.flatMap(([name, text]) => (text === null ? [] : [{ name, text }])),
    isOf: (trap) => objectNumber(trap) === object.type && trap.instance === object.instance,
  };
}

/** BACnetEventType, BACnetNotifyType, BACnetEventState (ASHRAE 135, 21). */
const eventTypes: readonly (string | undefined)[] = [
  "change-of-bitstring",
  "change-of-state",
  "change-of-value",
  "command-failure",
  "floating-limit",
  "out-of-range",
  undefined,
  undefined,
  "change-of-life-safety",
  "extended",
  "buffer-ready",
  "unsigned-range",
  undefined,
  "access-event",
  "double-out-of-range",
  "signed-out-of-range",
  "unsigned-out-of-range",
  "change-of-characterstring",
  "change-of-status-flags",
  "change-of-reliability",
  "none",
  "change-of-discrete-value",
  "change-of-timer",
];
const notifyTypes = ["alarm", "event", "ack-notification"];
const states = ["normal", "fault", "offnormal", "high-limit", "low-limit", "life-safety-alarm"];
const sayState = (state: number): string => states[state] ?? String(state);
