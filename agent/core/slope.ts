import type { Pair, Window } from "./window.ts";

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

/** Median of all pairwise slopes: one spike, or up to 29 % of the samples, cannot move it far. */
function theilSen(window: Window): number | null {
  const n = window.length;
  const slopes = new Float64Array((n * (n - 1)) / 2);
  let count = 0;
  for (let i = 0; i < n; i++) {
    const a = window[i] as Pair;
    for (let j = i + 1; j < n; j++) {
      const b = window[j] as Pair;
      if (b.at > a.at) slopes[count++] = (b.value - a.value) / (b.at - a.at);
    }
  }
  if (count === 0) return null;
  const upper = nth(slopes, count, count >> 1);
  if (count % 2 === 1) return upper * 1000;
  // Everything before the middle is at most as large, so the other middle one is the largest of it.
  let lower = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count >> 1; i++) lower = Math.max(lower, slopes[i] as number);
  return ((lower + upper) / 2) * 1000;
}

/** The k-th smallest of the first `count`, which are reordered: smaller ones before it (Hoare's quickselect). */
function nth(values: Float64Array, count: number, k: number): number {
  let [low, high] = [0, count - 1];
  while (low < high) {
    const pivot = values[(low + high) >> 1] as number;
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

function leastSquares(window: Window): number | null {
  const n = window.length;
  const meanAt = window.reduce((sum, { at }) => sum + at, 0) / n;
  const meanValue = window.reduce((sum, { value }) => sum + value, 0) / n;
  let over = 0;
  let under = 0;
  for (const { at, value } of window) {
    over += (at - meanAt) * (value - meanValue);
    under += (at - meanAt) ** 2;
  }
  return under === 0 ? null : (over / under) * 1000;
}

function endPoint(window: Window): number | null {
  const first = window[0];
  const last = window.at(-1);
  if (first === undefined || last === undefined || last.at === first.at) return null;
  return ((last.value - first.value) / (last.at - first.at)) * 1000;
}

export function median(values: number[]): number | null {
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  const upper = values[middle] as number;
  return values.length % 2 === 1 ? upper : ((values[middle - 1] as number) + upper) / 2;
}

/** Pairs grow with the square of the samples: beyond 61 (1,830 pairs) bucket medians stand for them. */
const samplesMax = 61;

function thinned(window: Window): Window {
  if (window.length <= samplesMax) return window;
  return Array.from({ length: samplesMax }, (_, bucket) => {
    const from = Math.floor((bucket * window.length) / samplesMax);
    const to = Math.floor(((bucket + 1) * window.length) / samplesMax);
    const part = window.slice(from, to);
    return { at: median(part.map(({ at }) => at)) as number, value: median(part.map(({ value }) => value)) as number };
  });
}
