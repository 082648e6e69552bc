import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { Driver } from "../../drivers/driver.ts";
import { check, type Document, readDocument, salvage } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import { resolve, type Sources } from "./resolve.ts";
import type { Site } from "./resolved.ts";
import {
  device as deviceSchema,
  type Profile,
  pointKinds,
  profile as profileSchema,
  site as siteSchema,
} from "./schema.ts";
import type { Secrets } from "./secrets.ts";

/** Every file a site was made from, by name: what the store keeps as the last accepted configuration. */
export type Files = Readonly<Record<string, string>>;

export type Loaded =
  | { readonly site: Site; readonly files: Files; readonly problems: readonly [] }
  | { readonly site: null; readonly files: Files; readonly problems: readonly Problem[] };

/** Gives the text of a site or profile file; null if there is none. */
export type ReadFile = (name: string) => string | null;

/** The name under which the site file itself stands among `Files`. */
export const siteName = "site.yaml";
const pointsName = "points.yaml";
const profileFile = (name: string): string => `profiles/${name}.yaml`;

/**
 * Reads, checks and resolves a site. `shown` is the site file's name in problems.
 * Never throws: whatever the files hold, the answer is a site or the list of all that is wrong.
 */
export function load(shown: string, readFile: ReadFile, drivers: readonly Driver[], secrets: Secrets): Loaded {
  const files: Record<string, string> = {};
  const problems: Problem[] = [];
  const tellFile = (name: string, what: string): void =>
    void problems.push({ file: name === siteName ? shown : name, line: 0, column: 0, path: "", what });
  const read: ReadFile = (name) => {
    try {
      return readFile(name);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      tellFile(name, `cannot be read (${code}); expected a file in YAML that this user may read`);
      return null;
    }
  };
  const text = read(siteName);
  if (text === null) {
    if (problems.length === 0) tellFile(siteName, "no such file; expected a site file in YAML");
    return { site: null, files, problems };
  }
  files[siteName] = text;
  const document = readDocument(shown, text);
  if (document.problems.length > 0) return { site: null, files, problems: document.problems };
  const config = siteOf(document, problems);
  if (config === null) return { site: null, files, problems: inOrder(problems) };
  const profile = profiles(read, files, problems);
  // Problems are found before the hash is known, the hash when every profile was read: resolve runs once, with both.
  for (const device of config.devices) if (device !== null) profile(device.profile, () => {});
  const kinds = kindsOf(read, files, problems);
  const site = resolve({ document, config, profile, drivers, secrets, kinds, hash: hashOf(files) }, problems);
  return problems.length > 0 ? { site: null, files, problems: inOrder(problems) } : { site, files, problems: [] };
}

const frame = siteSchema.extend({
  site: z.unknown(),
  buses: z.unknown().optional(),
  devices: z.array(z.unknown()).min(1),
});
const { site: header, buses: lines } = siteSchema.shape;

/** Each part on its own, so that what is wrong with one does not hide what is wrong with the others. */
function siteOf(document: Document, problems: Problem[]): Sources["config"] | null {
  const config = salvage(document, [], frame, document.value, problems);
  if (config === null) return null;
  const unnamed = { id: "unnamed", timeZone: "UTC" };
  return {
    version: config.version,
    site: salvage(document, ["site"], header, config.site, problems, unnamed) ?? unnamed,
    buses: salvage(document, ["buses"], lines, config.buses, problems) ?? {},
    devices: config.devices.map((one, i) =>
      salvage(document, ["devices", i], deviceSchema, one, problems, { id: `unnamed-${i}` }),
    ),
  };
}

type ReadProfile = (name: string, tell: (what: string) => void) => { profile: Profile; document: Document } | null;

/** Each profile is read and checked once, however many devices have it. */
function profiles(read: ReadFile, files: Record<string, string>, problems: Problem[]): ReadProfile {
  const known = new Map<string, { profile: Profile; document: Document } | null>();
  return (name, tell) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const text = /^[a-z0-9-]+(\/[a-z0-9-]+)*$/.test(name) ? read(profileFile(name)) : null;
    if (text === null) {
      tell(
        `no profile "${name}"; expected a file ${profileFile(name)} beside the site file, or one of those built in.${near(name)}`,
      );
      return null;
    }
    files[profileFile(name)] = text;
    const document = readDocument(profileFile(name), text);
    problems.push(...document.problems);
    const checked =
      document.problems.length > 0 ? null : salvage(document, [], profileSchema, document.value, problems);
    const result = checked === null ? null : { profile: checked, document };
    known.set(name, result);
    return result;
  };
}

/** What a point can measure, from points.yaml; null where there is no such file. */
function kindsOf(read: ReadFile, files: Record<string, string>, problems: Problem[]): Sources["kinds"] {
  const text = read(pointsName);
  if (text === null) return null;
  files[pointsName] = text;
  const document = readDocument(pointsName, text);
  problems.push(...document.problems);
  const kinds = document.problems.length > 0 ? null : check(document, [], pointKinds, document.value, problems);
  return kinds === null ? null : Object.keys(kinds);
}

/** File by file from top to bottom; the same mistake in a profile is told once, not for each device that has it. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const distinct = [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
  const files = [...new Set(distinct.map(({ file }) => file))];
  return distinct.sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}

const hashOf = (files: Files): string => {
  const hash = createHash("sha256");
  for (const [name, text] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${name}\0${text}\0`);
  return hash.digest("hex").slice(0, 16);
};

/** Reads the site file at `path`; profiles from `profiles/` beside it, else from those built in. */
export function fromDisk(path: string): ReadFile {
  const read = (file: string): string | null => (existsSync(file) ? readFileSync(file, "utf8") : null);
  return (name) => {
    if (name === siteName) return read(path);
    return read(join(dirname(path), name)) ?? read(join(builtInConfig(), name));
  };
}

export const fromFiles =
  (files: Files): ReadFile =>
  (name) =>
    files[name] ?? null;

/** `config/` of this package: beside the sources, and beside `dist/` when built. */
export function builtInConfig(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, "../../config"), join(here, "../../../config")];
  return candidates.find((folder) => existsSync(join(folder, "profiles"))) ?? join(here, "../../config");
}

const near = (name: string): string => didYouMean(name, builtInProfiles());

/** Names of the profiles that come with mepwatch. */
export function builtInProfiles(): string[] {
  const folder = join(builtInConfig(), "profiles");
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => file.replace(/\.yaml$/, "").replaceAll("\\", "/"));
}
