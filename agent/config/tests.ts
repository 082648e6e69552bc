import * as z from "zod";
import { duration } from "../core/duration.ts";
import { changeKinds } from "../core/incident.ts";
import { severity } from "../core/rule.ts";
import { check } from "./check.ts";
import type { Place } from "./document.ts";
import type { Problem } from "./problem.ts";
import { entriesMax, lengthOf, series } from "./series.ts";

/**
 * The language of tests that people write of their own rules, in a site file or a profile. What names must be there is
 * checked in suite.ts, once the rules are compiled; the notation of a series is in series.ts.
 */
const at = duration.describe("When, from the first entry of the series.");
const rule = z.string().describe("The rule: its id; in a site file DEVICE/RULE.");

/** Which condition of a rule that has several. */
const which = {
  side: z.enum(["high", "low"]).optional().describe("Which, of a rule with limits on both sides."),
  bit: z.int().min(0).max(99).optional().describe("Which, of a rule about bits."),
  point: z.string().optional().describe('Which, of a rule about several points ("*"): a point of the device.'),
};

const kinds = {
  raise: rule.optional(),
  update: rule.optional(),
  clear: rule.optional(),
  ack: rule.optional(),
  close: rule.optional(),
  shelve: rule.optional(),
  unshelve: rule.optional(),
} satisfies Readonly<Record<(typeof changeKinds)[number], unknown>>;

const expected = z
  .strictObject({
    at,
    ...kinds,
    severity: severity.optional().describe("Compared only if given."),
    reason: z.string().optional().describe("Compared only if given: severity_up, severity_down, value, re_alarm …"),
    annunciate: z.boolean().default(true).describe("Whether somebody is to be called; false while silenced."),
    ...which,
  })
  .superRefine(one(changeKinds, "event"));

export const deedKinds = ["ack", "reset", "shelve", "unshelve", "maintenance", "replaced"] as const;

const deed = z
  .strictObject({
    at,
    ack: rule.optional(),
    reset: rule.optional(),
    shelve: rule.optional(),
    unshelve: rule.optional(),
    maintenance: rule.optional(),
    replaced: z.string().optional().describe("A point that has a new sensor; in a site file DEVICE/POINT."),
    for: duration.optional().describe("How long; a shelf without it lasts until the rule clears."),
    ...which,
  })
  .superRefine(one(deedKinds, "deed"))
  .superRefine((given, context) => {
    const lasts = given.shelve !== undefined || given.maintenance !== undefined;
    if (given.for !== undefined && !lasts)
      context.addIssue({ code: "custom", path: ["for"], message: "expected only with shelve or maintenance" });
    if (given.for === undefined && given.maintenance !== undefined)
      context.addIssue({ code: "custom", path: ["for"], message: "expected how long, such as 1h" });
  });

const test = z
  .strictObject({
    name: z.string().min(1).describe("What it shows, in a sentence."),
    interval: duration
      .refine((ms) => ms >= 1, "expected at least 1ms")
      .optional()
      .describe(
        "Time between the entries of a series; default: the profile's interval, in a site file 10s. Beyond three times the interval of a point, delays begin anew, as they would in the plant.",
      ),
    series: z
      .record(z.string(), series)
      .refine((all) => Object.keys(all).length > 0, "expected a point at least, as  POINT: entries")
      .describe(
        'What points say from 0s on, by their id; in a site file DEVICE/POINT. Entries: 28, bad, _ (nothing read), 28*3 (three times), 20+0.5*10 (ten entries, each 0.5 more). "$comm": the device answered (1) or did not (0).',
      ),
    do: z.array(deed).default([]).describe("What people do meanwhile; at one instant before what points say then."),
    rules: z.array(z.string()).min(1).optional().describe("Rules that are judged; default: all that read a series."),
    end: duration.optional().describe("Goes on until then; default: the last entry or deed."),
    expect: z.array(expected).describe("Every event there is, no other; [] for none."),
  })
  .superRefine(({ series: all }, context) => {
    const total = Object.values(all).reduce((sum, one) => sum + lengthOf(one), 0);
    if (total <= entriesMax) return;
    const message = `${total} entries together; expected at most ${entriesMax}`;
    context.addIssue({ code: "custom", path: ["series"], message });
  });
export type TestConfig = z.output<typeof test>;

export const tests = z.array(test).describe("Tests of the rules, run by mepwatch test.");

/** Each by itself, so that a mistake in one does not hide those in the others; null where something was wrong. */
export function readTests(place: Place, written: unknown, problems: Problem[]): (TestConfig | null)[] {
  if (written === undefined) return [];
  const listed = check(place, ["tests"], z.array(z.unknown()), written, problems) ?? [];
  return listed.map((one, i) => check(place, ["tests", i], test, one, problems));
}

/** Of several keys exactly one must be there. */
function one(keys: readonly string[], what: string) {
  return (given: object, context: z.core.$RefinementCtx): void => {
    // A misspelt one was told already.
    if (context.issues.length > 0) return;
    const named = keys.filter((key) => Reflect.get(given, key) !== undefined);
    if (named.length === 1) return;
    const message =
      named.length === 0
        ? `names no ${what}; expected one of ${keys.join(", ")}, as  ${keys[0]}: RULE`
        : `names ${named.length} ${what}s, ${named.join(" and ")}; expected one`;
    context.addIssue({ code: "custom", message });
  };
}
