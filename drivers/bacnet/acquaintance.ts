import type { BadReason } from "../../agent/core/sample.ts";
import type { Deadline } from "../deadline.ts";
import type { Ability } from "./ability.ts";
import { type Answer, resultKey } from "./answer.ts";
import { decode, errorTag, instanceOf, isUnknownObject } from "./codec.ts";
import { readMultiple, readSingle } from "./library.ts";
import { type Ask, isUnknownService } from "./reader.ts";
import { type Bus, type Device, deviceObject, instanceMax } from "./schema.ts";
import { apduMax } from "./wire/apdu.ts";
import type { Hub } from "./wire/hub.ts";
import { type Exchange, type Line, type Peer, sayPeer } from "./wire/line.ts";
import type { Located } from "./wire/whois.ts";

/** Where a device is, and that it is the one that is meant: its instance is its identity, never its address alone. */
export interface Acquaintance {
  /** The line to it; asks what is not known since it was last silent. */
  meet(by: Deadline): Promise<Met | NotMet>;
  /** It did not answer: who is there next has to be seen, and where a device is that was found by Who-Is. */
  lost(): void;
  /** Nothing is asked any more. */
  cancel(why: string): void;
}

export interface Met {
  readonly line: Line;
  readonly ask: Ask;
}
export interface NotMet {
  readonly fault: BadReason;
  readonly detail: string;
}

const objectIdentifier = 75;
const longestApdu = 62;
/** Any device answers to this instance as its own (ASHRAE 135, 15.5.2). */
const whoeverYouAre = instanceMax + 1;

export function acquaintance(hub: Hub, bus: Bus, device: Device, ability: Ability): Acquaintance {
  const fixed = fixedPeer(bus, device);
  let peer: Peer | undefined = fixed;
  let isProven = false;
  const underWay = new Set<Exchange>();
  const looking = new Set<(none: NotMet) => void>();
  let whyOver: string | null = null;

  const find = (by: Deadline): Promise<Located | NotMet> =>
    new Promise((resolve) => {
      looking.add(resolve);
      void hub.directory.find(device.instance, by).then((found) => {
        looking.delete(resolve);
        resolve(found);
      });
    });

  const askOn =
    (line: Line): Ask =>
    async (encode, by) => {
      if (whyOver !== null) return { kind: "fault", fault: "unreachable", detail: whyOver };
      const leftMs = Math.floor(by.leftMs());
      if (leftMs <= 0) return { kind: "fault", fault: "timeout", detail: "no time left in this read" };
      const exchange = line.ask(encode, leftMs);
      underWay.add(exchange);
      const answer = await exchange.answer;
      underWay.delete(exchange);
      return answer;
    };

  return {
    async meet(by) {
      if (peer === undefined) {
        const found = await find(by);
        if ("fault" in found) return found;
        peer = found.peer;
        ability.apduMax = found.apduMax;
      }
      const line = hub.line(peer);
      const ask = askOn(line);
      if (isProven) return { line, ask };
      const flaw = await prove(device.instance, ability, peer, ask, by);
      if (flaw !== null) {
        if (flaw.fault !== "identity_mismatch") return flaw;
        // Who was found by Who-Is, and is another one now, has moved.
        peer = fixed;
        return flaw;
      }
      isProven = true;
      return { line, ask };
    },
    lost() {
      isProven = false;
      peer = fixed;
    },
    cancel(why) {
      whyOver = why;
      for (const end of looking) end({ fault: "unreachable", detail: why });
      for (const exchange of underWay) exchange.cancel(why);
    },
  };
}

function fixedPeer({ host, port }: Bus, { network, mac }: Device): Peer | undefined {
  if (host === undefined) return undefined;
  const station = network === undefined || mac === undefined ? null : { network, mac };
  return { host, port, station };
}

/** Null: it is the device, as far as it tells. */
async function prove(instance: number, ability: Ability, peer: Peer, ask: Ask, by: Deadline): Promise<NotMet | null> {
  const object = { type: deviceObject, instance };
  const properties = [{ id: objectIdentifier }, { id: longestApdu }];
  let answer: Answer | undefined;
  if (!ability.isSingle) {
    answer = await ask((invokeId) => readMultiple([{ object, properties }], invokeId), by);
    if (isUnknownService(answer)) ability.isSingle = true;
  }
  if (answer === undefined || ability.isSingle)
    answer = await ask((invokeId) => readSingle(object, { id: objectIdentifier }, invokeId), by);

  if (answer.kind === "fault") return { fault: answer.fault, detail: answer.detail };
  if (answer.kind === "results") {
    const longest = answer.results.get(resultKey(object, longestApdu));
    const most = longest === undefined ? undefined : decode(longest);
    if (typeof most === "number") ability.apduMax = Math.min(Math.max(most, 50), apduMax);
    const own = answer.results.get(resultKey(object, objectIdentifier));
    const told = instanceOf(own);
    if (told === instance) return null;
    // What it does not tell proves nothing; a device that is another one has no such object.
    if (told === undefined && !isUnknownObject(own)) return null;
    return stranger(instance, told ?? (await whoIsThere(ask, by)), peer);
  }
  return isUnknownObject([{ type: errorTag, value: answer }])
    ? stranger(instance, await whoIsThere(ask, by), peer)
    : null;
}

async function whoIsThere(ask: Ask, by: Deadline): Promise<number | undefined> {
  const object = { type: deviceObject, instance: whoeverYouAre };
  const answer = await ask((invokeId) => readSingle(object, { id: objectIdentifier }, invokeId), by);
  if (answer.kind !== "results") return undefined;
  return [...answer.results.values()].map(instanceOf).find((one) => one !== undefined);
}

const stranger = (instance: number, told: number | undefined, peer: Peer): NotMet => ({
  fault: "identity_mismatch",
  detail: `${told === undefined ? "another device" : `device ${told}`} answers at ${sayPeer(peer)}, not ${instance}; set its instance or its address right`,
});
