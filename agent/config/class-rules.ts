import * as z from "zod";
import { check, salvage } from "./check.ts";
import { type Document, inside, type Place } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import { partOfRule, typeNamed } from "./rules.ts";
import { id as idSchema, open } from "./schema.ts";
import { disordered } from "./sense.ts";

/**
 * Default rules by class of device, rules/CLASS.yaml: figures and words that are the same for all makers. Rules of
 * profiles and sites refer to them by `use: CLASS/RULE` and add what only they know, such as the point.
 */
export interface ClassRule {
  readonly type: string;
  /** As written, `type` among them; each is right by itself, and what is missing is for its user to give. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The class rule that `use` names; null where there is none, which was told. */
export type FindClassRule = (use: unknown, tell: (what: string) => void) => ClassRule | null;

/** Opens a file that others refer to; null where there is none that can be read, which was told. */
export type OpenFile = (file: string, absent: () => string, tell: (what: string) => void) => Document | null;

const reference = /^([a-z0-9-]+)\/([A-Za-z0-9_-]{1,64})$/;
export const useSchema = z.string().regex(reference).describe("The class rule it is based on, such as rack/inlet-hot.");

/** Each file is read and checked once, however many rules refer to it. `names`: of the classes there are, for hints. */
export function classRules(openFile: OpenFile, names: () => readonly string[], problems: Problem[]): FindClassRule {
  const known = new Map<string, ReadonlyMap<string, ClassRule | null> | null>();
  return (use, tell) => {
    const [, name, rule] = (typeof use === "string" && reference.exec(use)) || [];
    if (name === undefined || rule === undefined) {
      tell("expected class/rule, such as rack/inlet-hot");
      return null;
    }
    const file = `rules/${name}.yaml`;
    if (!known.has(name)) {
      const expected = `expected a file ${file} beside the site file, or one of those built in`;
      const absent = () => `no class rules "${name}"; ${expected}.${didYouMean(name, names())}`;
      const document = openFile(file, absent, tell);
      if (document === null) return null;
      known.set(name, document.problems.length > 0 ? null : readRules(document, problems));
    }
    const rules = known.get(name) ?? null;
    if (rules !== null && !rules.has(rule)) {
      const hint = didYouMean(rule, rules.keys());
      const expected = `; expected one of ${[...rules.keys()].join(", ")}`;
      tell(`no rule "${rule}" in ${file}${hint === "" ? expected : `.${hint}`}`);
    }
    return rules?.get(rule) ?? null;
  };
}

const fileSchema = z.record(idSchema, open);

/** By name; null for one, or for all, with something wrong, which was told. */
function readRules(document: Document, problems: Problem[]): ReadonlyMap<string, ClassRule | null> | null {
  const right = salvage(document, [], fileSchema, document.value, problems);
  if (right === null) return null;
  return new Map(
    Object.keys(document.value as object).map((name) => {
      const written = Object.hasOwn(right, name) ? right[name] : undefined;
      return [name, written === undefined ? null : checked(written, inside(document, [name]), problems)];
    }),
  );
}

function checked(written: Readonly<Record<string, unknown>>, place: Place, problems: Problem[]): ClassRule | null {
  const { type: named, use, point, ...options } = written;
  const own: Problem[] = [];
  if (use !== undefined)
    own.push(place.problem(["use"], "a class rule uses no other one; expected a type and options"));
  if (point !== undefined) {
    own.push(place.problem(["point"], "a class rule is about no point yet; expected it where the rule is used"));
  }
  const type = use === undefined || named !== undefined ? typeNamed(named, place, own) : null;
  if (type !== null) {
    const config = check(place, [], partOfRule(type), options, own);
    const judged = config !== null && "levels" in config ? type.conditions(config) : [];
    own.push(...disordered(judged).map(({ at, what }) => place.problem([at], what)));
  }
  problems.push(...own);
  return own.length > 0 || type === null ? null : { type: type.type, options: written };
}
