import type { Env } from "../../../agent/env.ts";
import type { Range } from "../../driver.ts";
import { paceMs } from "../wire/whois.ts";

/** Devices of a network are numbered closely in some places, and not at all in most. */
const firstWidth = 1000;
const widest = 100_000;
/** More answers to one question than this, and the next one is about fewer: hundreds at once drown a network. */
const many = 100;
const restMs = 2000;

interface Sweep {
  readonly ranges: readonly Range[];
  readonly signal: AbortSignal;
  ask(low: number, high: number): void;
  /** How many answers have come so far. */
  answers(): number;
  /** So many more numbers were asked for. */
  tried(count: number): void;
}

/**
 * Asks for all instances of the ranges, a part at a time and five parts a second at most. A part is as wide as the answers to the
 * one before allow: the whole of BACnet's numbers in some 45 questions where few answer.
 */
export async function sweep(env: Env, { ranges, signal, ask, answers, tried }: Sweep): Promise<void> {
  let width = firstWidth;
  for (const { from, to } of ranges) {
    for (let low = from; low <= to && !signal.aborted; ) {
      const high = Math.min(low + width - 1, to);
      const before = answers();
      ask(low, high);
      await pause(env, paceMs, signal);
      const isMany = answers() - before > many;
      if (isMany) await pause(env, restMs, signal);
      width = isMany ? Math.ceil(width / 4) : Math.min(width * 4, widest);
      tried(high - low + 1);
      low = high + 1;
    }
  }
}

/** Over when `signal` is aborted. */
export function pause(env: Env, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = env.after(ms, done);
    if (signal.aborted) done();
    else signal.addEventListener("abort", done);
  });
}
