import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Json, profileJsonSchema, siteJsonSchema } from "../../../agent/config/json-schema.ts";
import { builtInConfig, builtInProfiles } from "../../../agent/config/load.ts";
import { ruleTypes } from "../../../agent/core/rules/index.ts";
import { drivers } from "../../../drivers/index.ts";
import { change, site } from "./hall.ts";
import { inProfile, inSite, profiles } from "./mistakes.ts";

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
const forSite = ajv.compile(siteJsonSchema(drivers));
const forProfile = ajv.compile(profileJsonSchema(drivers));

/** What the loader alone can know: other files, other places in the file, the machine; or the syntax itself. */
const beyond =
  /no profile|no such|no bus|is there twice|is kept for|also called|a point of this device|further out|time zone|lower number first|reaches beyond|single bit|speaks|host name|numeric OID|at least 100ms|not YAML|no anchor|second document|not its file's|does not fit|a type to add|a comm rule|a URL/;

describe("what loads pleases the editor", () => {
  const good: readonly [string, string][] = [
    ["as it is", site],
    ["a list of buses of its own", change(site, "protocol: bacnet,", "protocol: bacnet, timeout: 2s, maxPoints: 5,")],
    ["the community all know", change(site, '"${env:COMMUNITY}"', "public")],
    ["a host kept elsewhere", change(site, "192.0.2.30", '"${env:CRAC}"')],
    ["a rule added", change(site, "comm: null", 'gone: { type: stale, point: "*", after: 1m }')],
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

  test("most are", () => {
    expect(inSite.filter(([, , , lines]) => visible(lines)).length).toBeGreaterThan(inSite.length / 2);
  });
});

test("each option says what it means, for the editor to show", () => {
  const silent: string[] = [];
  const walk = (json: Json, path: string): void => {
    for (const [key, value] of Object.entries(json)) {
      if (typeof value !== "object" || value === null) continue;
      const at = `${path}/${key}`;
      if (key === "properties" && !/\/(if|then|allOf)(\/|$)/.test(path)) {
        for (const [name, option] of Object.entries(value as Json))
          if ((option as Json).description === undefined) silent.push(`${at}/${name}`);
      }
      walk(value as Json, at);
    }
  };
  walk(siteJsonSchema(drivers), "site");
  walk(profileJsonSchema(drivers), "profile");
  expect(silent).toEqual([]);
});

test("each protocol and each rule type is offered", () => {
  const text = JSON.stringify(siteJsonSchema(drivers)) + JSON.stringify(profileJsonSchema(drivers));
  for (const { protocol, describe: words } of drivers) {
    expect(text).toContain(`"const":"${protocol}"`);
    expect(text).toContain(words);
  }
  for (const { type, describe: words } of ruleTypes) {
    expect(text).toContain(`"const":"${type}"`);
    expect(text).toContain(JSON.stringify(words));
  }
});
