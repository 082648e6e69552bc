import * as z from "zod";
import { duration } from "./duration.ts";
import type { CauseRef } from "./incident.ts";
import { type Language, wording } from "./language.ts";
import { meanings } from "./meaning.ts";
import type { Point } from "./quality.ts";
import type { Instant, Mono, PointId, Sample } from "./sample.ts";
import { type Severity, severities } from "./severity.ts";

/**
 * A rule is only a measure: it reduces what it sees to numbers. Limits, deadband, delays, levels, latching and
 * incidents exist once, in condition.ts, so that a new rule type is a new measure and nothing else.
 */
export interface RuleType<Config = unknown, Memory = unknown> {
  readonly type: string;
  /** One sentence for the generated reference. */
  readonly describe: string;
  /** What it is about: a point that is named beside it (the default), the device, or the inputs that it names itself. */
  readonly about?: "point" | "device" | "inputs";
  /** Its own options, beside those that every rule has (`ruleOptions`). */
  readonly options: z.ZodRawShape;
  /** What is wrong with options that are each right by themselves; `at`: the option to blame. */
  check?(config: Config): readonly { readonly at: string; readonly what: string }[];
  /** The points it reads, by the name its `measure` knows them by. */
  inputs(config: Config, scope: Scope): Readonly<Record<string, PointId>>;
  /** The conditions it can be in: one for each slot and side. */
  conditions(config: Config): readonly Judged[];
  readonly empty: Memory;
  /** With a tick: what is known by what it remembers, which is also what whoever asks why is told. */
  measure(config: Config, memory: Memory, seen: Seen): Measured<Memory>;
  /** Its memory is a history of values: what is left of it once the input of this name has a new sensor. */
  forget?(memory: Memory, input: string): Memory;
  /** The measure moves as time passes: the engine also measures with a tick, and may be asked for one. */
  readonly movesByItself?: boolean;
  /** Of a device that cannot be heard it says nothing: what `unreachableWhen` names suppresses it. */
  readonly needsToHear?: boolean;
  /** How long it needs, once its cause is gone, to see for itself whether it still holds, ms. Default: 0. */
  lingerMs?(config: Config): number;
  /** What is wrong, in a few words of the site's language, for the incident's text: "33.4 °C (limit 32)". */
  say(config: Config, facts: Said): string;
  /** A measure, or a limit, as people read it; null: it is only on or off. Default: the number with the point's unit. */
  shown?(config: Config, measure: number, unit: string): string | null;
  /** What it knows beside its measure, for who asks why; `at`: when it was last measured. */
  facts?(config: Config, memory: Memory, at: Mono): Facts;
}

/** Numbers and words under names that bear their unit (windowSpanS, slopePerMin); null: not known. */
export interface Facts {
  /** Why its measure is not known, or only as a bound; null: it is known, or its samples tell why not. */
  readonly missing: Missing | null;
  readonly [fact: string]: number | string | null;
}

export type Missing =
  | "window-not-filled"
  | "reference-unknown"
  | "blanked"
  | "inputs-unknown"
  | "not-running"
  | "never-answered"
  | "parent-not-asked"
  | "device-unreachable";

/** What a rule's place in the site gives it. */
export interface Scope {
  readonly point: PointId;
  readonly device: string;
  /** The definition of the point, for what a measure must know of it (counter width). */
  readonly definition: Point;
  /** Poll interval of the point, ms. */
  readonly pollMs: number;
  /** The rule's own name, by which other rules know it: `device/rule`. */
  readonly rule: string;
  /** Names of rules whose being active means that this device cannot be heard. */
  readonly unreachableWhen: readonly string[];
  /** The device through which it is reached, if there is one. */
  readonly behind?: string | undefined;
  /** What, by the site's topology, may be the cause of it. */
  readonly causes?: readonly CauseRef[] | undefined;
}

/** A point, or a rule, as a rule names it: of its own device, or `device/…`. */
export const fullName = ({ device }: Pick<Scope, "device">, name: string): PointId =>
  name.includes("/") || device === "" ? name : `${device}/${name}`;

/**
 * The point on which a rule reports itself to other rules, by its name: the rank of its worst active condition, 1 … 5,
 * 0 while none is active, bad while that is not known.
 */
export const rulePoint = (rule: string): PointId => `@${rule}`;

export interface Seen extends Instant {
  /** Name of the input that has a new sample; "" for a tick. */
  readonly input: string;
  readonly sample: Sample | null;
}

export interface Measured<Memory> {
  readonly memory: Memory;
  readonly measures: readonly Measure[];
  /** When time alone will change the measure in a way that matters, engine time; null: never. */
  readonly wakeAt: number | null;
  /** A value that it does not know what to make of, the first time that it comes. */
  readonly odd?: number;
}

/** What is known of a number: exactly it (lo = hi), a bound, or nothing (−∞ … +∞). */
export interface Measure {
  readonly slot: string;
  readonly lo: number;
  readonly hi: number;
  /** Tells values of the same severity apart (state rules): a change of it while active is an update. */
  readonly mark?: number;
}

export const exactly = (value: number, slot = "", mark?: number): Measure =>
  mark === undefined ? { slot, lo: value, hi: value } : { slot, lo: value, hi: value, mark };
export const atLeast = (value: number): Measure => ({ slot: "", lo: value, hi: Number.POSITIVE_INFINITY });
export const unknown = (slot = ""): Measure => ({
  slot,
  lo: Number.NEGATIVE_INFINITY,
  hi: Number.POSITIVE_INFINITY,
});

/** One side of one slot, with its levels from least to most severe. */
export interface Judged {
  readonly slot: string;
  readonly side: "high" | "low";
  readonly levels: readonly Level[];
}

export interface Level {
  readonly name: string;
  readonly limit: number;
  readonly deadband: number;
  readonly op: "gt" | "ge";
  readonly severity: Severity;
  readonly onDelayMs: number;
  readonly offDelayMs: number;
  /** No cause suppresses it, but one that covers it. */
  readonly audible?: boolean;
  /** It is told so that it is known, and calls nobody. */
  readonly quiet?: boolean;
}

export interface Said {
  /** The deciding value with its unit, as people read it; "" where unknown. */
  readonly value: string;
  readonly valueText: string | null;
  readonly measure: number | null;
  readonly unit: string;
  /** Of the level that decided, as the measure. */
  readonly limit: number;
  readonly slot: string;
  readonly language: Language;
}

/** More would tell a reader less. */
export const companionsMax = 8;

/** Options that every rule has, whatever its type. */
export const ruleOptions = {
  onDelay: duration.optional().describe("How long the condition must hold before it raises; a level may say its own."),
  offDelay: duration.optional().describe("How long it must be gone before it clears; a level may say its own."),
  delayMode: z
    .enum(["sample", "timer"])
    .default("sample")
    .describe("sample: a delay is confirmed by a sample (polling). timer: it elapses by itself (changes of value)."),
  maxGap: duration.optional().describe("Evidence further apart than this is not continuous. Default: 3 × interval."),
  unit: z.string().optional().describe("Unit of the limits; if given it must be the point's."),
  ackRequired: z
    .boolean()
    .optional()
    .describe(
      "An incident that nobody acknowledged stays open after it cleared. Default: if it was high or critical, or is latched.",
    ),
  latch: z.boolean().default(false).describe("Back to normal it stays open until someone resets it."),
  reAlarm: duration
    .refine((ms) => ms >= 10_000, "expected at least 10s")
    .optional()
    .describe("Tells again each so often while nobody has acknowledged."),
  maxShelve: z.string().default("8h").pipe(duration).describe("The longest it may be shelved."),
  flap: z
    .union([
      z.strictObject({
        count: z.int().min(2).describe("So many raises …"),
        window: duration.describe("… within this time are flapping: further ones are withheld …"),
        quiet: duration.describe("… until nothing has moved for so long."),
      }),
      z.strictObject({
        mode: z.literal("nagios").describe("As Nagios reckons it: by the changes among the last 21 states."),
        slot: z.string().default("60s").pipe(duration).describe("A state is taken each so often."),
        high: z.number().min(0).max(100).default(30).describe("From so many per cent on it flaps …"),
        low: z.number().min(0).max(100).default(20).describe("… until it is at so many or less."),
      }),
    ])
    .optional()
    .describe("Holds back what chatters."),
  suppressedBy: z
    .array(z.string())
    .default([])
    .describe("Its causes, rules of this device or DEVICE/RULE: while one is active nobody is called for this one."),
  means: z.enum(meanings).optional().describe("What it means to the plant: by it causes and consequences are known."),
  companions: z
    .array(z.string())
    .max(companionsMax)
    .optional()
    .describe("Points of this device whose values at the raise help to see why; they are sent with it."),
  say: z
    .strictObject({
      what: wording.optional().describe("What it is about; default: the point's name."),
      cause: wording.optional().describe("The likely cause."),
      action: wording.optional().describe("The first thing to do."),
      consequence: wording.optional().describe("What happens if nobody does."),
    })
    .optional()
    .describe("Words for the incident's text; each for all languages, or { en: …, de: … }."),
  runbook: z.url().optional().describe("Where the procedure is written down."),
} as const;

const delays = {
  onDelay: duration.optional().describe("Overrides the rule's onDelay for this level."),
  offDelay: duration.optional().describe("Overrides the rule's offDelay for this level."),
};

export const severity = z.enum(severities);

export const level = z.strictObject({
  name: z.string().optional().describe("Shown in incidents, such as HH; default: the severity."),
  side: z.enum(["high", "low"]).default("high").describe("high: raise above the limit. low: below."),
  limit: z.number().describe("Raise beyond this."),
  deadband: z.number().min(0).default(0).describe("Clear only this far back inside the limit."),
  op: z.enum(["gt", "ge"]).default("gt").describe("gt: beyond the limit. ge: at the limit too."),
  severity: severity.describe("Severity while this is the worst active level."),
  ...delays,
});

export const levels = z
  .array(level)
  .min(1)
  .describe("Limits, each with its severity; on a side, worse severities lie further out.");

interface RuleDelays {
  readonly onDelay?: number | undefined;
  readonly offDelay?: number | undefined;
}

/** The levels of a slot, by side, least severe first (of the same severity, the nearer limit first). */
export function bySide(given: z.output<typeof levels>, delay: RuleDelays, toMeasure = 1, slot = ""): Judged[] {
  return (["high", "low"] as const).flatMap((side) => {
    const own = given
      .filter((one) => one.side === side)
      .map((one) => ({
        name: one.name ?? one.severity,
        limit: one.limit * toMeasure,
        deadband: one.deadband * toMeasure,
        op: one.op,
        severity: one.severity,
        onDelayMs: one.onDelay ?? delay.onDelay ?? 0,
        offDelayMs: one.offDelay ?? delay.offDelay ?? 0,
      }))
      .sort(
        (a, b) =>
          severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
          (side === "high" ? a.limit - b.limit : b.limit - a.limit),
      );
    return own.length === 0 ? [] : [{ slot, side, levels: own }];
  });
}

/** A slot that is simply on (measure above 0.5) or off. */
export function onOff(is: Severity, delay: RuleDelays, slot = ""): Judged {
  const { onDelay = 0, offDelay = 0 } = delay;
  const only = { name: is, limit: 0.5, deadband: 0, op: "gt", severity: is, onDelayMs: onDelay, offDelayMs: offDelay };
  return { slot, side: "high", levels: [only as Level] };
}

/** Checks a rule type against its own Config and Memory, then erases them. */
export function defineRule<Config, Memory>(type: RuleType<Config, Memory>): RuleType {
  return type as unknown as RuleType;
}
