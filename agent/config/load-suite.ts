import { dirname, join, resolve } from "node:path";
import type { Driver } from "../../drivers/driver.ts";
import { classRules } from "./class-rules.ts";
import { type Document, readFilled } from "./document.ts";
import { fromDisk, guarded, kindsOf, load, opening, readProfile, readText } from "./load.ts";
import { inOrder, type Problem } from "./problem.ts";
import type { Secrets } from "./secrets.ts";
import type { Suite } from "./suite.ts";
import { profileSuite } from "./tested.ts";

export type LoadedSuite =
  | { readonly suite: Suite; readonly problems: readonly [] }
  | { readonly suite: null; readonly problems: readonly Problem[] };

/** Reads a site file or a profile for its tests. Never throws: the answer is a suite or the list of all that is wrong. */
export function loadSuite(path: string, drivers: readonly Driver[]): LoadedSuite {
  const text = readText(path);
  const document = typeof text === "string" ? readFilled(path, text) : null;
  const profile = document === null ? null : profileOf(document);
  if (document !== null && profile !== null) return suiteOfProfile(path, document, profile, drivers);
  const { suite, problems } = load(path, fromDisk(path), drivers, noSecret());
  return suite === null ? { suite, problems } : { suite, problems: [] };
}

/**
 * No test needs a secret. What stands for what is kept elsewhere does for a host, too: an address that is nobody's (RFC 2544),
 * another one for each, since no two buses may have the same.
 */
function noSecret(): Secrets {
  const seen: string[] = [];
  return (named) => {
    const key = JSON.stringify(named);
    if (!seen.includes(key)) seen.push(key);
    const nth = seen.indexOf(key) + 1;
    return { text: `198.18.${(nth >> 8) & 0xff}.${nth & 0xff}` };
  };
}

/** By the key at its top a file is a profile; null: it is none. */
function profileOf({ value }: Document): string | null {
  if (typeof value !== "object" || value === null || !("profile" in value) || "site" in value) return null;
  return String(value.profile);
}

function suiteOfProfile(path: string, document: Document, profile: string, drivers: readonly Driver[]): LoadedSuite {
  const { folder, name } = homeOf(path) ?? { folder: dirname(path), name: profile };
  const problems: Problem[] = [];
  const read = guarded(fromDisk(join(folder, "site.yaml")));
  const kinds = kindsOf(read, {}, problems);
  const classRule = classRules(opening(read, {}, problems), read.classes, problems);
  const profiled = readProfile(name, document, drivers, problems);
  const suite = profiled === null ? null : profileSuite(profiled, { kinds, classRule }, problems);
  if (suite === null || problems.length > 0) return { suite: null, problems: inOrder(problems) };
  return { suite, problems: [] };
}

/** The folder of the site files that may have this profile, and the name by which they do; null: it is nowhere such. */
function homeOf(path: string): { readonly folder: string; readonly name: string } | null {
  const [, folder, name] = /^(.*)\/profiles\/(.+)\.yaml$/.exec(resolve(path).replaceAll("\\", "/")) ?? [];
  return folder === undefined || name === undefined ? null : { folder, name };
}
