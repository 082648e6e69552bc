import type { Rule, RuleConfig } from "../core/model.ts";
import type { Judged } from "../core/rule.ts";
import type { DevicePoint } from "./resolved.ts";

/** What makes a rule senseless: it could never be raised, or never cleared. `at`: the option that is to blame. */
export interface Senseless {
  readonly at: string;
  readonly what: string;
}

interface Options extends RuleConfig {
  readonly window?: number;
  readonly minSamples?: number;
  readonly k?: number;
  readonly inputs?: unknown;
  readonly unit?: string;
}

export function senseless(rule: Rule, point: DevicePoint | null): Senseless[] {
  const config = rule.config as Options;
  return [
    ...(rule.type.check?.(config) ?? []),
    ...disordered(rule.conditions),
    ...windowOf(config, point),
    ...rangeOf(rule, point),
    ...votesOf(config),
    ...unitOf(config, point),
  ];
}

/** On a side, a worse severity must lie further out, or it could never be the worst; and clear before the lesser one. */
export function disordered(conditions: readonly Judged[]): Senseless[] {
  return conditions.flatMap(({ side, levels }) =>
    levels.slice(1).flatMap((level, i): Senseless[] => {
      const nearer = levels[i];
      if (nearer === undefined) return [];
      const sign = side === "high" ? 1 : -1;
      const pair = `${level.severity} must lie beyond that of ${nearer.severity} on the ${side} side`;
      if (sign * level.limit <= sign * nearer.limit)
        return [{ at: "levels", what: `limit of ${pair}; expected a ${side === "high" ? "higher" : "lower"} one` }];
      if (sign * level.limit - level.deadband < sign * nearer.limit - nearer.deadband)
        return [
          { at: "levels", what: `limit minus deadband of ${pair}, or it clears after it; expected less deadband` },
        ];
      return [];
    }),
  );
}

function windowOf({ window, minSamples = 2 }: Options, point: DevicePoint | null): Senseless[] {
  if (window === undefined || point === null) return [];
  const readings = Math.floor(window / point.intervalMs) + 1;
  const needed = Math.max(3, minSamples);
  if (readings >= needed) return [];
  const holds = `holds ${readings} readings at an interval of ${point.intervalMs / 1000} s`;
  return [{ at: "window", what: `${holds}, ${needed} are needed; expected a longer window or a shorter interval` }];
}

/** A value beyond its plausible range is bad, so no limit out there is ever met. */
function rangeOf({ type, conditions }: Rule, point: DevicePoint | null): Senseless[] {
  const range = point?.definition.range ?? null;
  if (type.type !== "level" || range === null) return [];
  const [low, high] = range;
  return conditions.flatMap(({ side, levels }) =>
    levels
      .filter(({ limit }) => (side === "high" ? limit >= high : limit <= low))
      .map(({ limit }) => ({
        at: "levels",
        what: `limit ${limit} is never passed, since values are plausible from ${low} to ${high} only; expected one within`,
      })),
  );
}

function votesOf({ k, inputs }: Options): Senseless[] {
  if (k === undefined || !Array.isArray(inputs) || k <= inputs.length) return [];
  return [{ at: "k", what: `${k} votes of ${inputs.length} never come together; expected at most ${inputs.length}` }];
}

function unitOf({ unit }: Options, point: DevicePoint | null): Senseless[] {
  if (unit === undefined || point === null || unit === point.unit) return [];
  return [{ at: "unit", what: `limits in ${unit}, but the point is in ${point.unit}; expected the same` }];
}
