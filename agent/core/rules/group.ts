import * as z from "zod";
import { duration } from "../duration.ts";
import { phrase } from "../language.ts";
import { defineRule, exactly, fullName, type Level, rulePoint } from "../rule.ts";
import type { Mono } from "../sample.ts";
import { rank, severities } from "../severity.ts";
import { goodValue } from "../window.ts";

interface Config {
  readonly members: readonly string[];
  readonly count: number;
  readonly within: number;
}

interface Memory {
  /** Members that are active, by the number of their input. */
  readonly active: Readonly<Record<string, Member>>;
  /** Whether so many came at once that it is one thing, since one of them at least goes on. */
  readonly together: boolean;
}

interface Member {
  readonly rank: number;
  readonly since: Mono;
}

export const group = defineRule<Config, Memory>({
  type: "group",
  about: "inputs",
  describe:
    "Many alarms of one kind at once are one incident: raised when so many devices raise theirs within a time, as severe as the worst of them, over when none is left.",
  options: {
    members: z.array(z.string()).min(2).describe("The rules, of this device or DEVICE/RULE."),
    count: z.int().min(2).default(3).describe("So many devices …"),
    within: z.string().default("120s").pipe(duration).describe("… within this time."),
  },
  inputs: ({ members }, scope) =>
    Object.fromEntries(members.map((name, i) => [String(i), rulePoint(fullName(scope, name))])),
  conditions: () => [{ slot: "", side: "high", levels }],
  empty: { active: {}, together: false },
  measure(config, { active: before, together }, { input, sample, at }) {
    const { [input]: was, ...others } = before;
    const value = sample === null ? (was?.rank ?? 0) : (goodValue(sample) ?? 0);
    const active = value === 0 ? others : { ...others, [input]: { rank: value, since: was?.since ?? at } };
    const worst = Math.max(0, ...Object.values(active).map((one) => one.rank));
    if (worst === 0) return { memory: { active, together: false }, measures: [exactly(0)], wakeAt: null };
    const counted = devices(config, active, together ? 0 : at - config.within);
    const isOne = counted >= config.count;
    // Of few that are left it is known only that it is not over.
    const measures = [isOne ? exactly(worst) : { slot: "", lo: 0, hi: worst }];
    return { memory: { active, together: together || isOne }, measures, wakeAt: null };
  },
  shown: () => null,
  facts: (config, { active }) => ({
    missing: null,
    devicesActive: devices(config, active, 0),
    devicesToRaise: config.count,
    withinS: config.within / 1000,
  }),
  say: ({ members, count }, { language }) =>
    phrase(language, "atOnce", { some: String(count), all: String(new Set(members.map(deviceOf)).size) }),
});

/** How many devices have become active since then. */
function devices({ members }: Config, active: Memory["active"], since: Mono): number {
  const found = Object.entries(active).filter(([, one]) => one.since >= since);
  return new Set(found.map(([input]) => deviceOf(members[Number(input)] ?? ""))).size;
}

const deviceOf = (name: string): string => name.split("/")[0] ?? name;

const levels: readonly Level[] = severities.map((severity) => ({
  name: severity,
  limit: rank(severity) - 0.5,
  deadband: 0,
  op: "gt",
  severity,
  onDelayMs: 0,
  offDelayMs: 0,
}));
