import * as z from "zod";
import type { Env } from "../../agent/env.ts";
import { type Capacity, lidOf, tryMore, unlimited } from "../capacity.ts";
import type { Learnt } from "../driver.ts";
import { isOid } from "./address.ts";

/** What a session finds out of its device, as it stands; its requests change it. */
export interface Known {
  /** Of GetRequests. */
  gets: Capacity;
  /** Of GetBulkRequests, in bindings of the answer. */
  walks: Capacity;
  /** OIDs that made a request fail, the last one last: each is asked for alone. */
  readonly failing: Set<string>;
}

/** The same, over restarts. */
export interface Memory {
  readonly known: Known;
  /** Before a read: now and then more is asked for again than was once too much. */
  begin(): void;
  /** After it: writes what is new. */
  end(): void;
}

/** A trial costs a device that refuses an exchange, one that is silent half of a read's time. */
const tryAgainMs = 24 * 3_600_000;
/** An OID that fails now and then would be written again and again; what has changed meanwhile is written with the next read. */
const writeAgainMs = 10 * 60_000;
/** Rows that moved, and configurations past, leave OIDs behind; there is no end to those. */
const failingMax = 200;

const size = z.int().min(1);
const schema = z.object({
  gets: size.optional(),
  walks: size.optional(),
  failing: z.array(z.string().refine(isOid)).default([]),
});

/** @param most how many OIDs the bus allows in a request */
export function memoryOf(learnt: Learnt | undefined, most: number, { clock }: Pick<Env, "clock">): Memory {
  const before = schema.safeParse(learnt?.before).data;
  const known: Known = {
    gets: unlimited(Math.min(most, before?.gets ?? most)),
    walks: unlimited(Math.min(most, before?.walks ?? most)),
    failing: new Set(before?.failing.slice(-failingMax)),
  };
  let triedAt = clock.mono();
  let written = JSON.stringify(writtenOf(known, most));
  let writtenAt = Number.NEGATIVE_INFINITY;
  return {
    known,
    begin() {
      if (clock.mono() - triedAt < tryAgainMs) return;
      triedAt = clock.mono();
      known.gets = tryMore(known.gets, most);
      known.walks = tryMore(known.walks, most);
    },
    end() {
      for (const old of [...known.failing].slice(0, -failingMax)) known.failing.delete(old);
      const now = writtenOf(known, most);
      const json = JSON.stringify(now);
      if (json === written || clock.mono() - writtenAt < writeAgainMs) return;
      [written, writtenAt] = [json, clock.mono()];
      learnt?.keep(now);
    },
  };
}

/** Sorted, for their order changes with each failure. What the bus allows anyway is not learnt: it may be allowed more one day. */
const writtenOf = ({ gets, walks, failing }: Known, most: number): z.input<typeof schema> => ({
  ...(lidOf(gets) < most && { gets: lidOf(gets) }),
  ...(lidOf(walks) < most && { walks: lidOf(walks) }),
  failing: [...failing].sort(),
});
