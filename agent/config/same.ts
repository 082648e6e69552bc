import * as z from "zod";
import { inLanguage, type Language, type Wording } from "../core/language.ts";
import type { Meaning } from "../core/meaning.ts";
import { fullName, ruleOptions } from "../core/rule.ts";
import { comm } from "../core/rules/comm.ts";
import { inside, type Place } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { Device, Witness } from "./resolved.ts";
import type { Ruled, Written } from "./rules.ts";

/**
 * One fact that several rules tell (`sameAs`). Those are its witnesses: judged, recorded and sent as ever, they call
 * nobody; the one incident does, which is told as the rule that names the others would be.
 */
export interface Fact {
  /** In the place of a device's id; with the rule's it names the incident for ever. */
  readonly id: string;
  readonly rule: string;
  /** Of its incident. */
  readonly key: string;
  /** Of the rule that names the others, whose options and words it takes. */
  readonly device: Device;
  readonly options: Readonly<Record<string, unknown>>;
  readonly means: Meaning | undefined;
  readonly say: Readonly<Record<string, Wording>>;
  /** That rule first. */
  readonly witnesses: readonly Witness[];
  readonly place: Place;
}

/** A rule as it is written. */
interface Named extends Written {
  readonly name: string;
  readonly device: Device;
}

/** What an alarm means, as far as its rule says; that a device does not answer needs no saying. */
export const meaningOf = ({ options }: Pick<Written, "options">): Meaning | undefined =>
  options.type === comm.type ? "unreachable" : (options.means as Meaning | undefined);

/** @param mayBe whether a rule that is not here may be elsewhere: then it is not called unknown, and left out */
export function factsOf(
  site: string,
  language: Language,
  devices: readonly Ruled[],
  mayBe: (rule: string) => boolean,
  problems: Problem[],
): Fact[] {
  const rules = new Map(
    devices.flatMap(({ device, written }) =>
      written.map((one): [string, Named] => {
        const name = `${device.id}/${one.id}`;
        return [name, { ...one, name, device }];
      }),
    ),
  );
  const ids = new Set(devices.map(({ device }) => device.id));
  /** By each rule that is a witness, which rule made it one. */
  const namedBy = new Map<string, string>();
  return [...rules.values()].flatMap((owner): Fact[] => {
    const { device, name } = owner;
    const id = `same-${device.id}`;
    const here = inside(owner.place, ["sameAs"]);
    const others = sameAs(owner).flatMap((written, i): Named[] => {
      const found = rules.get(fullName({ device: device.id }, written));
      const wrong = found === undefined ? unknown(owner, written, rules, mayBe) : refused(owner, found, namedBy);
      if (wrong !== null && wrong !== "") problems.push(here.problem([i], wrong));
      if (wrong !== null || found === undefined) return [];
      namedBy.set(found.name, name);
      return [found];
    });
    if (others.length === 0) return [];
    if (ids.has(id)) {
      const what = `the one incident is called ${id}, as a device is; expected another id of that device`;
      problems.push(here.problem([], what));
    }
    return [factOf(site, id, owner, others, language)];
  });
}

/** The key of the incident that a rule is a witness of. */
export function factIn(facts: readonly Fact[]): (rule: string) => string | null {
  const keys = new Map(facts.flatMap(({ key, witnesses }) => witnesses.map(({ rule }) => [rule, key] as const)));
  return (rule) => keys.get(rule) ?? null;
}

/** What is no list of names was told where the rule is checked. */
function sameAs({ options }: Written): string[] {
  const given = ruleOptions.sameAs.safeParse(options.sameAs);
  return given.success ? given.data : [];
}

function unknown(owner: Named, written: string, rules: ReadonlyMap<string, Named>, mayBe: (rule: string) => boolean) {
  const name = fullName({ device: owner.device.id }, written);
  if (mayBe(name)) return "";
  return `no rule "${name}"; expected a rule of its own device, or DEVICE/RULE.${didYouMean(name, rules.keys())}`;
}

/** Null: it may be a witness of the owner's. */
function refused(owner: Named, found: Named, namedBy: ReadonlyMap<string, string>): string | null {
  const by = namedBy.get(found.name);
  if (found.name === owner.name) return `${found.name} is this rule itself; expected others that tell the same`;
  if (by !== undefined) return `${found.name} is the same as ${by} already; expected each rule in one set only`;
  if (sameAs(found).length > 0) {
    return `${found.name} names others itself; expected one rule of them to name all others`;
  }
  const [own, other] = [meaningOf(owner), meaningOf(found)];
  return own === undefined || other === undefined || own === other
    ? null
    : `${found.name} means ${other}, this rule ${own}; expected the same`;
}

/** Options of the rule that names the others which say how its incident is told and attended to, not what is judged. */
const taken = z.object(
  Object.fromEntries(
    (["ackRequired", "latch", "reAlarm", "maxShelve", "flap", "suppressedBy", "runbook"] as const).map((name) => [
      name,
      ruleOptions[name],
    ]),
  ),
);

function factOf(site: string, id: string, owner: Named, others: readonly Named[], language: Language): Fact {
  const { device, id: rule, options } = owner;
  // As written, if it is right: what is wrong was told where the rule is checked.
  const own = taken.safeParse(options).success
    ? Object.fromEntries(Object.keys(taken.shape).flatMap((key) => (key in options ? [[key, options[key]]] : [])))
    : {};
  const { suppressedBy = [] } = own as { suppressedBy?: readonly string[] };
  const say = ruleOptions.say.safeParse(options.say).success ? (options.say as Fact["say"] | undefined) : {};
  const point = device.points.find(({ own: name }) => name === options.point);
  const all = [owner, ...others];
  return {
    id,
    rule,
    key: `${site}/${id}/-/${rule}`,
    device,
    options: {
      ...own,
      suppressedBy: suppressedBy.map((name) => fullName({ device: device.id }, name)),
      witnesses: all.map(({ name }) => name),
    },
    means: all.map(meaningOf).find((means) => means !== undefined),
    say: { what: point?.name ?? "", ...say },
    witnesses: all.map((one) => ({ rule: one.name, name: calledAmong(one, all, language) })),
    place: inside(owner.place, ["sameAs"]),
  };
}

/** The device's name, unless others of it are witnesses, too. */
function calledAmong({ device, id, options }: Named, all: readonly Named[], language: Language): string {
  const of = all.filter((one) => one.device === device).length;
  if (of === 1) return device.name;
  const what = (options.say as { what?: Wording } | undefined)?.what;
  const own = what === undefined || what === "" ? id : inLanguage(what, language);
  return of === all.length ? own : `${device.name} ${own}`;
}
