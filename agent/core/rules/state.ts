import * as z from "zod";
import { inLanguage, phrase, type Wording, wording } from "../language.ts";
import { defineRule, exactly, type Level, type Measure, severity, unknown } from "../rule.ts";
import { rank, type Severity, severities } from "../severity.ts";
import { goodValue } from "../window.ts";

interface Config {
  readonly normal: readonly number[];
  readonly alarm?: readonly number[] | undefined;
  readonly severity?: Severity | undefined;
  readonly name?: Wording | undefined;
  readonly map?: Readonly<Record<string, Severity>> | undefined;
  readonly onDelay?: number;
  readonly offDelay?: number;
}

/** Values that it did not know and has told of; null: none yet. */
type Memory = readonly number[] | null;

const nothing: readonly Measure[] = [unknown()];

export const state = defineRule<Config, Memory>({
  type: "state",
  describe: "An enumeration: which values are alarms, and how severe; a value that is in no list changes nothing.",
  options: {
    normal: z.array(z.number()).min(1).describe("Values that are no alarm."),
    alarm: z.array(z.number()).min(1).optional().describe("Values that are, of the one severity given beside them."),
    severity: severity.optional().describe("Severity of the values under alarm."),
    name: wording.optional().describe("What an alarm means, where the point has no text for its value."),
    map: z
      .record(z.string().regex(/^-?\d+$/), severity)
      .optional()
      .describe("Values that are, each with its severity."),
  },
  check({ normal, alarm = [], map = {}, severity: is }) {
    const expected = "expected alarm: [values] with a severity, or map: { value: severity }";
    if (alarm.length === 0 && Object.keys(map).length === 0) return [{ at: "alarm", what: `missing; ${expected}` }];
    const listed = Object.keys(map).map(Number);
    return [
      ...(alarm.length > 0 && is === undefined ? [{ at: "severity", what: `missing; ${expected}` }] : []),
      ...inBoth("alarm", alarm, "normal and an alarm", normal),
      ...inBoth("map", listed, "normal and an alarm", normal),
      ...inBoth("map", listed, "under alarm and under map", alarm),
    ];
  },
  inputs: (_config, { point }) => ({ value: point }),
  conditions: (config) => [{ slot: "", side: "high", levels: levelsOf(config) }],
  empty: null,
  /** The measure is the rank of the value's severity, so that severities are levels like any others. */
  measure(config, memory, { sample }) {
    const value = goodValue(sample);
    if (value === null) return { memory, measures: nothing, wakeAt: null };
    if (config.normal.includes(value)) return { memory, measures: [exactly(0)], wakeAt: null };
    const found = config.alarm?.includes(value) === true ? config.severity : config.map?.[value];
    if (found !== undefined) return { memory, measures: [exactly(rank(found), "", value)], wakeAt: null };
    const told = memory ?? [];
    if (told.includes(value) || told.length >= oddMax) return { memory, measures: nothing, wakeAt: null };
    return { memory: [...told, value], measures: nothing, wakeAt: null, odd: value };
  },
  shown: () => null,
  facts: ({ map = {}, alarm = [], severity: is }) => ({
    missing: null,
    alarmValues: [
      ...alarm.map((value) => `${value} ${is}`),
      ...Object.entries(map).map(([value, one]) => `${value} ${one}`),
    ].join(", "),
  }),
  say({ name }, { valueText, value, language }) {
    if (valueText !== null) return valueText;
    if (name !== undefined) return inLanguage(name, language);
    return value === "" ? "" : phrase(language, "state", { value });
  },
});

/** A point of which more values are unknown is no enumeration. */
const oddMax = 20;

const inBoth = (at: string, values: readonly number[], why: string, others: readonly number[]) =>
  values
    .filter((value) => others.includes(value))
    .map((value) => ({ at, what: `value ${value} is ${why}; expected one of both` }));

function levelsOf({ alarm, severity: is, map = {}, onDelay = 0, offDelay = 0 }: Config): Level[] {
  const used = new Set([...Object.values(map), ...(alarm === undefined ? [] : [is])]);
  return severities
    .filter((one) => used.has(one))
    .map((one) => ({
      name: one,
      limit: rank(one) - 0.5,
      deadband: 0,
      op: "gt",
      severity: one,
      onDelayMs: onDelay,
      offDelayMs: offDelay,
    }));
}
