import * as z from "zod";
import { phrase } from "../language.ts";
import { atLeast, defineRule, exactly, type Measure, severity, unknown } from "../rule.ts";
import { commPoint, type Mono, type Sample } from "../sample.ts";
import type { Severity } from "../severity.ts";
import { ears, type Unreachable, unreachableAfter, unreachableFacts } from "../unreachable.ts";
import { goodValue } from "../window.ts";

interface Config {
  readonly failures: number;
  readonly recover: number;
  readonly severity: Severity;
  readonly onDelay?: number;
  readonly offDelay?: number;
  /** Whether it is reached through another device. */
  readonly isBehind: boolean;
}

interface Memory {
  /** Consecutive failures, and answers: one of both is 0. */
  readonly failed: number;
  readonly answered: number;
  /** Until the first answer it is not known how many failures went before … */
  readonly heard: boolean;
  /** … and until the first failure, how many answers. */
  readonly hasFailed: boolean;
  /** While what it is reached through is silent, its own failures tell nothing. */
  readonly unreachable: Unreachable;
  /** The first of the failures that count. */
  readonly failingSince: Mono | null;
  /** When what it is reached through last answered. */
  readonly parentAt: Mono | null;
}

/**
 * Whether it or what it is reached through is silent is known when that has answered since. Longer than this it is not
 * waited for: three failures and two minutes, after which that would have been told of itself.
 */
const holdMs = 5 * 60_000;

/** Any failure, also less than raise it, is beyond this: it is not cleared before the answers are enough … */
const clearsBelow = 0.5;
/** … and so is this, the measure while it answers, but not often enough yet. */
const tooFew = 0.75;

const unheard = { failed: 0, answered: 0, heard: false, hasFailed: false };

export const comm = defineRule<Config, Memory>({
  type: "comm",
  about: "device",
  describe:
    "Consecutive exchanges that the device did not answer. An exception or error status is an answer. What it is reached through is asked first: while that is silent itself, this is absorbed.",
  options: {
    failures: z.int().min(1).default(3).describe("Consecutive failures that raise it."),
    recover: z.int().min(1).default(1).describe("Consecutive answers that clear it."),
    severity: severity.default("high"),
  },
  inputs: (_config, scope) => ({
    exchange: commPoint(scope.device),
    ...(scope.behind === undefined ? {} : { parent: commPoint(scope.behind) }),
    ...ears(scope),
  }),
  conditions: ({ failures, severity: is, onDelay = 0, offDelay = 0 }) => [
    {
      slot: "",
      side: "high",
      levels: [
        {
          name: is,
          limit: failures,
          deadband: failures - clearsBelow,
          op: "ge",
          severity: is,
          onDelayMs: onDelay,
          offDelayMs: offDelay,
        },
      ],
    },
  ],
  empty: { ...unheard, unreachable: [], failingSince: null, parentAt: null },
  needsToHear: true,
  // As long as a management card that came back may take to answer again.
  lingerMs: () => 120_000,
  measure(config, before, { input, sample, at }) {
    const memory = sample === null ? before : observe(before, input, sample, at);
    return { memory, measures: [count(config, memory, at)], wakeAt: null };
  },
  shown: (_config, measure) => {
    if (measure === tooFew) return "too few answers";
    const failures = Math.ceil(measure);
    return failures === 1 ? "1 failure" : `${failures} failures`;
  },
  facts(config, memory, at) {
    const reached = unreachableFacts(memory.unreachable);
    const waits = isHeld(config, memory, at) ? "parent-not-asked" : null;
    return {
      ...reached,
      missing: reached.missing ?? waits ?? (memory.heard ? null : "never-answered"),
      failures: memory.failed,
      failuresToRaise: config.failures,
      answers: memory.answered,
      answersToClear: config.recover,
    };
  },
  say: (_config, { language }) => phrase(language, "noAnswer"),
});

/** Its failures tell nothing while what it is reached through may be the one that is silent. */
function count(config: Config, memory: Memory, at: Mono): Measure {
  const { failed, answered, heard, hasFailed, unreachable } = memory;
  if (failed > 0) {
    if (unreachable.length > 0 || isHeld(config, memory, at)) return unknown();
    return heard ? exactly(failed) : atLeast(failed);
  }
  if (answered >= config.recover) return exactly(0);
  if (answered === 0) return unknown();
  return hasFailed ? exactly(tooFew) : { slot: "", lo: 0, hi: tooFew };
}

const isHeld = ({ isBehind }: Config, { failed, failingSince, parentAt }: Memory, at: Mono): boolean =>
  isBehind &&
  failed > 0 &&
  failingSince !== null &&
  (parentAt === null || parentAt < failingSince) &&
  at - failingSince < holdMs;

function observe(before: Memory, input: string, sample: Sample, at: Mono): Memory {
  const answer = goodValue(sample);
  if (input === "parent") return answer === 1 ? { ...before, parentAt: at } : before;
  if (input !== "exchange") {
    const unreachable = unreachableAfter(before.unreachable, input, sample);
    const same = unreachable.length > 0 === before.unreachable.length > 0;
    // What failed before says nothing of what is to come.
    return same ? { ...before, unreachable } : { ...before, ...unheard, unreachable, failingSince: null };
  }
  if (answer === null || (answer === 0 && before.unreachable.length > 0)) return before;
  return counted(before, answer === 1, at);
}

function counted(before: Memory, answers: boolean, at: Mono): Memory {
  if (answers) return { ...before, failed: 0, answered: before.answered + 1, heard: true };
  const failingSince = before.failed === 0 ? at : before.failingSince;
  return { ...before, failed: before.failed + 1, answered: 0, hasFailed: true, failingSince };
}
