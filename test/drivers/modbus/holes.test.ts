import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answered, type Reading } from "../../../drivers/driver.ts";
import { isMissing } from "../../../drivers/modbus/failure.ts";
import { noHoles, readAround } from "../../../drivers/modbus/holes.ts";
import { plan, type Request } from "../../../drivers/modbus/plan.ts";
import type { Answer } from "../../../drivers/modbus/question.ts";
import { addressSchema, busSchema } from "../../../drivers/modbus/schema.ts";

/**
 * A device that has some registers, each of which holds its own number, and refuses a read that touches any other. It says
 * nothing to one that touches a register of which it is `mute`.
 */
function device(has: (register: number) => boolean, mute: (registers: readonly number[]) => boolean = () => false) {
  const asked: string[] = [];
  const world = { now: 0, has, mute, answers: 0, lost: undefined as Answer | undefined };
  return {
    world,
    asked,
    asking: {
      now: () => world.now,
      lost: () => world.lost,
      answers: () => world.answers,
      async ask({ start, count }: Request): Promise<Answer> {
        asked.push(`${start}+${count}`);
        if (world.lost) return world.lost;
        const registers = Array.from({ length: count }, (_, i) => start + i);
        if (world.mute(registers)) {
          world.lost = { fault: "timeout", detail: "no answer" };
          return world.lost;
        }
        world.answers++;
        if (registers.every(world.has)) return { data: registers };
        return { fault: "device_error", detail: "exception 2", exception: 2 };
      },
      readingsOf: ({ points }: Request, answer: Answer): Reading[] =>
        points.map(({ id }) => {
          if (!("fault" in answer)) return { point: id, value: answer.data[0] ?? Number.NaN };
          return { point: id, fault: isMissing(answer) ? "no_such_point" : answer.fault, detail: answer.detail };
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

describe("a device that is silent about a register", () => {
  const registers = Array.from({ length: 64 }, (_, i) => i);
  /** One poll: another of its requests is answered before it. */
  const poll = async (it: ReturnType<typeof device>, known: ReturnType<typeof noHoles>) => {
    it.world.lost = undefined;
    it.world.answers++;
    it.asked.length = 0;
    return await readAround(known, it.asking);
  };

  test.each([0, 21, 63])("%i is found, a half a poll, and gives all the rest", async (odd) => {
    const it = device(
      () => true,
      (asked) => asked.includes(odd),
    );
    const known = noHoles(asking(registers));
    const expected = registers.map((register) => (register === odd ? "no_such_point" : register));
    let polls = 0;
    for (; brief(await poll(it, known)).filter((one) => one === "timeout").length > 0; polls++)
      expect(polls).toBeLessThan(12);
    for (let round = 0; round < 3; round++) expect(brief(await poll(it, known))).toEqual(expected);
    expect(it.asked.length).toBe([0, 63].includes(odd) ? 1 : 2);
    it.world.now = 3_600_000;
    const readings = await poll(it, known);
    expect(it.asked.at(-1)).toBe(`${odd}+1`);
    expect(brief(readings).filter((one) => typeof one === "number").length).toBe(63);
  });

  test("reads what answers first, so that it has come when the silence begins", async () => {
    const it = device(
      () => true,
      (asked) => asked.includes(2),
    );
    const known = noHoles(asking(registers));
    for (let round = 0; round < 4; round++) await poll(it, known);
    expect(brief(await poll(it, known)).slice(32)).toEqual(registers.slice(32));
    expect(it.asked).toEqual(["32+32", "0+16"]);
  });

  test("that is silent to the whole only is read in halves from then on", async () => {
    const it = device(
      () => true,
      (asked) => asked.length > 40,
    );
    const known = noHoles(asking(registers));
    for (let round = 0; round < 4; round++) await poll(it, known);
    expect(brief(await poll(it, known))).toEqual(registers);
    expect(it.asked).toEqual(["0+32", "32+32"]);
  });

  test("that is silent to all it is asked is never halved: it is not there", async () => {
    const it = device(
      () => true,
      () => true,
    );
    const known = noHoles(asking(registers));
    for (let round = 0; round < 10; round++) {
      it.world.lost = undefined;
      await readAround(known, it.asking);
    }
    expect(new Set(it.asked)).toEqual(new Set(["0+64"]));
    expect([known.holes.size, known.cuts.size]).toEqual([0, 0]);
  });

  test("that missed two polls only is read as before", async () => {
    const it = device(
      () => true,
      () => true,
    );
    const known = noHoles(asking(registers));
    for (let round = 0; round < 2; round++) await poll(it, known);
    it.world.mute = () => false;
    expect(brief(await poll(it, known))).toEqual(registers);
    expect([it.asked, known.silences.size]).toEqual([["0+64"], 0]);
  });
});
