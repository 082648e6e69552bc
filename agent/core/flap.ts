import type { Instant, Mono } from "./sample.ts";

/** Raises and clears in quick succession: one incident is kept open, and its ups and downs are withheld. */
export type Flap = Counted | Sampled;

interface Counted {
  /** Recent raises, oldest first; only those that count. */
  readonly raises: readonly Mono[];
  readonly flapping: boolean;
  readonly movedAt: Mono;
}

interface Sampled {
  /** Rank of the severity at each slot, 0 for normal, oldest first. */
  readonly states: readonly number[];
  readonly flapping: boolean;
  readonly nextAt: Mono;
}

/** `count` raises within `windowMs` are flapping, until nothing moved for `quietMs`. */
interface CountPolicy {
  readonly mode: "count";
  readonly count: number;
  readonly windowMs: number;
  readonly quietMs: number;
}

/** Flapping from `high` per cent on, as Nagios reckons them of a state each `slotMs`, until `low` or less. */
interface NagiosPolicy {
  readonly mode: "nagios";
  readonly high: number;
  readonly low: number;
  readonly slotMs: number;
}

export type FlapPolicy = CountPolicy | NagiosPolicy;

/** After a raise of a severity of this rank. */
export function flapAfterRaise(flap: Flap | null, is: number, now: Instant, policy: FlapPolicy | null): Flap | null {
  if (policy === null) return null;
  if (policy.mode === "count") {
    const before = flap !== null && "raises" in flap ? flap.raises : [];
    const recent = before.filter((at) => at > now.at - policy.windowMs);
    const raises = [...recent, now.at].slice(-policy.count);
    return { raises, flapping: raises.length >= policy.count, movedAt: now.at };
  }
  if (flap === null || !("states" in flap)) return { states: [0, is], nextAt: now.at + policy.slotMs, flapping: false };
  // It counts as a state at once, so that what flaps is held back at its raise and not a slot later.
  return { ...flap, flapping: nagiosFlapPercent([...flap.states, is]) >= policy.high };
}

/** After an up or a down that was withheld. */
export const flapAfterMove = (flap: Flap | null, now: Instant): Flap | null =>
  flap !== null && "raises" in flap ? { ...flap, movedAt: now.at } : flap;

/** When time alone changes it; null: never. */
export function flapMovesAt(flap: Flap | null, policy: FlapPolicy | null): Mono | null {
  if (flap === null || policy === null) return null;
  if ("states" in flap) return policy.mode === "nagios" ? flap.nextAt : null;
  return flap.flapping && policy.mode === "count" ? flap.movedAt + policy.quietMs : null;
}

export const isOfMode = (flap: Flap, { mode }: FlapPolicy): boolean => ("states" in flap ? "nagios" : "count") === mode;

/** At the time that `flapMovesAt` named, with the severity of this rank; null: it is over. */
export function flapAfterTime(flap: Flap, is: number, now: Instant, policy: FlapPolicy | null): Flap | null {
  if (!("states" in flap) || policy?.mode !== "nagios") return null;
  const states = [...flap.states, is].slice(-slots);
  const percent = nagiosFlapPercent(states);
  const flapping = flap.flapping && percent > policy.low;
  // All the same: there is nothing to remember.
  if (!flapping && percent === 0) return null;
  const late = Math.floor((now.at - flap.nextAt) / policy.slotMs);
  return { states, flapping, nextAt: flap.nextAt + (late + 1) * policy.slotMs };
}

const slots = 21;

/**
 * How much a condition flaps, in per cent, as Nagios reckons it: of 21 states, oldest first, each of the 20 changes
 * weighs from 0.75 (oldest) to 1.25 (newest); of fewer states, those before are taken for the first one.
 * Source: nagioscore, base/flapping.c.
 */
export function nagiosFlapPercent(states: readonly number[]): number {
  const newest = states.slice(-slots);
  const changes = slots - 1;
  const skipped = slots - newest.length;
  let weight = 0;
  for (let i = 1; i < newest.length; i++) {
    if (newest[i] !== newest[i - 1]) weight += 0.75 + (0.5 * (skipped + i - 1)) / (changes - 1);
  }
  return (weight * 100) / changes;
}
