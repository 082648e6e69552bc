import { createHash } from "node:crypto";
import * as z from "zod";
import { compileRule, conditionPoint, type Rule, type RuleConfig } from "../core/model.ts";
import { plainPoint } from "../core/quality.ts";
import { type RuleType, ruleOptions } from "../core/rule.ts";
import { ruleTypes } from "../core/rules/index.ts";
import { commPoint, type PointId } from "../core/sample.ts";
import { check } from "./check.ts";
import type { Place } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { About, Device, DevicePoint } from "./resolved.ts";
import { senseless } from "./sense.ts";

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
  /** Points of other devices, or misspelt ones, that its rules read: whether they are there is known once all devices are. */
  readonly wanted: readonly Wanted[];
}

export interface Wanted {
  readonly point: PointId;
  readonly from: Written;
}

const schemas = new Map(ruleTypes.map((type) => [type.type, z.strictObject({ ...ruleOptions, ...type.options })]));

/** Every option that a rule of a type takes, beside its point. */
export const ruleSchema = ({ type }: RuleType): z.ZodType<RuleConfig> => schemas.get(type) as z.ZodType<RuleConfig>;

/** The same of a rule that says a part of them only. */
export const partOfRule = ({ type }: RuleType): z.ZodType<Partial<RuleConfig>> =>
  schemas.get(type)?.partial() as z.ZodType<Partial<RuleConfig>>;

/** The rule type of a name; null where there is none, which was told. */
export function typeNamed(named: unknown, place: Place, problems: Problem[]): RuleType | null {
  const names = ruleTypes.map(({ type }) => type);
  const found = ruleTypes.find(({ type }) => type === named);
  if (found !== undefined) return found;
  const hint = typeof named === "string" ? didYouMean(named, names) : "";
  const missing = named === undefined ? "missing; " : "";
  problems.push(place.problem(["type"], `${missing}expected one of ${names.join(", ")}.${hint}`));
  return null;
}

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
  const own = new Set([...device.points.map(({ id }) => id), commPoint(device.id), ...commKeys]);
  const wanted: Wanted[] = [];
  const rules = checked.flatMap(({ one, type, config, points }) =>
    points.map((point) => {
      const rule = compileRule(type, config, scopeOf(device, point, commKeys), keyOf(site, device, point, one.id));
      problems.push(...senseless(rule, point).map(({ at, what }) => one.place.problem([at], what)));
      for (const input of Object.values(rule.inputs)) {
        if (!own.has(input) && !told.has(ownName(input, device))) wanted.push({ point: input, from: one });
      }
      for (const { key } of rule.conditions) about.set(key, describe(one, type, config, device, point));
      return rule;
    }),
  );
  return { rules, about, wanted };
}

/** The name of one of its own points; of any other the whole. */
const ownName = (point: PointId, { id }: Device): string =>
  point.startsWith(`${id}/`) ? point.slice(id.length + 1) : point;

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
  const type = typeNamed(named, one.place, problems);
  if (type === null) return [];
  const points = pointsOf(type, point, device, told);
  if (typeof points === "string") problems.push(one.place.problem(["point"], points));
  const config = check(one.place, [], ruleSchema(type), options, problems);
  if (config === null || typeof points === "string") return [];
  return [{ one, type, config, points: type.about === "inputs" ? [firstInput(type, config, device)] : points }];
}

/** What stands for several inputs in the key and the place of an incident. */
function firstInput(type: RuleType, config: RuleConfig, device: Device): DevicePoint | null {
  const [first] = Object.values(type.inputs(config, scopeOf(device, null, [])));
  return device.points.find(({ id }) => id === first) ?? null;
}

/** Which points a rule is about: one, all ("*"), or none for a rule that names none; else what is wrong. */
function pointsOf(
  type: RuleType,
  point: unknown,
  device: Device,
  told: ReadonlySet<string>,
): (DevicePoint | null)[] | string {
  if (type.about !== undefined) {
    return point === undefined ? [null] : `a ${type.type} rule is about the ${wholes[type.about]}; expected no point`;
  }
  if (point === "*") return [...device.points];
  const found = device.points.find(({ own }) => own === point);
  if (found !== undefined) return [found];
  if (typeof point === "string" && told.has(point)) return [];
  const known = device.points.map(({ own }) => own);
  const hint = typeof point === "string" ? didYouMean(point, known) : "";
  return `${point === undefined ? "missing; " : ""}expected a point of this device (${known.join(", ")}) or "*".${hint}`;
}

const wholes = { point: "point", device: "device", inputs: "points among its inputs" };

function scopeOf(device: Device, point: DevicePoint | null, unreachableWhen: readonly string[]) {
  const pollMs = point?.intervalMs ?? Math.min(...device.points.map(({ intervalMs }) => intervalMs));
  const id = point?.id ?? "";
  return { point: id, device: device.id, definition: point?.definition ?? plainPoint(id), pollMs, unreachableWhen };
}

function describe(one: Written, type: RuleType, config: RuleConfig, device: Device, point: DevicePoint | null): About {
  const options = config as RuleConfig & { say?: About["say"]; runbook?: string };
  const version = createHash("sha256").update(JSON.stringify(one.options)).digest("hex").slice(0, 8);
  const { say = {}, runbook = null } = options;
  return { rule: one.id, type: type.type, version, device, point, options: { ...options }, say, runbook };
}
