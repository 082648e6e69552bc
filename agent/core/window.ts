import type { Mono, Sample } from "./sample.ts";

/** A window of good samples, oldest first. The arrays are never changed, only replaced. */
export interface Pair {
  readonly at: Mono;
  readonly value: number;
}
export type Window = readonly Pair[];

/**
 * The window after one more sample: the closed interval [now − length, now], cut at the newest gap longer than
 * `maxGapMs`, since what happened in a long silence is not known.
 */
export function slide(window: Window, { at, value }: Pair, lengthMs: number, maxGapMs: number): Window {
  const last = window.at(-1);
  if (last !== undefined && at - last.at > maxGapMs) return [{ at, value }];
  const kept = window.filter((pair) => pair.at >= at - lengthMs);
  kept.push({ at, value });
  return kept;
}

export interface Filled {
  readonly lengthMs: number;
  readonly minSamples: number;
  /** Share of the length that the samples must span, 0 … 1. */
  readonly minSpan: number;
}

export function filled(window: Window, { lengthMs, minSamples, minSpan }: Filled): boolean {
  const first = window[0];
  const last = window.at(-1);
  if (first === undefined || last === undefined) return false;
  return window.length >= minSamples && last.at - first.at >= minSpan * lengthMs;
}

export const goodValue = (sample: Sample | null): number | null => (sample?.quality === "good" ? sample.value : null);
