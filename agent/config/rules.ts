import { createHash } from "node:crypto";
import * as z from "zod";
import type { CauseRef } from "../core/incident.ts";
import { inLanguage, type Language, type Wording } from "../core/language.ts";
import { compileRule, type Rule, type RuleConfig } from "../core/model.ts";
import { plainPoint } from "../core/quality.ts";
import { type RuleType, ruleOptions, rulePoint, type Scope } from "../core/rule.ts";
import { comm } from "../core/rules/comm.ts";
import { identity } from "../core/rules/identity.ts";
import { madeTypes, ruleTypes } from "../core/rules/index.ts";
import { disagreement, same } from "../core/rules/same.ts";
import type { PointId } from "../core/sample.ts";
import { check } from "./check.ts";
import type { Place } from "./document.ts";
import type { Group } from "./grouping.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { About, Device, DevicePoint, Impacted, Shared } from "./resolved.ts";
import type { Fact } from "./same.ts";
import { senseless } from "./sense.ts";

/** Rules of one device: from what its profile and the site say to compiled rules. */
export interface Written {
  readonly id: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Where to point when something in it is wrong. */
  readonly place: Place;
}

/** A device with its rules as they are written. */
export interface Ruled {
  readonly device: Device;
  readonly written: readonly Written[];
}

export interface Compiled {
  readonly rules: readonly Rule[];
  readonly about: ReadonlyMap<string, About>;
  /** What its rules read and are suppressed by: whether it is there is known once all devices are. */
  readonly references: readonly Reference[];
}

/** A rule, by its name, refers to a point, or to another rule by the point on which that reports itself. */
export interface Reference {
  readonly rule: string;
  readonly to: PointId;
  readonly place: Place;
}

/** Nothing is wrong with what is made. */
const nowhere: Place = {
  problem: () => {
    throw new Error("bug: a rule that is made has a problem");
  },
};

/** A rule of many devices, which is the site's own; its options are right, since they are made. */
export function compileGroup(
  { site, language }: Pick<Surroundings, "site" | "language">,
  group: Made,
  causes: readonly CauseRef[],
  also: Partial<Pick<About, "shared" | "witnesses" | "fact">> & Pick<Scope, "mute"> = {},
): Compiled {
  const { id, rule: own, name, location, type: named, means } = group;
  const { mute, ...facts } = also;
  const type = [...ruleTypes, ...madeTypes].find((one) => one.type === named) as RuleType;
  const config = ruleSchema(type).parse({ ...group.options, means, say: group.say });
  const base = {
    name: inLanguage(name, language),
    class: "group",
    profile: "",
    bus: "",
    protocol: "internal",
    address: null,
  };
  const device: Device = { id, ...base, location, labels: {}, points: [] };
  const scope = { ...scopeOf(device, null), pollMs: 10_000, rule: `${id}/${own}`, causes, mute };
  const rule = compileRule(type, config, scope, keyOf(site, device, null, own));
  const written = { id: own, options: group.options, place: nowhere };
  const around = { device, language, impacted: null, shared: null, fact: null };
  const described = { ...describe(written, type, config, around, null), members: group.members, ...facts };
  return { rules: [rule], about: new Map(rule.conditions.map(({ key }) => [key, described])), references: [] };
}

type Made = Omit<Group, "type" | "means" | "covers"> & {
  readonly type: RuleType["type"];
  readonly means: Group["means"] | undefined;
};

/** The one incident of a fact that several rules tell; and that they contradict each other, which calls nobody. */
export function compileFact(
  around: Pick<Surroundings, "site" | "language">,
  { id, rule, key, device, options, means, say, witnesses, place }: Fact,
  causes: readonly CauseRef[],
  shared: Shared | null,
): Compiled[] {
  const made = { id, name: device.name, location: device.location, members: [] };
  const one = { ...made, rule, type: same.type, means, options, say };
  const what = inLanguage(say.what ?? "", around.language);
  const contrary = {
    ...made,
    rule: `${rule}-disagreement`,
    type: disagreement.type,
    means: undefined,
    options: { witnesses: options.witnesses },
    say: {
      what: { en: `${what} witnesses`.trim(), de: `${what} Meldungen`.trim() },
      action: { en: "Find out which of them is wrong", de: "Prüfen, welche falsch ist" },
    },
  };
  const told = compileGroup(around, one, causes, { witnesses, fact: key, shared });
  const names = [...witnesses.map((each) => each.rule), ...(told.rules[0]?.config.suppressedBy ?? [])];
  const references = names.map((name) => ({ rule: `${id}/${rule}`, to: rulePoint(name), place }));
  return [{ ...told, references }, compileGroup(around, contrary, [], { witnesses, mute: true })];
}

/** The rules of a device that tell whether it can be heard, by name. */
export const commRules = (device: string, written: readonly Written[]): string[] => named(device, written, comm);

const named = (device: string, written: readonly Written[], { type }: RuleType): string[] =>
  written.filter(({ options }) => options.type === type).map(({ id }) => `${device}/${id}`);

const schemas = new Map(
  [...ruleTypes, ...madeTypes].map((type) => [type.type, z.strictObject({ ...ruleOptions, ...type.options })]),
);

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

/** Where a device's rules are to be judged. */
export interface Surroundings {
  readonly site: string;
  readonly language: Language;
  readonly device: Device;
  /** Names of points that are not to be called unknown, since what is wrong with them was told. */
  readonly told: ReadonlySet<string>;
  /** The device through which it is reached, if there is one. */
  readonly behind: string | undefined;
  /** The rules that tell whether what it is reached through can be heard, by name. */
  readonly upstream: readonly string[];
  /** What is not heard while it is not: itself, and what is reached through it. */
  readonly impacted: Impacted;
  /** What, by the topology, may cause a rule, by its name. */
  causesOf(rule: string): readonly CauseRef[];
  /** With which units one shares its duty, by the name of the rule that tells of its loss. */
  sharedBy(rule: string): Shared | null;
  /** The key of the one incident that a rule is a witness of, by its name. */
  factOf(rule: string): string | null;
}

export function compileRules(around: Surroundings, written: readonly Written[], problems: Problem[]): Compiled {
  const { site, device, told, upstream, behind, causesOf } = around;
  const about = new Map<string, About>();
  const references: Reference[] = [];
  const own = [...commRules(device.id, written), ...named(device.id, written, identity)];
  const rules = written.flatMap((one) => {
    const checked = checkRule(one, device, told, problems);
    if (checked === null) return [];
    const { type, config, points } = checked;
    const unreachableWhen = type === comm ? upstream : [...own, ...upstream];
    return points.map((point) => {
      const name = `${device.id}/${one.id}`;
      const fact = around.factOf(name);
      const place = { unreachableWhen, behind, causes: causesOf(name), mute: fact !== null };
      const scope = { ...scopeOf(device, point), rule: name, ...place };
      const rule = compileRule(type, config, scope, keyOf(site, device, point, one.id));
      problems.push(...senseless(rule, point).map(({ at, what }) => one.place.problem([at], what)));
      for (const to of [...Object.values(rule.inputs), ...rule.causes.map(({ rule: name }) => rulePoint(name))]) {
        if (!told.has(ownName(to, device))) references.push({ rule: rule.name, to, place: one.place });
      }
      for (const { key } of rule.conditions)
        about.set(key, describe(one, type, config, { ...around, shared: around.sharedBy(name), fact }, point));
      return rule;
    });
  });
  return { rules, about, references };
}

/** The name of one of its own points; of any other the whole. */
const ownName = (point: PointId, { id }: Device): string =>
  point.startsWith(`${id}/`) ? point.slice(id.length + 1) : point;

const keyOf = (site: string, device: Device, point: DevicePoint | null, rule: string): string =>
  `${site}/${device.id}/${point?.own ?? "-"}/${rule}`;

interface Checked {
  readonly type: RuleType;
  readonly config: RuleConfig;
  readonly points: readonly (DevicePoint | null)[];
}

function checkRule(one: Written, device: Device, told: ReadonlySet<string>, problems: Problem[]): Checked | null {
  const { type: named, point, ...options } = one.options;
  const type = typeNamed(named, one.place, problems);
  if (type === null) return null;
  const points = pointsOf(type, point, device, told);
  if (typeof points === "string") problems.push(one.place.problem(["point"], points));
  const config = check(one.place, [], ruleSchema(type), options, problems);
  if (config === null || typeof points === "string") return null;
  const known = device.points.map(({ own }) => own);
  for (const [i, name] of (config.companions ?? []).entries()) {
    if (known.includes(name) || told.has(name)) continue;
    const what = `no point "${name}"; expected points of this device (${known.join(", ")}).${didYouMean(name, known)}`;
    problems.push(one.place.problem(["companions", i], what));
  }
  return { type, config, points: type.about === "inputs" ? [firstInput(type, config, device)] : points };
}

/** What stands for several inputs in the key and the place of an incident. */
function firstInput(type: RuleType, config: RuleConfig, device: Device): DevicePoint | null {
  const [first] = Object.values(type.inputs(config, scopeOf(device, null)));
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

function scopeOf(device: Device, point: DevicePoint | null): Scope {
  const pollMs = point?.intervalMs ?? Math.min(...device.points.map(({ intervalMs }) => intervalMs));
  const id = point?.id ?? "";
  const definition = point?.definition ?? plainPoint(id);
  return { point: id, device: device.id, definition, pollMs, rule: "", unreachableWhen: [] };
}

function describe(
  one: Written,
  type: RuleType,
  config: RuleConfig,
  {
    device,
    language,
    impacted,
    shared,
    fact,
  }: Pick<Surroundings, "device" | "language"> & Pick<About, "impacted" | "shared" | "fact">,
  point: DevicePoint | null,
): About {
  const options = config as RuleConfig & { say?: Said; runbook?: string };
  const version = createHash("sha256").update(JSON.stringify(one.options)).digest("hex").slice(0, 8);
  const { say = {}, runbook = null } = options;
  return {
    rule: one.id,
    type: type.type,
    version,
    device,
    point,
    options: { ...options },
    say: sayIn(say, language),
    runbook,
    companions: (options.companions ?? []).flatMap((name) => device.points.filter(({ own }) => own === name)),
    impacted: type === comm ? impacted : null,
    members: [],
    shared,
    witnesses: [],
    fact,
  };
}

type Said = Readonly<Record<string, Wording>>;

export const sayIn = (say: Said, language: Language): About["say"] =>
  Object.fromEntries(Object.entries(say).map(([part, words]) => [part, inLanguage(words, language)]));
