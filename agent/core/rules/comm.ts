import * as z from "zod";
import { atLeast, defineRule, exactly, type Measure, severity, unknown } from "../rule.ts";
import { commPoint } from "../sample.ts";
import type { Severity } from "../severity.ts";
import { ears, type Unreachable, unreachableAfter, unreachableFacts } from "../unreachable.ts";
import { goodValue } from "../window.ts";

interface Config {
  readonly failures: number;
  readonly recover: number;
  readonly severity: Severity;
  readonly onDelay?: number;
  readonly offDelay?: number;
}

interface Memory {
  readonly failed: number;
  readonly answered: number;
  /** Until the first answer it is not known how many failures went before. */
  readonly heard: boolean;
  /** While what it is reached through is silent, its own failures tell nothing. */
  readonly unreachable: Unreachable;
}

const nothing: readonly Measure[] = [unknown()];

export const comm = defineRule<Config, Memory>({
  type: "comm",
  about: "device",
  describe:
    "Consecutive exchanges that the device did not answer. An exception or error status is an answer. Absorbed while what it is reached through is silent itself.",
  options: {
    failures: z.int().min(1).default(3).describe("Consecutive failures that raise it."),
    recover: z.int().min(1).default(1).describe("Consecutive answers that clear it."),
    severity: severity.default("high"),
  },
  inputs: (_config, scope) => ({ exchange: commPoint(scope.device), ...ears(scope) }),
  conditions: ({ failures, severity: is, onDelay = 0, offDelay = 0 }) => [
    {
      slot: "",
      side: "high",
      levels: [
        { name: is, limit: failures, deadband: 0, op: "ge", severity: is, onDelayMs: onDelay, offDelayMs: offDelay },
      ],
    },
  ],
  empty: { failed: 0, answered: 0, heard: false, unreachable: [] },
  needsToHear: true,
  // As long as a management card that came back may take to answer again.
  lingerMs: () => 120_000,
  measure(config, before, { input, sample }) {
    if (input !== "exchange" && sample !== null) {
      const unreachable = unreachableAfter(before.unreachable, input, sample);
      // What failed before says nothing of what is to come.
      return { memory: { ...before, failed: 0, heard: false, unreachable }, measures: nothing, wakeAt: null };
    }
    if (sample === null) return { memory: before, measures: [count(before)], wakeAt: null };
    const answer = goodValue(sample);
    if (answer === null || (answer === 0 && before.unreachable.length > 0))
      return { memory: before, measures: nothing, wakeAt: null };
    const memory = counted(before, answer === 1, config);
    return { memory, measures: [count(memory)], wakeAt: null };
  },
  shown: (_config, failures) => (failures === 1 ? "1 failure" : `${failures} failures`),
  facts({ failures, recover }, { failed, answered, heard, unreachable }) {
    const reached = unreachableFacts(unreachable);
    const missing = reached.missing ?? (heard ? null : "never-answered");
    return {
      ...reached,
      missing,
      failures: failed,
      failuresToRaise: failures,
      answers: answered,
      answersToClear: recover,
    };
  },
  say: () => "does not answer",
});

const count = ({ heard, failed }: Memory): Measure => (heard ? exactly(failed) : atLeast(failed));

function counted(before: Memory, answers: boolean, { recover }: Config): Memory {
  if (!answers) return { ...before, failed: before.answered > 0 ? 1 : before.failed + 1, answered: 0 };
  const answered = before.answered + 1;
  return { ...before, failed: answered >= recover ? 0 : before.failed, answered, heard: true };
}
