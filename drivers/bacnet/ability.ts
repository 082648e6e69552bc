import * as z from "zod";
import type { Mono } from "../../agent/core/sample.ts";
import { type Capacity, lidOf, tryMore, unlimited } from "../capacity.ts";
import type { Learnt } from "../driver.ts";
import type { ResultKey } from "./answer.ts";
import { apduMax } from "./wire/apdu.ts";

/** What a device can, as it told and as its refusals showed. */
export interface Ability {
  /** Longest APDU that it takes, octets. */
  apduMax: number;
  /** How many objects it answers at once. */
  capacity: Capacity;
  /** It knows ReadProperty only. */
  isSingle: boolean;
  /** Objects seen to have no status-flags; matters only when asking singly. */
  readonly flagless: Set<ResultKey>;
  /** How it tells of its events; null: not at all. */
  events: EventService | null;
  /** When it was last tried whether it can more. */
  triedAt: Mono;
}

export type EventService = "GetEventInformation" | "GetAlarmSummary";

const schema = z.record(
  z.string(),
  z.object({
    most: z.int().min(1),
    isSingle: z.boolean(),
    flagless: z.array(z.templateLiteral([z.int(), ":", z.int(), ":", z.int(), ":", z.int()])).max(10_000),
  }),
);
type Written = z.output<typeof schema>;

/** What the devices of a bus can: in memory, and over restarts. */
export interface Abilities {
  /** To be called before each read: once a day it is tried whether the device, or what has replaced it, can more. */
  of(device: number): Ability;
  /** To be called after each read; writes what is new. */
  note(device: number): void;
}

const tryAgainMs = 24 * 3_600_000;

/** @param most objects in one request */
export function abilitiesOf(most: number, learnt: Learnt | undefined, now: () => Mono): Abilities {
  const written: Written = schema.safeParse(learnt?.before).data ?? {};
  const live = new Map<number, Ability>();
  const made = (device: number): Ability => {
    const before = written[device];
    const lid = Math.min(most, before?.most ?? most);
    return {
      ...{ apduMax, capacity: unlimited(lid), isSingle: before?.isSingle ?? false },
      ...{ flagless: new Set(before?.flagless ?? []), events: "GetEventInformation" },
      triedAt: now(),
    };
  };
  return {
    of(device) {
      const ability = live.get(device) ?? made(device);
      live.set(device, ability);
      if (now() - ability.triedAt >= tryAgainMs) {
        ability.capacity = tryMore(ability.capacity, most);
        ability.flagless.clear();
        Object.assign(ability, { isSingle: false, events: "GetEventInformation", triedAt: now() });
      }
      return ability;
    },
    note(device) {
      const ability = live.get(device);
      if (ability === undefined) return;
      const { isSingle, flagless } = ability;
      const lid = lidOf(ability.capacity);
      const before = written[device];
      const isKnown =
        lid === (before?.most ?? most) &&
        isSingle === (before?.isSingle ?? false) &&
        flagless.size === (before?.flagless.length ?? 0);
      if (isKnown) return;
      written[device] = { most: lid, isSingle, flagless: [...flagless] };
      learnt?.keep(written);
    },
  };
}
