import * as z from "zod";
import type { Driver } from "../../drivers/driver.ts";
import { modelOf } from "../core/model.ts";
import { Secret } from "../secret.ts";
import { check, type Document, type Path } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import { type About, type Bus, type Device, type DevicePoint, type Site, selfId } from "./resolved.ts";
import { compileRules, type Wanted, type Written } from "./rules.ts";
import {
  busOptions,
  type DeviceConfig,
  type PointConfig,
  type Profile,
  pointSchema,
  type SiteConfig,
} from "./schema.ts";
import { reference, type Secrets } from "./secrets.ts";
import { selfRules } from "./self.ts";

/** From what is written to a site with nothing left open. Finds as many problems as it can before giving up. */
export interface Sources {
  readonly document: Document;
  /** A device is null where too much of it was wrong. */
  readonly config: Omit<SiteConfig, "devices"> & { readonly devices: readonly (DeviceConfig | null)[] };
  /** A profile by name, with its document; null after it has told what is wrong. */
  profile(name: string, tell: (what: string) => void): { profile: Profile; document: Document } | null;
  readonly drivers: readonly Driver[];
  readonly secrets: Secrets;
  /** What a point can measure; null: anything. */
  readonly kinds: readonly string[] | null;
  readonly hash: string;
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
  const own = selfRules(config.site.id);
  const rules = [...own.rules];
  const about = new Map<string, About>(own.about);
  const devices: Device[] = [];
  const wanted: Wanted[] = [];
  const ids = new Set<string>();
  for (const [index, written] of config.devices.entries()) {
    if (written === null) continue;
    const path = ["devices", index];
    const taken = takenBy(written, ids, config.buses);
    ids.add(written.id);
    if (taken !== null) {
      problems.push(document.problem([...path, "id"], `device id "${written.id}" ${taken}; expected another one`));
    }
    const profiled = sources.profile(written.profile, (what) =>
      problems.push(document.problem([...path, "profile"], what)),
    );
    const bus = busOf(sources, written, path, buses, problems) ?? standIn(sources, profiled?.profile);
    if (profiled === null || bus === null || !sameProtocol(profiled.profile, bus, document, path, problems)) continue;
    const device = resolveDevice(sources, written, path, profiled, bus, problems);
    devices.push(device);
    const compiled = compileRules(
      config.site.id,
      device,
      rulesOf(sources, written, path, profiled, problems),
      problems,
    );
    rules.push(...compiled.rules);
    wanted.push(...compiled.wanted);
    for (const [key, one] of compiled.about) about.set(key, one);
  }
  problems.push(...unknownPoints(wanted, devices));
  const { id, name = id, timeZone } = config.site;
  return { id, name, timeZone, configHash: hash, buses: [...buses.values()], devices, model: modelOf(rules), about };
}

/** Why a device cannot have its id; null: it can. A bus of its own bears the device's id. */
function takenBy({ id, bus }: DeviceConfig, ids: ReadonlySet<string>, buses: object): string | null {
  if (id === selfId) return "is kept for the agent itself";
  if (ids.has(id)) return "is there twice";
  return typeof bus !== "string" && Object.hasOwn(buses, id) ? "is a bus's too" : null;
}

/** Where the bus is wrong the device is still checked, against the driver that its profile names. */
function standIn({ drivers }: Sources, profile: Profile | undefined): Bus | null {
  const driver = drivers.find(({ protocol }) => protocol === profile?.protocol);
  return driver === undefined ? null : { id: "", driver, options: null, timeoutMs: 0 };
}

/** Where they differ every address would be wrong, which says nothing more. */
function sameProtocol(profile: Profile, { driver }: Bus, document: Document, path: Path, problems: Problem[]): boolean {
  if (profile.protocol === driver.protocol) return true;
  const what = `profile ${profile.profile} speaks ${profile.protocol}, its bus ${driver.protocol}; expected the same`;
  problems.push(document.problem([...path, "profile"], what));
  return false;
}

function busOf(
  sources: Sources,
  written: DeviceConfig,
  path: Path,
  buses: Map<string, Bus>,
  problems: Problem[],
): Bus | null {
  if (typeof written.bus !== "string") {
    const bus = resolveBus(sources, written.id, written.bus, [...path, "bus"], problems);
    if (bus !== null) buses.set(written.id, bus);
    return bus;
  }
  const found = buses.get(written.bus);
  if (found === undefined && !Object.hasOwn(sources.config.buses, written.bus)) {
    const known = Object.keys(sources.config.buses);
    const expected = known.length === 0 ? "none is declared under buses" : `expected one of ${known.join(", ")}`;
    const hint = didYouMean(written.bus, known);
    problems.push(sources.document.problem([...path, "bus"], `no bus "${written.bus}"; ${expected}.${hint}`));
  }
  return found ?? null;
}

function resolveBus(
  { document, drivers, secrets }: Sources,
  id: string,
  written: Readonly<Record<string, unknown>>,
  path: Path,
  problems: Problem[],
): Bus | null {
  const { protocol, timeout, ...rest } = written;
  const common = check(document, path, z.strictObject(busOptions), { protocol, timeout }, problems);
  const driver = drivers.find((one) => one.protocol === protocol);
  if (driver === undefined) {
    const known = drivers.map((one) => one.protocol);
    const hint = typeof protocol === "string" ? didYouMean(protocol, known) : "";
    problems.push(document.problem([...path, "protocol"], `expected one of ${known.join(", ")}.${hint}`));
  }
  if (common === null || driver === undefined) return null;
  const revealed = reveal(rest, secrets, (key, what) => problems.push(document.problem([...path, key], what)));
  const options = check(document, path, driver.bus, revealed, problems);
  if (options === null) return null;
  for (const [key, value] of Object.entries(options as object)) {
    if (!(value instanceof Secret) || isReference(rest[key]) || value.reveal() === "public") continue;
    const what = "a secret may not stand in this file; expected ${file:…}, ${env:…} or ${credential:…}";
    problems.push(document.problem([...path, key], what));
  }
  return { id, driver, options, timeoutMs: common.timeout };
}

const isReference = (value: unknown): boolean => value === undefined || reference(value) !== null;

/** Puts the texts that references such as ${file:…} stand for in their places. */
function reveal(
  options: Readonly<Record<string, unknown>>,
  secrets: Secrets,
  tell: (key: string, what: string) => void,
): Record<string, unknown> {
  const revealed = Object.entries(options).map(([key, value]) => {
    const named = reference(value);
    if (named === null) return [key, value];
    const result = secrets(named);
    if ("problem" in result) tell(key, result.problem);
    return [key, "problem" in result ? "unresolved" : result.text]; // any text, so that its absence is told once
  });
  return Object.fromEntries(revealed);
}

interface Profiled {
  readonly profile: Profile;
  readonly document: Document;
}

function resolveDevice(
  { document, kinds }: Sources,
  written: DeviceConfig,
  path: Path,
  profiled: Profiled,
  bus: Bus,
  problems: Problem[],
): Device {
  const { profile } = profiled;
  const { driver } = bus;
  const points = new Map(
    Object.entries(profile.points).map(([own, point]) => [own, { point, from: profiled.document }]),
  );
  for (const [own, changed] of Object.entries(written.points)) {
    // Checked already, the profile's interval is a number by now.
    const { interval, ...base } = points.get(own)?.point ?? {};
    const point = check(document, [...path, "points", own], pointSchema, { ...base, ...changed }, problems);
    if (point === null) continue;
    points.set(own, { point: interval === undefined ? point : { interval, ...point }, from: document });
  }
  const intervalMs = written.interval ?? profile.interval;
  return {
    id: written.id,
    name: written.name ?? written.id,
    class: profile.class,
    profile: profile.profile,
    bus: bus.id,
    protocol: driver.protocol,
    address: check(document, [...path, "address"], driver.device, written.address, problems),
    location: said(written.location),
    labels: written.labels,
    points: [...points].map(([own, { point, from }]) => {
      const at = from === document ? [...path, "points", own] : ["points", own];
      problems.push(...unknownKind(kinds, point, from, at));
      return resolvePoint(written.id, own, point, intervalMs, driver, from, at, problems);
    }),
  };
}

/** A rule may read points of any device, by `device/point`. */
function unknownPoints(wanted: readonly Wanted[], devices: readonly Device[]): Problem[] {
  const known = new Set(devices.flatMap(({ points }) => points.map(({ id }) => id)));
  return wanted
    .filter(({ point }) => !known.has(point))
    .map(({ point, from }) => {
      const hint = didYouMean(point, [...known]);
      const what = `no point "${point}"; expected a point of its own device, or DEVICE/POINT.${hint}`;
      return from.document.problem(from.path, what);
    });
}

function unknownKind(kinds: Sources["kinds"], { kind }: PointConfig, document: Document, path: Path): Problem[] {
  if (kind === undefined || kinds === null || kinds.includes(kind)) return [];
  const what = `no kind "${kind}" in points.yaml; expected one of ${kinds.join(", ")}.${didYouMean(kind, kinds)}`;
  return [document.problem([...path, "kind"], what)];
}

function resolvePoint(
  device: string,
  own: string,
  point: PointConfig,
  intervalMs: number,
  driver: Driver,
  document: Document,
  path: Path,
  problems: Problem[],
): DevicePoint {
  const id = `${device}/${own}`;
  const { name = own.replaceAll(/[-_]/g, " "), kind: _, address, unit, texts, interval, ...definition } = point;
  return {
    id,
    own,
    name,
    definition: { id, ...definition },
    address: check(document, [...path, "address"], driver.address, address, problems),
    unit,
    texts,
    intervalMs: interval ?? intervalMs,
  };
}

/** The profile's rules as the site changes them: options given replace, `null` switches off, a new name adds. */
function rulesOf(
  { document }: Sources,
  written: DeviceConfig,
  path: Path,
  { profile, document: from }: Profiled,
  problems: Problem[],
): Written[] {
  for (const id of Object.keys(written.rules)) {
    if (written.rules[id] !== null || Object.hasOwn(profile.rules, id)) continue;
    const known = Object.keys(profile.rules);
    const what = `no rule "${id}" to switch off; expected one of ${known.join(", ")}.${didYouMean(id, known)}`;
    problems.push(document.problem([...path, "rules", id], what));
  }
  const ids = new Set([...Object.keys(profile.rules), ...Object.keys(written.rules)]);
  return [...ids].flatMap((id) => {
    const own = written.rules[id];
    const base = profile.rules[id];
    if (own === null || (own === undefined && !base)) return [];
    if (own === undefined) return [{ id, options: base ?? {}, document: from, path: ["rules", id] }];
    return [{ id, options: { ...base, ...own }, document, path: [...path, "rules", id] }];
  });
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const said = (location: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(location).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
