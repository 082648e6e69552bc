import * as z from "zod";
import { defineRule, exactly, onOff, severity, unknown } from "../rule.ts";
import type { Severity } from "../severity.ts";
import { goodValue } from "../window.ts";

interface Config {
  readonly bits: Readonly<Record<string, Bit>>;
  readonly onDelay?: number;
  readonly offDelay?: number;
}

interface Bit {
  readonly severity: Severity;
  readonly invert: boolean;
  readonly name?: string | undefined;
}

export const bits = defineRule<Config, null>({
  type: "bits",
  describe: "A word of alarm bits: each named bit is a condition of its own.",
  options: {
    bits: z
      .record(
        z.string().regex(/^\d{1,2}$/),
        z.strictObject({
          severity: severity.describe("Severity of this bit."),
          invert: z.boolean().default(false).describe("Alarm while the bit is 0."),
          name: z.string().optional().describe("What the bit means."),
        }),
      )
      .describe("Bit number, counted from 0, to its meaning."),
  },
  inputs: (_config, { point }) => ({ value: point }),
  conditions: (config) => Object.entries(config.bits).map(([bit, { severity: is }]) => onOff(is, config, bit)),
  empty: null,
  measure({ bits: named }, memory, { sample }) {
    const word = goodValue(sample);
    const measures = Object.entries(named).map(([bit, { invert }]) =>
      word === null || word < 0 ? unknown(bit) : exactly(Number(bitOf(word, Number(bit)) !== invert), bit),
    );
    return { memory, measures, wakeAt: null };
  },
  shown: () => null,
  say: (config, { slot }) => config.bits[slot]?.name ?? `bit ${slot}`,
});

/** By division, since `>>` would cut the word to 32 bits. */
const bitOf = (word: number, bit: number): boolean => Math.floor(word / 2 ** bit) % 2 === 1;
