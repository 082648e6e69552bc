import fc from "fast-check";
import { expect, test } from "vitest";
import {
  afterAnswer,
  afterSilence,
  afterTooBig,
  type Capacity,
  lidOf,
  tryMore,
  unlimited,
} from "../../drivers/capacity.ts";

const most = 20;
/** A day later more is tried again. */
type Happening = "answer" | "silence" | "tooBig" | "day";
const step = {
  ...{ answer: afterAnswer, silence: afterSilence, tooBig: afterTooBig },
  day: (capacity: Capacity) => tryMore(capacity, most),
};

/** What is asked for after each of what happens to a request of as many OIDs as there may be. */
const sizes = (...happenings: Happening[]): number[] => {
  let capacity = unlimited(most);
  return happenings.map((what) => {
    capacity = step[what](capacity, capacity.now);
    return capacity.now;
  });
};

test.each<[string, Happening[], number[]]>([
  ["silence from the beginning halves, to one", Array(6).fill("silence"), [10, 5, 3, 2, 1, 1]],
  ["one lost request is forgotten with the next answer", ["silence", "answer"], [10, 20]],
  ["as many as were answered are not too many", ["answer", "silence", "silence"], [20, 20, 20]],
  [
    "what meets silence twice, while less is answered, is too many",
    ["silence", "answer", "silence", "answer", "silence", "answer", "answer"],
    [10, 20, 10, 20, 10, 10, 10],
  ],
  ["tooBig halves for good", ["tooBig", "answer", "answer"], [10, 10, 10]],
  [
    "a day later twice as many are tried, which an answer lets stand",
    ["tooBig", "day", "answer", "day"],
    [10, 20, 20, 20],
  ],
  ["or tooBig takes back, whatever was asked", ["tooBig", "tooBig", "day", "tooBig", "answer"], [10, 5, 10, 5, 5]],
  ["or one silence", ["tooBig", "answer", "day", "silence", "answer", "answer"], [10, 10, 20, 10, 10, 10]],
  ["where all are answered nothing is tried", ["answer", "day"], [20, 20]],
  ["gone and back", ["silence", "silence", "silence", "answer", "answer", "answer"], [10, 5, 3, 6, 12, 20]],
])("%s", (_, happenings, expected) => {
  expect(sizes(...happenings)).toEqual(expected);
});

test("whatever happens: one at least, no more than allowed, and a device that answers all is asked for all", () => {
  const happenings = fc.array(fc.tuple(fc.constantFrom<Happening>("answer", "silence", "tooBig", "day"), fc.nat(99)));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: most }), happenings, (allowed, story) => {
      let capacity: Capacity = unlimited(allowed);
      for (const [what, part] of story) {
        const asked = 1 + (part % capacity.now);
        capacity = what === "day" ? tryMore(capacity, allowed) : step[what](capacity, asked);
        expect(lidOf(capacity)).toBeGreaterThanOrEqual(1);
        expect(capacity.lid).toBeLessThanOrEqual(allowed);
        expect(capacity.now).toBeGreaterThanOrEqual(1);
        expect(capacity.now).toBeLessThanOrEqual(capacity.lid);
      }
      for (let round = 0; round < 8; round++) capacity = afterAnswer(capacity, capacity.now);
      expect(capacity.now).toBe(capacity.lid);
    }),
  );
});
