import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { profileSchemaJson, siteSchemaJson } from "../../../agent/config/editor.ts";
import { ruleTypes } from "../../../agent/core/rules/index.ts";
import { drivers } from "../../../drivers/index.ts";
import { linesOf, loadWith, meter, site, ups } from "./hall.ts";

/** Where traps are heard and who is believed, in the site; what is read when one comes, in the profile. */

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
const forSite = ajv.compile(siteSchemaJson(drivers, ruleTypes));
const forProfile = ajv.compile(profileSchemaJson(drivers, ruleTypes));

const heard = (traps: string): string => site.replace("devices:\n", `traps: ${traps}\ndevices:\n`);
const knows = (traps: string, profile = ups): string => `${profile}traps: ${traps}\n`;
const load = (siteYaml: string, profile = ups) =>
  loadWith({ "site.yaml": siteYaml, "profiles/ups/test.yaml": profile }, ({ name }) =>
    name === "COMMUNITY" ? { text: "hunter2hunter2" } : { problem: `environment variable ${name} is not set` },
  );

const key = '"${env:COMMUNITY}"';
const auth = `auth: { protocol: sha256, key: ${key} }`;

test("a site without a traps section hears none", () => {
  expect(load(site).site?.listeners).toEqual([]);
});

test("a listener: its place, its communities, its users", () => {
  const users = `[{ user: ops, ${auth}, priv: { protocol: aes128, key: ${key} } }, { user: ops, ${auth}, engineId: 80001F8880E963 }]`;
  const written = heard(`{ port: 10162, communities: [public, ${key}], users: ${users} }`);
  const loaded = load(written);
  expect(loaded.problems).toEqual([]);
  expect(loaded.site?.listeners[0]?.options).toMatchObject({
    ...{ address: "0.0.0.0", port: 10162 },
    users: [{ user: "ops" }, { user: "ops", engineId: Buffer.from("80001f8880e963", "hex") }],
  });
  expect(JSON.stringify(loaded.site?.listeners[0]?.options)).not.toMatch(/public|hunter2/);
  forSite(parse(written));
  expect(forSite.errors ?? []).toEqual([]);
});

test("a profile's traps are the device's, with the points that are read", () => {
  const profile = knows(
    "{ low: { oid: 1.3.6.1.4.1.9.0.7, points: [charge] }, test: { oid: 1.3.6.1.4.1.9.0.8, points: [] } }",
  );
  const { site: loaded, problems } = load(site, profile);
  expect(problems).toEqual([]);
  expect(loaded?.devices.find(({ id }) => id === "ups-1")?.traps).toEqual([
    { name: "low", trap: { oid: "1.3.6.1.4.1.9.0.7" }, points: ["ups-1/charge"] },
    { name: "test", trap: { oid: "1.3.6.1.4.1.9.0.8" }, points: [] },
  ]);
  forProfile(parse(profile));
  expect(forProfile.errors ?? []).toEqual([]);
});

test("a point that the site changes is still the one that is read", () => {
  const changed = site.replace("  - id: ups-1\n", "  - id: ups-1\n    points: { charge: { range: [0, 100] } }\n");
  const { site: loaded } = load(changed, knows("{ low: { oid: 1.3.6.1.4.1.9.0.7, points: [charge] } }"));
  expect(loaded?.devices.find(({ id }) => id === "ups-1")?.traps).toMatchObject([{ points: ["ups-1/charge"] }]);
});

test.each<[string, string, string]>([
  ["nobody is to be believed", "{}", "traps: expected communities, users or both: nobody else is heard"],
  ["a list", "[public]", "traps: expected options, as  name: value, not a list"],
  [
    "a misspelt option",
    "{ comunities: [public] }",
    'traps.comunities: unknown option "comunities". Did you mean "communities"?',
  ],
  [
    "a name for an address",
    "{ address: here, communities: [public] }",
    "traps.address: expected an IP address of this machine, or 0.0.0.0",
  ],
  ["no port", "{ port: 70000, communities: [public] }", "traps.port: expected at most 65535"],
  [
    "a secret in the file",
    "{ communities: [public, guessme] }",
    "traps.communities.1: a secret may not stand in this file",
  ],
  [
    "a key in the file",
    "{ users: [{ user: ops, auth: { protocol: sha1, key: guessme12 } }] }",
    "traps.users.0.auth.key: a secret may not stand in this file",
  ],
  [
    "a secret that is nowhere",
    '{ communities: ["${env:NOWHERE}"] }',
    "traps.communities.0: environment variable NOWHERE is not set",
  ],
  [
    "privacy alone",
    `{ users: [{ user: ops, priv: { protocol: aes128, key: ${key} } }] }`,
    "traps.users.0.priv: needs auth",
  ],
  [
    "an engine id that is none",
    `{ users: [{ user: ops, engineId: 80zz }] }`,
    "traps.users.0.engineId: expected 5 to 32 octets in hexadecimal",
  ],
])("in the site: %s", (_, traps, what) => {
  const lines = linesOf(load(heard(traps)));
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.join("\n")).toContain(what);
  expect(lines.join("\n")).not.toContain("guessme");
});

test.each<[string, string, string]>([
  [
    "a point that it does not have",
    "{ low: { oid: 1.3.6.1.4.1.9.0.7, points: [charg] } }",
    'traps.low.points.0: no point "charg"; expected points of this profile. Did you mean "charge"?',
  ],
  ["no points", "{ low: { oid: 1.3.6.1.4.1.9.0.7 } }", "traps.low.points: missing; expected a list"],
  ["no OID", "{ low: { points: [charge] } }", "traps.low.oid: missing; expected a text"],
  ["an OID that is none", "{ low: { oid: upsOnBattery, points: [charge] } }", "traps.low.oid: expected a numeric OID"],
  [
    "a misspelt option",
    "{ low: { oid: 1.3.6.1.4.1.9.0.7, points: [charge], where: 1 } }",
    'traps.low.where: unknown option "where"',
  ],
])("in the profile: %s", (_, traps, what) => {
  expect(linesOf(load(site, knows(traps))).join("\n")).toContain(what);
});

test("a protocol that has no traps says so", () => {
  const profile = knows("{ low: { oid: 1.3.6.1.4.1.9.0.7, points: [power] } }", meter);
  const loaded = loadWith({ "profiles/meter/test.yaml": profile });
  expect(linesOf(loaded).join("\n")).toContain("traps: modbus has no traps; expected this to be left out");
  expect(forProfile(parse(profile))).toBe(false);
});

const crac = `
profile: crac/test
describe: A CRAC.
protocol: bacnet
class: crac
points:
  supply: { address: { object: analog-input, instance: 1 } }
  fan: { address: { object: binary-input, instance: 3, property: event-state } }
traps:
  fan: { object: binary-input, instance: 3, points: [fan] }
`;
const cracSite = (bus: string, section = ""): string => `
version: 1
site: { id: s }
${section}
buses: { plant: { protocol: bacnet${bus} } }
devices:
  - { id: crac1, profile: crac/test, bus: plant, address: { instance: 3000 } }
`;
const loadCrac = (siteYaml: string) =>
  loadWith({ "site.yaml": siteYaml, "profiles/crac/test.yaml": crac }, () => ({ problem: "none is needed" }));

test("a BACnet bus without host needs to know the network; with it, or with a host, nothing is missing", () => {
  const lacking = loadCrac(cracSite(""));
  expect(lacking.site).toBeNull();
  expect(linesOf(lacking)).toEqual([
    expect.stringMatching(/site\.yaml:5:.*buses\.plant.*without host its devices are looked for.*"bacnet"/),
  ]);
  expect(loadCrac(cracSite(", host: 192.0.2.1")).problems).toEqual([]);
  const { site, problems } = loadCrac(cracSite("", "bacnet: { broadcast: 192.0.2.255, bbmd: { host: 198.51.100.1 } }"));
  expect(problems).toEqual([]);
  expect(site?.listeners).toMatchObject([
    { options: { address: "0.0.0.0", port: 47808, broadcast: "192.0.2.255", bbmd: { ttl: 60_000 } } },
  ]);
  expect(site?.devices[0]?.traps).toEqual([
    { name: "fan", trap: { object: "binary-input", instance: 3 }, points: ["crac1/fan"] },
  ]);
});

test.each([
  ["a mac without its network", "{ instance: 1, mac: 7 }", "both or neither"],
  ["half an octet", '{ instance: 1, network: 5, mac: "7" }', "mac"],
])("%s is refused", (_, address, problem) => {
  const loaded = loadCrac(cracSite(", host: 192.0.2.1").replace("{ instance: 3000 }", address));
  expect(linesOf(loaded).join("\n")).toContain(problem);
});
