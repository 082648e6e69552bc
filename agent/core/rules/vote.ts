import * as z from "zod";
import { duration } from "../duration.ts";
import { phrase } from "../language.ts";
import { rounded } from "../round.ts";
import { defineRule, fullName, type Measure, rulePoint, type Seen, severity } from "../rule.ts";
import type { Severity } from "../severity.ts";
import { goodValue } from "../window.ts";

interface Measuring {
  readonly point: string;
  readonly side: "high" | "low";
  readonly limit: number;
  readonly deadband: number;
}

/** A point says so beyond its limit, a rule while it is active. */
type Voter = Measuring | { readonly rule: string };

interface Config {
  readonly k: number;
  readonly inputs: readonly Voter[];
  readonly severity: Severity;
  readonly staleAfter?: number;
  readonly onDelay?: number;
  readonly offDelay?: number;
  readonly pollMs: number;
}

/** What each voter last said, in the order of the inputs; its answer is kept for its deadband while it is unknown. */
type Memory = readonly Vote[];
interface Vote {
  readonly yes: boolean;
  /** When it was last known; null: its last sample was not good. */
  readonly at: number | null;
}

const silent: Vote = { yes: false, at: null };

export const vote = defineRule<Config, Memory>({
  type: "vote",
  describe: "k of n: raised when enough inputs say so; inputs that cannot be believed hold it as it is.",
  about: "inputs",
  options: {
    k: z.int().min(1).describe("How many must say so."),
    inputs: z
      .array(
        z.union([
          z.strictObject({
            point: z.string(),
            side: z.enum(["high", "low"]).default("high").describe("high: says so above the limit. low: below."),
            limit: z.number(),
            deadband: z.number().min(0).default(0),
          }),
          z.strictObject({ rule: z.string().describe("Another rule: says so while it is active.") }),
        ]),
      )
      .min(1)
      .describe("Who votes."),
    severity: severity.default("high"),
    staleAfter: duration.optional().describe("An older vote is unknown. Default: 3 × interval."),
  },
  inputs: ({ inputs }, scope) =>
    Object.fromEntries(
      inputs.map((voter) => [
        nameOf(voter),
        "rule" in voter ? rulePoint(fullName(scope, voter.rule)) : fullName(scope, voter.point),
      ]),
    ),
  conditions: ({ k, severity: is, onDelay = 0, offDelay = 0 }) => [
    {
      slot: "",
      side: "high",
      levels: [{ name: is, limit: k, deadband: 0, op: "ge", severity: is, onDelayMs: onDelay, offDelayMs: offDelay }],
    },
  ],
  empty: [],
  measure(config, before, seen) {
    const memory = config.inputs.map((voter, i) =>
      seen.input === nameOf(voter) ? heard(voter, before[i] ?? silent, seen) : (before[i] ?? silent),
    );
    return { memory, measures: [count(config, memory, seen.at)], wakeAt: null };
  },
  shown: (_config, votes) => (votes === 1 ? "1 vote" : `${votes} votes`),
  facts(config, memory, at) {
    const { lo, hi } = count(config, memory, at);
    const missing = lo < config.k && hi >= config.k ? "inputs-unknown" : null;
    return { missing, votesYes: lo, votesUnknown: hi - lo, votesToRaise: config.k };
  },
  say: ({ k, inputs }, { measure, language }) =>
    phrase(language, "limit", {
      said: phrase(language, "ofAll", { some: String(measure ?? k), all: String(inputs.length) }),
      limit: String(k),
    }),
});

/** Voters on the same point, such as its both sides, are heard at once. */
const nameOf = (voter: Voter): string => ("rule" in voter ? rulePoint(voter.rule) : voter.point);

function heard(voter: Voter, { yes }: Vote, { sample, at }: Seen): Vote {
  const value = goodValue(sample);
  if (value === null) return { yes, at: null };
  if ("rule" in voter) return { yes: value > 0, at };
  const { side, limit, deadband } = voter;
  const sign = side === "high" ? 1 : -1;
  return { yes: sign * value > (yes ? rounded(sign * limit - deadband) : sign * limit), at };
}

/** Certain votes at least, with all that are unknown at most. */
function count({ inputs, staleAfter, pollMs }: Config, votes: Memory, at: number): Measure {
  // A rule speaks when it changes, and its word holds until then.
  const lasts = inputs.map((voter) => ("rule" in voter ? Number.POSITIVE_INFINITY : (staleAfter ?? 3 * pollMs)));
  const known = votes.filter((one, i) => one.at !== null && at - one.at <= (lasts[i] ?? 0));
  const yes = known.filter((one) => one.yes).length;
  return { slot: "", lo: yes, hi: yes + votes.length - known.length };
}
