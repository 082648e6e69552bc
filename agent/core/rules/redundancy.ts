import * as z from "zod";
import { phrase } from "../language.ts";
import { defineRule, rulePoint, severity } from "../rule.ts";
import type { Severity } from "../severity.ts";
import { goodValue } from "../window.ts";

/** Units that share a duty: how many of them are lost, whichever of its alarms tells so of each. */
interface Config {
  readonly members: readonly string[];
  readonly lost: number;
  readonly severity: Severity;
  readonly onDelay?: number;
  readonly offDelay?: number;
}

/** What each member said last, in their order: whether it is active; null: not known, absent: not heard yet. */
type Memory = readonly (boolean | null | undefined)[];

export const redundancy = defineRule<Config, Memory>({
  type: "redundancy",
  about: "inputs",
  describe: "Of units that share a duty so many are lost: raised with that many devices of which a rule is active.",
  options: {
    members: z.array(z.string()).min(1).describe("Rules that tell of a unit's loss, as DEVICE/RULE."),
    lost: z.int().min(1).describe("So many units."),
    severity: severity.describe("How grave that is."),
  },
  inputs: ({ members }) => Object.fromEntries(members.map((name, i) => [String(i), rulePoint(name)])),
  conditions: ({ lost, severity: is, onDelay = 0, offDelay = 0 }) => [
    {
      slot: "",
      side: "high",
      levels: [
        { name: is, limit: lost, deadband: 0, op: "ge", severity: is, onDelayMs: onDelay, offDelayMs: offDelay },
      ],
    },
  ],
  empty: [],
  measure(config, before, { input, sample }) {
    const memory =
      sample === null ? before : config.members.map((_, i) => (input === String(i) ? said(sample) : before[i]));
    const { lost, unknown } = counted(config, memory);
    return { memory, measures: [{ slot: "", lo: lost, hi: lost + unknown }], wakeAt: null };
  },
  shown: (_config, units) => (units === 1 ? "1 unit lost" : `${units} units lost`),
  facts(config, memory) {
    const { lost, unknown } = counted(config, memory);
    const missing = lost < config.lost && lost + unknown >= config.lost ? "inputs-unknown" : null;
    return { missing, unitsLost: lost, unitsUnknown: unknown, unitsToRaise: config.lost };
  },
  say: ({ members, lost }, { measure, language }) =>
    phrase(language, "ofAll", { some: String(measure ?? lost), all: String(new Set(members.map(unitOf)).size) }),
});

function said(sample: Parameters<typeof goodValue>[0]): boolean | null {
  const value = goodValue(sample);
  return value === null ? null : value > 0;
}

const unitOf = (name: string): string => name.split("/")[0] ?? name;

/** A unit is lost if one of its rules says so, and not known to be well if one of them does not say. */
function counted({ members }: Config, memory: Memory): { readonly lost: number; readonly unknown: number } {
  const unitsOf = (is: (word: boolean | null | undefined) => boolean): Set<string> =>
    new Set(members.filter((_, i) => is(memory[i])).map(unitOf));
  const lost = unitsOf((word) => word === true);
  const unknown = unitsOf((word) => word == null);
  return { lost: lost.size, unknown: [...unknown].filter((unit) => !lost.has(unit)).length };
}
