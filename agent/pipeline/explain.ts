import { didYouMean } from "../config/problem.ts";
import { type About, type Device, type Site, selfId } from "../config/resolved.ts";
import { explain, type Known } from "../core/explain.ts";
import type { Explanation } from "../core/explanation.ts";
import type { Rule } from "../core/model.ts";
import type { Instant } from "../core/sample.ts";
import type { EventRecord } from "../sinks/record.ts";

/**
 * From what a person names – a device, one of its points or rules, a condition, an open incident – to explanations of all
 * conditions that are meant.
 */
export interface Explained {
  readonly found: true;
  readonly now: Instant;
  readonly conditions: readonly ConditionExplained[];
}

export interface ConditionExplained {
  readonly explanation: Explanation;
  readonly rule: Rule;
  readonly about: About;
  /** The newest event of its open incident; null: none is. */
  readonly record: EventRecord | null;
}

export interface Unknown {
  readonly found: false;
  /** What there is none of: "device", "point or rule of ups-a" … */
  readonly what: string;
  readonly name: string;
  /** What there is instead. */
  readonly known: readonly string[];
  /** " Did you mean …?", or "" where nothing is near. */
  readonly hint: string;
}

interface Asked {
  readonly site: Site;
  readonly open: readonly EventRecord[];
  readonly known: Known;
  readonly now: Instant;
}

export function explainTarget({ site, open, known, now }: Asked, target: string): Explained | Unknown {
  const wanted = targetOf(site, open, target);
  if ("found" in wanted) return wanted;
  const keys = new Set(wanted.keys);
  const records = new Map(open.map((one) => [one.conditionKey, one]));
  const conditions = site.model.rules.flatMap((rule, index) => {
    if (!rule.conditions.some(({ key }) => keys.has(key))) return [];
    return explain(site.model, known, index, now)
      .filter(({ key }) => keys.has(key))
      .map((explanation): ConditionExplained => {
        const { key } = explanation;
        const about = site.about.get(key);
        if (about === undefined) throw new Error(`bug: no description of condition ${key}`);
        return { explanation, rule, about, record: records.get(key) ?? null };
      });
  });
  return { found: true, now, conditions };
}

/** Keys of conditions; none of a point that no rule reads. `named`: whether it is an alarm itself, not where it is. */
interface Wanted {
  readonly keys: readonly string[];
  readonly named: boolean;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What a person names: conditions, or nothing that there is. */
export function targetOf(site: Site, open: readonly EventRecord[], target: string): Wanted | Unknown {
  if (uuid.test(target)) return incidentNamed(open, target.toLowerCase());
  const [device = "", own, ...rest] = target.split("/");
  if (rest.length > 0) return conditionNamed(site, target, own ?? "");
  return own === undefined ? deviceNamed(site, device) : partNamed(site, device, own);
}

function incidentNamed(open: readonly EventRecord[], id: string): Wanted | Unknown {
  const found = open.find(({ incidentId }) => incidentId === id);
  const known = open.map(({ incidentId }) => incidentId);
  return found === undefined ? unknown("open incident", id, known) : { keys: [found.conditionKey], named: true };
}

/** A condition by its whole key, or all sides or bits of a rule by the part that they share. */
function conditionNamed(site: Site, target: string, device: string): Wanted | Unknown {
  const keys = [...site.model.conditions.keys()];
  const found = keys.filter((key) => key === target || key.startsWith(`${target}/`) || key.startsWith(`${target}#`));
  if (found.length > 0) return { keys: found, named: true };
  const there = keys.filter((key) => key.startsWith(`${site.id}/${device}/`));
  return there.length > 0 ? unknown(`condition of ${device}`, target, there) : noDevice(site, device);
}

function deviceNamed(site: Site, device: string): Wanted | Unknown {
  const rules = rulesOf(site, device);
  return rules.length > 0 || declared(site, device) !== undefined
    ? { keys: keysOf(rules), named: false }
    : noDevice(site, device);
}

/** A point and a rule may bear the same name: both are meant then. */
function partNamed(site: Site, device: string, own: string): Wanted | Unknown {
  const rules = rulesOf(site, device);
  const points = declared(site, device)?.points.map((point) => point.own) ?? [];
  if (rules.length === 0 && points.length === 0) return noDevice(site, device);
  const name = `${device}/${own}`;
  const fed = (site.model.feeds.get(name) ?? []).map(({ index }) => site.model.rules[index] as Rule);
  const meant = [...new Set([...fed, ...rules.filter((rule) => rule.name === name)])];
  if (meant.length > 0 || points.includes(own)) return { keys: keysOf(meant), named: true };
  const names = rules.map((rule) => rule.name.slice(device.length + 1));
  return unknown(`point or rule of ${device}`, own, [...new Set([...points, ...names])]);
}

const declared = (site: Site, device: string): Device | undefined => site.devices.find(({ id }) => id === device);

const rulesOf = ({ model }: Site, device: string): Rule[] =>
  model.rules.filter(({ name }) => name.startsWith(`${device}/`));

const keysOf = (rules: readonly Rule[]): string[] =>
  rules.flatMap(({ conditions }) => conditions.map(({ key }) => key));

const noDevice = (site: Site, device: string): Unknown =>
  unknown("device", device, [selfId, ...site.devices.map(({ id }) => id)]);

const unknown = (what: string, name: string, known: readonly string[]): Unknown => ({
  found: false,
  what,
  name,
  known,
  hint: didYouMean(name, known),
});
