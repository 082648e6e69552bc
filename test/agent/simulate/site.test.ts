import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { builtInConfig, fromDisk, load } from "../../../agent/config/load.ts";
import type { Bus, Device, Site } from "../../../agent/config/resolved.ts";
import { assess, type Observation } from "../../../agent/core/quality.ts";
import type { PointId, Sample } from "../../../agent/core/sample.ts";
import { realEnv } from "../../../agent/env.ts";
import { hallOf } from "../../../agent/simulate/hall.ts";
import { plantOf } from "../../../agent/simulate/plant.ts";
import { withPorts } from "../../../agent/simulate/ports.ts";
import { readOf } from "../../../agent/simulate/served.ts";
import { type SimulatedSite, simulate, type Truth } from "../../../agent/simulate/site.ts";
import type { Story } from "../../../agent/simulate/story.ts";
import { answered, type Closable, type Reading } from "../../../drivers/driver.ts";
import { drivers } from "../../../drivers/index.ts";
import { requireProgram } from "../../interop/programs.ts";
import { demoSite, noSecret, storyNamed } from "./demo.ts";

/** The demo's site on real sockets, read by the drivers that read real devices. */
const env = realEnv({ logLevel: "silent" });
/** For a peer on this machine; as long as it is so that a busy machine does not fail a test. */
const patientMs = 3000;

/** The same site as a customer would write it who has these ports. */
function siteAt(ports: SimulatedSite["ports"]): Site {
  const template = join(builtInConfig(), "demo-site.yaml");
  const text = withPorts(readFileSync(template, "utf8"), ports);
  const disk = fromDisk(template);
  const { site, problems } = load("site.yaml", (name) => (name === "site.yaml" ? text : disk(name)), drivers, noSecret);
  if (site === null) throw new Error(JSON.stringify(problems));
  return site;
}

interface Reader extends Closable {
  /** Every point of the devices on a bus, as the drivers bring it. */
  read(bus: Bus["id"], timeoutMs?: number): Promise<Reading[]>;
}

function readerOf(site: Site): Reader {
  const shared = new Map(drivers.map((driver) => [driver.protocol, driver.share?.(env) ?? { close: async () => {} }]));
  const lines = new Map(
    site.buses.map(({ id, driver, options }) => {
      const points = site.devices
        .filter(({ bus }) => bus === id)
        .flatMap(({ address: device, points }) => points.map(({ id, address }) => ({ id, device, address })));
      const session = driver.open(options, env, shared.get(driver.protocol)!);
      return [id, { session, requests: driver.plan(points, options) }] as const;
    }),
  );
  return {
    async read(bus, timeoutMs = patientMs) {
      const { session, requests } = lines.get(bus)!;
      const readings: Reading[] = [];
      for (const request of requests) readings.push(...(await session.read(request, timeoutMs)));
      return readings;
    },
    async close() {
      await Promise.all([...lines.values()].map(({ session }) => session.close()));
      await Promise.all([...shared.values()].map((one) => one.close()));
    },
  };
}

async function samplesOf(site: Site, reader: Reader): Promise<Map<PointId, Sample>> {
  const points = new Map(site.devices.flatMap((device) => device.points.map((point) => [point.id, point] as const)));
  const all = await Promise.all(site.buses.map(({ id }) => reader.read(id)));
  return new Map(
    all.flat().map((reading) => {
      const observed: Observation = "fault" in reading ? { fault: reading.fault } : { raw: reading.value };
      return [reading.point, assess(points.get(reading.point)!.definition, observed, { at: 0, wall: 0 })];
    }),
  );
}

async function staged(story: Story, speed: number, onTruth: (line: Truth) => void = () => {}) {
  const options = { story, seed: 1, speed, host: "127.0.0.1", anyPort: true, onTruth };
  const simulated = await simulate(env, demoSite(), options);
  const site = siteAt(simulated.ports);
  const reader = readerOf(site);
  return { simulated, site, reader };
}

let here: Awaited<ReturnType<typeof staged>>;
beforeAll(async () => {
  here = await staged(storyNamed("calm"), 1);
});
afterAll(async () => {
  await here.reader.close();
  await here.simulated.close();
});

describe("the demo's site on sockets", () => {
  test("each bus listens on a port of its own", () => {
    const { ports } = here.simulated;
    expect([...ports.keys()].sort()).toEqual(here.site.buses.map(({ id }) => id).sort());
    expect(here.site.devices).toHaveLength(12);
    const own = here.site.buses.map(
      ({ id, driver }) => `${driver.protocol === "modbus" ? "tcp" : "udp"} ${ports.get(id)}`,
    );
    expect(new Set(own).size).toBe(own.length);
  });

  test("each point is read, is good, and says what the plant says", async () => {
    const samples = await samplesOf(here.site, here.reader);
    const points = here.site.devices.flatMap((device) => device.points.map((point) => ({ device, point })));
    expect([...samples.keys()].sort()).toEqual(points.map(({ point }) => point.id).sort());
    const wrong = points.filter(({ device, point }) => {
      const sample = samples.get(point.id)!;
      const [low, high] = calmRange(device, point.own, Math.abs(point.definition.scale));
      return sample.quality !== "good" || sample.value < low || sample.value > high;
    });
    expect(wrong.map(({ point }) => samples.get(point.id))).toEqual([]);
  });
});

/** Between which values a reading may be in a calm hall: its noise, a digit of the device, the energy of a minute. */
function calmRange(device: Device, own: string, digit: number): [low: number, high: number] {
  const plant = plantOf(hallOf(here.site));
  const values = Array.from({ length: 60 }, (_, seed) => readOf(device, own, { plant, seed }));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const slack = 0.25 * (high - low) + Math.min(1, digit) + 0.05;
  return [low - slack, high + slack];
}

test("what happens to the plant is read over each protocol, and told as truth", async () => {
  const causes = { utility: false, tripped: ["crac-2"], wet: ["leak-1"] };
  const everything: Story = {
    name: "everything",
    describe: "All at once, and for good.",
    lengthSeconds: 86_400,
    beats: [{ at: 10, what: "all", causes }],
  };
  const truth: Truth[] = [];
  const { simulated, site, reader } = await staged(everything, 20, (line) => truth.push(line));
  onTestFinished(async () => {
    await reader.close();
    await simulated.close();
  });
  const said = (samples: ReadonlyMap<PointId, Sample>, point: PointId) => {
    const sample = samples.get(point)!;
    return sample.quality === "good" ? sample.value : sample.reason;
  };
  await expect
    .poll(
      async () => {
        const samples = await samplesOf(site, reader);
        return [
          "ups-a/output-source",
          "crac-2/running",
          "crac-1/running",
          "leak-1/status",
          "meter-incomer/voltage-l1",
        ].map((point) => said(samples, point));
      },
      { timeout: 60_000 },
    )
    .toEqual([5, 0, 1, 1, 0]);
  const toldOf = (point: PointId) => truth.filter((line) => line.point === point).map(({ value }) => value);
  expect(toldOf("$utility")).toEqual([1, 0]);
  expect(toldOf("ups-a/output-source")).toEqual([3, 5]);
  expect(toldOf("crac-2/running")).toEqual([1, 0]);
  expect(toldOf("crac-1/running")).toEqual([1]);
  expect(toldOf("leak-1/status")).toEqual([0, 1]);
});

describe.each([["ups-a"], ["crac-1"], ["meter-incomer"]])("a bus that misbehaves: %s", (bus) => {
  const heal = () => here.simulated.misbehave(bus, "none");

  test.each([["silent"], ["rubbish"]] as const)("%s: not answered, and well again after", async (how) => {
    onTestFinished(heal);
    here.simulated.misbehave(bus, how);
    expect(answered(await here.reader.read(bus, 300))).toBe(false);
    heal();
    const readings = await here.reader.read(bus);
    expect(readings.filter((reading) => "fault" in reading)).toEqual([]);
  });

  test("error: answered, without a value, and well again after", async () => {
    onTestFinished(heal);
    here.simulated.misbehave(bus, "error");
    const refused = await here.reader.read(bus);
    expect(answered(refused)).toBe(true);
    expect(refused.filter((reading) => !("fault" in reading))).toEqual([]);
    heal();
    expect((await here.reader.read(bus)).filter((reading) => "fault" in reading)).toEqual([]);
  });

  test("the others do not notice", async () => {
    onTestFinished(heal);
    here.simulated.misbehave(bus, "silent");
    const others = here.site.buses.filter(({ id }) => id !== bus);
    const readings = (await Promise.all(others.map(({ id }) => here.reader.read(id)))).flat();
    expect(readings.filter((reading) => "fault" in reading)).toEqual([]);
  });
});

test("who is not there cannot misbehave, nor anybody as nobody knows", () => {
  expect(() => here.simulated.misbehave("ups-z", "silent")).toThrow(
    /no device or bus "ups-z"; expected one of .*ups-a/,
  );
  for (const { id } of here.site.buses)
    expect(() => here.simulated.misbehave(id, "sulking")).toThrow(/no fault "sulking"; expected .*silent/);
});

test("a port that is taken is replaced, and told", async () => {
  const { ports } = here.simulated;
  const options = { story: storyNamed("calm"), seed: 1, speed: 1, host: "127.0.0.1" };
  const second = await simulate(env, here.site, options);
  onTestFinished(() => second.close());
  for (const [bus, port] of second.ports) expect(port).not.toBe(ports.get(bus));
  const reader = readerOf(siteAt(second.ports));
  onTestFinished(() => reader.close());
  for (const { id } of here.site.buses) expect(answered(await reader.read(id))).toBe(true);
});

const siteOf = (text: string): Site => {
  const disk = fromDisk(join(builtInConfig(), "demo-site.yaml"));
  return load("site.yaml", (name) => (name === "site.yaml" ? text : disk(name)), drivers, noSecret).site!;
};
const twoMeters = (bus: string): string => `version: 1
site: { id: s }
buses: { meters: { protocol: modbus, ${bus} } }
devices:
  - { id: one, profile: meter/eastron-sdm630, bus: meters, address: { unit: 1 } }
  - { id: two, profile: meter/eastron-sdm630, bus: meters, address: { unit: 2 } }
`;

describe.skipIf(!requireProgram("/usr/bin/socat"))("a serial line", () => {
  const simulatedAt = (path: string) => {
    const options = { story: storyNamed("calm"), seed: 1, speed: 1, host: "127.0.0.1" };
    return simulate(env, siteOf(twoMeters(`transport: rtu, path: ${JSON.stringify(path)}`)), options);
  };
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), "mepwatch-line-"));
    onTestFinished(() => rmSync(made, { recursive: true }));
    return made;
  };

  test("is a pseudo-terminal at the bus's path, and gone after; who reads from it: test/interop/line.test.ts", async () => {
    const path = join(folder(), "a line, with: marks");
    const line = await simulatedAt(path);
    expect([...line.lines]).toEqual([["meters", path]]);
    expect([...line.ports]).toEqual([]);
    expect(readlinkSync(path)).toMatch(/^\/dev\/pts\/\d+$/);
    expect(() => line.misbehave("two", "wrong-transaction")).toThrow(
      /no fault "wrong-transaction"; expected .*wrong-checksum/,
    );
    await line.close();
    expect(existsSync(path)).toBe(false);
  });

  test("is not made where something stands, but where a killed simulation left a link to nowhere", async () => {
    const path = join(folder(), "line");
    writeFileSync(path, "precious");
    await expect(simulatedAt(path)).rejects.toThrow(
      /no serial line at .*: something stands there already.*; remove it/,
    );
    expect(readFileSync(path, "utf8")).toBe("precious");
    rmSync(path);
    symlinkSync("/dev/pts/99999", path);
    const line = await simulatedAt(path);
    await line.close();
  });

  test("that cannot be made is told, with what to do", async () => {
    const nowhere = join(folder(), "no", "folder");
    await expect(simulatedAt(nowhere)).rejects.toThrow(/No such file or directory; give the bus a path in a folder/);
  });
});

test.each(["leak/rle-ld2100", "meter/eastron-sdm630"])(
  "any profile is served and read over each transport: %s",
  async (profile) => {
    const text = (bus: string): string =>
      `version: 1\nsite: { id: s }\ndevices: [{ id: d, profile: ${profile}, bus: { protocol: modbus, ${bus} } }]\n`;
    for (const transport of ["tcp", "udp", "rtu-over-tcp"]) {
      const at = (port: number): Site => siteOf(text(`transport: ${transport}, host: 127.0.0.1, port: ${port}`));
      const options = { story: storyNamed("calm"), seed: 1, speed: 1, host: "127.0.0.1", anyPort: true };
      const served = await simulate(env, at(1), options);
      onTestFinished(() => served.close());
      const reader = readerOf(at(served.ports.get("d")!));
      onTestFinished(() => reader.close());
      const readings = await reader.read("d");
      expect(readings.length).toBeGreaterThan(0);
      expect(readings.filter((one) => "fault" in one)).toEqual([]);
    }
  },
);

test("close is quick, also while it is read and slow to answer; then nobody answers, and twice is fine", async () => {
  const { simulated, site, reader } = await staged(storyNamed("calm"), 1);
  onTestFinished(() => reader.close());
  await samplesOf(site, reader);
  for (const { id } of site.buses) simulated.misbehave(id, "slow");
  const underWay = Promise.all(site.buses.map(({ id }) => reader.read(id, 500)));
  const began = performance.now();
  await simulated.close();
  expect(performance.now() - began).toBeLessThan(2900); // it answers after 3 s
  for (const readings of await underWay) expect(answered(readings)).toBe(false);
  for (const { id } of site.buses) simulated.misbehave(id, "none"); // so that only the close can keep them silent
  const after = await Promise.all(site.buses.map(({ id }) => reader.read(id, 300)));
  expect(after.map((readings) => answered(readings))).toEqual(site.buses.map(() => false));
  await simulated.close();
});
