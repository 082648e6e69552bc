import type { Mono } from "../core/sample.ts";
import { type Priority, priorities } from "./fairness.ts";

/** How much of its time a bus was in use in the last minute, and for what: counted in stretches of ten seconds. */
export interface Airtime {
  readonly stretches: readonly Stretch[];
  /** When counting began. */
  readonly since: Mono;
}

interface Stretch {
  readonly nth: number;
  readonly usedMs: Readonly<Record<Priority, number>>;
}

/** Shares of the time, 0 … 1, by priority; together 1 where a bus was never idle. */
export type Shares = Readonly<Record<Priority, number>>;

const stretchMs = 10_000;
/** Whole ones, beside the one that goes on. */
const keptStretches = 6;

const none: Shares = { command: 0, alarm: 0, normal: 0, diagnostics: 0 };

export const idle = (now: Mono): Airtime => ({ stretches: [], since: now });

/** An exchange ended at `now` and took `ms`. */
export function used(before: Airtime, priority: Priority, ms: number, now: Mono): Airtime {
  const nth = Math.floor(now / stretchMs);
  const last = before.stretches.at(-1);
  const isSame = last?.nth === nth;
  const usedMs = isSame ? last.usedMs : none;
  const stretch = { nth, usedMs: { ...usedMs, [priority]: usedMs[priority] + ms } };
  const others = isSame ? before.stretches.slice(0, -1) : before.stretches;
  return { ...before, stretches: [...others.filter((one) => one.nth >= nth - keptStretches), stretch] };
}

/** @param window how many exchanges the bus carries at once */
export function sharesOf({ stretches, since }: Airtime, now: Mono, window: number): Shares {
  const first = Math.floor(now / stretchMs) - keptStretches;
  const spanMs = Math.max(1, now - Math.max(since, first * stretchMs)) * window;
  const recent = stretches.filter(({ nth }) => nth >= first);
  const share = (priority: Priority): number => recent.reduce((sum, one) => sum + one.usedMs[priority], 0) / spanMs;
  return Object.fromEntries(priorities.map((one) => [one, share(one)])) as Shares;
}
