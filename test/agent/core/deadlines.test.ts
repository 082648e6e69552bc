import fc from "fast-check";
import { expect, test } from "vitest";
import { deadlines } from "../../../agent/core/deadlines.ts";

const never = Number.POSITIVE_INFINITY;
const at = fc.integer({ min: 0, max: 50 });
const rule = fc.integer({ min: 0, max: 5 });
const action = fc.oneof(
  fc.record({ do: fc.constant("set" as const), rule, at: fc.option(at) }),
  fc.record({ do: fc.constant("due" as const), now: at }),
);

test("gives what a plain table of deadlines would, in rule order", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const heap = deadlines(6);
      const plain = new Map<number, number>();
      for (const one of actions) {
        if (one.do === "set") {
          heap.set(one.rule, one.at);
          if (one.at === null) plain.delete(one.rule);
          else plain.set(one.rule, one.at);
        } else {
          const due = [...plain].filter(([, when]) => when <= one.now).map(([index]) => index);
          for (const index of due) plain.delete(index);
          expect(heap.due(one.now)).toEqual(due.sort((a, b) => a - b));
          expect(heap.next() ?? never).toBeGreaterThan(one.now);
        }
        // What wakes whoever waits: too early costs a look, too late an alarm.
        expect(heap.next() ?? never).toBeLessThanOrEqual(Math.min(never, ...plain.values()));
      }
    }),
  );
});
