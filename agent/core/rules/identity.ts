import { verdicts } from "../identity.ts";
import { phrase } from "../language.ts";
import { defineRule, exactly, type Level, severity, unknown } from "../rule.ts";
import { identityPoint } from "../sample.ts";
import type { Severity } from "../severity.ts";
import { goodValue } from "../window.ts";

interface Config {
  readonly severity: Severity;
  readonly onDelay?: number;
  readonly offDelay?: number;
}

/** As long as a network card may take to start, before it knows who it is. */
const startMs = 120_000;

export const identity = defineRule<Config, null>({
  type: "identity",
  about: "device",
  describe:
    "Another device answers in this one's place, by its serial number, model …; none of its points is believed.",
  options: { severity: severity.default("high") },
  inputs: (_config, { device }) => ({ verdict: identityPoint(device) }),
  conditions: (config) => [{ slot: "", side: "high", levels: levelsOf(config) }],
  empty: null,
  measure(_config, memory, { sample }) {
    const verdict = goodValue(sample);
    return { memory, measures: [verdict === null ? unknown() : exactly(verdict)], wakeAt: null };
  },
  shown: (_config, verdict) =>
    verdict >= verdicts.other ? "another device" : verdict >= verdicts.untold ? "untold" : "the same device",
  say: (_config, { measure, language }) => phrase(language, measure === verdicts.untold ? "untold" : "otherDevice"),
});

function levelsOf({ severity: is, onDelay = 0, offDelay = 0 }: Config): Level[] {
  const one = { deadband: 0, op: "ge", severity: is, offDelayMs: offDelay } as const;
  return [
    { ...one, name: "untold", limit: verdicts.untold, onDelayMs: onDelay + startMs },
    { ...one, name: "other", limit: verdicts.other, onDelayMs: onDelay },
  ];
}
