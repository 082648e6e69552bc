import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addDoctor } from "../../agent/cli/doctor.ts";
import type { Finding } from "../../agent/cli/finding.ts";
import { address, bus as busSchema } from "../../drivers/bacnet/schema.ts";
import { startBacnetSimulator } from "../../drivers/bacnet/simulated/simulator.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import { call } from "../cli.ts";
import { freePort } from "../interop/mosquitto.ts";

/** BACnet devices as they are when a site is brought up: at a wrong address, of other objects and units than their profile. */

const objects: Readonly<Record<string, readonly [written: object, unit: string]>> = {
  temp: [{ object: "analog-input", instance: 1 }, "[degF]"],
  power: [{ object: "analog-value", instance: 2 }, "W"],
  level: [{ object: "analog-value", instance: 3 }, "V"],
  fan: [{ object: "binary-value", instance: 4 }, "1"],
};
const at = (object: string, instance: number, more: object = {}) => ({ address: { object, instance }, ...more });
const profiles: Readonly<Record<string, object>> = {
  right: {
    temp: at("analog-input", 1, { unit: "[degF]" }),
    power: at("analog-value", 2, { unit: "kW", scale: 0.001 }),
    fan: at("binary-value", 4),
  },
  units: { temp: at("analog-input", 1, { unit: "Cel" }), level: at("analog-value", 3, { unit: "%" }) },
  sloppy: { level: at("analog-value", 3, { unit: "Cel" }) },
  types: { power: at("analog-input", 2), fan: at("binary-input", 4) },
  mixed: { temp: at("analog-input", 1), power: at("analog-input", 2), gone: at("analog-input", 99) },
};

const network = [{ instance: 7 }, { instance: 31, network: 5, mac: "0a" }];
let root: string;
let served: RunningSimulator;
let found: RunningSimulator;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "mepwatch-doctor-bacnet-"));
  const serve = (port: number, bus: object): Promise<RunningSimulator> =>
    startBacnetSimulator({
      ...{ host: "127.0.0.1", port, bus: busSchema.parse(bus), value: () => 1 },
      points: network.flatMap((device) =>
        Object.entries(objects).map(([own, [written]]) => ({
          ...{ id: `${device.instance}/${own}`, device, address: address.parse(written) },
        })),
      ),
      describe: (id) => ({ name: id, unit: objects[id.split("/")[1] ?? ""]?.[1] ?? "1", texts: {} }),
    });
  served = await serve(0, { host: "127.0.0.1" });
  found = await serve(await freePort(), {});
});
afterAll(async () => {
  await Promise.all([served.close(), found.close()]);
  rmSync(root, { recursive: true });
});

let folders = 0;
/** What is found of the one device of a site. */
async function examine(
  profile: string,
  device: object,
  isFound = false,
  bacnet: object = {},
): Promise<Finding | undefined> {
  const folder = join(root, String(++folders));
  mkdirSync(join(folder, "profiles"), { recursive: true });
  const points = profiles[profile];
  const about = { describe: "A test device.", protocol: "bacnet", class: "test" };
  writeFileSync(join(folder, `profiles/${profile}.yaml`), JSON.stringify({ profile, ...about, points }));
  const host = isFound ? {} : { host: "127.0.0.1", port: served.port };
  const bus = { protocol: "bacnet", timeout: "500ms", ...host };
  const site = {
    ...{ version: 1, site: { id: "s" }, devices: [{ id: "d", profile, bus, address: device }] },
    bacnet: {
      address: "127.0.0.1",
      broadcast: "127.255.255.255",
      port: isFound ? found.port : await freePort(),
      ...bacnet,
    },
  };
  writeFileSync(join(folder, "site.yaml"), JSON.stringify(site));
  const called = await call(addDoctor, ["doctor", "d", "--config", join(folder, "site.yaml"), "--json"], {
    MEPWATCH_SOCKET: join(folder, "api.sock"),
    MEPWATCH_STORE: join(folder, "store.db"),
  });
  const { findings } = JSON.parse(called.stdout.join() || '{"findings":[]}') as { findings: Finding[] };
  return findings.find(({ of }) => of === "device d");
}

const all = { remedy: null as unknown, details: [] as unknown };
test.each<[string, string, object, Partial<typeof all> & { state: string; what: RegExp }]>([
  ["what is right", "right", { instance: 7 }, { state: "ok", what: /^3 of 3 points/ }],
  [
    "another instance at the address",
    "right",
    { instance: 8 },
    {
      ...{ state: "wrong", what: /^identity_mismatch: device 7 answers at 127\.0\.0\.1:\d+, not 8/ },
      remedy: expect.stringMatching(/Correct its instance.*mepwatch discover/),
    },
  ],
  [
    "one that is behind the router",
    "right",
    { instance: 31, network: 5, mac: "0b" },
    {
      ...{ state: "wrong", what: /^timeout: .*instance: 31, network: 5, mac: "0a" \(simulator\).* answers? there/ },
      remedy: expect.stringMatching(/^Correct the address; mepwatch discover d /),
    },
  ],
  [
    "units that make another number of it",
    "units",
    { instance: 7 },
    {
      ...{ state: "wrong", what: /^2 of 2 points .*; of 2 the device tells another unit than the profile$/ },
      remedy: expect.stringMatching(/^Correct unit and scale .*its units\.$/),
      details: [
        "d/temp  the device says degrees-fahrenheit, the profile Cel",
        "d/level  the device says volts, the profile %",
      ],
    },
  ],
  [
    "a unit of another quantity",
    "sloppy",
    { instance: 7 },
    {
      ...{ state: "note", what: /^1 of 1 points/, remedy: expect.stringMatching(/its units/) },
      details: ["d/level  the device says volts, the profile Cel"],
    },
  ],
  [
    "objects that are all of another type",
    "types",
    { instance: 7 },
    {
      ...{ state: "wrong", what: /^0 of 2 points .*; all of them are there if they are values$/ },
      ...{ remedy: "Correct the addresses in the profile.", details: expect.objectContaining({ length: 2 }) },
    },
  ],
  [
    "one object of another type, and one that is nowhere",
    "mixed",
    { instance: 7 },
    {
      ...{ state: "wrong", what: /^1 of 3 points .*; elsewhere there are power \(object: "analog-value"\)$/ },
      ...{ remedy: "Correct their addresses in the profile.", details: expect.objectContaining({ length: 2 }) },
    },
  ],
])("%s", async (_, profile, device, { what, ...expected }) => {
  const finding = await examine(profile, device);
  expect(finding).toMatchObject({ ...all, ...expected, what: expect.stringMatching(what) });
});

test("a device that Who-Is finds is looked at without an agent", async () => {
  expect(await examine("right", { instance: 7 }, true)).toMatchObject({
    state: "ok",
    what: "3 of 3 points with a plausible value",
  });
  const gone = await examine("right", { instance: 8 }, true);
  expect(gone).toMatchObject({ state: "wrong", remedy: expect.stringMatching(/mepwatch discover/) });
  expect(gone?.what).toMatch(/^timeout: no device answers to instance 8/);
});

test("an address of the network that this machine has not is told", async () => {
  const finding = await examine("right", { instance: 7 }, true, { address: "192.0.2.77" });
  expect(finding).toMatchObject({
    state: "wrong",
    what: expect.stringMatching(/^unreachable: .*EADDRNOTAVAIL.*bacnet.address/),
  });
});

test("beside somebody who has the port, it is told that a device may be there and not be heard", async () => {
  const other = createSocket("udp4").bind(await freePort());
  await once(other, "listening");
  const finding = await examine("right", { instance: 8 }, true, { address: "0.0.0.0", port: other.address().port });
  other.close();
  expect(finding).toMatchObject({ state: "wrong", what: expect.stringMatching(/^timeout: .*; .* is heard here$/) });
  expect(finding?.remedy).toMatch(/is in use on this machine.*bacnet\.address/);
});
