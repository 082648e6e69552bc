import * as z from "zod";
import { duration, sayDuration } from "../duration.ts";
import { phrase } from "../language.ts";
import { rounded } from "../round.ts";
import { defineRule, exactly, fullName, type Measure, onOff, type Seen, severity, unknown } from "../rule.ts";
import type { Severity } from "../severity.ts";
import {
  extremes,
  filled,
  goodValue,
  noWindow,
  type Pair,
  reachOf,
  slide,
  type Window,
  windowFacts,
} from "../window.ts";

interface Config {
  readonly window: number;
  readonly eps: number;
  readonly minSamples: number;
  readonly minSpan: number;
  readonly maxGap?: number;
  readonly severity: Severity;
  readonly activity?: { readonly point: string; readonly eq: number };
  readonly staleAfter?: number;
  readonly onDelay?: number;
  readonly offDelay?: number;
  readonly pollMs: number;
}

interface Memory {
  readonly window: Window;
  /** Whether the newest value is good. */
  readonly isGood: boolean;
  readonly activity: Pair | null;
}

const nothing: readonly Measure[] = [unknown()];

export const flatline = defineRule<Config, Memory>({
  type: "flatline",
  describe: "A value that does not move for too long: a stuck sensor. Only where its resolution shows life.",
  options: {
    window: duration.describe("How long it must not have moved."),
    eps: z.number().min(0).default(0).describe("Less movement than a sensor's quantum; at most this much is none."),
    minSamples: z.int().min(2).default(8).describe("Fewer good samples: unknown."),
    minSpan: z.number().min(0).max(1).default(1).describe("Share of the window that they must span."),
    severity: severity.default("low"),
    activity: z
      .strictObject({ point: z.string(), eq: z.number().describe("Its value while the plant runs.") })
      .optional()
      .describe("Raised only while this says that the plant runs; what stands still may read the same for ever."),
    staleAfter: duration.optional().describe("An older activity is unknown. Default: 3 × interval."),
  },
  inputs: ({ activity }, scope) => ({
    value: scope.point,
    ...(activity === undefined ? {} : { activity: fullName(scope, activity.point) }),
  }),
  conditions: (config) => [onOff(config.severity, config)],
  empty: { window: noWindow, isGood: false, activity: null },
  forget: (memory, input) => (input === "value" ? { ...memory, window: noWindow } : memory),
  measure(config, before, seen) {
    const memory = observe(before, seen, config);
    return { memory, measures: stands(config, memory, seen.at), wakeAt: null };
  },
  shown: () => null,
  facts(config, memory, at) {
    const window = windowFacts(memory.window, config);
    const range = windowRange(memory.window);
    const missing = range > config.eps ? null : runs(config, memory, at) ? window.missing : "not-running";
    return { ...window, missing, range, activity: memory.activity?.value ?? null };
  },
  say: (config, { value, language }) => phrase(language, "stuck", { value, time: sayDuration(config.window) }),
});

function observe(memory: Memory, { input, sample, at }: Seen, config: Config): Memory {
  const value = goodValue(sample);
  if (input === "activity") return { ...memory, activity: value === null ? null : { at, value } };
  if (input === "") return memory;
  if (value === null) return { ...memory, isGood: false };
  return { ...memory, isGood: true, window: slide(memory.window, { at, value }, reachOf(config)) };
}

function stands(config: Config, memory: Memory, at: number): readonly Measure[] {
  if (!memory.isGood) return nothing;
  if (windowRange(memory.window) > config.eps) return [exactly(0)];
  return filled(memory.window, config) && runs(config, memory, at) ? [exactly(1)] : nothing;
}

function runs({ activity, staleAfter, pollMs }: Config, memory: Memory, at: number): boolean {
  if (activity === undefined) return true;
  const known = memory.activity !== null && at - memory.activity.at <= (staleAfter ?? 3 * pollMs);
  return known && memory.activity?.value === activity.eq;
}

function windowRange(window: Window): number {
  const [min, max] = extremes(window);
  return max < min ? 0 : rounded(max - min);
}
