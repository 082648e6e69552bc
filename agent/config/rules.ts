import { createHash } from "node:crypto";
import * as z from "zod";
import { compileRule, conditionPoint, type Rule, type RuleConfig } from "../core/model.ts";
import { plainPoint } from "../core/quality.ts";
import { type RuleType, ruleOptions } from "../core/rule.ts";
import { ruleTypes } from "../core/rules/index.ts";
import { check } from "./check.ts";
import type { Place } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { About, Device, DevicePoint } from "./resolved.ts";

/** Rules of one device: from what its profile and the site say to compiled rules. */
export interface Written {
  readonly id: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Where to point when something in it is wrong. */
  readonly place: Place;
}

export interface Compiled {
  readonly rules: readonly Rule[];
  readonly about: ReadonlyMap<string, About>;
}

const schemas = new Map(ruleTypes.map((type) => [type.type, z.strictObject({ ...ruleOptions, ...type.options })]));

/** `told`: names of points that are not to be called unknown, since what is wrong with them was told. */
export function compileRules(
  site: string,
  device: Device,
  written: readonly Written[],
  told: ReadonlySet<string>,
  problems: Problem[],
): Compiled {
  const checked = written.flatMap((one) => checkRule(one, device, told, problems));
  const commKeys = checked
    .filter(({ type }) => type.type === "comm")
    .map(({ one }) => conditionPoint(keyOf(site, device, null, one.id)));
  const about = new Map<string, About>();
  const rules = checked.flatMap(({ one, type, config, points }) =>
    points.map((point) => {
      const rule = compileRule(type, config, scopeOf(device, point, commKeys), keyOf(site, device, point, one.id));
      problems.push(...disordered(rule, one));
      for (const { key } of rule.conditions) about.set(key, describe(one, type, config, device, point));
      return rule;
    }),
  );
  return { rules, about };
}

const keyOf = (site: string, device: Device, point: DevicePoint | null, rule: string): string =>
  `${site}/${device.id}/${point?.own ?? "-"}/${rule}`;

interface Checked {
  readonly one: Written;
  readonly type: RuleType;
  readonly config: RuleConfig;
  readonly points: readonly (DevicePoint | null)[];
}

function checkRule(one: Written, device: Device, told: ReadonlySet<string>, problems: Problem[]): Checked[] {
  const { type: named, point, ...options } = one.options;
  const names = ruleTypes.map((candidate) => candidate.type);
  const type = ruleTypes.find((candidate) => candidate.type === named);
  if (type === undefined) {
    const hint = typeof named === "string" ? didYouMean(named, names) : "";
    const missing = named === undefined ? "missing; " : "";
    problems.push(one.place.problem(["type"], `${missing}expected one of ${names.join(", ")}.${hint}`));
    return [];
  }
  const points = pointsOf(type, point, device, told);
  if (typeof points === "string") problems.push(one.place.problem(["point"], points));
  const schema = schemas.get(type.type) as z.ZodType<RuleConfig>;
  const config = check(one.place, [], schema, options, problems);
  return config === null || typeof points === "string" ? [] : [{ one, type, config, points }];
}

/** Which points a rule is about: one, all ("*"), or none for a rule about the device; else what is wrong. */
function pointsOf(
  type: RuleType,
  point: unknown,
  device: Device,
  told: ReadonlySet<string>,
): (DevicePoint | null)[] | string {
  if (type.type === "comm") return point === undefined ? [null] : "a comm rule is about the device; expected no point";
  if (point === "*") return [...device.points];
  const found = device.points.find(({ own }) => own === point);
  if (found !== undefined) return [found];
  if (typeof point === "string" && told.has(point)) return [];
  const known = device.points.map(({ own }) => own);
  const hint = typeof point === "string" ? didYouMean(point, known) : "";
  return `${point === undefined ? "missing; " : ""}expected a point of this device (${known.join(", ")}) or "*".${hint}`;
}

function scopeOf(device: Device, point: DevicePoint | null, unreachableWhen: readonly string[]) {
  const pollMs = point?.intervalMs ?? Math.min(...device.points.map(({ intervalMs }) => intervalMs));
  const id = point?.id ?? "";
  return { point: id, device: device.id, definition: point?.definition ?? plainPoint(id), pollMs, unreachableWhen };
}

/** On a side, a worse severity must lie further out, or it could never be the worst. */
function disordered(rule: Rule, one: Written): Problem[] {
  return rule.conditions.flatMap(({ side, levels }) =>
    levels.slice(1).flatMap((level, i) => {
      const nearer = levels[i];
      if (nearer === undefined) return [];
      const outward = side === "high" ? level.limit > nearer.limit : level.limit < nearer.limit;
      if (outward) return [];
      const what = `${level.severity} must lie further out than ${nearer.severity} on the ${side} side; expected a ${side === "high" ? "higher" : "lower"} limit`;
      return [one.place.problem(["levels"], what)];
    }),
  );
}

function describe(one: Written, type: RuleType, config: RuleConfig, device: Device, point: DevicePoint | null): About {
  const options = config as RuleConfig & { say?: About["say"]; runbook?: string };
  const version = createHash("sha256").update(JSON.stringify(one.options)).digest("hex").slice(0, 8);
  const { say = {}, runbook = null } = options;
  return { rule: one.id, type: type.type, version, device, point, options: { ...options }, say, runbook };
}
