import * as z from "zod";
import { counterStep, hasRestarted } from "../counter.ts";
import { duration } from "../duration.ts";
import { phrase, written } from "../language.ts";
import type { Counter } from "../quality.ts";
import { rounded } from "../round.ts";
import { bySide, defineRule, exactly, fullName, levels, type Measure, unknown } from "../rule.ts";
import type { Mono } from "../sample.ts";
import { type Estimator, estimators, slope, theilSenWithin } from "../slope.ts";
import { number } from "../text.ts";
import { filled, goodValue, newest, noWindow, reachOf, slide, type Window, windowFacts, windowOf } from "../window.ts";

interface Config {
  readonly levels: z.output<typeof levels>;
  readonly window: number;
  readonly minSamples: number;
  readonly minSpan: number;
  readonly maxGap?: number;
  readonly per: keyof typeof secondsPer;
  readonly dir: "rise" | "fall" | "both";
  readonly estimator: Estimator;
  readonly onDelay?: number;
  readonly offDelay?: number;
  readonly counter?: Counter | null;
}

/** For a counter the window holds its unwrapped count, so that a wrap is no fall. */
interface Memory {
  readonly window: Window;
  readonly raw: number | null;
  readonly uptime: Uptime | null;
  /** Whether the slope was beyond all that is normal, or unknown, when it was last measured. */
  readonly near: boolean;
}

/** How long the device had been up, and when it said so. */
interface Uptime {
  readonly value: number;
  readonly at: Mono;
}

const secondsPer = { s: 1, min: 60, h: 3600 } as const;
const signs = { rise: 1, fall: -1, both: 1 } as const;
const nothing: readonly Measure[] = [unknown()];

export const roc = defineRule<Config, Memory>({
  type: "roc",
  describe: "Rate of change: the slope over a window, robust against single spikes.",
  options: {
    levels,
    window: duration.describe("The slope is taken over this much time."),
    minSamples: z.int().min(2).default(3).describe("Fewer good samples: unknown."),
    minSpan: z.number().min(0).max(1).default(0.5).describe("Share of the window that they must span."),
    per: z.enum(["s", "min", "h"]).default("s").describe("Limits are per second, minute or hour."),
    dir: z.enum(["rise", "fall", "both"]).default("rise").describe("Which direction is judged; both: its size."),
    estimator: z.enum(estimators).default("theilsen").describe("theilsen is robust; ols and endpoint are for parity."),
  },
  inputs({ counter }, scope) {
    const { uptime } = counter ?? {};
    return { value: scope.point, ...(uptime === undefined ? {} : { uptime: fullName(scope, uptime) }) };
  },
  conditions: (config) => bySide(config.levels, config, 1 / secondsPer[config.per]),
  empty: { window: noWindow, raw: null, uptime: null, near: true },
  forget: (memory, input) => (input === "value" ? { ...memory, window: noWindow, raw: null, near: true } : memory),
  measure(config, memory, { input, sample, at }) {
    const value = goodValue(sample);
    if (value === null) {
      const exact = sample === null ? directed(config, memory.window) : null;
      return { memory, measures: exact === null ? nothing : [exactly(exact)], wakeAt: null };
    }
    if (input === "uptime")
      return { memory: restarted(memory, { value, at }, config.counter), measures: nothing, wakeAt: null };
    const { window, raw } = remember(config, memory, at, value);
    const { measure, near } = look(config, window, memory.near);
    return { memory: { window, raw, uptime: memory.uptime, near }, measures: [measure], wakeAt: null };
  },
  shown: ({ per }, measure, unit) => `${number(measure * secondsPer[per])} ${unit}/${per}`,
  facts(config, { window }) {
    const perSecond = filled(window, config) ? slope(window, config.estimator) : null;
    const perUnit = perSecond === null ? null : rounded(perSecond * secondsPer[config.per]);
    return { ...windowFacts(window, config), [slopeFact[config.per]]: perUnit };
  },
  say({ per, dir }, { measure, unit, limit, language }) {
    const seconds = secondsPer[per];
    const rate = measure === null ? "" : `${written((measure * seconds).toFixed(1), language)} ${unit}/${per}`;
    const most = written(Number((limit * seconds).toPrecision(6)), language);
    return phrase(language, "limit", { said: phrase(language, dir, { rate }), limit: most });
  },
});

/** The slope as far as it must be known: that it is normal is enough where it was so before. */
function look(config: Config, window: Window, wasNear: boolean): { readonly measure: Measure; readonly near: boolean } {
  if (!filled(window, config)) return { measure: unknown(), near: true };
  const [lo, hi] = normal(config);
  if (!wasNear && isWithin(window, config, lo, hi)) return { measure: { slot: "", lo, hi }, near: false };
  const found = directed(config, window);
  if (found === null) return { measure: unknown(), near: true };
  return { measure: exactly(found), near: found < lo || found > hi };
}

const slopeFact = { s: "slopePerS", min: "slopePerMin", h: "slopePerH" } as const;

/** The slope in the direction that is judged, per second; null: not known. */
function directed(config: Config, window: Window): number | null {
  const { dir, estimator } = config;
  const perSecond = filled(window, config) ? slope(window, estimator) : null;
  if (perSecond === null) return null;
  return rounded(dir === "both" ? Math.abs(perSecond) : perSecond * signs[dir]);
}

/** Between these, per second, no level is raised and each is cleared, so that no more needs to be known. */
function normal({ levels: given, per }: Config): readonly [lo: number, hi: number] {
  const perMeasure = 1 / secondsPer[per];
  let lo = Number.NEGATIVE_INFINITY;
  let hi = Number.POSITIVE_INFINITY;
  for (const { side, limit, deadband } of given) {
    if (side === "high") hi = Math.min(hi, rounded((limit - deadband) * perMeasure));
    else lo = Math.max(lo, rounded((limit + deadband) * perMeasure));
  }
  return [lo, hi];
}

/** Whether the slope is normal for certain, found out at less than the price of the slope. */
function isWithin(window: Window, { estimator, dir, levels: given }: Config, lo: number, hi: number): boolean {
  if (estimator !== "theilsen" || given.some(({ op }) => op === "ge")) return false;
  if (dir === "rise") return theilSenWithin(window, lo, hi);
  if (dir === "fall") return theilSenWithin(window, -hi, -lo);
  return lo <= 0 && theilSenWithin(window, -hi, hi);
}

function restarted(memory: Memory, uptime: Uptime, counter: Counter | null | undefined): Memory {
  const last = memory.uptime;
  const isSame = last === null || !hasRestarted(last.value, uptime.value, uptime.at - last.at, counter?.uptimeMs);
  return isSame ? { ...memory, uptime } : { window: noWindow, raw: null, uptime, near: true };
}

function remember(config: Config, memory: Memory, at: number, value: number): Pick<Memory, "window" | "raw"> {
  const reach = reachOf(config);
  const { window, raw } = memory;
  if (!config.counter) return { window: slide(window, { at, value }, reach), raw: null };
  const last = newest(window);
  const anew = { window: windowOf([{ at, value: 0 }]), raw: value };
  if (raw === null || last === null) return anew;
  const maxDelta = (config.counter.maxRate * (at - last.at)) / 1000;
  const { delta } = counterStep(raw, value, config.counter.bits, maxDelta);
  return delta === null ? anew : { window: slide(window, { at, value: last.value + delta }, reach), raw: value };
}
