import * as z from "zod";
import { defineRule, exactly, type Measure, severity, unknown } from "../rule.ts";
import { commPoint } from "../sample.ts";
import type { Severity } from "../severity.ts";
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
}

const nothing: readonly Measure[] = [unknown()];

export const comm = defineRule<Config, Memory>({
  type: "comm",
  about: "device",
  describe: "Consecutive exchanges that the device did not answer. An exception or error status is an answer.",
  options: {
    failures: z.int().min(1).default(3).describe("Consecutive failures that raise it."),
    recover: z.int().min(1).default(1).describe("Consecutive answers that clear it."),
    severity: severity.default("high"),
  },
  inputs: (_config, { device }) => ({ exchange: commPoint(device) }),
  conditions: ({ failures, severity: is, onDelay = 0, offDelay = 0 }) => [
    {
      slot: "",
      side: "high",
      levels: [
        { name: is, limit: failures, deadband: 0, op: "ge", severity: is, onDelayMs: onDelay, offDelayMs: offDelay },
      ],
    },
  ],
  empty: { failed: 0, answered: 0, heard: false },
  measure(config, memory, { sample }) {
    const answer = goodValue(sample);
    if (answer === null) return { memory, measures: nothing, wakeAt: null };
    const next =
      answer === 1
        ? { failed: memory.failed, answered: memory.answered + 1, heard: true }
        : { failed: memory.answered > 0 ? 1 : memory.failed + 1, answered: 0, heard: memory.heard };
    const failed = next.answered >= config.recover ? 0 : next.failed;
    const measure = next.heard ? exactly(failed) : { slot: "", lo: failed, hi: Number.POSITIVE_INFINITY };
    return { memory: { ...next, failed }, measures: [measure], wakeAt: null };
  },
  say: () => "does not answer",
});
