import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plan, type Request, split } from "../../../drivers/modbus/plan.ts";
import { addressSchema, type Bus, busSchema, type ModbusPoint, widthOf } from "../../../drivers/modbus/schema.ts";

const bus = (some: Partial<Bus> = {}): Bus => busSchema.parse({ host: "h", ...some });

/** `holding 100 u32`, optionally `unit/` before it. */
function point(text: string): ModbusPoint {
  const [, unit = "1", table, register, type] = /^(?:(\d+)\/)?(\w+) (\d+)(?: (\w+))?$/.exec(text) ?? [];
  const address = addressSchema.parse({ table, register: Number(register), ...(type && { type }) });
  return { id: text, device: { unit: Number(unit) }, address };
}

const shown = ({ unit, table, start, count, points }: Request): string =>
  `${unit}/${table} ${start}+${count}: ${points.map(({ id }) => id).join(", ")}`;

describe("plan", () => {
  test.for<[string, Partial<Bus>, string[], string[]]>([
    ["nothing", {}, [], []],
    ["one value", {}, ["input 7 f32"], ["1/input 7+2: input 7 f32"]],
    ["neighbours", {}, ["input 9", "input 7 f32"], ["1/input 7+3: input 7 f32, input 9"]],
    ["a gap of 8 is read", {}, ["input 0", "input 9"], ["1/input 0+10: input 0, input 9"]],
    ["a gap of 9 is not", {}, ["input 0", "input 10"], ["1/input 0+1: input 0", "1/input 10+1: input 10"]],
    ["no gap", { maxGap: 0 }, ["input 0", "input 2"], ["1/input 0+1: input 0", "1/input 2+1: input 2"]],
    ["no gap, neighbours", { maxGap: 0 }, ["input 0 u32", "input 2"], ["1/input 0+3: input 0 u32, input 2"]],
    ["just full", { maxRegisters: 4 }, ["input 0 u32", "input 2 u32"], ["1/input 0+4: input 0 u32, input 2 u32"]],
    [
      "a value is not torn",
      { maxRegisters: 3 },
      ["input 0 u32", "input 2 u32"],
      ["1/input 0+2: input 0 u32", "1/input 2+2: input 2 u32"],
    ],
    [
      "wider than the limit: alone",
      { maxRegisters: 1 },
      ["input 0 f32", "input 2"],
      ["1/input 0+2: input 0 f32", "1/input 2+1: input 2"],
    ],
    ["inside of another", {}, ["input 1", "input 0 u64"], ["1/input 0+4: input 0 u64, input 1"]],
    [
      "a nested value does not shorten the reach",
      { maxGap: 0 },
      ["input 0 u64", "input 1", "input 4"],
      ["1/input 0+5: input 0 u64, input 1, input 4"],
    ],
    ["tables apart", {}, ["input 0", "holding 0"], ["1/holding 0+1: holding 0", "1/input 0+1: input 0"]],
    ["units apart", {}, ["2/coil 0", "1/coil 0"], ["1/coil 0+1: 1/coil 0", "2/coil 0+1: 2/coil 0"]],
    [
      "16 bits to a register",
      { maxRegisters: 1, maxGap: 124 },
      ["coil 0", "coil 15"],
      ["1/coil 0+16: coil 0, coil 15"],
    ],
    [
      "and no more",
      { maxRegisters: 1, maxGap: 124 },
      ["coil 0", "coil 16"],
      ["1/coil 0+1: coil 0", "1/coil 16+1: coil 16"],
    ],
    ["the last register", {}, ["holding 65535"], ["1/holding 65535+1: holding 65535"]],
  ])("%s", ([, options, points, requests]) => {
    expect(plan(points.map(point), bus(options)).map(shown)).toEqual(requests);
  });

  test("a whole map of 300 floats takes five reads", () => {
    const points = Array.from({ length: 300 }, (_, i) => point(`input ${i * 2} f32`));
    expect(plan(points, bus()).map(({ count }) => count)).toEqual([124, 124, 124, 124, 104]);
  });
});

const anyPoints: fc.Arbitrary<ModbusPoint[]> = fc
  .array(
    fc.record({
      unit: fc.integer({ min: 1, max: 2 }),
      table: fc.constantFrom("holding" as const, "coil" as const),
      register: fc.integer({ min: 0, max: 60 }),
      type: fc.constantFrom("u16" as const, "f32" as const, "u64" as const),
    }),
    { maxLength: 40 },
  )
  .map((all) =>
    all.map(({ unit, table, register, type }, i) => ({
      id: `d/p${i}`,
      device: { unit },
      address: addressSchema.parse({ table, register, ...(table === "holding" && { type }) }),
    })),
  );

const anyBus = fc
  .record({ maxRegisters: fc.integer({ min: 1, max: 125 }), maxGap: fc.integer({ min: 0, max: 12 }) })
  .map(bus);

describe("whatever the points", () => {
  test("each is whole in exactly one request, within the limit and the gap", () => {
    void fc.assert(
      fc.property(anyPoints, anyBus, (points, options) => {
        const requests = plan(points, options);
        const ids = requests.flatMap((request) => request.points.map(({ id }) => id));
        expect(ids.toSorted()).toEqual(points.map(({ id }) => id).toSorted());
        for (const request of requests) checkRequest(request, options);
      }),
    );
  });

  test("their order does not matter", () => {
    const shuffled = anyPoints.chain((points) =>
      fc.tuple(fc.constant(points), fc.shuffledSubarray(points, { minLength: points.length })),
    );
    void fc.assert(
      fc.property(shuffled, anyBus, ([points, others], options) => {
        expect(plan(others, options)).toEqual(plan(points, options));
      }),
    );
  });

  test("split asks for each value on its own, in the same order", () => {
    void fc.assert(
      fc.property(anyPoints, anyBus, (points, options) => {
        for (const request of plan(points, options)) {
          const parts = split(request);
          expect(parts.flatMap((part) => part.points)).toEqual(request.points);
          for (const part of parts) {
            for (const { address } of part.points) {
              expect([address.register, widthOf(address)]).toEqual([part.start, part.count]);
            }
          }
        }
      }),
    );
  });
});

function checkRequest({ unit, table, start, count, points }: Request, { maxRegisters, maxGap }: Bus): void {
  const widest = Math.max(...points.map(({ address }) => widthOf(address)));
  expect(count).toBeLessThanOrEqual(Math.max(widest, table === "coil" ? maxRegisters * 16 : maxRegisters));
  const used = new Set<number>();
  for (const { device, address } of points) {
    expect([device.unit, address.table]).toEqual([unit, table]);
    for (let i = 0; i < widthOf(address); i++) used.add(address.register + i);
  }
  const sorted = [...used].toSorted((a, b) => a - b);
  expect([sorted.at(0), sorted.at(-1)]).toEqual([start, start + count - 1]);
  for (const [i, register] of sorted.slice(1).entries()) expect(register - sorted[i]! - 1).toBeLessThanOrEqual(maxGap);
}
