import * as z from "zod";
import { inLanguage, phrase, type Wording, wording } from "../language.ts";
import { defineRule, exactly, onOff, severity, unknown } from "../rule.ts";
import type { Severity } from "../severity.ts";
import { goodValue } from "../window.ts";

interface Config {
  readonly bits?: Readonly<Record<string, Bit>> | undefined;
  readonly bit?: number | undefined;
  readonly severity?: Severity | undefined;
  readonly invert: boolean;
  readonly name?: Wording | undefined;
  readonly onDelay?: number;
  readonly offDelay?: number;
}

interface Bit {
  readonly severity: Severity;
  readonly invert: boolean;
  readonly name?: Wording | undefined;
}

const meaning = {
  invert: z.boolean().default(false).describe("Alarm while the bit is 0."),
  name: wording.optional().describe("What the bit means."),
};

export const bits = defineRule<Config, null>({
  type: "bits",
  describe: "A word of alarm bits: each named bit is a condition of its own.",
  options: {
    bits: z
      .record(
        z.string().regex(/^\d{1,2}$/),
        z.strictObject({ severity: severity.describe("Severity of this bit."), ...meaning }),
      )
      .optional()
      .describe("Bit number, counted from 0, to its meaning."),
    bit: z.int().min(0).max(63).optional().describe("Instead of bits: one alone, with its meaning beside it."),
    severity: severity.optional().describe("Severity of the one bit."),
    ...meaning,
  },
  check({ bits: several = {}, bit, severity: is }) {
    const expected = "expected bit: number with a severity, or bits: { number: { severity } }";
    const some = Object.keys(several).length > 0;
    if (bit === undefined) return some ? [] : [{ at: "bit", what: `missing; ${expected}` }];
    if (some) return [{ at: "bit", what: "bit and bits are both given; expected one of both" }];
    return is === undefined ? [{ at: "severity", what: `missing; ${expected}` }] : [];
  },
  inputs: (_config, { point }) => ({ value: point }),
  conditions: (config) => watched(config).map(({ slot, severity: is }) => onOff(is, config, slot)),
  empty: null,
  measure(config, memory, { sample }) {
    const word = goodValue(sample);
    const measures = watched(config).map(({ slot, weight, invert }) =>
      word === null || word < 0 ? unknown(slot) : exactly(Number(isSet(word, weight) !== invert), slot),
    );
    return { memory, measures, wakeAt: null };
  },
  shown: () => null,
  say(config, { slot, language }) {
    const name = watched(config).find((one) => one.slot === slot)?.name;
    return name === undefined ? phrase(language, "bit", { bit: slot }) : inLanguage(name, language);
  },
});

interface Watched extends Bit {
  readonly slot: string;
  /** 2 to the power of its number. */
  readonly weight: number;
}

/** Made once for each rule, since they are looked at with every sample. */
const known = new WeakMap<Config, readonly Watched[]>();

function watched(config: Config): readonly Watched[] {
  const found = known.get(config);
  if (found !== undefined) return found;
  const { bits: several, bit, severity: is, invert, name } = config;
  const one = bit === undefined || is === undefined ? {} : { [bit]: { severity: is, invert, name } };
  const made = Object.entries(several ?? one).map(([slot, its]) => ({ ...its, slot, weight: 2 ** Number(slot) }));
  known.set(config, made);
  return made;
}

/** By division, since `>>` would cut the word to 32 bits. */
const isSet = (word: number, weight: number): boolean => Math.floor(word / weight) % 2 === 1;
