import type * as z from "zod";
import type { Driver } from "../../drivers/driver.ts";
import { inLanguage, type Language } from "../core/language.ts";
import { modelOf } from "../core/model.ts";
import { resolveBus, tellShared } from "./buses.ts";
import { type WindowConfig, windowsOf } from "./calendar.ts";
import { check } from "./check.ts";
import type { FindClassRule } from "./class-rules.ts";
import { segments, webOf } from "./correlate.ts";
import { type Document, given, inside, layered, type Path, type Place } from "./document.ts";
import { identityOf, identityRule } from "./identity.ts";
import { rulesOf } from "./layers.ts";
import { didYouMean, type Problem } from "./problem.ts";
import { pointsOf, rulePointsOf, wrongReferences } from "./references.ts";
import { type About, type Bus, type Device, type DevicePoint, type Site, selfId } from "./resolved.ts";
import { commRules, compileFact, compileGroup, compileRules, type Reference, type Ruled } from "./rules.ts";
import { factIn, factsOf } from "./same.ts";
import {
  type device as deviceSchema,
  type PointConfig,
  type Profile,
  point as pointSchema,
  type site as siteSchema,
} from "./schema.ts";
import type { Secrets } from "./secrets.ts";
import { selfRules } from "./self.ts";
import { withRows } from "./tables.ts";
import type { TestConfig } from "./tests.ts";
import { type Topology, topologyOf } from "./topology.ts";
import { deviceTraps, listenersOf } from "./traps.ts";

/** A site as read: null where something was wrong, and was told. */
export interface SiteConfig extends Omit<z.output<typeof siteSchema>, "version" | "devices" | "maintenance" | "tests"> {
  readonly devices: readonly (DeviceConfig | null)[];
  readonly maintenance: readonly (WindowConfig | null)[];
  readonly tests: readonly (TestConfig | null)[];
}

type Declared = z.output<typeof deviceSchema>;
export interface DeviceConfig extends Omit<Declared, "profile" | "bus"> {
  readonly profile: string | null;
  readonly bus: Declared["bus"] | null;
}

/** From what is written to a site with nothing left open. Finds as many problems as it can before giving up. */
export interface Sources {
  readonly document: Document;
  readonly config: SiteConfig;
  /** A profile by name; null after it has told what is wrong. */
  profile(name: string, tell: (what: string) => void): Profiled | null;
  readonly classRule: FindClassRule;
  readonly drivers: readonly Driver[];
  readonly secrets: Secrets;
  /** What a point can measure; null: anything. */
  readonly kinds: readonly string[] | null;
  /** Of all files; those that others refer to are read on the way, so it is known in the end. */
  hash(): string;
}

export interface Profiled {
  readonly profile: Profile;
  readonly document: Document;
  readonly driver: Driver;
  readonly tests: readonly (TestConfig | null)[];
}

export function resolve(sources: Sources, problems: Problem[]): Site {
  const { config, document, hash } = sources;
  const buses = new Map<string, Bus>();
  for (const [name, written] of Object.entries(config.buses)) {
    const bus = resolveBus(sources, name, written, ["buses", name], problems);
    if (bus) buses.set(name, bus);
  }
  if (!isTimeZone(config.site.timeZone)) {
    problems.push(document.problem(["site", "timeZone"], "expected an IANA time zone, such as Europe/Berlin or UTC"));
  }
  const devices = resolveDevices(sources, buses, problems);
  tellShared(sources, buses.values(), problems);
  const { id, name = id, timeZone, language } = config.site;
  const listeners = listenersOf(sources, buses.values(), problems);
  const { model, about } = judging(sources, devices, buses, problems);
  const resolved = devices.map(({ device }) => device);
  const place = inside(document, ["maintenance"]);
  const windows =
    resolved.length < config.devices.length
      ? []
      : windowsOf(config.maintenance, { about, timeZone: isTimeZone(timeZone) ? timeZone : "UTC" }, place, problems);
  const around = { id, name, timeZone, language, configHash: hash(), buses: [...buses.values()], windows, listeners };
  return { ...around, devices: resolved, model, about };
}

interface RuledDevice extends Ruled {
  /** Points and rules in which something is wrong, which was told. */
  readonly told: ReadonlySet<string>;
}

function resolveDevices(sources: Sources, buses: Map<string, Bus>, problems: Problem[]): RuledDevice[] {
  const { config, document } = sources;
  const ids = new Set<string>([selfId]);
  return config.devices.flatMap((written, index) => {
    if (written === null) return [];
    const path = ["devices", index];
    if (ids.has(written.id)) {
      const why = written.id === selfId ? "is kept for the agent itself" : "is there twice";
      problems.push(document.problem([...path, "id"], `device id "${written.id}" ${why}; expected another one`));
    }
    ids.add(written.id);
    const bus = busOf(sources, written, path, buses, problems);
    const tell = (what: string) => problems.push(document.problem([...path, "profile"], what));
    const named = written.profile === null ? null : sources.profile(written.profile, tell);
    const address = addressOf(sources, written, path, bus, named, problems);
    if (named === null) return [];
    const profiled = withRows(named, written.rows, inside(document, [...path, "rows"]), problems);
    const { language } = config.site;
    const device = resolveDevice(
      { ...sources, language },
      written,
      path,
      profiled,
      { id: bus?.id ?? "", address },
      problems,
    );
    return [ruled(sources, device, written, path, profiled, problems)];
  });
}

/** What all devices are judged by: their rules, which may refer to each other. */
function judging(
  { config, document }: Sources,
  devices: readonly RuledDevice[],
  buses: ReadonlyMap<string, Bus>,
  problems: Problem[],
) {
  const { id, language } = config.site;
  const own = selfRules(id, language);
  const rules = [...own.rules];
  const about = new Map<string, About>(own.about);
  const references: Reference[] = [];
  const topology = topologyOf(
    config.topology,
    devices.map(({ device }) => device),
    new Set(config.devices.flatMap((one) => (one === null ? [] : [one.id]))),
    inside(document, ["topology"]),
    problems,
  );
  // Of a device with something wrong in it, who knows what it would have had.
  const whole = config.devices.every((one) => one !== null && devices.some(({ device }) => device.id === one.id));
  const facts = factsOf(id, language, devices, () => !whole, problems);
  const { causesOf, sharedBy, groups } = webOf(devices, topology, segments(devices, buses), facts);
  const factOf = factIn(facts);
  const compiled = [
    ...devices.map(({ device, written, told }) => {
      const of = { causesOf, sharedBy, factOf, ...reach(device, devices, topology) };
      return compileRules({ site: id, language, device, told, ...of }, written, problems);
    }),
    ...groups.map((one) => compileGroup({ site: id, language }, one, causesOf(`${one.id}/${one.rule}`))),
    ...facts.flatMap((one) => {
      const name = `${one.id}/${one.rule}`;
      return compileFact({ site: id, language }, one, causesOf(name), sharedBy(name));
    }),
  ];
  for (const one of compiled) {
    rules.push(...one.rules);
    references.push(...one.references);
    for (const [key, told] of one.about) about.set(key, told);
  }
  if (whole)
    problems.push(...wrongReferences(references, pointsOf(devices), rulePointsOf(devices, [...groups, ...facts])));
  return { model: modelOf(rules), about };
}

/** Through what a device is heard, and what is heard through it. */
function reach({ id, points }: Device, devices: readonly RuledDevice[], topology: Topology) {
  const named = (wanted: readonly string[]): RuledDevice[] =>
    devices.filter(({ device }) => wanted.includes(device.id));
  const below = named(topology.below(id));
  return {
    behind: topology.above(id)[0],
    upstream: named(topology.above(id)).flatMap(({ device, written }) => commRules(device.id, written)),
    impacted: {
      devices: 1 + below.length,
      points: below.reduce((sum, { device }) => sum + device.points.length, points.length),
    },
  };
}

function busOf(
  sources: Sources,
  written: DeviceConfig,
  path: Path,
  buses: Map<string, Bus>,
  problems: Problem[],
): Bus | null {
  const { document, config } = sources;
  if (written.bus === null) return null;
  if (typeof written.bus !== "string") {
    if (Object.hasOwn(config.buses, written.id)) {
      const what = `a device with a bus of its own is also called "${written.id}"; expected another name for this bus`;
      problems.push(document.problem(["buses", written.id], what));
    }
    const bus = resolveBus(sources, written.id, written.bus, [...path, "bus"], problems);
    if (bus !== null) buses.set(written.id, bus);
    return bus;
  }
  const found = buses.get(written.bus);
  // A bus that is declared, but wrongly, was told where it is declared.
  if (found === undefined && !Object.hasOwn(given(document, "buses"), written.bus)) {
    const known = Object.keys(config.buses);
    const expected = known.length === 0 ? "none is declared under buses" : `expected one of ${known.join(", ")}`;
    const hint = didYouMean(written.bus, known);
    problems.push(document.problem([...path, "bus"], `no bus "${written.bus}"; ${expected}.${hint}`));
  }
  return found ?? null;
}

/** What tells the device from others on its bus; the profile's driver knows too, where the bus is not known. */
function addressOf(
  { document }: Sources,
  written: DeviceConfig,
  path: Path,
  bus: Bus | null,
  profiled: Profiled | null,
  problems: Problem[],
): unknown {
  const driver = bus?.driver ?? profiled?.driver;
  if (driver === undefined) return null;
  if (profiled !== null && profiled.driver !== driver) {
    const { profile, protocol } = profiled.profile;
    const what = `profile ${profile} speaks ${protocol}, its bus ${driver.protocol}; expected the same`;
    problems.push(document.problem([...path, "profile"], what));
    return null;
  }
  return check(document, [...path, "address"], driver.device, written.address, problems);
}

export function resolveDevice(
  { document, kinds, language }: Pick<Sources, "document" | "kinds"> & { readonly language: Language },
  written: DeviceConfig,
  path: Path,
  { profile, document: from, driver }: Profiled,
  reached: { readonly id: string; readonly address: unknown },
  problems: Problem[],
): Device {
  const points = new Map<string, { point: PointConfig; place: Place }>();
  for (const [own, point] of Object.entries(profile.points))
    points.set(own, { point, place: inside(from, ["points", own]) });
  for (const [own, changed] of Object.entries(written.points)) {
    const base = points.get(own);
    const here = inside(document, [...path, "points", own]);
    const place = base === undefined ? here : layered(here, changed, base.place);
    // One that is declared, but wrongly, was told where it is declared.
    if (base === undefined && Object.hasOwn(given(from, "points"), own)) continue;
    if (base === undefined && !("address" in changed)) {
      const hint = didYouMean(own, Object.keys(profile.points));
      problems.push(here.problem([], `no point "${own}"; expected an address to add it.${hint}`));
      continue;
    }
    const point = check(place, [], pointSchema, { ...base?.point, interval: undefined, ...changed }, problems);
    if (point === null) continue;
    // What the profile says was read as a number already.
    const interval = point.interval ?? base?.point.interval;
    points.set(own, { point: { ...point, interval }, place });
  }
  const intervalMs = written.interval ?? profile.interval;
  const resolved = [...points].map(([own, { point, place }]) => {
    problems.push(...unknownKind(kinds, point, place));
    return resolvePoint(written.id, own, point, { intervalMs, driver, language }, place, problems);
  });
  return {
    id: written.id,
    name: written.name ?? written.id,
    class: profile.class,
    profile: profile.profile,
    bus: reached.id,
    protocol: driver.protocol,
    address: reached.address,
    location: said(written.location),
    labels: written.labels,
    points: resolved.map((point) => timed(point, resolved)),
    ...identityOf(
      { profile, document: from, driver },
      said(written.identity),
      inside(document, [...path, "identity"]),
      problems,
    ),
    ...deviceTraps({ profile, document: from, driver }, { id: written.id, points: resolved }, problems),
  };
}

/** How long a device has been up is known by the unit in which it says so. */
function timed(point: DevicePoint, all: readonly DevicePoint[]): DevicePoint {
  const { counter } = point.definition;
  const uptime = all.find(({ own }) => own === counter?.uptime);
  if (counter === null || uptime === undefined) return point;
  return { ...point, definition: { ...point.definition, counter: { ...counter, uptimeMs: msPer[uptime.unit] } } };
}

/** UCUM's units of time. */
const msPer: Readonly<Record<string, number>> = { ms: 1, cs: 10, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

function unknownKind(kinds: Sources["kinds"], { kind }: PointConfig, place: Place): Problem[] {
  if (kind === undefined || kinds === null || kinds.includes(kind)) return [];
  const what = `no kind "${kind}" in points.yaml; expected one of ${kinds.join(", ")}.${didYouMean(kind, kinds)}`;
  return [place.problem(["kind"], what)];
}

function resolvePoint(
  device: string,
  own: string,
  point: PointConfig,
  {
    intervalMs,
    driver,
    language,
  }: { readonly intervalMs: number; readonly driver: Driver; readonly language: Language },
  place: Place,
  problems: Problem[],
): DevicePoint {
  const id = `${device}/${own}`;
  const { name = own.replaceAll(/[-_]/g, " "), kind: _, address, unit, texts, interval, ...definition } = point;
  return {
    id,
    own,
    name: inLanguage(name, language),
    definition: { id, ...definition },
    address: check(place, ["address"], driver.address, address, problems),
    unit,
    texts: Object.fromEntries(Object.entries(texts).map(([value, words]) => [value, inLanguage(words, language)])),
    intervalMs: interval ?? intervalMs,
  };
}

/** A device with the rules that its profile, the site and their class rules give it. */
export function ruled(
  { document, classRule }: Pick<Sources, "document" | "classRule">,
  device: Device,
  written: DeviceConfig,
  path: Path,
  profiled: Profiled,
  problems: Problem[],
): RuledDevice {
  const ofSite = { rules: written.rules, place: inside(document, [...path, "rules"]) };
  const made = identityRule(device);
  const ofProfile = { rules: { ...made, ...profiled.profile.rules }, place: inside(profiled.document, ["rules"]) };
  const declared = [...Object.keys(made), ...Object.keys(given(profiled.document, "rules"))];
  const rules = rulesOf(ofSite, ofProfile, declared, classRule, problems);
  return {
    device,
    written: rules,
    told: namesOf(written, profiled),
  };
}

/** Every point that is written of, also those with something wrong in them, which was told. */
const namesOf = (written: DeviceConfig, { document }: Profiled): ReadonlySet<string> =>
  new Set([...Object.keys(given(document, "points")), ...Object.keys(written.points)]);

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const said = (all: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
