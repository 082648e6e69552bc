import * as z from "zod";
import { duration, sayDuration } from "../duration.ts";
import { phrase, written } from "../language.ts";
import { rounded } from "../round.ts";
import { atLeast, bySide, defineRule, exactly, levels, type Measure, unknown } from "../rule.ts";
import { extremes, filled, goodValue, newest, noWindow, reachOf, slide, type Window, windowFacts } from "../window.ts";

interface Config {
  readonly levels: z.output<typeof levels>;
  readonly window: number;
  readonly minSamples: number;
  readonly minSpan: number;
  readonly maxGap?: number;
  readonly dir: "any" | "rise" | "fall";
  readonly onDelay?: number;
  readonly offDelay?: number;
}

const nothing: readonly Measure[] = [unknown()];

export const excursion = defineRule<Config, Window>({
  type: "excursion",
  describe: "How far the value went within a window (max − min), as the ASHRAE limits mean it: not a slope.",
  options: {
    levels,
    window: duration.describe("How far back it looks."),
    minSamples: z.int().min(2).default(3).describe("Fewer good samples: only a lower bound is known."),
    minSpan: z.number().min(0).max(1).default(0.5).describe("Share of the window that they must span."),
    dir: z.enum(["any", "rise", "fall"]).default("any").describe("any: max − min; rise: last − min; fall: max − last."),
  },
  inputs: (_config, { point }) => ({ value: point }),
  conditions: (config) => bySide(config.levels, config),
  empty: noWindow,
  forget: () => noWindow,
  measure(config, memory, { sample, at }) {
    const value = goodValue(sample);
    if (value === null) return { memory, measures: sample === null ? went(config, memory) : nothing, wakeAt: null };
    const window = slide(memory, { at, value }, reachOf(config));
    return { memory: window, measures: went(config, window), wakeAt: null };
  },
  facts(config, window) {
    const [lowest, highest] = extremes(window);
    const known = newest(window) !== null;
    return { ...windowFacts(window, config), lowest: known ? lowest : null, highest: known ? highest : null };
  },
  say(config, { measure, unit, limit, language }) {
    const by = `${measure === null ? "" : written(Number(measure.toFixed(1)), language)} ${unit}`.trim();
    const said = phrase(language, "changed", { by, time: sayDuration(config.window) });
    return phrase(language, "limit", { said, limit: written(limit, language) });
  },
});

function went(config: Config, window: Window): readonly Measure[] {
  const last = newest(window);
  if (last === null) return nothing;
  const by = rounded(travelled(window, last.value, config.dir));
  return [filled(window, config) ? exactly(by) : atLeast(by)];
}

function travelled(window: Window, last: number, dir: Config["dir"]): number {
  const [min, max] = extremes(window);
  return { any: max - min, rise: last - min, fall: max - last }[dir];
}
