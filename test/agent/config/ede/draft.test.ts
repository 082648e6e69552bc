import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { draftOf } from "../../../../agent/config/ede/draft.ts";
import { devicesIn } from "../../../../agent/config/ede/objects.ts";
import { fromDisk, load } from "../../../../agent/config/load.ts";
import type { Site } from "../../../../agent/config/resolved.ts";
import { assess } from "../../../../agent/core/quality.ts";
import { realEnv } from "../../../../agent/env.ts";
import { startBacnetSimulator } from "../../../../drivers/bacnet/simulated/simulator.ts";
import type { Driver } from "../../../../drivers/driver.ts";
import { drivers } from "../../../../drivers/index.ts";
import { chiller, columnRow, stateTexts } from "./plant.ts";

function draft(ede: string, states = "#"): string {
  const files = [
    { name: "dir/Plant_EDE.csv", bytes: Buffer.from(ede) },
    { name: "dir/Plant_StateTexts.csv", bytes: Buffer.from(states) },
  ];
  const [device] = devicesIn(files).devices;
  return draftOf(device!);
}

/** A site of one device with this profile and nothing changed; its kinds of points are those that come with mepwatch. */
function siteWith(text: string, port = 47_808): Site {
  const { profile } = parse(text);
  const device = {
    ...{ id: "d", profile, address: { instance: 3000 } },
    bus: { protocol: "bacnet", host: "127.0.0.1", port },
  };
  const files: Readonly<Record<string, string>> = {
    "site.yaml": JSON.stringify({ version: 1, site: { id: "s" }, devices: [device] }),
    [`profiles/${profile}.yaml`]: text,
  };
  const disk = fromDisk("/nowhere/site.yaml");
  const read = (name: string) => files[name] ?? disk(name);
  const { site, problems } = load("site.yaml", read, drivers, () => ({ problem: "none is needed" }));
  expect(problems).toEqual([]);
  return site!;
}

test("a draft says all that the files say of what can be read, and counts the rest", () => {
  const text = draft(chiller, stateTexts);
  expect(parse(text)).toEqual({
    ...{ profile: "draft/km1", protocol: "bacnet", class: "draft" },
    describe: "Drafted from Plant_EDE.csv, device 3000 (KM1, Kältemaschine 1, project Kältezentrale).",
    points: {
      "km1-t-vorlauf": {
        ...{ name: "Vorlauftemperatur", kind: "temperature", unit: "Cel" },
        address: { object: "analog-input", instance: 1 },
      },
      "km1-kaelteleistung": {
        ...{ name: "Kälteleistung", unit: "kW", scale: 3.516_852_842 },
        address: { object: "analog-input", instance: 3_000_109 },
      },
      "km1-sollwert": {
        ...{ name: "Sollwert Vorlauf", kind: "temperature", unit: "Cel" },
        address: { object: "analog-value", instance: 7 },
      },
      "km1-spreizung": { name: "Spreizung", unit: "K", address: { object: "analog-value", instance: 8 } },
      "km1-stoerung": {
        ...{ name: "Störung", kind: "state", texts: { 0: "in Ordnung", 1: "gestört" } },
        address: { object: "binary-input", instance: 4 },
      },
      "km1-betriebsart": {
        ...{ name: "Betriebsart", kind: "state", texts: { 1: "aus", 2: "ein; automatisch", 4: "Hand" } },
        address: { object: "multi-state-value", instance: 2 },
      },
      "km1-zaehler": {
        ...{ name: "Wärmezähler", kind: "energy", unit: "kW.h" },
        address: { object: "accumulator", instance: 1 },
      },
    },
  });
  // What a maker wrote there is for people to judge: a value outside would be bad.
  expect(text).toContain("    # range: [0, 703.371] # as it was told: only if nothing true lies outside\n");
  expect(text).toContain(
    "# Objects that are not read:\n#   trend-log: 2\n#   notification-class: 1\n#   schedule: 1\n",
  );
  expect(text).toContain("instance: 1 } # KM1'TVorlauf; the device alarms at low 4, high 12");
  expect(text).toContain("instance: 7 } # KM1'Sollwert; can be set");
  expect(text).toContain("address: { instance: 3000 }");
});

test("what a draft describes is read from a device", async () => {
  const planned = (site: Site) =>
    site.devices[0]!.points.map(({ id, address }) => ({ id, device: site.devices[0]!.address, address }));
  const text = draft(chiller, stateTexts);
  const raw: Readonly<Record<string, number>> = {
    ...{ "d/km1-t-vorlauf": 6.5, "d/km1-kaelteleistung": 100, "d/km1-sollwert": 6, "d/km1-spreizung": 5 },
    ...{ "d/km1-stoerung": 1, "d/km1-betriebsart": 4, "d/km1-zaehler": 123_456 },
  };
  const value = (id: string) => raw[id] ?? null;
  const simulator = await startBacnetSimulator({ host: "127.0.0.1", port: 0, points: planned(siteWith(text)), value });
  onTestFinished(() => simulator.close());
  const site = siteWith(text, simulator.port);
  const { driver, options }: { readonly driver: Driver; readonly options: unknown } = site.buses[0]!;
  const env = realEnv({ logLevel: "silent" });
  const shared = driver.share!(env);
  const session = driver.open(options, env, shared);
  onTestFinished(() => session.close().then(() => shared.close()));
  const read = await Promise.all(driver.plan(planned(site), options).map((request) => session.read(request, 5000)));
  const seen = read.flat().map((reading) => {
    const { definition, own } = site.devices[0]!.points.find(({ id }) => id === reading.point)!;
    const observed = "fault" in reading ? { fault: reading.fault } : { raw: reading.value };
    const sample = assess(definition, observed, { at: 0, wall: 0 });
    return [own, sample.quality === "bad" ? sample.reason : Math.round(sample.value * 100) / 100];
  });
  expect(Object.fromEntries(seen)).toEqual({
    ...{ "km1-t-vorlauf": 6.5, "km1-kaelteleistung": 351.69, "km1-sollwert": 6, "km1-spreizung": 5 },
    ...{ "km1-stoerung": 1, "km1-betriebsart": 4, "km1-zaehler": 123_456 },
  });
});

test.each([
  ["RoomTemp_2", "RoomTemp_2", ["room-temp-2", "room-temp-2-2"]],
  ["Außenluft", "Éclairage", ["aussenluft", "eclairage"]],
  ["温度", "", ["analog-input-1", "k2"]],
  [
    `${"floor/".repeat(20)}inlet`,
    `${"floor/".repeat(20)}outlet`,
    [`floor-${"floor-".repeat(8)}inlet`, expect.stringMatching(/-outlet$/)],
  ],
])("ids of %j and %j are readable, and each is there once", (first, second, ids) => {
  const text = draft([columnRow, `k1;3000;${first};0;1`, `k2;3000;${second};0;2`].join("\n"));
  expect(Object.keys(parse(text).points)).toEqual(ids);
  siteWith(text);
});

test("a device without points that can be read, or a name of its own, is drafted too", () => {
  const text = draft(`${columnRow}\nk;3000;k;20;1`);
  expect(parse(text)).toMatchObject({ profile: "draft/device-3000", points: {} });
});

test("whatever stands in the cells, the draft is a profile that a site can use", () => {
  const cell = fc.oneof(
    fc.string({ unit: "binary", maxLength: 130 }),
    fc.constantFrom("- x: [", "a\u2028b: c", "{row}", "#", "'", "${x}", "__proto__", "constructor", "…: &a *a !!x"),
  );
  const written = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(fc.array(cell, { minLength: 7, maxLength: 7 }), (cells) => {
      const [project, device, name, description, first, second, unit] = cells.map(written);
      const ede = [
        `PROJECT_NAME;${project}`,
        columnRow,
        `k;3000;${device};8;3000;${description}`,
        `k;3000;${name};0;1;${description};;-1,5;2,5;;;;;;${unit}`,
        `k;3000;${name};13;1;${description};;;;;;;;1`,
      ].join("\n");
      expect(siteWith(draft(ede, `#;;\n1;${first};${second}`)).devices[0]?.points).toHaveLength(2);
    }),
    { numRuns: 100, seed: 7 },
  );
});
