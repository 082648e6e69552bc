import * as z from "zod";
import { duration, sayDuration } from "../duration.ts";
import { phrase, written } from "../language.ts";
import { rounded } from "../round.ts";
import { bySide, defineRule, exactly, levels, type Measure, unknown } from "../rule.ts";
import { type Estimator, estimators, slope } from "../slope.ts";
import { filled, goodValue, newest, noWindow, reachOf, slide, type Window, windowFacts } from "../window.ts";

interface Config {
  readonly levels: z.output<typeof levels>;
  readonly target: number;
  readonly dir: "rise" | "fall";
  readonly window: number;
  readonly minSamples: number;
  readonly minSpan: number;
  readonly minSlope: number;
  readonly maxGap?: number;
  readonly estimator: Estimator;
  readonly onDelay?: number;
  readonly offDelay?: number;
}

const nothing: readonly Measure[] = [unknown()];

export const ttl = defineRule<Config, Window>({
  type: "ttl",
  describe:
    "Time to limit: when the value will reach a target if it goes on as it does. A warning before a level, never instead of it.",
  options: {
    levels: levels.describe("Limits in seconds to go; raised at the limit or below, cleared beyond limit + deadband."),
    target: z.number().describe("The value that must not be reached."),
    dir: z.enum(["rise", "fall"]).default("rise").describe("From which side it is approached."),
    window: duration.describe("The slope is taken over this much time."),
    minSamples: z.int().min(2).default(3).describe("Fewer good samples: unknown."),
    minSpan: z.number().min(0).max(1).default(0.5).describe("Share of the window that they must span."),
    minSlope: z.number().min(0).default(0).describe("A slope per second up to this is none."),
    estimator: z.enum(estimators).default("theilsen").describe("theilsen is robust; ols and endpoint are for parity."),
  },
  inputs: (_config, { point }) => ({ value: point }),
  conditions: (config) =>
    bySide(
      config.levels.map((level) => ({ ...level, side: "low" as const, op: "ge" as const })),
      config,
    ),
  empty: noWindow,
  forget: () => noWindow,
  measure(config, memory, { sample, at }) {
    const value = goodValue(sample);
    if (value === null) return { memory, measures: sample === null ? left(config, memory) : nothing, wakeAt: null };
    const window = slide(memory, { at, value }, reachOf(config));
    return { memory: window, measures: left(config, window), wakeAt: null };
  },
  shown: (_config, seconds) => (seconds === Number.POSITIVE_INFINITY ? "never" : sayDuration(seconds * 1000)),
  facts(config, window) {
    const perSecond = filled(window, config) ? slope(window, config.estimator) : null;
    const slopePerMin = perSecond === null ? null : rounded(perSecond * 60);
    return { ...windowFacts(window, config), slopePerMin, target: config.target };
  },
  say(config, { value, measure, language }) {
    if (measure === null) return value;
    const said = { value, target: written(config.target, language) };
    return measure === 0
      ? phrase(language, "reached", said)
      : phrase(language, "ahead", { ...said, time: sayDuration(measure * 1000) });
  },
});

function left(config: Config, window: Window): readonly Measure[] {
  const last = newest(window);
  const seconds = last === null ? null : secondsLeft(config, window, last.value);
  return seconds === null ? nothing : [exactly(seconds)];
}

/** Null: unknown. Infinity: never, as it goes now. */
function secondsLeft(config: Config, window: Window, value: number): number | null {
  const sign = config.dir === "rise" ? 1 : -1;
  const distance = sign * (config.target - value);
  if (distance <= 0) return 0;
  const perSecond = filled(window, config) ? slope(window, config.estimator) : null;
  if (perSecond === null) return null;
  const approach = sign * perSecond;
  return rounded(approach) <= config.minSlope ? Number.POSITIVE_INFINITY : rounded(distance / approach);
}
