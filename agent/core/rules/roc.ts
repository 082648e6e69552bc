import * as z from "zod";
import { counterStep } from "../counter.ts";
import { duration } from "../duration.ts";
import { bySide, defineRule, exactly, levels, type Measure, type Scope, unknown } from "../rule.ts";
import { type Estimator, estimators, slope } from "../slope.ts";
import { filled, goodValue, slide, type Window } from "../window.ts";

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
  readonly counter?: Scope["definition"]["counter"];
}

/** For a counter the window holds its unwrapped count, so that a wrap is no fall. */
interface Memory {
  readonly window: Window;
  readonly raw: number | null;
}

const secondsPer = { s: 1, min: 60, h: 3600 } as const;
const signs = { rise: 1, fall: -1, both: 1 } as const;
const nothing: readonly Measure[] = [unknown()];

export const roc = defineRule<Config, Memory>({
  type: "roc",
  describe: "Rate of change: the slope over a window, robust against single spikes.",
  remembers: true,
  options: {
    levels,
    window: duration.describe("The slope is taken over this much time."),
    minSamples: z.int().min(2).default(3).describe("Fewer good samples: unknown."),
    minSpan: z.number().min(0).max(1).default(0.5).describe("Share of the window that they must span."),
    per: z.enum(["s", "min", "h"]).default("s").describe("Limits are per second, minute or hour."),
    dir: z.enum(["rise", "fall", "both"]).default("rise").describe("Which direction is judged; both: its size."),
    estimator: z.enum(estimators).default("theilsen").describe("theilsen is robust; ols and endpoint are for parity."),
  },
  inputs: (_config, { point }) => ({ value: point }),
  conditions: (config) => bySide(config.levels, config, 1 / secondsPer[config.per]),
  empty: { window: [], raw: null },
  measure(config, memory, { sample, at }) {
    const value = goodValue(sample);
    if (value === null) return { memory, measures: nothing, wakeAt: null };
    const next = remember(config, memory, at, value);
    const known = filled(next.window, { ...config, lengthMs: config.window });
    const perSecond = known ? slope(next.window, config.estimator) : null;
    if (perSecond === null) return { memory: next, measures: nothing, wakeAt: null };
    const directed = config.dir === "both" ? Math.abs(perSecond) : perSecond * signs[config.dir];
    return { memory: next, measures: [exactly(settled(directed))], wakeAt: null };
  },
  say(config, { measure, unit, level: { limit } }) {
    const seconds = secondsPer[config.per];
    const rate = measure === null ? "" : ` ${(measure * seconds).toFixed(1)} ${unit}/${config.per}`;
    const verb = { rise: "rising", fall: "falling", both: "changing" }[config.dir];
    return `${verb}${rate} (limit ${Number((limit * seconds).toPrecision(6))})`;
  },
});

/** A slope of 0.1 must not be 0.10000000000000002 to a limit of 0.1. */
const settled = (perSecond: number): number => Number(perSecond.toPrecision(12));

function remember(config: Config, memory: Memory, at: number, value: number): Memory {
  const maxGap = config.maxGap ?? config.window / 2;
  if (!config.counter) return { window: slide(memory.window, { at, value }, config.window, maxGap), raw: null };
  const last = memory.window.at(-1);
  if (memory.raw === null || last === undefined) return { window: [{ at, value: 0 }], raw: value };
  const maxDelta = (config.counter.maxRate * (at - last.at)) / 1000;
  const { delta } = counterStep(memory.raw, value, config.counter.bits, maxDelta);
  if (delta === null) return { window: [{ at, value: 0 }], raw: value };
  return { window: slide(memory.window, { at, value: last.value + delta }, config.window, maxGap), raw: value };
}
