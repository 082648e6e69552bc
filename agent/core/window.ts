import type { Facts } from "./rule.ts";
import type { Mono, Sample } from "./sample.ts";

/**
 * A window of good samples, oldest first: those of a log from `from` up to, not including, `to`. A window never changes;
 * the one after it shares its log, which only grows behind the newest, so that a sample more costs no copy of the others.
 */
export interface Window {
  readonly log: Log;
  readonly from: number;
  readonly to: number;
}

/** The i-th sample was `values[i]` at `times[i]`. Two arrays of numbers: an object a sample would take thrice the room. */
interface Log {
  readonly times: Mono[];
  readonly values: number[];
  /** Up to which it is written; beyond it there is room. Only the window that ends here may go on in this log. */
  end: number;
}

/** One value that is remembered with its time. */
export interface Pair {
  readonly at: Mono;
  readonly value: number;
}

export const noWindow: Window = { log: { times: [], values: [], end: 0 }, from: 0, to: 0 };

export const windowOf = (pairs: readonly Pair[]): Window => ({
  log: { times: pairs.map(({ at }) => at), values: pairs.map(({ value }) => value), end: pairs.length },
  from: 0,
  to: pairs.length,
});

interface Reach {
  readonly lengthMs: number;
  /** What happened in a longer silence is not known: the window is cut there. */
  readonly maxGapMs: number;
}

/** What a rule with a window says of it; half the window is the longest silence unless it says another. */
export const reachOf = ({ window, maxGap }: { readonly window: number; readonly maxGap?: number }): Reach => ({
  lengthMs: window,
  maxGapMs: maxGap ?? window / 2,
});

/** The window after one more sample: the closed interval [now − length, now], cut at the newest gap. */
export function slide(window: Window, { at, value }: Pair, { lengthMs, maxGapMs }: Reach): Window {
  const { log, to } = window;
  const last = newest(window);
  if (last !== null && at - last.at > maxGapMs) return windowOf([{ at, value }]);
  let { from } = window;
  while (from < to && (log.times[from] as number) < at - lengthMs) from++;
  const goesOn = log.end === to && to < log.times.length;
  const next = goesOn ? { log, from, to: to + 1 } : copied({ log, from, to });
  next.log.times[next.to - 1] = at;
  next.log.values[next.to - 1] = value;
  next.log.end = next.to;
  return next;
}

/** The window in a log of its own, with room for a quarter more; its last sample is yet to be written. */
function copied({ log, from, to }: Window): Window {
  const length = to - from;
  const room = length + (length >> 2) + 2;
  const times = new Array<Mono>(room);
  const values = new Array<number>(room);
  for (let i = 0; i < room; i++) {
    times[i] = i < length ? (log.times[from + i] as number) : 0;
    values[i] = i < length ? (log.values[from + i] as number) : 0;
  }
  return { log: { times, values, end: length }, from: 0, to: length + 1 };
}

export const newest = ({ log: { times, values }, from, to }: Window): Pair | null =>
  to === from ? null : { at: times[to - 1] as number, value: values[to - 1] as number };

export interface Filled {
  readonly window: number;
  readonly minSamples: number;
  /** Share of the length that the samples must span, 0 … 1. */
  readonly minSpan: number;
}

/** How much time lies between the oldest and the newest sample, ms. */
export const spanOf = ({ log: { times }, from, to }: Window): number =>
  to === from ? 0 : (times[to - 1] as number) - (times[from] as number);

export const filled = (window: Window, { window: lengthMs, minSamples, minSpan }: Filled): boolean =>
  window.to - window.from >= minSamples && spanOf(window) >= minSpan * lengthMs;

/** How full a window is and has to be, for who asks why. */
export const windowFacts = (window: Window, wanted: Filled): Facts => ({
  missing: filled(window, wanted) ? null : "window-not-filled",
  windowSamples: window.to - window.from,
  samplesNeeded: wanted.minSamples,
  windowSpanS: spanOf(window) / 1000,
  spanNeededS: (wanted.minSpan * wanted.window) / 1000,
});

/** Lowest and highest value; of none an infinite range, the wrong way round. */
export function extremes({ log: { values }, from, to }: Window): readonly [min: number, max: number] {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return [min, max];
}

export const goodValue = (sample: Sample | null): number | null => (sample?.quality === "good" ? sample.value : null);
