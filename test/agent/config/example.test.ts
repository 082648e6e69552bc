import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { siteJsonSchema } from "../../../agent/config/json-schema.ts";
import { builtInConfig, builtInProfiles, fromDisk, load } from "../../../agent/config/load.ts";
import type { Secrets } from "../../../agent/config/secrets.ts";
import { readSettings, type Settings, settingNames } from "../../../agent/config/settings.ts";
import type { Secret } from "../../../agent/secret.ts";
import { drivers } from "../../../drivers/index.ts";
import { linesOf } from "./hall.ts";

const path = join(builtInConfig(), "example-site.yaml");
const text = readFileSync(path, "utf8");
const settingsText = readFileSync(join(builtInConfig(), "example-settings.yaml"), "utf8");
const secrets: Secrets = ({ scheme, name }) => ({ text: `${scheme} ${name}` });
const loaded = load("example-site.yaml", fromDisk(path), drivers, secrets);

test("the example loads as it is", () => {
  expect(linesOf(loaded)).toEqual([]);
});

test("it shows each device class that comes with mepwatch, and each protocol", () => {
  expect(loaded.site?.devices.map(({ profile }) => profile).toSorted()).toEqual(builtInProfiles().toSorted());
  const protocols = new Set(loaded.site?.devices.map(({ protocol }) => protocol));
  expect([...protocols].toSorted()).toEqual(drivers.map(({ protocol }) => protocol).toSorted());
});

test("what it says to show is so", () => {
  const { devices, buses, about, model } = loaded.site!;
  const keys = [...about.keys()];
  const conditions = model.rules.flatMap((rule) => rule.conditions);
  const load = conditions.find(({ key }) => key === "dc-north/ups-a/output-load/load");
  expect(load?.levels.map(({ limit }) => limit)).toEqual([45, 50, 100]);
  expect(load?.levels.map(({ onDelayMs }) => onDelayMs)).toEqual([60_000, 60_000, 0]);
  expect(keys).toContain("dc-north/pdu-a1/inlet-temperature/inlet-hot");
  expect(keys.filter((key) => key.endsWith("/power-supply"))).toEqual([]);
  const points = devices.find(({ id }) => id === "crac-1")!.points;
  const supply = points.find(({ own }) => own === "supply-temperature")!;
  expect(supply).toMatchObject({ address: { object: "analog-input", instance: 3000109 }, unit: "Cel" });
  expect(keys).toContain("dc-north/crac-1/chilled-water-valve/valve-open");
  const ups = buses.find(({ id }) => id === "ups-a")!.options as { community: Secret };
  expect(ups.community.reveal()).toBe("file /etc/mepwatch/snmp-community");
});

test("its first line leads an editor to the schema, which agrees", () => {
  const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
  const found = JSON.parse(readFileSync(join(builtInConfig(), schema!), "utf8"));
  expect(found).toEqual(siteJsonSchema(drivers));
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(found);
  validate(parse(text));
  expect(validate.errors ?? []).toEqual([]);
});

/** Its comments uncommented: `# name: value` becomes `name: value`; sentences stay comments. */
const uncommented = settingsText.replaceAll(
  /^( *)# (?=( *)(?:agent|log|level|heartbeat|store|socket|prefix|clientId): ?)/gm,
  "$1",
);

const read = (settings: string): Settings => {
  const { settings: got, problems } = readSettings({ name: "settings.yaml", text: settings }, {}, secrets);
  expect(problems).toEqual([]);
  return got!;
};

test("the example settings are good, and say of each default what it is", () => {
  const asIs = read(settingsText);
  expect(asIs.mqtt.password?.reveal()).toBe("credential mqtt-password");
  const { agent, mqtt, ...rest } = read(uncommented);
  const { agent: _, mqtt: plain, ...defaults } = asIs;
  expect(agent).toBe("edge-1");
  expect(rest).toEqual(defaults);
  expect({ ...mqtt, clientId: "" }).toEqual(plain);
});

test("the example settings name every setting", () => {
  for (const { name } of settingNames) expect(settingsText).toMatch(new RegExp(`\\b${name.split(".").at(-1)}:`));
});
