import { describe, expect, test } from "vitest";
import type { Learnt } from "../../../drivers/driver.ts";
import { refusal } from "../../../drivers/modbus/failure.ts";
import { type Asking, mute, noHoles, readAround } from "../../../drivers/modbus/holes.ts";
import { refusedOf } from "../../../drivers/modbus/learnt.ts";
import { plan, type Request } from "../../../drivers/modbus/plan.ts";
import { addressSchema, busSchema } from "../../../drivers/modbus/schema.ts";

const registers = Array.from({ length: 32 }, (_, i) => i);
const requestOf = (own: readonly number[]): Request =>
  plan(
    own.map((register) => ({
      id: `d/r${register}`,
      device: { unit: 1 },
      address: addressSchema.parse({ table: "holding", register }),
    })),
    busSchema.parse({ host: "h" }),
  )[0]!;
const request = requestOf(registers);

/** As the store keeps it: text. */
function memory() {
  let json = "null";
  const writes: unknown[] = [];
  const learnt: Learnt = {
    get before() {
      return JSON.parse(json);
    },
    keep(now) {
      json = JSON.stringify(now);
      writes.push(now);
    },
  };
  return { learnt, writes };
}

/** A device without the registers of `missing`, and what it was asked for. */
function device(missing: readonly number[]) {
  const asked: string[] = [];
  const asking: Asking = {
    now: () => 0,
    lost: () => undefined,
    answers: () => 0,
    async ask({ start, count }) {
      asked.push(`${start}+${count}`);
      const all = Array.from({ length: count }, (_, i) => start + i);
      return all.some((one) => missing.includes(one)) ? refusal(2) : { data: all };
    },
    readingsOf: () => [],
  };
  return { asked, asking };
}

describe("what was learnt of a device", () => {
  test("holds over a restart: it is asked around the hole at once", async () => {
    const { learnt, writes } = memory();
    const { asked, asking } = device([7]);
    const first = refusedOf(learnt, () => 0);
    for (let poll = 0; poll < 3; poll++) {
      const known = first.of(request) ?? noHoles(request);
      await readAround(known, asking);
      first.note(request, known);
    }
    expect(writes.length).toBe(1);
    asked.length = 0;
    await readAround(refusedOf(learnt, () => 0).of(request)!, asking);
    expect(asked).toEqual(["0+7", "8+24"]);
  });

  test("is forgotten when the device has what it lacked", async () => {
    const { learnt, writes } = memory();
    const lacking = device([7]);
    const first = refusedOf(learnt, () => 0);
    const known = first.of(request) ?? noHoles(request);
    await readAround(known, lacking.asking);
    first.note(request, known);
    await readAround(known, { ...device([]).asking, now: () => 60_000 });
    first.note(request, known);
    expect(writes.at(-1)).toEqual({});
  });

  test("is not taken for another request: other points, other places", () => {
    const { learnt } = memory();
    const first = refusedOf(learnt, () => 0);
    const known = first.of(request) ?? noHoles(request);
    known.holes.set(7, { answer: refusal(2), until: 60_000 });
    first.note(request, known);
    expect(refusedOf(learnt, () => 0).of(requestOf(registers.slice(1)))).toBe(null);
    expect(refusedOf(learnt, () => 0).of(request)?.holes.size).toBe(1);
  });

  test("what it is silent about is not asked for an hour", () => {
    const { learnt } = memory();
    const first = refusedOf(learnt, () => 0);
    const known = first.of(request) ?? noHoles(request);
    known.holes.set(3, { answer: mute, until: 0 });
    first.note(request, known);
    expect(
      refusedOf(learnt, () => 5000)
        .of(request)
        ?.holes.get(3),
    ).toEqual({ answer: mute, until: 3_605_000 });
  });

  test.each([null, 1, "text", [], { "1 holding 0 d/r0": 1 }, { "1 holding 0 d/r0": { holes: [[-1, 2]], cuts: [] } }])(
    "%j is nothing: it is learnt anew",
    (before) => {
      expect(refusedOf({ before, keep: () => {} }, () => 0).of(request)).toBe(null);
    },
  );

  test("a hole beyond the request, or for a reason that is none, is none", () => {
    const key = `1 holding 0 ${request.points.map(({ id }) => id).join()}`;
    const before = {
      [key]: {
        holes: [
          [32, 2],
          [4, 4],
          [5, 3],
        ],
        cuts: [0, 32, 9],
      },
    };
    const known = refusedOf({ before, keep: () => {} }, () => 0).of(request);
    expect([[...known!.holes.keys()], [...known!.cuts]]).toEqual([[5], [9]]);
  });
});
