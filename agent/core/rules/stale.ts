import * as z from "zod";
import { duration, sayDuration } from "../duration.ts";
import { phrase } from "../language.ts";
import { defineRule, exactly, type Level, type Measure, severity, unknown } from "../rule.ts";
import type { Mono, Sample } from "../sample.ts";
import type { Severity } from "../severity.ts";
import { ears, type Unreachable, unreachableAfter, unreachableFacts } from "../unreachable.ts";

interface Config {
  readonly after: number;
  readonly severity: Severity;
  readonly clearCount: number;
}

interface Memory {
  /** From when the age counts: the last good sample, else start, else recovery of what was in the way. */
  readonly base: Mono | null;
  /** Good samples since one was too late, or judging began; at most as many as clear it. */
  readonly good: number;
  /** What keeps the device from being heard; while it lasts, age says nothing about the point. */
  readonly unreachable: Unreachable;
}

const nothing: readonly Measure[] = [unknown()];

export const stale = defineRule<Config, Memory>({
  type: "stale",
  describe: "No good sample for too long. Absorbed while the device itself cannot be reached.",
  options: {
    after: duration.describe(
      "The age that alarms. Longer than failures × interval + timeout of the device's comm rule.",
    ),
    severity: severity.default("medium"),
    clearCount: z.int().min(1).default(1).describe("Good samples that clear it."),
  },
  inputs: (_config, scope) => ({ value: scope.point, ...ears(scope) }),
  conditions: ({ after, severity: is }) => [{ slot: "", side: "high", levels: [whenOld(after, is)] }],
  empty: { base: null, good: 0, unreachable: [] },
  movesByItself: true,
  needsToHear: true,
  lingerMs: ({ after }) => after,
  measure(config, before, { input, sample, at }) {
    const begun = before.base === null ? { ...before, base: at } : before;
    const memory = observe(begun, input, sample, at, config);
    if (memory.unreachable.length > 0) return { memory, measures: nothing, wakeAt: null };
    const deadline = (memory.base ?? at) + config.after;
    // What is read at the deadline may still be good: only the tick after it knows.
    const most = sample === null ? Number.POSITIVE_INFINITY : notYet(config.after);
    const age = Math.min(at - (memory.base ?? at), most);
    const isAhead = deadline > at || (sample !== null && deadline === at);
    const isFresh = memory.good >= config.clearCount;
    const measure = isFresh ? exactly(age) : { slot: "", lo: age, hi: Math.max(age, notYet(config.after)) };
    return { memory, measures: [measure], wakeAt: isAhead ? deadline : null };
  },
  shown: (_config, ms) => sayDuration(ms),
  facts: ({ clearCount }, { base, good, unreachable }, at) => ({
    ...unreachableFacts(unreachable),
    ageS: base === null ? null : (at - base) / 1000,
    goodSamples: good,
    goodSamplesToClear: clearCount,
  }),
  say: (config, { measure, language }) => phrase(language, "noValue", { time: sayDuration(measure ?? config.after) }),
});

function observe(
  memory: Memory,
  input: string,
  sample: Sample | null,
  at: Mono,
  { after, clearCount }: Config,
): Memory {
  if (sample === null) return memory;
  if (input !== "value") {
    const unreachable = unreachableAfter(memory.unreachable, input, sample);
    const freed = memory.unreachable.length > 0 && unreachable.length === 0;
    // A full period to be heard again in, and until then no word on whether it is.
    return { ...memory, unreachable, ...(freed ? { base: at, good: 0 } : {}) };
  }
  if (sample.quality !== "good") return memory;
  // At its very deadline it is in time.
  const aged = at - (memory.base ?? at) > after;
  const good = aged ? 1 : Math.min(clearCount, memory.good + 1);
  return { base: at, good, unreachable: memory.unreachable };
}

/** Up to this the age may be taken to be while good samples came but too few to clear it: it neither raises nor clears. */
const notYet = (after: number): number => Math.max(0, after - deadbandMs);
const deadbandMs = 1;

const whenOld = (after: number, is: Severity): Level => ({
  name: is,
  limit: after,
  deadband: deadbandMs,
  op: "ge",
  severity: is,
  onDelayMs: 0,
  offDelayMs: 0,
});
