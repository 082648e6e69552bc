import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { builtInProfiles, fromDisk, fromFiles, load } from "../../../agent/config/load.ts";
import { didYouMean } from "../../../agent/config/problem.ts";
import type { Device, Site } from "../../../agent/config/resolved.ts";
import { drivers } from "../../../drivers/index.ts";
import { change, communities, files, linesOf, loadWith, meter, site } from "./hall.ts";

const folder = mkdtempSync(join(tmpdir(), "mepwatch-load-"));
afterAll(() => rmSync(folder, { recursive: true }));

function good(loaded: ReturnType<typeof loadWith>): Site {
  expect(linesOf(loaded)).toEqual([]);
  return loaded.site!;
}
const deviceOf = ({ devices }: Site, id: string): Device => devices.find((one) => one.id === id)!;
const keysOf = ({ about }: Site, device: string): string[] =>
  [...about.keys()].filter((key) => key.startsWith(`hall/${device}/`));

test("a site is resolved: nothing is left open", () => {
  const resolved = good(loadWith({}));
  expect(resolved).toMatchObject({ id: "hall", name: "hall", timeZone: "Europe/Berlin" });
  expect(resolved.buses.map(({ id, driver, timeoutMs }) => [id, driver.protocol, timeoutMs])).toEqual([
    ["gateway", "modbus", 1000],
    ["ups-1", "snmp", 1000],
    ["crac-1", "bacnet", 1000],
  ]);
  expect(deviceOf(resolved, "meter-1")).toMatchObject({ bus: "gateway", class: "meter", address: { unit: 3 } });
  expect(deviceOf(resolved, "ups-1").points[0]).toMatchObject({ id: "ups-1/charge", unit: "%", intervalMs: 10_000 });
});

test("a point that the site changes keeps what it does not say", () => {
  const [power, door] = deviceOf(good(loadWith({})), "meter-1").points;
  expect(power).toMatchObject({ unit: "kW", intervalMs: 30_000, definition: { scale: 0.01, offset: 0 } });
  expect(power!.address).toMatchObject({ table: "input", register: 52, type: "f32" });
  expect(door).toMatchObject({ unit: "1", intervalMs: 2000 });
});

test("a point that the site adds", () => {
  const text = change(
    site,
    "power: {",
    "inside: { address: { table: coil, register: 1 }, interval: 1m }\n      power: {",
  );
  const points = deviceOf(good(loadWith({ "site.yaml": text })), "meter-1").points;
  expect(points.map(({ own }) => own)).toEqual(["power", "door", "inside"]);
  expect(points[2]).toMatchObject({ name: "inside", intervalMs: 60_000 });
});

test("rules are changed, switched off and added", () => {
  const resolved = good(loadWith({}));
  expect(keysOf(resolved, "meter-1")).toEqual(["hall/meter-1/power/high"]);
  const [high] = resolved.model.rules
    .flatMap(({ conditions }) => conditions)
    .filter(({ key }) => key.endsWith("/high"));
  expect(high!.levels.map(({ limit, onDelayMs }) => [limit, onDelayMs])).toEqual([
    [80, 5000],
    [90, 5000],
  ]);
  const added = change(site, "comm: null", 'gone: { type: stale, point: "*", after: 1m }');
  expect(keysOf(good(loadWith({ "site.yaml": added })), "meter-1")).toEqual([
    "hall/meter-1/power/high",
    "hall/meter-1/-/comm",
    "hall/meter-1/power/gone",
    "hall/meter-1/door/gone",
  ]);
});

test("a version of a rule changes when its options do, and only then", () => {
  const version = (loaded: Site): string => loaded.about.get("hall/meter-1/power/high")!.version;
  const before = version(good(loadWith({})));
  expect(version(good(loadWith({ "site.yaml": change(site, "unit: 3", "unit: 4") })))).toBe(before);
  expect(version(good(loadWith({ "site.yaml": change(site, "onDelay: 5s", "onDelay: 6s") })))).not.toBe(before);
});

test("the hash is of all files: another profile is another configuration", () => {
  const before = good(loadWith({})).configHash;
  expect(good(loadWith({})).configHash).toBe(before);
  expect(good(loadWith({ "profiles/meter/test.yaml": `${meter}# checked\n` })).configHash).not.toBe(before);
});

test("the files of a site are enough to load it again", () => {
  const { files: kept } = loadWith({});
  expect(Object.keys(kept).toSorted()).toEqual(Object.keys(files).toSorted());
  const again = load("last accepted", fromFiles(kept), drivers, communities);
  expect(again.site?.configHash).toBe(loadWith({}).site?.configHash);
});

test("from disk: profiles beside the site file, else those built in", () => {
  const path = join(folder, "site.yaml");
  mkdirSync(join(folder, "profiles", "meter"), { recursive: true });
  writeFileSync(path, site);
  writeFileSync(join(folder, "profiles", "meter", "test.yaml"), meter);
  const read = fromDisk(path);
  expect(read("site.yaml")).toBe(site);
  expect(read("profiles/meter/test.yaml")).toBe(meter);
  expect(read("profiles/meter/none.yaml")).toBeNull();
  expect(read.profiles?.()).toEqual(["meter/test", ...builtInProfiles()]);
  for (const name of builtInProfiles()) expect(read(`profiles/${name}.yaml`)).toContain(`profile: ${name}`);
});

test("what cannot be read is a problem, not a crash", () => {
  const told = (path: string): string[] => linesOf(load("site.yaml", fromDisk(path), drivers, communities));
  expect(told(join(folder, "none.yaml"))).toEqual(["site.yaml: no such file; expected a site file in YAML"]);
  expect(told(folder)).toEqual(["site.yaml: cannot be read (EISDIR); expected a file in YAML that this user may read"]);
  const profiles = join(folder, "unreadable");
  mkdirSync(join(profiles, "profiles", "meter", "test.yaml"), { recursive: true });
  writeFileSync(join(profiles, "site.yaml"), site);
  expect(told(join(profiles, "site.yaml"))).toContain(
    "site.yaml:7:5: devices.0.profile: profiles/meter/test.yaml: cannot be read (EISDIR); expected a file in YAML that this user may read",
  );
});

test.runIf(process.getuid?.() !== 0)("a file of another user is a problem, not a crash", () => {
  const path = join(folder, "secret.yaml");
  writeFileSync(path, site);
  chmodSync(path, 0);
  const lines = linesOf(load("site.yaml", fromDisk(path), drivers, communities));
  expect(lines).toEqual(["site.yaml: cannot be read (EACCES); expected a file in YAML that this user may read"]);
});

test.each([
  ["intervall", ["id", "interval"], ' Did you mean "interval"?'],
  ["Interval", ["interval"], ' Did you mean "interval"?'],
  ["meter/eastron-smd630", ["meter/eastron-sdm630", "meter/abb-b23"], ' Did you mean "meter/eastron-sdm630"?'],
  ["colour", ["id", "interval"], ""],
  ["x", [], ""],
])("%s is near one of %j: %s", (word, known, hint) => {
  expect(didYouMean(word, known)).toBe(hint);
});
