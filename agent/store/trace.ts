import { bad, type Mark, qualities, type Samples } from "./samples.ts";

/**
 * The line that kept samples stand for: each holds until the next one, or until `holdMs` is over – then there is a hole,
 * for one is kept at least every `beatMs`. So a mean is one over time, whatever was thinned out.
 */
export const beatMs = 300_000;
export const holdMs = 2 * beatMs;

/** A stretch of it. */
export interface Bucket {
  /** Where it begins; its end is where the next one does. */
  readonly from: number;
  /** Null where no value was known. */
  readonly min: number | null;
  readonly mean: number | null;
  readonly max: number | null;
  /** Samples kept in it. */
  readonly count: number;
  /** For how long a value was known, ms. */
  readonly knownMs: number;
  /** The worst quality; null: nothing is known, not even that it was bad. */
  readonly worst: (typeof qualities)[number] | null;
}

export interface Trace {
  /** In the order of time. */
  add(at: number, value: number, mark: Mark): void;
  addAll(samples: Samples): void;
  /** A stretch that was summed up before. */
  addBucket(bucket: Bucket, width: number): void;
  /** What lies before was summed up before: samples there only hold into what follows. */
  startAt(at: number): void;
  /** The last sample holds until `end` at most. */
  buckets(end: number): Bucket[];
}

/** Sums up what lies from `from` to before `to`, in `count` buckets; samples before it count as far as they hold into it. */
export function trace(from: number, to: number, count: number): Trace {
  const width = (to - from) / count;
  const sums = Array.from({ length: count }, nothing);
  let last: { at: number; value: number; mark: Mark } | null = null;
  let start = from;

  const place = (at: number): number => Math.min(count - 1, Math.floor((at - from) / width));
  /** Calls with each bucket that is touched, and how long. */
  const spread = (begin: number, end: number, into: (sum: Sum, ms: number) => void): void => {
    const [first, until] = [Math.max(begin, start), Math.min(end, to)];
    if (first >= until) return;
    for (let k = place(first); k < count; k++) {
      const ms = Math.min(until, from + (k + 1) * width) - Math.max(first, from + k * width);
      if (ms <= 0) break;
      into(sums[k] as Sum, ms);
    }
  };
  const holdUntil = (end: number): void => {
    if (last === null) return;
    const { at, value, mark } = last;
    spread(at, Math.min(end, at + holdMs), (sum, ms) => hold(sum, value, mark, ms));
  };
  const add = (at: number, value: number, mark: Mark): void => {
    if (last !== null && at <= last.at) return;
    holdUntil(at);
    last = { at, value, mark };
    if (at < start || at >= to) return;
    const sum = sums[place(at)] as Sum;
    sum.count++;
    hold(sum, value, mark, 0);
  };
  return {
    add,
    addAll({ count: all, ats, values, marks }) {
      for (let i = 0; i < all; i++) add(ats[i] ?? 0, values[i] ?? Number.NaN, marks[i] ?? bad);
    },
    addBucket(bucket, wide) {
      spread(bucket.from, bucket.from + wide, (sum, ms) => merge(sum, bucket, ms / wide));
      if (bucket.from >= from && bucket.from < to) (sums[place(bucket.from)] as Sum).count += bucket.count;
    },
    startAt(at) {
      start = Math.max(start, at);
    },
    buckets(end) {
      holdUntil(end);
      return sums.map((sum, k) => told(sum, from + k * width));
    },
  };
}

interface Sum {
  count: number;
  min: number;
  max: number;
  /** Of value × ms. */
  area: number;
  ms: number;
  worst: Mark;
}

const nothing = (): Sum => ({ count: 0, min: Infinity, max: -Infinity, area: 0, ms: 0, worst: -1 });

function hold(sum: Sum, value: number, mark: Mark, ms: number): void {
  sum.worst = Math.max(sum.worst, mark);
  if (mark !== bad) widen(sum, value, value, value * ms, ms);
}

function merge(sum: Sum, { min, mean, max, knownMs, worst }: Bucket, share: number): void {
  if (worst !== null) sum.worst = Math.max(sum.worst, qualities.indexOf(worst));
  if (min !== null && mean !== null && max !== null) widen(sum, min, max, mean * knownMs * share, knownMs * share);
}

function widen(sum: Sum, min: number, max: number, area: number, ms: number): void {
  sum.min = Math.min(sum.min, min);
  sum.max = Math.max(sum.max, max);
  sum.area += area;
  sum.ms += ms;
}

function told({ count, min, max, area, ms, worst: mark }: Sum, from: number): Bucket {
  const worst = qualities[mark] ?? null;
  if (min > max) return { from, min: null, mean: null, max: null, count, knownMs: 0, worst };
  // Seen, but for no time; and sums of many are a little off.
  const mean = ms === 0 ? (min + max) / 2 : Math.min(max, Math.max(min, area / ms));
  return { from, min, mean, max, count, knownMs: Math.round(ms), worst };
}
