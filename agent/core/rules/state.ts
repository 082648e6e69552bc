import * as z from "zod";
import { defineRule, exactly, type Level, type Measure, severity, unknown } from "../rule.ts";
import { rank, type Severity, severities } from "../severity.ts";
import { goodValue } from "../window.ts";

interface Config {
  readonly normal: readonly number[];
  readonly map: Readonly<Record<string, Severity>>;
  readonly onDelay?: number;
  readonly offDelay?: number;
}

const nothing: readonly Measure[] = [unknown()];

export const state = defineRule<Config, null>({
  type: "state",
  describe: "An enumeration: which values are alarms, and how severe; a value that is in no list changes nothing.",
  options: {
    normal: z.array(z.number()).min(1).describe("Values that are no alarm."),
    map: z.record(z.string().regex(/^-?\d+$/), severity).describe("Values that are, each with its severity."),
  },
  inputs: (_config, { point }) => ({ value: point }),
  conditions: (config) => [{ slot: "", side: "high", levels: levelsOf(config) }],
  empty: null,
  /** The measure is the rank of the value's severity, so that severities are levels like any others. */
  measure(config, memory, { sample }) {
    const value = goodValue(sample);
    if (value === null) return { memory, measures: nothing, wakeAt: null };
    if (config.normal.includes(value)) return { memory, measures: [exactly(0)], wakeAt: null };
    const found = config.map[String(value)];
    const measures = found === undefined ? nothing : [exactly(rank(found), "", value)];
    return { memory, measures, wakeAt: null };
  },
  shown: () => null,
  facts: ({ map }) => ({
    missing: null,
    alarmValues: Object.entries(map)
      .map(([value, is]) => `${value} ${is}`)
      .join(", "),
  }),
  say: (_config, { valueText, value }) => valueText ?? `is ${value}`,
});

function levelsOf({ map, onDelay = 0, offDelay = 0 }: Config): Level[] {
  const used = new Set(Object.values(map));
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
