import type { Env } from "../../agent/env.ts";
import { type Deadline, deadlineIn } from "../deadline.ts";
import { faults, type Inquiry, type Learnt, type News, type Reading, type Session } from "../driver.ts";
import { untold } from "../told.ts";
import { abilitiesOf } from "./ability.ts";
import { type Acquaintance, acquaintance, type Met, type NotMet } from "./acquaintance.ts";
import { subscriptions } from "./cov.ts";
import { readEvents } from "./events.ts";
import type { Point, Request } from "./plan.ts";
import { isOfObject } from "./question.ts";
import { readObjects } from "./reader.ts";
import { type Bus, type Device, isOfEvents, type Part } from "./schema.ts";
import { tell } from "./self-told.ts";
import type { Hub } from "./wire/hub.ts";

/** What a session is made with. */
export interface SessionOptions {
  readonly env: Env;
  readonly hub: Hub;
  readonly learnt?: Learnt | undefined;
  readonly news?: News | undefined;
}

/** Reads the devices of one bus, each by requests one after the other. */
export function sessionOn(bus: Bus, { env, hub, learnt, news }: SessionOptions): Session<Request> {
  const abilities = abilitiesOf(bus.maxPoints, learnt, env.clock.mono);
  const devices = new Map<number, Acquaintance>();
  const cov = subscriptions(env, hub, bus, (readings) => news?.(readings));
  let isClosed = false;

  const known = (device: Device): Acquaintance => {
    const one = devices.get(device.instance) ?? acquaintance(hub, bus, device, abilities.of(device.instance));
    devices.set(device.instance, one);
    return one;
  };
  const met = async (device: Device, by: Deadline): Promise<Met | NotMet> =>
    isClosed ? { fault: "unreachable", detail: "the session is closed" } : known(device).meet(by);
  const lost = (device: Device): void => {
    known(device).lost();
    cov.lost(device.instance);
  };

  const readFrom = async (device: Device, points: readonly Point[], by: Deadline): Promise<readonly Reading[]> => {
    const there = await met(device, by);
    if ("fault" in there) return faults({ points }, there.fault, there.detail);
    const ability = abilities.of(device.instance);
    const began = env.clock.mono();
    const ofObjects = points.filter(isOfObject);
    const readings: Reading[] = [...(await readObjects(ofObjects, ability, there.ask, by))];
    const ofEvents = points.filter((point) => !isOfObject(point));
    if (ofEvents.length > 0) {
      const events = await readEvents(ability, there.ask, by);
      for (const { id, address } of ofEvents) {
        const isMeant = isOfEvents(address) && address.events === "active" ? isActive : isUnacknowledged;
        if ("fault" in events) readings.push({ point: id, ...events });
        else readings.push({ point: id, value: events.filter(isMeant).length });
      }
    }
    abilities.note(device.instance);
    if (readings.some((one) => "fault" in one && (one.fault === "timeout" || one.fault === "unreachable"))) {
      lost(device);
      return readings;
    }
    cov.verify(ofObjects, cov.newest(ofObjects, readings, began));
    await cov.keep(ofObjects, there, by);
    return cov.newest(ofObjects, readings, began);
  };

  return {
    async read({ points }, timeoutMs) {
      const [first] = points;
      if (first === undefined) return [];
      const readings = await readFrom(first.device, points, deadlineIn(env, timeoutMs));
      const byPoint = new Map(readings.map((one) => [one.point, one]));
      return points.map(({ id }) => byPoint.get(id) ?? { point: id, fault: "bad_reply", detail: "not read" });
    },
    async identify({ device, parts }: Inquiry<Device, Part>, timeoutMs) {
      const by = deadlineIn(env, timeoutMs);
      const there = await met(device, by);
      if ("fault" in there) return parts.map(({ name }) => untold(name, there.fault, there.detail));
      const told = await tell(device, parts, there.ask, abilities.of(device.instance), by);
      if (told.some((one) => "fault" in one && (one.fault === "timeout" || one.fault === "unreachable"))) lost(device);
      return told;
    },
    async close() {
      isClosed = true;
      cov.close();
      for (const one of devices.values()) one.cancel("the session is closed");
    },
  };
}

const isActive = ({ state }: { readonly state: number }): boolean => state !== 0;
const isUnacknowledged = ({ isAcknowledged }: { readonly isAcknowledged: boolean }): boolean => !isAcknowledged;
