import { describe, expect, test } from "vitest";
import * as z from "zod";
import { realEnv } from "../../agent/env.ts";
import {
  type AnyRequest,
  answered,
  type Driver,
  type PlannedPoint,
  type Reading,
  type Told,
} from "../../drivers/driver.ts";
import type { RunningSimulator, StartSimulator } from "../../drivers/simulator.ts";

/**
 * drivers/driver.ts in executable form. A new driver is done when
 * `conformance("name", { driver, startSimulator, bus, device, points, parts })` passes against its own simulator.
 */
export interface Fixture {
  readonly driver: Driver;
  readonly startSimulator: StartSimulator;
  /** As in a site file, unparsed; so are `device` and each `address`. */
  bus(host: string, port: number): unknown;
  readonly device: unknown;
  /** At least three, with values the protocol carries exactly (each must be able to be 1 too); best of every type, near and far from each other. */
  readonly points: readonly { readonly address: unknown; readonly value: number }[];
  /** What tells which device it is; the first one any text, the others best of every kind. */
  readonly parts: readonly { readonly address: unknown; readonly text: string }[];
}

const host = "127.0.0.1";
/** Ample: for reads that succeed, so that a busy machine does not fail them. */
const patientMs = 3000;
/** For reads that run into their deadline. */
const hastyMs = 200;
/** What a busy machine may add to a deadline; far below the 3 s after which a slow simulator answers. */
const slackMs = 2000;

export function conformance(name: string, fixture: Fixture): void {
  describe(`${name} keeps the driver contract`, () => {
    describe("plan", () => planning(fixture));
    describe("read", { concurrent: true }, () => {
      reading(fixture);
      identifying(fixture);
      misbehaving(fixture);
      closing(fixture);
    });
    describe("options", () => documenting(fixture));
  });
}

function planning(fixture: Fixture): void {
  const { driver } = fixture;
  const bus = driver.bus.parse(fixture.bus(host, 1));
  const points = pointsOf(fixture);

  test("is the same for the same points in any order", () => {
    const plan = driver.plan(points, bus);
    expect(driver.plan(points, bus)).toEqual(plan);
    expect(driver.plan(points.toReversed(), bus)).toEqual(plan);
    for (const turn of points.keys()) {
      expect(driver.plan([...points.slice(turn), ...points.slice(0, turn)], bus)).toEqual(plan);
    }
  });

  test("puts each point in exactly one request", () => {
    expect(idsOf(driver.plan(points, bus)).toSorted()).toEqual(points.map(({ id }) => id).toSorted());
  });

  test("asks nothing for no points", () => {
    expect(driver.plan([], bus)).toEqual([]);
  });
}

function reading(fixture: Fixture): void {
  test("answers each point once, in the request's order, with the value served", async () => {
    await onStage(fixture, async ({ requests, readAll }) => {
      for (let round = 0; round < 3; round++) {
        const readings = await readAll(patientMs);
        expect(readings.map(({ point }) => point)).toEqual(idsOf(requests));
        expect(valuesOf(readings)).toEqual(servedBy(fixture));
      }
    });
  });

  test("reads what the device holds now", async () => {
    await onStage(fixture, async ({ values, readAll }) => {
      await readAll(patientMs);
      for (const id of values.keys()) values.set(id, 1);
      expect(valuesOf(await readAll(patientMs))).toEqual(Object.fromEntries(values));
    });
  });

  test.for(fixture.points.map((_, i) => i))("a missing point %i does not blind the others", async (missing) => {
    await onStage(fixture, async ({ values, readAll }) => {
      values.set(idOf(missing), null);
      for (let round = 0; round < 2; round++) {
        const readings = await readAll(patientMs);
        const bad = readings.filter((one) => "fault" in one);
        expect(bad).toEqual([{ point: idOf(missing), fault: expect.any(String), detail: expect.stringMatching(/./) }]);
        expect(faultsOf(bad)).toBeOneOf([["no_such_point"], ["device_error"]]);
        const others = Object.entries(servedBy(fixture)).filter(([id]) => id !== idOf(missing));
        expect(valuesOf(readings)).toEqual(Object.fromEntries(others));
      }
    });
  });
}

function identifying(fixture: Fixture): void {
  const served = fixture.parts.map(({ text }, i) => ({ part: `part${i}`, text }));

  test("tells who it is, part by part in their order, between reads", async () => {
    await onStage(fixture, async ({ identify, readAll }) => {
      for (let round = 0; round < 3; round++) {
        expect(await identify(patientMs)).toEqual(served);
        expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
      }
    });
  });

  test.for(fixture.parts.map((_, i) => i))("part %i that it does not have is not told, the others are", async (i) => {
    await onStage(fixture, async ({ identify, texts }) => {
      texts.set(`part${i}`, null);
      const told = await identify(patientMs);
      expect(told.filter((one) => "text" in one)).toEqual(served.filter(({ part }) => part !== `part${i}`));
      expect(told[i]).toEqual({ part: `part${i}`, fault: expect.any(String), detail: expect.stringMatching(/./) });
      expect(answered(told)).toBe(true);
      expect(answered([told[i]!])).toBe(true);
    });
  });

  const shown = [
    ["nothing but blanks", "  ", undefined],
    ["padding", "  AB 12 \0\0", "AB 12"],
    ["what cannot be seen", "A\u0007B", "A\\u{7}B"],
    ["letters of any language", "Größe 7", "Größe 7"],
  ] as const;
  test.for(shown)("%s is told as people can read it", async ([, text, expected]) => {
    await onStage(fixture, async ({ identify, texts }) => {
      texts.set("part0", text);
      const [told] = await identify(patientMs);
      expect("text" in told! ? told.text : undefined).toBe(expected);
    });
  });

  test("a long text is bounded", async () => {
    await onStage(fixture, async ({ identify, texts }) => {
      texts.set("part0", "x".repeat(200));
      const [told] = await identify(patientMs);
      expect("text" in told! && told.text).toMatch(/^x{16,128}$/);
    });
  });

  test.for([
    { how: "silent", reachable: false },
    { how: "slow", reachable: false },
    { how: "rubbish", reachable: false },
    { how: "error", reachable: true },
  ] as const)("asked who it is, one that is $how tells nothing, in time, and is well again", async (row) => {
    await onStage(fixture, async ({ simulator, identify, readAll }) => {
      for (let round = 0; round < 2; round++) {
        simulator.misbehave(row.how);
        for (let again = 0; again < 4; again++) {
          const start = performance.now();
          const told = await identify(row.reachable ? patientMs : hastyMs);
          expect(performance.now() - start).toBeLessThan((row.reachable ? patientMs : hastyMs) + slackMs);
          expect(told.map((one) => [one.part, "text" in one])).toEqual(served.map(({ part }) => [part, false]));
          expect(answered(told)).toBe(row.reachable);
        }
        simulator.misbehave("none");
        expect(await identify(patientMs)).toEqual(served);
        expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
      }
    });
  });

  test("asked who it is after the close, and in its middle, it tells nothing", async () => {
    await onStage(fixture, async ({ simulator, identify, close }) => {
      simulator.misbehave("silent");
      const [told] = await Promise.all([identify(hastyMs), close()]);
      expect(answered(told)).toBe(false);
      expect(answered(await identify(hastyMs))).toBe(false);
    });
  });
}

function misbehaving(fixture: Fixture): void {
  const table = [
    { how: "silent", allowed: ["timeout"], reachable: false },
    { how: "slow", allowed: ["timeout"], reachable: false },
    { how: "rubbish", allowed: ["bad_reply", "timeout"], reachable: false },
    { how: "error", allowed: ["device_error"], reachable: true },
  ] as const;

  test.for(table)("a device that is $how gives $allowed in time, and is well again", async (row) => {
    await onStage(fixture, async ({ simulator, readAll, readTimed }) => {
      await readAll(patientMs);
      for (let round = 0; round < 2; round++) {
        simulator.misbehave(row.how);
        for (let again = 0; again < 2; again++) {
          const readings = await readTimed(row.reachable ? patientMs : hastyMs);
          for (const fault of faultsOf(readings)) expect(row.allowed).toContain(fault);
          expect(answered(readings)).toBe(row.reachable);
        }
        simulator.misbehave("none");
        expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture));
      }
    });
  });

  test("nobody listening gives faults in time, again and again", async () => {
    await onStage(fixture, async ({ simulator, readTimed }) => {
      await simulator.close();
      for (let again = 0; again < 3; again++) {
        const readings = await readTimed(hastyMs);
        for (const fault of faultsOf(readings)) expect(["unreachable", "timeout"]).toContain(fault);
        expect(answered(readings)).toBe(false);
      }
    });
  });
}

function closing(fixture: Fixture): void {
  test("close comes as often as one likes; what is read afterwards are faults", async () => {
    await onStage(fixture, async ({ close, readAll, readTimed }) => {
      await readAll(patientMs);
      await Promise.all([close(), close()]);
      await close();
      expect(answered(await readTimed(hastyMs))).toBe(false);
    });
  });

  test("close without a read, and in the middle of one", async () => {
    await onStage(fixture, async ({ close }) => close());
    await onStage(fixture, async ({ close, simulator, readTimed }) => {
      simulator.misbehave("silent");
      const [readings] = await Promise.all([readTimed(hastyMs), close()]);
      expect(answered(readings)).toBe(false);
    });
  });
}

function documenting({ driver }: Fixture): void {
  test.for(["bus", "device", "address", "part"] as const)("every option of %s says what it is", (part) => {
    expect(undescribed(z.toJSONSchema(driver[part]!, { io: "input" }), part)).toEqual([]);
  });
}

interface Stage {
  readonly simulator: RunningSimulator;
  readonly requests: readonly AnyRequest[];
  /** What the simulator serves; null: no such point. Free to change. */
  readonly values: Map<string, number | null>;
  /** Reads the whole plan, one request after the other, as a poller does. */
  readAll(timeoutMs: number): Promise<readonly Reading[]>;
  /** What the device tells of itself; null: it has no such part. Free to change. */
  readonly texts: Map<string, string | null>;
  identify(timeoutMs: number): Promise<readonly Told[]>;
  /** The same; expects each request to settle by its deadline with faults only. */
  readTimed(timeoutMs: number): Promise<readonly Reading[]>;
  close(): Promise<void>;
}

/** A simulator with the fixture's points and a session that has not read yet; both gone afterwards. */
async function onStage(fixture: Fixture, play: (stage: Stage) => Promise<void>): Promise<void> {
  const { driver } = fixture;
  const env = realEnv({ logLevel: "silent" });
  const points = pointsOf(fixture);
  const values = new Map<string, number | null>(Object.entries(servedBy(fixture)));
  const texts = new Map<string, string | null>(fixture.parts.map(({ text }, i) => [`part${i}`, text]));
  const inquiry = {
    device: driver.device.parse(fixture.device),
    parts: fixture.parts.map(({ address }, i) => ({ name: `part${i}`, address: driver.part!.parse(address) })),
  };
  const simulator = await fixture.startSimulator({
    host,
    port: 0,
    bus: driver.bus.parse(fixture.bus(host, 1)),
    points,
    value: (id) => values.get(id) ?? null,
    identities: [{ ...inquiry, text: (part) => texts.get(part) ?? null }],
  });
  const bus = driver.bus.parse(fixture.bus(host, simulator.port));
  const shared = driver.share?.(env) ?? { close: async () => {} };
  const session = driver.open(bus, env, shared);
  const requests = driver.plan(points, bus);

  async function readAll(timeoutMs: number): Promise<readonly Reading[]> {
    const readings: Reading[] = [];
    for (const request of requests) readings.push(...(await session.read(request, timeoutMs)));
    return readings;
  }

  async function readTimed(timeoutMs: number): Promise<readonly Reading[]> {
    const readings: Reading[] = [];
    for (const request of requests) {
      const start = performance.now();
      const some = await session.read(request, timeoutMs);
      expect(performance.now() - start).toBeLessThan(timeoutMs + slackMs);
      expect(some.map(({ point }) => point)).toEqual(request.points.map(({ id }) => id));
      expect(valuesOf(some)).toEqual({});
      readings.push(...some);
    }
    return readings;
  }

  const identify = (timeoutMs: number) => session.identify!(inquiry, timeoutMs);
  try {
    await play({
      ...{ simulator, requests, values, texts, readAll, readTimed, identify },
      close: () => session.close(),
    });
  } finally {
    await session.close();
    await shared.close();
    await simulator.close();
  }
}

const idOf = (i: number): string => `device/p${String(i).padStart(2, "0")}`;

function pointsOf({ driver, device, points }: Fixture): PlannedPoint[] {
  return points.map(({ address }, i) => ({
    id: idOf(i),
    device: driver.device.parse(device),
    address: driver.address.parse(address),
  }));
}

const idsOf = (requests: readonly AnyRequest[]): string[] =>
  requests.flatMap(({ points }) => points.map(({ id }) => id));

const servedBy = ({ points }: Fixture): Record<string, number> =>
  Object.fromEntries(points.map(({ value }, i) => [idOf(i), value]));

const valuesOf = (readings: readonly Reading[]): Record<string, number> =>
  Object.fromEntries(readings.flatMap((one) => ("fault" in one ? [] : [[one.point, one.value]])));

const faultsOf = (readings: readonly Reading[]): string[] =>
  readings.flatMap((one) => ("fault" in one ? [one.fault] : []));

/** Paths of the properties, at any depth, that lack a description. */
function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, inner]) => {
    if (key !== "properties") return undescribed(inner, path);
    return Object.entries<{ description?: string }>(inner).flatMap(([name, option]) => [
      ...(option.description ? [] : [`${path}.${name}`]),
      ...undescribed(option, `${path}.${name}`),
    ]);
  });
}
