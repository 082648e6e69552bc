import * as z from "zod";
import { phrase } from "../language.ts";
import { defineRule, exactly, type Level, type Saying, type Seen, silenced, voicePoint } from "../rule.ts";
import { rank, severities } from "../severity.ts";
import { goodValue } from "../window.ts";

/** One fact that several rules tell: what they say of it together, and whether they contradict each other. */
interface Config {
  readonly witnesses: readonly string[];
}

/** What each witness said last, in their order: a rank, 0 for normal, `silenced`; null: not known, absent: not heard yet. */
type Memory = readonly (number | null | undefined)[];

const options = { witnesses: z.array(z.string()).min(2).describe("The rules that tell it, as DEVICE/RULE.") };

const inputs = ({ witnesses }: Config) =>
  Object.fromEntries(witnesses.map((name, i) => [String(i), voicePoint(name)] as const));

const heard = (memory: Memory, { witnesses }: Config, { input, sample }: Seen): Memory =>
  sample === null ? memory : witnesses.map((_, i) => (input === String(i) ? goodValue(sample) : memory[i]));

const said = (word: number | null | undefined): Saying =>
  word == null ? "unknown" : word === silenced ? "silenced" : word > 0 ? "active" : "normal";

const sayingsOf = ({ witnesses }: Config, memory: Memory): readonly Saying[] =>
  witnesses.map((_, i) => said(memory[i]));

const facts = (config: Config, memory: Memory) => {
  const says = sayingsOf(config, memory);
  const count = (wanted: Saying): number => says.filter((one) => one === wanted).length;
  return {
    missing: null,
    witnessesActive: count("active"),
    witnessesNormal: count("normal"),
    witnessesUnknown: count("unknown"),
    witnessesSilenced: count("silenced"),
  };
};

export const same = defineRule<Config, Memory>({
  type: "same",
  about: "inputs",
  describe: "One fact that several rules tell: raised when one of them says so, over when none does.",
  options,
  inputs,
  conditions: () => [{ slot: "", side: "high", levels }],
  empty: [],
  measure(config, before, seen) {
    const memory = heard(before, config, seen);
    const worst = Math.max(0, ...memory.map((word) => word ?? 0));
    const says = sayingsOf(config, memory);
    // Until each was heard once since the start, it is not known that none says so, nor who does.
    const isWhole = config.witnesses.every((_, i) => memory[i] !== undefined);
    const who = says.reduce((sum, one, i) => sum + (one === "active" ? 2 ** i : 0), 0);
    const measures = [isWhole ? { ...exactly(worst, "", who), says } : { slot: "", lo: worst, hi: most, says }];
    return { memory, measures, wakeAt: null };
  },
  shown: () => null,
  facts,
  say: () => "",
});

export const disagreement = defineRule<Config, Memory>({
  type: "disagreement",
  about: "inputs",
  describe: "Witnesses of one fact contradict each other: one says so, another one knows the contrary.",
  options,
  inputs,
  // A witness that is slow, or not known for a while, is not worth a word.
  conditions: () => [
    { slot: "", side: "high", levels: [{ ...levelOf("low"), onDelayMs: waitMs, offDelayMs: waitMs }] },
  ],
  empty: [],
  measure(config, before, seen) {
    const memory = heard(before, config, seen);
    const says = sayingsOf(config, memory);
    const contrary = says.includes("active") && says.includes("normal");
    return { memory, measures: [{ ...exactly(contrary ? rank("low") : 0), says }], wakeAt: null };
  },
  shown: () => null,
  facts,
  say: (_, { language }) => phrase(language, "disagree"),
});

const most = severities.length;
const waitMs = 5 * 60_000;

const levelOf = (severity: (typeof severities)[number]): Level => ({
  name: severity,
  limit: rank(severity) - 0.5,
  deadband: 0,
  op: "gt",
  severity,
  onDelayMs: 0,
  offDelayMs: 0,
});
const levels: readonly Level[] = severities.map(levelOf);
