import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { profileSchemaJson, siteSchemaJson } from "../../../agent/config/editor.ts";
import { builtInConfig, builtInProfiles } from "../../../agent/config/load.ts";
import { ruleTypes } from "../../../agent/core/rules/index.ts";
import { drivers } from "../../../drivers/index.ts";
import { change, site } from "./hall.ts";
import { inProfile, inSite, profiles } from "./mistakes.ts";

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
const forSite = ajv.compile(siteSchemaJson(drivers, ruleTypes));
const forProfile = ajv.compile(profileSchemaJson(drivers, ruleTypes));

/** What the loader alone can know: other files, other places in the file, the machine; or the syntax itself. */
const beyond =
  /no profile|no such|no rule|no point|no bus|expected none|is there twice|is kept for|also called|a point of this device|must lie beyond|time zone|lower number first|reaches beyond|single bit|speaks|host name|numeric OID|at least 100ms|not YAML|no anchor|second document|not its file's|does not fit|a type or use to add|a comm rule|a URL|no class rules|limits in|readings at|is a state rule|uses none|missing; expected (alarm|bit)|is normal and|under map|both given|that of bus|SNMPv\w+ has none|by which SNMPv3/;

describe("what loads pleases the editor", () => {
  const good: readonly [string, string][] = [
    ["as it is", site],
    ["a list of buses of its own", change(site, "protocol: bacnet,", "protocol: bacnet, timeout: 2s, maxPoints: 5,")],
    ["the community all know", change(site, '"${env:COMMUNITY}"', "public")],
    ["a host kept elsewhere", change(site, "192.0.2.30", '"${env:CRAC}"')],
    ["a serial line", change(site, "host: 192.0.2.10", "transport: rtu, path: /dev/ttyS0, baud: 9600, parity: none")],
    ["a rule added", change(site, "comm: null", 'gone: { type: stale, point: "*", after: 1m }')],
    ["a class rule used", change(site, "comm: null", "hot: { use: rack/inlet-hot, point: power, unit: kW }")],
    [
      "a class rule used for a bit",
      change(site, "comm: null", "wet: { use: leak/leak, type: bits, point: door, bit: 0 }"),
    ],
    ["a point added", change(site, "power: {", "inside: { address: { table: coil, register: 1 } }\n      power: {")],
    ["labels and place", change(site, "interval: 2s", "labels: { a: b }\n    location: { room: Hall 1, rack: A1 }")],
  ];
  test.each(good)("%s", (_name, text) => {
    forSite(parse(text));
    expect(forSite.errors ?? []).toEqual([]);
  });

  test.each(Object.entries(profiles))("profile %s", (_name, text) => {
    forProfile(parse(text));
    expect(forProfile.errors ?? []).toEqual([]);
  });

  test.each(builtInProfiles())("profile %s, built in", (name) => {
    forProfile(parse(readFileSync(join(builtInConfig(), "profiles", `${name}.yaml`), "utf8")));
    expect(forProfile.errors ?? []).toEqual([]);
  });

  test("the demo's site", () => {
    forSite(parse(readFileSync(join(builtInConfig(), "demo-site.yaml"), "utf8")));
    expect(forSite.errors ?? []).toEqual([]);
  });
});

describe("what does not load is marked, as far as an editor can know", () => {
  const visible = (lines: readonly string[]): boolean => lines.some((line) => !beyond.test(line));

  test.each(inSite.filter(([, , , lines]) => visible(lines)))("site: %s", (_name, from, to) => {
    expect(forSite(parse(change(site, from, to)))).toBe(false);
  });

  test.each(inProfile.filter(([, , , , lines]) => visible(lines)))("profile %s: %s", (name, _what, from, to) => {
    expect(forProfile(parse(change(profiles[name], from, to)))).toBe(false);
  });

  test("many are", () => {
    expect(inSite.filter(([, , , lines]) => visible(lines)).length).toBeGreaterThan(inSite.length / 3);
  });
});

test("each protocol and each rule type is offered", () => {
  const text =
    JSON.stringify(siteSchemaJson(drivers, ruleTypes)) + JSON.stringify(profileSchemaJson(drivers, ruleTypes));
  for (const { protocol, describe: words } of drivers) {
    expect(text).toContain(`"const":"${protocol}"`);
    expect(text).toContain(words);
  }
  for (const { type, describe: words } of ruleTypes) {
    expect(text).toContain(`"const":"${type}"`);
    expect(text).toContain(JSON.stringify(words));
  }
});
