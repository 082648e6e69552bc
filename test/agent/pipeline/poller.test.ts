import { describe, expect, test } from "vitest";
import type { Bus, Site } from "../../../agent/config/resolved.ts";
import { plainPoint } from "../../../agent/core/quality.ts";
import { commPoint, type Sample } from "../../../agent/core/sample.ts";
import { engineClock } from "../../../agent/pipeline/clock.ts";
import type { Identities } from "../../../agent/pipeline/identities.ts";
import { type Poller, poller } from "../../../agent/pipeline/poller.ts";
import {
  type AnyRequest,
  type Driver,
  faults,
  type News,
  type Reading,
  type Session,
} from "../../../drivers/driver.ts";
import { modbus } from "../../../drivers/modbus/index.ts";
import { type FakeEnv, fakeEnv } from "../../env.ts";

/** One bus of real plans, on which exchanges take the time that the test says. */

interface Told {
  /** Every request, when it began. */
  readonly asked: { readonly at: number; readonly unit: number; readonly points: number }[];
  readonly samples: Sample[];
  most: number;
  /** Tells what devices say by themselves. */
  news: News;
}

interface Line {
  readonly bus: Record<string, unknown>;
  readonly units: readonly number[];
  /** Registers of each unit, from 0. */
  readonly registers: number;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly pause?: string;
  /** Whether a rule judges a register of a unit. */
  readonly isJudged?: (unit: number, register: number) => boolean;
  /** How long an answer takes; null: none comes. */
  takes(request: AnyRequest & { unit: number }): number | null;
}

const nobody: Identities = {
  due: () => null,
  heard: () => false,
  lost: () => {},
  believed: (_: string, readings: readonly Reading[]) => readings,
  samples: () => [],
} as unknown as Identities;

function polled(env: FakeEnv, line: Line): Told & { poller: Poller } {
  const told: Told = { asked: [], samples: [], most: 0, news: () => {} };
  const driver = modbus as Driver;
  const options = driver.bus.parse(line.bus);
  const timeoutMs = line.timeoutMs ?? 1000;
  let underWay = 0;
  const session: Session = {
    async read(request) {
      const mine = request as AnyRequest & { unit: number };
      told.asked.push({ at: env.clock.mono(), unit: mine.unit, points: mine.points.length });
      told.most = Math.max(told.most, ++underWay);
      const ms = line.takes(mine);
      await new Promise<void>((done) => env.after(ms ?? timeoutMs, done));
      underWay--;
      return ms === null
        ? faults(request, "timeout", "no answer")
        : request.points.map(({ id }) => ({ point: id, value: 1 }));
    },
    close: async () => {},
  };
  const device = (unit: number) => ({
    ...{ id: `u${unit}`, bus: "b", address: driver.device.parse({ unit, pause: line.pause }) },
    points: Array.from({ length: line.registers }, (_, register) => ({
      id: `u${unit}/r${register}`,
      intervalMs: line.intervalMs ?? 1000,
      address: driver.address.parse({ table: "holding", register }),
      definition: plainPoint(`u${unit}/r${register}`),
    })),
  });
  const devices = line.units.map(device);
  const judged = devices.flatMap(({ id, points }) =>
    points.flatMap((point, register) =>
      (line.isJudged ?? (() => true))(Number(id.slice(1)), register) ? [[point.id, []] as const] : [],
    ),
  );
  const site = { devices, model: { feeds: new Map(judged) } } as unknown as Site;
  const open: Driver["open"] = (_bus, _env, _shared, _learnt, news = () => {}) => {
    told.news = news;
    return session;
  };
  const bus: Bus = { id: "b", driver: { ...driver, open }, options, timeoutMs };
  const one = poller({
    ...{ env, site, bus, clock: engineClock(env, null), identities: nobody },
    store: { learnt: () => null, keepLearnt: () => {} },
    shared: { close: async () => {} },
    onSamples: (samples) => void told.samples.push(...samples),
  });
  return Object.assign(told, { poller: one });
}

const tcp = { host: "h" };
const rtu = { transport: "rtu", path: "/dev/ttyS0", baud: 9600, parity: "none", stopBits: 1 };
const countOf = ({ asked }: Told, unit: number): number => asked.filter((one) => one.unit === unit).length;

test("a hundred devices of 100 registers, ten of them black holes: the others each second, by one request a cycle", async () => {
  const env = fakeEnv();
  const isDead = (nth: number): boolean => nth % 10 === 3;
  const all = Array.from({ length: 100 }, (_, nth) =>
    polled(env, { bus: tcp, units: [1], registers: 100, takes: () => (isDead(nth) ? null : 5) }),
  );
  await env.advance(60_000);
  for (const [nth, one] of all.entries()) {
    if (isDead(nth)) expect(one.asked.length).toBeLessThan(12);
    else {
      // 100 registers next to each other fit into one read.
      expect([one.asked.length, one.poller.status().skipped]).toEqual([60, 0]);
      const beats = new Set(one.asked.map(({ at }) => at % 1000));
      expect([beats.size, new Set(one.asked.map(({ points }) => points))]).toEqual([1, new Set([100])]);
    }
  }
});

describe("a line of eight units at 9600 baud, two of them dead", () => {
  const units = [1, 2, 3, 4, 5, 6, 7, 8];
  const dead = [3, 6];
  const driver = modbus as Driver;
  const thinkingMs = 10;
  /** As fast as the line can: the plan takes more than all of it. */
  const line = (isDead: (unit: number) => boolean): Line => ({
    ...{ bus: rtu, units, registers: 40, intervalMs: 500, timeoutMs: 1000 },
    takes: (request) => (isDead(request.unit) ? null : driver.airtimeMs!(request, driver.bus.parse(rtu))! + thinkingMs),
  });
  const alive = units.filter((unit) => !dead.includes(unit));

  test("asks the live ones nine times of ten that a line without the dead ones would", async () => {
    const env = fakeEnv();
    const both = polled(
      env,
      line((unit) => dead.includes(unit)),
    );
    const ideal = polled(env, { ...line(() => false), units: alive });
    await env.advance(600_000);
    for (const unit of alive) expect(countOf(both, unit) / countOf(ideal, unit)).toBeGreaterThanOrEqual(0.9);
    for (const unit of dead) expect(countOf(both, unit)).toBeGreaterThan(8);
  });

  test("tells how much of the line is planned, used, and for what", async () => {
    const env = fakeEnv();
    const one = polled(
      env,
      line((unit) => dead.includes(unit)),
    );
    await env.advance(600_000);
    const { planned, measured } = one.poller.status();
    // 8 units × 2 a second × (8 + 5 + 80 bytes of 10 bits, two silences of 3.5 characters of 11 bits).
    expect(planned).toBeCloseTo((8 * 2 * ((93 * 10) / 9.6 + (7 * 11) / 9.6)) / 1000, 3);
    expect(measured.diagnostics).toBeGreaterThan(0);
    expect(measured.diagnostics).toBeLessThan(0.06);
    expect(measured.alarm + measured.diagnostics).toBeGreaterThan(0.97);
    expect(measured.alarm + measured.diagnostics).toBeLessThanOrEqual(1.001);
  });

  test("a person's question is asked next, of a dead one, too, and is answered", async () => {
    const env = fakeEnv();
    const gone = new Set(dead);
    const one = polled(
      env,
      line((unit) => gone.has(unit)),
    );
    await env.advance(100_000);
    gone.delete(3);
    const before = one.asked.length;
    const reading = one.poller.read(new Set(["u3/r7"]));
    await env.advance(2500);
    expect(await reading).toEqual([{ point: "u3/r7", value: 1 }]);
    expect(one.asked.slice(before, before + 2).map(({ unit }) => unit)).toContain(3);
    expect(one.poller.status().devices.get("u3")).toMatchObject({ answering: true });
    await env.advance(10_000);
    expect(countOf({ ...one, asked: one.asked.slice(before) }, 3)).toBeGreaterThan(4);
  });
});

test("a person who asks a dead device waits for one timeout, however much was asked", async () => {
  const env = fakeEnv();
  const one = polled(env, {
    bus: { ...tcp, maxRegisters: 5 },
    units: [1],
    registers: 20,
    intervalMs: 3_600_000,
    takes: () => null,
  });
  const wanted = ["u1/r0", "u1/r7", "u1/r19"];
  const reading = one.poller.read(new Set(wanted));
  await env.advance(1100);
  const timeout = { fault: "timeout", detail: "no answer" };
  expect(await reading).toEqual(wanted.map((point) => ({ point, ...timeout })));
  expect(one.asked.length).toBe(1);
});

test("what a person asks for is told to the person only", async () => {
  const env = fakeEnv();
  const one = polled(env, { bus: tcp, units: [1], registers: 2, intervalMs: 3_600_000, takes: () => 5 });
  const reading = one.poller.read(new Set(["u1/r0"]));
  await env.advance(100);
  expect(await reading).toEqual([{ point: "u1/r0", value: 1 }]);
  expect(one.samples).toEqual([]);
  await one.poller.close();
  expect(await one.poller.read(new Set(["u1/r0"]))).toEqual([]);
});

test("points that rules judge come first where the line is too slow for all", async () => {
  const env = fakeEnv();
  const one = polled(env, {
    ...{ bus: { ...rtu, maxGap: 0, maxRegisters: 10 }, units: [1], registers: 100, intervalMs: 1000 },
    isJudged: (_, register) => register < 50,
    takes: () => 200,
  });
  await env.advance(120_000);
  const goods = one.samples.filter(({ point }) => point !== commPoint("u1"));
  const of = (judged: boolean): number => goods.filter(({ point }) => Number(point.slice(4)) < 50 === judged).length;
  expect(of(true) / of(false)).toBeCloseTo(2, 1);
  expect(one.poller.status().skipped).toBeGreaterThan(0);
});

test.each([
  ["one at a time if nothing else is said", undefined, 1],
  ["as many at once as its window has", 4, 4],
])("a gateway is asked %s", async (_, window, most) => {
  const env = fakeEnv();
  const units = Array.from({ length: 20 }, (_, i) => i + 1);
  const one = polled(env, { bus: { ...tcp, window }, units, registers: 1, takes: () => 300 });
  await env.advance(30_000);
  expect(one.most).toBe(most);
  expect(one.asked.length / ((30_000 / 300) * most)).toBeGreaterThan(most === 1 ? 0.97 : 0.6);
});

test("a silent unit behind a gateway with a window takes one place of it only", async () => {
  const env = fakeEnv();
  const units = [1, 2, 3, 4, 5];
  const one = polled(env, {
    bus: { ...tcp, window: 2 },
    units,
    registers: 1,
    takes: ({ unit }) => (unit < 3 ? null : 20),
  });
  await env.advance(60_000);
  for (const unit of [3, 4, 5]) expect(countOf(one, unit)).toBeGreaterThanOrEqual(58);
});

test("a device has its pause between two requests", async () => {
  const env = fakeEnv();
  const one = polled(env, {
    ...{ bus: { ...tcp, maxRegisters: 5 }, units: [1, 2], registers: 20, pause: "150ms", takes: () => 10 },
  });
  await env.advance(20_000);
  for (const unit of [1, 2]) {
    const times = one.asked.filter((each) => each.unit === unit).map(({ at }) => at);
    expect(Math.min(...times.slice(1).map((at, i) => at - times[i]!))).toBe(160);
    expect(times.length).toBeGreaterThanOrEqual(76);
  }
});

test("what a device tells by itself is judged at once, is no exchange, and is nothing after the end", async () => {
  const env = fakeEnv();
  const line = polled(env, { bus: tcp, units: [1, 2], registers: 2, intervalMs: 3_600_000, takes: () => 5 });
  await env.advance(1000);
  const before = line.samples.length;
  line.news([
    { point: "u2/r1", value: 7 },
    { point: "u1/r0", fault: "device_fault", detail: "status-flags: fault" },
    { point: "u9/r9", value: 1 },
  ]);
  expect(line.samples.slice(before)).toMatchObject([
    { point: "u1/r0", quality: "bad", reason: "device_fault" },
    { point: "u2/r1", quality: "good", value: 7 },
  ]);
  await line.poller.close();
  line.news([{ point: "u2/r1", value: 8 }]);
  expect(line.samples).toHaveLength(before + 2);
});
