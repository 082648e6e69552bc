import { newest, spanOf, type Window, windowOf } from "./window.ts";

export const estimators = ["theilsen", "ols", "endpoint"] as const;
export type Estimator = (typeof estimators)[number];

/** Slope in units per second; null where time does not advance. */
export function slope(window: Window, estimator: Estimator): number | null {
  switch (estimator) {
    case "theilsen":
      return theilSen(thinned(window));
    case "ols":
      return leastSquares(window);
    case "endpoint":
      return endPoint(window);
  }
}

/** Pairs grow with the square of the samples: beyond 61 (1,830 pairs) bucket medians stand for them. */
const samplesMax = 61;

/** Room for the slopes of all pairs, used anew by each call: to reserve it each time costs more than to fill it. */
const pairSlopes = new Float64Array((samplesMax * (samplesMax - 1)) / 2);

/** Median of all pairwise slopes: one spike, or up to 29 % of the samples, cannot move it far. */
function theilSen({ log: { times, values }, from, to }: Window): number | null {
  let count = 0;
  for (let i = from; i < to; i++) {
    const at = times[i] as number;
    const value = values[i] as number;
    for (let j = i + 1; j < to; j++) {
      const passed = (times[j] as number) - at;
      if (passed > 0) pairSlopes[count++] = ((values[j] as number) - value) / passed;
    }
  }
  if (count === 0) return null;
  const upper = nth(pairSlopes, count, count >> 1);
  if (count % 2 === 1) return upper * 1000;
  // Everything before the middle is at most as large, so the other middle one is the largest of it.
  let lower = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count >> 1; i++) if ((pairSlopes[i] as number) > lower) lower = pairSlopes[i] as number;
  return ((lower + upper) / 2) * 1000;
}

/**
 * Whether the Theil–Sen slope certainly lies between these, in units per second. It only counts the pairs beyond them,
 * which is several times cheaper than to find the one in the middle.
 */
export function theilSenWithin(window: Window, lowest: number, highest: number): boolean {
  const { log, from, to } = thinned(window);
  const { times, values } = log;
  let pairs = 0;
  let above = 0;
  let below = 0;
  for (let i = from; i < to; i++) {
    const at = times[i] as number;
    const value = values[i] as number;
    for (let j = i + 1; j < to; j++) {
      const passed = (times[j] as number) - at;
      if (passed <= 0) continue;
      const went = ((values[j] as number) - value) * 1000;
      pairs++;
      above += went > highest * passed ? 1 : 0;
      below += went < lowest * passed ? 1 : 0;
    }
  }
  // The upper one of the middle pairs is no more than the highest, the lower one no less than the lowest.
  return pairs > 0 && above < pairs - (pairs >> 1) && below <= (pairs - 1) >> 1;
}

/** The k-th smallest of the first `count`, which are reordered: smaller ones before it (Hoare's quickselect). */
function nth(values: Float64Array, count: number, k: number): number {
  let [low, high] = [0, count - 1];
  while (low < high) {
    const pivot = middleOf(values[low] as number, values[(low + high) >> 1] as number, values[high] as number);
    let [i, j] = [low, high];
    while (i <= j) {
      while ((values[i] as number) < pivot) i++;
      while ((values[j] as number) > pivot) j--;
      if (i > j) break;
      const swapped = values[i] as number;
      values[i++] = values[j] as number;
      values[j--] = swapped;
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return values[k] as number;
}

const middleOf = (a: number, b: number, c: number): number => Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));

function leastSquares({ log: { times, values }, from, to }: Window): number | null {
  const meanAt = mean(times, from, to);
  const meanValue = mean(values, from, to);
  let over = 0;
  let under = 0;
  for (let i = from; i < to; i++) {
    const passed = (times[i] as number) - meanAt;
    over += passed * ((values[i] as number) - meanValue);
    under += passed ** 2;
  }
  return under === 0 ? null : (over / under) * 1000;
}

function mean(numbers: readonly number[], from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += numbers[i] as number;
  return sum / (to - from);
}

function endPoint(window: Window): number | null {
  const last = newest(window);
  const passed = spanOf(window);
  return last === null || passed === 0 ? null : ((last.value - (window.log.values[window.from] ?? 0)) / passed) * 1000;
}

/** Null of none. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

function thinned(window: Window): Window {
  const { log, from, to } = window;
  const length = to - from;
  if (length <= samplesMax) return window;
  const bounds = (bucket: number): number => from + Math.floor((bucket * length) / samplesMax);
  const middle = (numbers: readonly number[], bucket: number): number =>
    median(numbers.slice(bounds(bucket), bounds(bucket + 1))) as number;
  return windowOf(
    Array.from({ length: samplesMax }, (_, bucket) => ({
      at: middle(log.times, bucket),
      value: middle(log.values, bucket),
    })),
  );
}
