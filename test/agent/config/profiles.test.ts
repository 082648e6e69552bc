import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { builtInConfig, builtInProfiles, fromDisk, load } from "../../../agent/config/load.ts";
import type { Site } from "../../../agent/config/resolved.ts";
import { readSettings, settingNames } from "../../../agent/config/settings.ts";
import { allTables, readingOf } from "../../../agent/simulate/reading.ts";
import { drivers } from "../../../drivers/index.ts";

const noSecret = () => ({ problem: "none is needed" });
const buses: Readonly<Record<string, string>> = {
  snmp: "{ protocol: snmp, host: 127.0.0.1 }",
  modbus: "{ protocol: modbus, host: 127.0.0.1 }",
  bacnet: "{ protocol: bacnet, host: 127.0.0.1 }",
};
const addresses: Readonly<Record<string, string>> = { bacnet: "{ instance: 1 }" };

type Points = Readonly<Record<string, { readonly kind?: string }>>;
interface Written {
  readonly points: Points;
  readonly tables?: Readonly<Record<string, { readonly points: Points }>>;
}

/** A site of one device with this profile and nothing changed. */
function siteWith(profile: string): Site {
  const disk = fromDisk("/nowhere/site.yaml");
  const protocol = /^protocol: (\w+)$/m.exec(disk(`profiles/${profile}.yaml`) ?? "")?.[1] ?? "";
  const device = `{ id: d, profile: ${profile}, bus: ${buses[protocol]}, address: ${addresses[protocol] ?? "{}"} }`;
  const text = `version: 1\nsite: { id: s }\ndevices:\n  - ${device}\n`;
  const read = (name: string) => (name === "site.yaml" ? text : disk(name));
  const { site, problems } = load("site.yaml", read, drivers, noSecret);
  expect(problems).toEqual([]);
  return site!;
}

describe.each(builtInProfiles())("%s", (profile) => {
  const site = siteWith(profile);
  const [device] = site.devices;
  const about = [...site.about.values()].filter((one) => one.device.id === "d");

  test("bears the name of its file", () => {
    expect(device!.profile).toBe(profile);
    expect(profile.split("/")[0]).toBe(device!.class);
  });

  test("says of each point what it measures", () => {
    const text = readFileSync(join(builtInConfig(), `profiles/${profile}.yaml`), "utf8");
    const { points, tables = {} } = parse(text) as Written;
    const written = [points, ...Object.values(tables).map((one) => one.points)].flatMap((one) => Object.entries(one));
    expect(written.filter(([, { kind }]) => kind === undefined).map(([own]) => own)).toEqual([]);
  });

  test("notices when the device is lost, and when its most important point is", () => {
    expect(about.map(({ type }) => type)).toEqual(expect.arrayContaining(["comm", "stale"]));
  });

  test("tells a person what to do about every incident, and what follows if nobody does where it is grave", () => {
    const mute = about.filter(({ say }) => (say.action ?? "") === "").map(({ rule }) => rule);
    expect(mute).toEqual([]);
    const grave = about.filter(({ options }) => /"(high|critical)"/.test(JSON.stringify(options)));
    const without = grave.filter(({ say }) => (say.consequence ?? "") === "");
    expect(without.map(({ rule }) => rule)).toEqual([]);
  });

  test("can be simulated whole", () => {
    const points = device!.points.map(({ own }) => own);
    expect(points.filter((own) => readingOf(device!, own) === undefined)).toEqual([]);
  });
});

test("the simulated hall has no point that no profile has", () => {
  const own = new Set(
    builtInProfiles().flatMap((profile) =>
      siteWith(profile).devices[0]!.points.map((point) => `${profile.split("/")[0]}/${point.own}`),
    ),
  );
  const simulated = allTables.flatMap((tables) =>
    Object.entries(tables).flatMap(([kind, table]) => Object.keys(table).map((point) => `${kind}/${point}`)),
  );
  expect(simulated.filter((point) => !own.has(point))).toEqual([]);
});

test.each(["example-site.yaml", "demo-site.yaml"])("%s has no problem", (name) => {
  const file = join(builtInConfig(), name);
  expect(load(file, fromDisk(file), drivers, noSecret).problems).toEqual([]);
});

test("the example settings name every setting there is, and have no problem", () => {
  const text = readFileSync(join(builtInConfig(), "example-settings.yaml"), "utf8");
  expect(readSettings({ name: "settings.yaml", text }, {}, noSecret).problems).toEqual([]);
  const variables = settingNames.map(({ env }) => env);
  expect(variables.length).toBeGreaterThan(10);
  expect(variables.filter((name) => !text.includes(name))).toEqual([]);
});
