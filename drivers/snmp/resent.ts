import { createHash } from "node:crypto";
import type { Env } from "../../agent/env.ts";
import * as ber from "./ber.ts";
import { type Pdu, pduElement } from "./message.ts";

/** Informs that were taken: one that comes again was not heard to be confirmed, and is not told anew. */
export interface Taken {
  has(source: string, inform: Pdu): boolean;
  add(source: string, inform: Pdu): void;
}

/** Longer than senders go on. An inform says its sender's sysUpTime, so that no later one is the same. */
const rememberedMs = 150_000;
const rememberedMax = 500;

export function takenInforms({ clock }: Pick<Env, "clock">): Taken {
  /** When each came, the oldest first. */
  const taken = new Map<string, number>();
  // Of the PDU, not of the datagram: with SNMPv3 that is encrypted anew each time.
  const keyOf = (source: string, inform: Pdu): string =>
    `${source} ${createHash("sha256")
      .update(ber.encode(pduElement(inform)))
      .digest("base64")}`;
  return {
    has(source, inform) {
      const at = taken.get(keyOf(source, inform));
      return at !== undefined && clock.mono() - at < rememberedMs;
    },
    add(source, inform) {
      const key = keyOf(source, inform);
      taken.delete(key);
      taken.set(key, clock.mono());
      if (taken.size > rememberedMax) taken.delete(taken.keys().next().value ?? "");
    },
  };
}
