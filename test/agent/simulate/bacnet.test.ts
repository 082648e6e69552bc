import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fromDisk, load } from "../../../agent/config/load.ts";
import type { Site } from "../../../agent/config/resolved.ts";
import { realEnv } from "../../../agent/env.ts";
import { readDatagram } from "../../../drivers/bacnet/wire/packet.ts";
import type { ListenHooks } from "../../../drivers/driver.ts";
import { drivers } from "../../../drivers/index.ts";
import { mepwatch } from "../../process.ts";
import { noSecret } from "./demo.ts";

/** `mepwatch simulate` of a site whose BACnet devices are found by Who-Is, one of them behind a router. */

const host = "127.0.0.1";
const loopback = "127.255.255.255";
const profile = {
  ...{ profile: "crac", describe: "A CRAC.", protocol: "bacnet", class: "crac", interval: "1s" },
  points: {
    running: { kind: "state", address: { object: "binary-input", instance: 1 }, texts: { 0: "stopped", 1: "running" } },
    "common-alarm": {
      kind: "state",
      address: { object: "binary-input", instance: 2 },
      texts: { 0: "none", 1: "alarm" },
    },
    "supply-temperature": { kind: "temperature", unit: "Cel", address: { object: "analog-input", instance: 1 } },
    alarms: { kind: "count", address: { events: "active" } },
  },
  traps: { alarm: { object: "binary-input", instance: 2, points: ["common-alarm"] } },
};
const siteAt = (port: number) => ({
  ...{ version: 1, site: { id: "s" } },
  bacnet: { address: host, port, broadcast: loopback },
  buses: { plant: { protocol: "bacnet" } },
  devices: [
    { id: "crac-1", profile: "crac", bus: "plant", address: { instance: 1001 } },
    { id: "crac-2", profile: "crac", bus: "plant", address: { instance: 1002, network: 2001, mac: 7 } },
    { id: "crac-3", profile: "crac", bus: "plant", address: { instance: 1003 } },
  ],
});

/** A port at which nobody listens. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, host);
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((done) => socket.close(done));
  return port;
}

function write(site: object): { readonly file: string; readonly site: Site } {
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-simulate-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "site.json");
  writeFileSync(file, JSON.stringify(site));
  mkdirSync(join(folder, "profiles"));
  writeFileSync(join(folder, "profiles", "crac.yaml"), JSON.stringify(profile));
  const loaded = load("site.json", fromDisk(file), drivers, noSecret);
  if (loaded.site === null) throw new Error(JSON.stringify(loaded.problems));
  return { file, site: loaded.site };
}

/** As the agent does: one hub that listens, one session a bus. */
function readerOf(site: Site) {
  const env = realEnv({ logLevel: "silent" });
  const [bus] = site.buses;
  const [listener] = site.listeners;
  const { driver, options } = bus!;
  const shared = driver.share!(env);
  const hooks: ListenHooks = {
    ...{ passed: null, kept: null, keep: () => {}, onHint: () => {}, onDropped: () => {}, onListed: () => {} },
  };
  const heard = listener!.listening.listen(listener!.options, env, shared, hooks);
  const session = driver.open(options, env, shared);
  onTestFinished(async () => {
    await session.close();
    await heard.close();
    await shared.close();
  });
  const points = site.devices.flatMap(({ address: device, points }) =>
    points.map(({ id, address }) => ({ id, device, address })),
  );
  return async () =>
    (await Promise.all(driver.plan(points, options).map((request) => session.read(request, 10_000)))).flat();
}

test("each device is found, and says what the plant says; its alarms go to --traps-to", async () => {
  const { file, site } = write(siteAt(await freePort()));
  const ear = createSocket("udp4").bind(0, host);
  onTestFinished(() => void ear.close());
  await once(ear, "listening");
  const told: string[] = [];
  let wake = (): void => {};
  ear.on("message", (octets) => {
    const packet = readDatagram(octets);
    if (packet?.kind === "packet") told.push(`${packet.source?.network ?? "here"} ${packet.apdu.toString("hex")}`);
    wake();
  });
  const traps = ["--traps-to", String(ear.address().port)];
  const running = mepwatch(["simulate", "--config", file, "--speed", "10", ...traps, "--fault", "crac-3=no-rpm"]);
  onTestFinished(() => running.kill("SIGKILL"));
  const { ports } = JSON.parse(await running.line(/ports/));
  const { port } = site.listeners[0]!.options as { port: number };
  expect(ports).toEqual({ plant: port });

  const readings = await readerOf(site)();
  expect(readings.filter((reading) => "fault" in reading)).toEqual([]);
  expect(readings).toHaveLength(12);
  const temperature = readings.find(({ point }) => point === "crac-3/supply-temperature");
  expect(temperature && "value" in temperature && temperature.value).toBeGreaterThan(15);

  // CRAC-2 trips after 12 s of the story.
  while (told.length === 0)
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  expect(told[0]).toMatch(/^2001 10030900 ?1c020003ea2c00c00002/);
  running.child.kill("SIGTERM");
  expect(await running.ended).toBe(0);
});
