import { isIP, SocketAddress } from "node:net";
import type { Env } from "../../agent/env.ts";
import type { Closable } from "../driver.ts";
import type { Peer } from "./peer.ts";
import type { Bus } from "./schema.ts";
import type { MessageV3 } from "./v3.ts";

/**
 * What all sessions and the listener of an agent know together: at which address each bus has its device, and which clock
 * each engine of SNMPv3 has proven. By the first a trap finds its device, by the second it is seen to be no old one.
 */
export interface Engines extends Closable {
  /** The bus is there now. */
  place(bus: Bus, peer: Pick<Peer, "address" | "port">): void;
  /** Buses at an address. */
  at(address: string): readonly Bus[];
  /** Buses whose device has proven last that this is its engine. */
  of(engineId: Buffer): readonly Bus[];
  /** The device of a bus has said so in an answer to a request that nobody could foretell. */
  proven(bus: Bus, told: EngineClock): void;
  /**
   * Whether an authentic message that nobody asked for is new (RFC 3414, 3.2, 7b): neither the engine's boots nor its time have
   * gone back further than the window, nor has the same message come before. If so, its clock is followed.
   */
  isTimely(message: EngineClock & Pick<MessageV3, "digest">): boolean;
}

/** Boots, and seconds since the last one. */
export type EngineClock = Pick<MessageV3, "engineId" | "boots" | "time">;

interface Clock {
  boots: number;
  time: number;
  /** When it was so, by our clock, ms. */
  at: number;
  /** Digests of the messages that came within the window, oldest first. */
  readonly seen: Set<string>;
}

interface Found {
  readonly address: string;
  readonly port: number;
  told?: EngineClock;
}

export const windowS = 150;
const bootsMax = 2 ** 31 - 1;
/** Who is not remembered could be replayed once: many more than an agent has devices. */
const clocksMax = 2000;
const seenMax = 500;
/** Answers of one device to two sessions may overtake each other by as much, seconds. */
const slackS = 10;

export function enginesOf(env: Env): Engines {
  const found = new Map<Bus, Found>();
  const buses = new Map<string, Set<Bus>>();
  const clocks = new Map<string, Clock>();
  const notices = noticesOf(env);
  const now = (): number => env.clock.mono();

  const follow = (id: string, { boots, time }: EngineClock, before: Clock | undefined): Clock => {
    const seen = before !== undefined && before.boots === boots ? before.seen : new Set<string>();
    const clock = { boots, time, at: now(), seen };
    clocks.delete(id);
    clocks.set(id, clock);
    if (clocks.size > clocksMax) clocks.delete(clocks.keys().next().value ?? "");
    return clock;
  };

  return {
    place(bus, { address: written, port }) {
      const address = canonical(written);
      const before = found.get(bus);
      if (before?.address === address && before.port === port) return;
      if (before !== undefined) buses.get(before.address)?.delete(bus);
      found.set(bus, { address, port });
      buses.set(address, (buses.get(address) ?? new Set()).add(bus));
    },
    at: (address) => [...(buses.get(canonical(address)) ?? [])],
    of: (engineId) => [...found].flatMap(([bus, { told }]) => (told?.engineId.equals(engineId) ? [bus] : [])),
    proven(bus, told) {
      const { engineId, boots, time } = told;
      const id = engineId.toString("hex");
      follow(id, told, clocks.get(id));
      const device = found.get(bus);
      if (device === undefined) return;
      notices.hear(`${device.address}:${device.port}`, { engineId: Buffer.from(engineId), boots, time }, device.told);
      device.told = { engineId: Buffer.from(engineId), boots, time };
    },
    isTimely(message) {
      const id = message.engineId.toString("hex");
      const known = clocks.get(id);
      if (message.boots === bootsMax) return false;
      if (known !== undefined && !isWithin(known, message, now())) return false;
      const isNewer = known === undefined || message.boots > known.boots || message.time > known.time;
      const { seen } = isNewer ? follow(id, message, known) : known;
      const digest = message.digest.toString("hex");
      if (seen.has(digest)) return false;
      seen.add(digest);
      if (seen.size > seenMax) seen.delete(seen.keys().next().value ?? "");
      return true;
    },
    close: async () => {},
  };
}

/** An IPv6 address can be written in many ways. */
const canonical = (address: string): string =>
  address.includes(":") ? new SocketAddress({ address, family: "ipv6" }).address : address;

function isWithin(known: Clock, { boots, time }: EngineClock, now: number): boolean {
  if (boots !== known.boots) return boots > known.boots;
  return time >= known.time + (now - known.at) / 1000 - windowS;
}

/** The address that a bus names itself; a name is looked up by its session. */
export function placeOf({ host, port }: Bus): Pick<Peer, "address" | "port"> | null {
  return isIP(host) === 0 ? null : { address: host, port };
}

/** What is wrong with engines though all can be read, told once each. */
function noticesOf(env: Env) {
  const homes = new Map<string, Set<string>>();
  const stuck = new Set<string>();
  /** Leaves nothing behind: a device may tell another engine each time. */
  const leave = (id: string, device: string): void => {
    const left = homes.get(id);
    left?.delete(device);
    if (left?.size === 0) homes.delete(id);
  };
  return {
    hear(device: string, { engineId, boots, time }: EngineClock, before: EngineClock | undefined): void {
      const id = engineId.toString("hex");
      const isSame = before?.engineId.equals(engineId) === true;
      if (before !== undefined && !isSame) leave(before.engineId.toString("hex"), device);
      const all = homes.get(id) ?? new Set<string>();
      homes.set(id, all);
      if (!all.has(device)) {
        all.add(device);
        if (all.size > 1) env.report("snmp.engine_shared", { engine: id, devices: [...all].slice(-5).join(", ") });
      }
      if (!isSame || stuck.has(device)) return;
      const isBack = boots < before.boots || (boots === before.boots && time + slackS < before.time);
      if (!isBack) return;
      stuck.add(device);
      env.report("snmp.boots_stuck", { device, engine: id, boots });
    },
  };
}
