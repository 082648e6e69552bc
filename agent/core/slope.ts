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
  const slopes: number[] = [];
  for (const [i, a] of window.entries()) {
    for (let j = i + 1; j < window.length; j++) {
      const b = window[j] as Pair;
      if (b.at > a.at) slopes.push((b.value - a.value) / (b.at - a.at));
    }
  }
  const middle = median(slopes);
  return middle === null ? null : middle * 1000;
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
