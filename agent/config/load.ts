import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { Driver } from "../../drivers/driver.ts";
import { driverOf } from "./buses.ts";
import { window as windowSchema } from "./calendar.ts";
import { check, salvage } from "./check.ts";
import { classRules, type FindClassRule, type OpenFile } from "./class-rules.ts";
import { type Document, readFilled } from "./document.ts";
import { didYouMean, inOrder, type Problem, sayProblem } from "./problem.ts";
import { type DeviceConfig, type Profiled, resolve, type SiteConfig, type Sources } from "./resolve.ts";
import type { Site } from "./resolved.ts";
import { device as deviceSchema, pointKinds, profile as profileSchema, site as siteSchema } from "./schema.ts";
import type { Secrets } from "./secrets.ts";
import type { Suite } from "./suite.ts";
import { profileSuite, siteSuite } from "./tested.ts";
import { readTests } from "./tests.ts";
import { topologySchema } from "./topology.ts";

/** Every file a site was made from, by name: what the store keeps as the last accepted configuration. */
export type Files = Readonly<Record<string, string>>;

export type Loaded =
  | { readonly site: Site; readonly suite: Suite; readonly files: Files; readonly problems: readonly [] }
  | { readonly site: null; readonly suite: null; readonly files: Files; readonly problems: readonly Problem[] };

/** Gives the text of a site, profile or class rule file; null if there is none. May throw where one cannot be read. */
export interface ReadFile {
  (name: string): string | null;
  /** Names of the profiles there are, and of the classes that have rules, for hints. */
  readonly profiles?: () => readonly string[];
  readonly classes?: () => readonly string[];
}

/** A file that is there but cannot be read. */
export interface Unreadable {
  readonly unreadable: string;
}

/** The name under which the site file itself stands among `Files`. */
export const siteName = "site.yaml";
const pointsName = "points.yaml";
const profileFile = (name: string): string => `profiles/${name}.yaml`;

/** What a site must have: who only looks for devices needs none of them yet. */
export type Needs = "devices" | "buses";

/**
 * Reads, checks and resolves a site. `shown` is the site file's name in problems.
 * Never throws: whatever the files hold, the answer is a site or the list of all that is wrong.
 */
export function load(
  shown: string,
  readFile: ReadFile,
  drivers: readonly Driver[],
  secrets: Secrets,
  needs: Needs = "devices",
): Loaded {
  const files: Record<string, string> = {};
  const read = guarded(readFile);
  const text = read(siteName);
  if (typeof text !== "string") {
    const what = text === null ? "no such file; expected a site file in YAML" : text.unreadable;
    return { site: null, suite: null, files, problems: [{ file: shown, line: 0, column: 0, path: "", what }] };
  }
  files[siteName] = text;
  const document = readFilled(shown, text);
  const problems = [...document.problems];
  if (problems.length > 0) return { site: null, suite: null, files, problems };
  const config = readSite(document, needs, problems);
  const open = opening(read, files, problems);
  const classRule = classRules(open, read.classes, problems);
  const profile = profiles(open, read.profiles, drivers, classRule, problems);
  const kinds = kindsOf(read, files, problems);
  const hash = () => hashOf(files);
  const site = resolve({ document, config, profile, classRule, drivers, secrets, kinds, hash }, problems);
  const suite = siteSuite({ document, config, profile }, site, problems);
  return problems.length > 0
    ? { site: null, suite: null, files, problems: inOrder(distinct(problems)) }
    : { site, suite, files, problems: [] };
}

interface Guarded {
  (name: string): string | null | Unreadable;
  readonly profiles: () => readonly string[];
  readonly classes: () => readonly string[];
}

export const guarded = (read: ReadFile): Guarded =>
  Object.assign((name: string) => orUnreadable(() => read(name)), {
    profiles: read.profiles ?? builtInProfiles,
    classes: read.classes ?? builtInClasses,
  });

/** Opens files that others refer to, and keeps their texts among those the site is made from. */
export function opening(read: Guarded, files: Record<string, string>, problems: Problem[]): OpenFile {
  return (file, absent, tell) => {
    const text = read(file);
    if (typeof text !== "string") {
      tell(text === null ? absent() : `${file}: ${text.unreadable}`);
      return null;
    }
    files[file] = text;
    const document = readFilled(file, text);
    problems.push(...document.problems);
    return document;
  };
}

const sections = z.strictObject({
  version: z.unknown().optional(),
  site: z.unknown().optional(),
  buses: z.unknown().optional(),
  devices: z.unknown().optional(),
  topology: z.unknown().optional(),
  traps: z.unknown().optional(),
  bacnet: z.unknown().optional(),
  maintenance: z.unknown().optional(),
  tests: z.unknown().optional(),
});

/** Each part by itself, so that a mistake in one does not hide those in the others. */
function readSite(document: Document, needs: Needs, problems: Problem[]): SiteConfig {
  const { version, site, buses, topology, traps, bacnet } = siteSchema.shape;
  const given = salvage(document, [], sections, document.value, problems);
  const flat = topologySchema.parse({});
  if (given === null) return { site: nameless, buses: {}, devices: [], topology: flat, maintenance: [], tests: [] };
  check(document, ["version"], version, given.version, problems);
  const list = z.array(z.unknown(), "expected a list of devices");
  const some = needs === "buses" ? list.default([]) : list.min(1, "expected a device at least");
  const listed = check(document, ["devices"], some, given.devices, problems) ?? [];
  return {
    site: salvage(document, ["site"], site, given.site, problems, nameless) ?? nameless,
    buses: salvage(document, ["buses"], buses, given.buses, problems) ?? {},
    devices: listed.map((one, i) => readDevice(document, one, i, problems)),
    topology: salvage(document, ["topology"], topology, given.topology, problems) ?? flat,
    traps: check(document, ["traps"], traps, given.traps, problems) ?? undefined,
    bacnet: check(document, ["bacnet"], bacnet, given.bacnet, problems) ?? undefined,
    maintenance: readWindows(document, given.maintenance, problems),
    tests: readTests(document, given.tests, problems),
  };
}

function readWindows(document: Document, written: unknown, problems: Problem[]): SiteConfig["maintenance"] {
  const listed = check(document, ["maintenance"], z.array(z.unknown(), "expected a list"), written ?? [], problems);
  return (listed ?? []).map((one, i) => check(document, ["maintenance", i], windowSchema, one, problems));
}

function readDevice(document: Document, written: unknown, index: number, problems: Problem[]): DeviceConfig | null {
  const nobody = "-";
  const instead = { id: `device-${index}`, profile: nobody, bus: nobody };
  const device = salvage(document, ["devices", index], deviceSchema, written, problems, instead);
  if (device === null) return null;
  const { profile, bus } = written as { readonly profile?: unknown; readonly bus?: unknown };
  return {
    ...device,
    profile: device.profile === nobody && profile !== nobody ? null : device.profile,
    bus: device.bus === nobody && bus !== nobody ? null : device.bus,
  };
}

/** Stands for a site's header that has none of its own; what is wrong was told. */
const nameless: SiteConfig["site"] = { id: "site", timeZone: "UTC", language: "en" };

type ReadProfile = Sources["profile"];

/** Each profile is read and checked once, however many devices have it. */
function profiles(
  open: OpenFile,
  names: () => readonly string[],
  drivers: readonly Driver[],
  classRule: FindClassRule,
  problems: Problem[],
): ReadProfile {
  const known = new Map<string, ReturnType<ReadProfile>>();
  return (name, tell) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const file = profileFile(name);
    const expected = `expected a file ${file} beside the site file, or one of those built in`;
    const document = open(file, () => `no profile "${name}"; ${expected}.${didYouMean(name, names())}`, tell);
    if (document === null) return null;
    const result = document.problems.length > 0 ? null : readProfile(name, document, drivers, problems);
    known.set(name, result);
    if (result !== null && result.tests.length > 0) problems.push(...inTests(result, classRule));
    return result;
  };
}

/** What is wrong with a profile's tests; with its rules, only the devices that have them know. */
function inTests(profiled: Profiled, classRule: FindClassRule): Problem[] {
  const problems: Problem[] = [];
  profileSuite(profiled, { kinds: null, classRule }, problems);
  return problems.filter(({ path }) => path.startsWith("tests."));
}

const testsApart = profileSchema.extend({ tests: z.unknown().optional() });

export function readProfile(
  name: string,
  document: Document,
  drivers: readonly Driver[],
  problems: Problem[],
): Profiled | null {
  const profile = salvage(document, [], testsApart, document.value, problems);
  if (profile === null) return null;
  if (profile.profile !== name)
    problems.push(document.problem(["profile"], `does not fit the file's name; expected ${name}`));
  const driver = driverOf(profile.protocol, drivers, document, ["protocol"], problems);
  const tests = readTests(document, profile.tests, problems);
  return driver === null ? null : { profile, document, driver, tests };
}

/** What a point can measure, from points.yaml; null where there is no such file. */
export function kindsOf(read: Guarded, files: Record<string, string>, problems: Problem[]): Sources["kinds"] {
  const text = read(pointsName);
  if (typeof text !== "string") {
    if (text !== null) problems.push({ file: pointsName, line: 0, column: 0, path: "", what: text.unreadable });
    return null;
  }
  files[pointsName] = text;
  const document = readFilled(pointsName, text);
  problems.push(...document.problems);
  const kinds = document.problems.length > 0 ? null : check(document, [], pointKinds, document.value, problems);
  return kinds === null ? null : Object.keys(kinds);
}

/** The same mistake in a profile, or under an anchor, is told once, not for each device that has it. */
function distinct(problems: readonly Problem[]): Problem[] {
  const first = new Map<string, Problem>();
  for (const problem of problems) {
    const key = sayProblem({ ...problem, path: problem.path.split(".").at(-1) ?? "" });
    if (!first.has(key)) first.set(key, problem);
  }
  return [...first.values()];
}

const hashOf = (files: Files): string => {
  const hash = createHash("sha256");
  for (const [name, text] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${name}\0${text}\0`);
  return hash.digest("hex").slice(0, 16);
};

/** The text of a file on this machine; null where there is none. */
export const readText = (path: string): string | null | Unreadable => orUnreadable(() => textOf(path));

function orUnreadable(read: () => string | null): string | null | Unreadable {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return { unreadable: `cannot be read (${code}); expected a file in YAML that this user may read` };
  }
}

const textOf = (path: string): string | null => (existsSync(path) ? readFileSync(path, "utf8") : null);

/** Reads the site file at `path`; profiles and class rules from beside it, else from those built in. */
export function fromDisk(path: string): ReadFile {
  const folders = [dirname(path), builtInConfig()];
  const read = (name: string): string | null => {
    if (name === siteName) return textOf(path);
    return textOf(join(dirname(path), name)) ?? textOf(join(builtInConfig(), name));
  };
  const named = (kind: string) => () => folders.flatMap((folder) => namesIn(join(folder, kind)));
  return Object.assign(read, { profiles: named("profiles"), classes: named("rules") });
}

export const fromFiles =
  (files: Files): ReadFile =>
  (name) =>
    Object.hasOwn(files, name) ? (files[name] ?? null) : null;

/** `config/` of this package: beside the sources, and beside `dist/` when built. */
export function builtInConfig(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, "../../config"), join(here, "../../../config")];
  return candidates.find((folder) => existsSync(join(folder, "profiles"))) ?? join(here, "../../config");
}

/** Names of the profiles that come with mepwatch. */
export const builtInProfiles = (): string[] => namesIn(join(builtInConfig(), "profiles"));

/** Names of the classes of device for which rules come with mepwatch. */
export const builtInClasses = (): string[] => namesIn(join(builtInConfig(), "rules"));

/** Only for hints: a folder that is not there or cannot be read has none. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".yaml"))
      .map((file) => file.replace(/\.yaml$/, "").replaceAll("\\", "/"));
  } catch {
    return [];
  }
}
