import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { addProfiles } from "../../../agent/cli/profiles.ts";
import { addValidate } from "../../../agent/cli/validate.ts";
import { address, bus as busSchema } from "../../../drivers/bacnet/schema.ts";
import { startBacnetSimulator } from "../../../drivers/bacnet/simulated/simulator.ts";
import type { RunningSimulator } from "../../../drivers/simulator.ts";
import { call } from "../../cli.ts";
import { freePort } from "../../interop/mosquitto.ts";

const device = { instance: 3000 };
const objects: Readonly<Record<string, object>> = {
  "supply-temp": { object: "analog-input", instance: 1 },
  fan: { object: "binary-input", instance: 2 },
};

let folder: string;
let served: RunningSimulator;
const write = (name: string, written: object | string): void =>
  writeFileSync(join(folder, name), typeof written === "string" ? written : JSON.stringify(written));
const siteOf = (devices: readonly object[], port: number): object => ({
  ...{ version: 1, site: { id: "s" }, devices },
  bacnet: { address: "127.0.0.1", broadcast: "127.255.255.255", port },
  buses: { bms: { protocol: "bacnet", timeout: "500ms" } },
});
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-import-bacnet-"));
  const port = await freePort();
  served = await startBacnetSimulator({
    ...{ host: "127.0.0.1", port, bus: busSchema.parse({}), value: () => 1 },
    points: Object.entries(objects).map(([id, written]) => ({ id, device, address: address.parse(written) })),
    describe: (id) =>
      id === "fan"
        ? { name: "Fan", unit: "1", texts: { 0: "off", 1: "on" } }
        : { name: "Supply", unit: "Cel", texts: {} },
  });
  mkdirSync(join(folder, "profiles/draft"), { recursive: true });
  write("profiles/other.yaml", {
    ...{ profile: "other", describe: "One object.", protocol: "bacnet", class: "draft" },
    points: { x: { address: { object: "analog-input", instance: 1 } } },
  });
  const deviceOf = (profile: string, instance: number) => ({ id: "d", profile, bus: "bms", address: { instance } });
  write("site.yaml", siteOf([deviceOf("other", 4000)], port));
  write("later.yaml", siteOf([deviceOf("draft/mepwatch-simulator-3000", 3000)], port));
});
afterAll(async () => {
  await served.close();
  rmSync(folder, { recursive: true });
});

const importBacnet = (...args: string[]) =>
  call(addProfiles, ["profiles", "import-bacnet", ...args, "--config", join(folder, "site.yaml")]);

test("a draft of a device that answers, which a site can use as it is", async () => {
  const { code, stdout, stderr } = await importBacnet("bms", "--device", "3000");
  expect([code, stderr]).toEqual([0, []]);
  const draft = stdout.join("\n");
  expect(parse(draft)).toMatchObject({
    profile: "draft/mepwatch-simulator-3000",
    points: {
      "supply-temp": { name: "Supply", unit: "Cel", address: objects["supply-temp"] },
      fan: { name: "Fan", texts: { 0: "off", 1: "on" }, address: objects.fan },
    },
  });
  write("profiles/draft/mepwatch-simulator-3000.yaml", draft);
  const validated = await call(addValidate, ["validate", join(folder, "later.yaml")]);
  expect([validated.code, validated.stderr]).toEqual([0, []]);
});

test.each<[string, string[], number, RegExp]>([
  ["nobody of this instance", ["bms", "--device", "3001"], 69, /no device answers to instance 3001.*mepwatch discover/],
  ["no such bus", ["bsm", "--device", "3000"], 2, /no BACnet bus "bsm"; expected one of bms\. Did you mean "bms"\?/],
])("%s", async (_, args, code, message) => {
  const asked = await importBacnet(...args);
  expect([asked.code, asked.stdout]).toEqual([code, []]);
  expect(asked.stderr.join("\n")).toMatch(message);
});

test("a site file without such a bus is told, with what to add", async () => {
  const name = join(folder, "bare.yaml");
  writeFileSync(name, "version: 1\nsite: { id: s }\n");
  const asked = await call(addProfiles, ["profiles", "import-bacnet", "bms", "--config", name, "--device", "3000"]);
  expect([asked.code, asked.stdout]).toEqual([2, []]);
  expect(asked.stderr.join("\n")).toContain('no BACnet bus "bms": the site file has none that will do; add it there');
});
