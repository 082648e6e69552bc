import type { ClassRule, FindClassRule } from "./class-rules.ts";
import { inside, layered, type Place } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { Written } from "./rules.ts";

/** The rules that a profile or a site gives a device. `null`: one that is switched off. */
export interface Layer {
  readonly rules: Readonly<Record<string, Options | null>>;
  readonly place: Place;
}

type Options = Readonly<Record<string, unknown>>;

/**
 * The rules of a device: the profile's as the site changes them (options given replace, `null` switches off, a new name
 * adds), each upon the class rule that it uses. `declared`: names of the profile's, also of those with something wrong.
 */
export function rulesOf(
  site: Layer,
  profile: Layer,
  declared: readonly string[],
  classRule: FindClassRule,
  problems: Problem[],
): Written[] {
  const inherited = new Map(Object.entries(profile.rules));
  const changed = new Map(Object.entries(site.rules));
  return [...new Set([...inherited.keys(), ...changed.keys()])].flatMap((id) => {
    const own = changed.get(id);
    const base = inherited.get(id);
    const here = inside(site.place, [id]);
    const below = inside(profile.place, [id]);
    if (own !== undefined && !declared.includes(id) && own?.type === undefined && own?.use === undefined) {
      problems.push(here.problem([], noSuch(id, own === null, declared)));
      return [];
    }
    if (own === null || (own === undefined && !base)) return [];
    if (own?.use !== undefined && base && base.use === undefined) {
      const what =
        "the profile's own rule uses none and gives every option itself; expected another name for this rule";
      problems.push(here.problem(["use"], what));
      return [];
    }
    const place = own === undefined ? below : base ? layered(here, own, below) : here;
    const options = based({ ...base, ...own }, place, classRule, problems);
    return options === null ? [] : [{ id, options, place }];
  });
}

function noSuch(id: string, off: boolean, declared: readonly string[]): string {
  const expected = off
    ? ` to switch off; expected one of ${declared.join(", ")}`
    : "; expected a type or use to add it";
  return `no rule "${id}"${expected}.${didYouMean(id, declared)}`;
}

/**
 * What is said of a rule, upon the class rule it uses. What is wrong in that by itself was told in its own file, so that
 * what is found later is the user's to mend, and is shown there.
 */
function based(said: Options, place: Place, classRule: FindClassRule, problems: Problem[]): Options | null {
  const { use, ...options } = said;
  if (use === undefined) return said;
  const found = classRule(use, (what) => problems.push(place.problem(["use"], what)));
  if (found === null) return null;
  if (fits(options.type, found)) return { ...found.options, ...options };
  const instead = alike.includes(found.type) ? ` or one of ${alike.join(", ")}` : "";
  problems.push(place.problem(["type"], `${String(use)} is a ${found.type} rule; expected no type${instead}`));
  return null;
}

/** The same alarm is a value of an enumeration to one maker and a bit of a word to another. */
const alike: readonly unknown[] = ["state", "bits"];

const fits = (type: unknown, { type: own }: ClassRule): boolean =>
  type === undefined || type === own || (alike.includes(type) && alike.includes(own));
