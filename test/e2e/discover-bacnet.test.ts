import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addDiscover } from "../../agent/cli/discover.ts";
import { bus as busSchema } from "../../drivers/bacnet/schema.ts";
import { startBacnetSimulator } from "../../drivers/bacnet/simulated/simulator.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import { call } from "../cli.ts";
import { analogInput } from "../drivers/bacnet/peer.ts";
import { freePort } from "../interop/mosquitto.ts";
import { mepwatch, type Running } from "../process.ts";

/** Who is on a BACnet network, as somebody who brings up a site asks it: one that is found, and one behind a router. */

const profile = {
  ...{ profile: "crac", describe: "One object.", protocol: "bacnet", class: "crac", interval: "200ms" },
  points: { temp: { address: { object: "analog-input", instance: 1 } } },
};

const router = [{ instance: 7 }, { instance: 40, network: 5, mac: "0a" }];
const network = [{ instance: 7 }, { instance: 30 }, { instance: 30, network: 6, mac: "01" }];
const serve = async (devices: readonly { instance: number }[], port: number, bus: object): Promise<RunningSimulator> =>
  startBacnetSimulator({
    ...{ host: "127.0.0.1", port, bus: busSchema.parse(bus), value: () => 21 },
    points: devices.map((device) => ({ ...analogInput(1), id: `d${device.instance}/temp`, device })),
  });

let folder: string;
let served: readonly RunningSimulator[];
const running: Running[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-discover-bacnet-"));
  const port = await freePort();
  served = [await serve(network, port, {}), await serve(router, 0, { host: "127.0.0.1" })];
  mkdirSync(join(folder, "profiles"));
  writeFileSync(join(folder, "profiles/crac.yaml"), JSON.stringify(profile));
  const bacnet = { protocol: "bacnet", timeout: "500ms" };
  const buses = {
    found: bacnet,
    router: { ...bacnet, host: "127.0.0.1", port: served[1]?.port },
    line: { protocol: "modbus", host: "127.0.0.1", port: await freePort() },
  };
  const device = (id: string, bus: string, address: object) => ({ id, profile: "crac", bus, address });
  const devices = [
    device("crac-7", "found", { instance: 7 }),
    device("crac-9", "found", { instance: 9 }),
    device("crac-4000", "found", { instance: 4000 }),
    device("vav-40", "router", { instance: 40 }),
  ];
  const site = { version: 1, site: { id: "s" }, bacnet: { address: "127.0.0.1", broadcast: "127.255.255.255", port } };
  writeFileSync(join(folder, "site.yaml"), JSON.stringify({ ...site, buses, devices }));
});
afterAll(async () => {
  for (const one of running.reverse()) await one.kill("SIGKILL");
  await Promise.all(served.map((one) => one.close()));
  rmSync(folder, { recursive: true });
});

const discover = (...args: readonly string[]) =>
  call(addDiscover, ["discover", ...args, "--config", join(folder, "site.yaml")], {
    MEPWATCH_SOCKET: join(folder, "api.sock"),
  });
/** Without ports that the system chose, and their width. */
const plain = (line: string): string => line.replaceAll(/:\d{4,5}\b/g, ":PORT").replaceAll(/ {2,}/g, "  ");

// One after the other: each of them has the network's port.
describe("mepwatch discover of a BACnet bus", () => {
  test("shows who answers; tells of those that have one instance, and of those that do not answer", async () => {
    const asked = await discover("found", "--instances", "1-100");
    expect(asked.code).toBe(0);
    const told = "mepwatch  simulator  1  mepwatch simulator";
    const [head, first, ...doubles] = asked.stdout.map(plain);
    expect([head, first]).toEqual([
      "ADDRESS  AT  VENDOR  MODEL  REVISION  NAME  IN THE SITE FILE",
      `instance: 7  127.0.0.1:PORT  ${told} 7  crac-7`,
    ]);
    expect(doubles.toSorted()).toEqual([
      `instance: 30  127.0.0.1:PORT  ${told} 30  –`,
      `instance: 30  127.0.0.1:PORT (network 6, mac 01)  ${told} 30  –`,
    ]);
    expect(asked.stderr.map(plain)).toEqual([
      "instance 7 answers: simulator",
      "instance 30 answers: simulator",
      "instance 30 answers: simulator",
      "3 found, 100 of 100 tried.",
      expect.stringMatching(/^crac-9 \(instance: 9\) did not answer\. Check /),
      expect.stringMatching(/^2 devices answer to instance 30: .*PORT.* and .*PORT.*give each its own/),
    ]);
  });

  test("as JSON for programs; in the site file at a wrong place", async () => {
    const asked = await discover("router", "--instances", "30-50", "--json");
    expect(asked.code).toBe(0);
    const told = { vendor: "mepwatch", model: "simulator", revision: "1", name: "mepwatch simulator 40" };
    const at = `127.0.0.1:${served[1]?.port} (network 5, mac 0a)`;
    expect(JSON.parse(asked.stdout.join())).toEqual({
      ...{ bus: "router", tried: 21, of: 21, silent: [] },
      found: [{ address: { instance: 40, network: 5, mac: "0a" }, at, ...told, device: "vav-40" }],
    });
    expect(asked.stderr.at(-1)).toBe(
      'vav-40 is not where the site file has it (instance: 40): correct its address to instance: 40, network: 5, mac: "0a".',
    );
  });

  test("which device has an object of a name", async () => {
    const asked = await discover("router", "--has", "d40/temp", "--instances", "1-100");
    expect(asked.code).toBe(0);
    expect(asked.stdout.map(plain)).toEqual([
      "ADDRESS  AT  OBJECT  NAME  IN THE SITE FILE",
      'instance: 40, network: 5, mac: "0a"  127.0.0.1:PORT (network 5, mac 0a)  analog-input 1  d40/temp  vav-40',
    ]);
    expect(asked.stderr).toEqual(["instance 40 has it: analog-input 1", "1 found, 100 of 100 tried."]);
  });

  test("beside the agent that polls the bus", async () => {
    const agent = mepwatch(["run", "--config", join(folder, "site.yaml")], {
      MEPWATCH_STORE: join(folder, "store.db"),
      MEPWATCH_SOCKET: join(folder, "api.sock"),
      MEPWATCH_MQTT_URL: `mqtt://127.0.0.1:${await freePort()}`,
    });
    running.push(agent);
    await agent.line(/agent.started/);
    const asked = await discover("found", "--instances", "7");
    expect(asked.code).toBe(0);
    expect(asked.stderr.map(plain)).toEqual(["instance 7 answers: simulator", "1 found, 1 of 1 tried."]);
    await agent.kill("SIGKILL");
  });

  test.for<[string, string[], number, RegExp]>([
    [
      "units, which BACnet has none of",
      ["found", "--units", "1-3"],
      2,
      /have no units; give --instances, such as 0-4194302/,
    ],
    ["instances, which Modbus has none of", ["line", "--instances", "3"], 2, /have no instances; give --units/],
    ["an object on a Modbus line", ["line", "--has", "x"], 2, /cannot be asked who has an object; leave --has out/],
    ["instances that are none", ["found", "--instances", "1-4194303"], 2, /expected numbers from 0 to 4194302/],
  ])("%s", async ([, args, code, message]) => {
    const asked = await discover(...args);
    expect([asked.code, asked.stdout]).toEqual([code, []]);
    expect(asked.stderr.join("\n")).toMatch(message);
  });
});
