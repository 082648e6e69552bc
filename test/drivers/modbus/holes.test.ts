import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answered, type Reading } from "../../../drivers/driver.ts";
import { noHoles, readAround } from "../../../drivers/modbus/holes.ts";
import { plan, type Request } from "../../../drivers/modbus/plan.ts";
import type { Answer } from "../../../drivers/modbus/question.ts";
import { addressSchema, busSchema } from "../../../drivers/modbus/schema.ts";

/** A device that has some registers, each of which holds its own number, and refuses a read that touches any other. */
function device(has: (register: number) => boolean) {
  const asked: string[] = [];
  const world = { now: 0, has, lost: undefined as Answer | undefined };
  return {
    world,
    asked,
    asking: {
      now: () => world.now,
      lost: () => world.lost,
      async ask({ start, count }: Request): Promise<Answer> {
        asked.push(`${start}+${count}`);
        if (world.lost) return world.lost;
        const registers = Array.from({ length: count }, (_, i) => start + i);
        if (registers.every(world.has)) return { data: registers };
        return { fault: "device_error", detail: "exception 2", exception: 2 };
      },
      readingsOf: ({ points }: Request, answer: Answer): Reading[] =>
        points.map(({ id }) => {
          if (!("fault" in answer)) return { point: id, value: answer.data[0] ?? Number.NaN };
          return { point: id, fault: answer.exception === 2 ? "no_such_point" : answer.fault, detail: answer.detail };
        }),
    },
  };
}

const asking = (registers: readonly number[]): Request => {
  const points = registers.map((register) => ({
    id: `d/r${String(register).padStart(3, "0")}`,
    device: { unit: 1 },
    address: addressSchema.parse({ table: "holding", register }),
  }));
  return plan(points, busSchema.parse({ host: "h" }))[0]!;
};
const brief = (readings: readonly Reading[]) => readings.map((one) => ("fault" in one ? one.fault : one.value));

describe("a request of which a device refuses a part", () => {
  const registers = Array.from({ length: 64 }, (_, i) => i);

  test("gives all the rest at once, and is asked around the hole from then on", async () => {
    const { asking: to, asked } = device((register) => register !== 21);
    const known = noHoles(asking(registers));
    const expected = registers.map((register) => (register === 21 ? "no_such_point" : register));
    expect(brief(await readAround(known, to))).toEqual(expected);
    expect(asked.splice(0).length).toBeLessThanOrEqual(1 + 2 * Math.log2(64));
    expect(brief(await readAround(known, to))).toEqual(expected);
    expect(asked.splice(0)).toEqual(["0+21", "22+42"]);
  });

  test("is asked again for what it lacked, after a minute", async () => {
    const { asking: to, asked, world } = device((register) => register !== 21);
    const known = noHoles(asking(registers));
    await readAround(known, to);
    world.has = () => true;
    world.now = 59_999;
    expect(brief(await readAround(known, to))[21]).toBe("no_such_point");
    world.now = 60_000;
    expect(brief(await readAround(known, to))[21]).toBe(21);
    asked.length = 0;
    expect(brief(await readAround(known, to))).toEqual(registers);
    expect(asked).toEqual(["0+64"]);
  });

  test("that is not read over a gap is asked beside it", async () => {
    const { asking: to, asked } = device((register) => register !== 5 && register !== 6);
    const known = noHoles(asking([0, 1, 2, 3, 4, 7, 8, 9]));
    for (let round = 0; round < 3; round++) {
      asked.length = 0;
      expect(brief(await readAround(known, to))).toEqual([0, 1, 2, 3, 4, 7, 8, 9]);
    }
    expect(asked).toEqual(["0+5", "7+3"]);
  });

  test.each([
    ["a part", (register: number) => register !== 21],
    ["all", () => false],
  ])("of which it lacks %s: once silent, it does not count as answering for what it lacked", async (_, has) => {
    const { asking: to, world } = device(has);
    const known = noHoles(asking(registers));
    await readAround(known, to);
    expect(answered(await readAround(known, to))).toBe(true);
    const silence: Answer = { fault: "timeout", detail: "no answer" };
    const readings = await readAround(known, {
      ...to,
      ask: async () => {
        world.lost = silence;
        return silence;
      },
    });
    expect(answered(readings)).toBe(false);
    expect(readings).toHaveLength(64);
  });
});

test("whatever a device has, what it has comes and what it lacks is named, with ever fewer reads", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 30 }),
      fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 12 }),
      async (wanted, missing) => {
        const { asking: to, asked } = device((register) => !missing.includes(register));
        const request = asking(wanted);
        const known = noHoles(request);
        const registers = request.points.map(({ address }) => address.register);
        for (let round = 0; round < 16; round++) {
          asked.length = 0;
          const readings = await readAround(known, to);
          expect(readings.map(({ point }) => point)).toEqual(request.points.map(({ id }) => id));
          expect(brief(readings)).toEqual(registers.map((one) => (missing.includes(one) ? "no_such_point" : one)));
        }
        // One more than what has to be asked around, at most.
        expect(asked.length).toBeLessThanOrEqual(missing.length + 1);
      },
    ),
  );
});
