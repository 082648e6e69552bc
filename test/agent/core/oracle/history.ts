import {
  above,
  add,
  atLeast,
  divide,
  type Exact,
  exact,
  greatest,
  least,
  median,
  multiply,
  subtract,
  sum,
} from "./exact.ts";

/** Everything that happened since the start or the last restart, oldest first; whatever is known is found in it anew. */
export type History = readonly Entry[];

/** `at`: ms of engine time. `value` null: not good. Samples that are duplicate or late are not in it. */
export type Entry =
  | { readonly what: "sample"; readonly at: number; readonly point: string; readonly value: Exact | null }
  | { readonly what: "replaced"; readonly at: number; readonly point: string };

export interface Good {
  readonly at: number;
  readonly value: Exact;
}

export interface Counter {
  readonly bits: number;
  readonly maxRate: number;
  readonly uptime?: string;
}

const seconds = (ms: number): Exact => divide(exact(ms), exact(1000));

export const samplesOf = (history: History, point: string) =>
  history.flatMap((entry) => (entry.what === "sample" && entry.point === point ? [entry] : []));

const goodOf = (history: History, point: string): Good[] =>
  samplesOf(history, point).flatMap(({ at, value }) => (value === null ? [] : [{ at, value }]));

/** What happened since a point last had a new sensor. */
function sinceReplaced(history: History, point: string): History {
  const mark = history.findLastIndex((entry) => entry.what === "replaced" && entry.point === point);
  return history.slice(mark + 1);
}

/** 1.4: the closed interval [now − length, now], cut at the newest gap. */
export function windowOf(
  history: History,
  point: string,
  now: number,
  length: number,
  maxGap = length / 2,
  counter?: Counter,
): Good[] {
  const all = counter === undefined ? goodOf(sinceReplaced(history, point), point) : unwrapped(history, point, counter);
  const inside = all.filter(({ at }) => at >= now - length);
  const gap = inside.findLastIndex(({ at }, i) => i > 0 && at - (inside[i - 1] as Good).at > maxGap);
  return inside.slice(Math.max(gap, 0));
}

/** 1.4: wraps undone; what came before the newest reset is gone. */
function unwrapped(history: History, point: string, { bits, maxRate, uptime }: Counter): Good[] {
  const wrap: Exact = { over: 2n ** BigInt(bits), under: 1n };
  let run: Good[] = [];
  let before: Good | null = null;
  let up: Exact | null = null;
  for (const entry of history) {
    if (entry.what === "replaced" && entry.point === point) [run, before] = [[], null];
    if (entry.what !== "sample" || entry.value === null) continue;
    if (entry.point === uptime) {
      if (up !== null && above(up, entry.value)) [run, before] = [[], null];
      up = entry.value;
    }
    if (entry.point !== point) continue;
    const current = { at: entry.at, value: entry.value };
    const last = run.at(-1);
    const step = before === null ? null : counted(before, current, wrap, maxRate);
    run = step === null || last === undefined ? [current] : [...run, { at: entry.at, value: add(last.value, step) }];
    before = current;
  }
  return run;
}

/** What was counted between two readings; null: it began anew. */
function counted(before: Good, now: Good, wrap: Exact, maxRate: number): Exact | null {
  const fall = subtract(before.value, now.value);
  if (!above(fall, exact(0))) return subtract(now.value, before.value);
  const step = subtract(wrap, fall);
  const isWrap =
    above(multiply(fall, exact(2)), wrap) &&
    atLeast(multiply(exact(maxRate), seconds(now.at - before.at)), step) &&
    now.at > before.at;
  return isWrap ? step : null;
}

export function isFilled(window: readonly Good[], minSamples: number, minSpan: number, length: number): boolean {
  const [first, last] = [window[0], window.at(-1)];
  if (first === undefined || last === undefined) return false;
  return window.length >= minSamples && last.at - first.at >= minSpan * length;
}

export const rangeOf = (window: readonly Good[]): Exact =>
  subtract(greatest(window.map(({ value }) => value)), least(window.map(({ value }) => value)));

/** Units per second; null where time does not advance. */
export function slopeOf(window: readonly Good[], estimator: string): Exact | null {
  const [first, last] = [window[0] as Good, window.at(-1) as Good];
  if (first.at === last.at) return null;
  if (estimator === "endpoint") return between(first, last);
  return estimator === "ols" ? leastSquares(window) : theilSen(bucketed(window));
}

const between = (a: Good, b: Good): Exact => divide(subtract(b.value, a.value), seconds(b.at - a.at));

function leastSquares(window: readonly Good[]): Exact {
  const mean = (all: readonly Exact[]): Exact => divide(sum(all), exact(all.length));
  const meanTime = mean(window.map(({ at }) => seconds(at)));
  const meanValue = mean(window.map(({ value }) => value));
  const passed = window.map(({ at }) => subtract(seconds(at), meanTime));
  const over = window.map(({ value }, i) => multiply(passed[i] as Exact, subtract(value, meanValue)));
  return divide(sum(over), sum(passed.map((one) => multiply(one, one))));
}

function theilSen(window: readonly Good[]): Exact | null {
  const slopes = window.flatMap((a, i) =>
    window
      .slice(i + 1)
      .filter((b) => b.at !== a.at)
      .map((b) => between(a, b)),
  );
  return slopes.length === 0 ? null : median(slopes);
}

/** 1.4: beyond 61 samples the medians of 61 buckets stand for them. The text leaves open how they are dealt out: evenly. */
function bucketed(window: readonly Good[]): readonly Good[] {
  const most = 61;
  if (window.length <= most) return window;
  const bound = (bucket: number): number => Math.floor((bucket * window.length) / most);
  return Array.from({ length: most }, (_, bucket) => {
    const inside = window.slice(bound(bucket), bound(bucket + 1));
    const { over, under } = median(inside.map(({ at }) => exact(at)));
    return { at: Number(over) / Number(under), value: median(inside.map(({ value }) => value)) };
  });
}
