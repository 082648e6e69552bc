import { expect, test } from "vitest";
import { eventMessageOf } from "../../../agent/sinks/mqtt/messages.ts";
import { eventRecord } from "../../../agent/sinks/record.ts";
import { event } from "../sinks/event.ts";

test("an event with all the evidence there can be is still a small message", () => {
  const long = "p".repeat(100);
  const context = Array.from({ length: 20 }, () => [123_456_789_012, -Math.PI * 1e-300, "uncertain"] as const);
  const companions = Array.from({ length: 8 }, () => ({ point: long, value: 1 / 3, unit: "Cel", quality: "good" }));
  const record = eventRecord.parse({ ...event(1), context, companions });
  expect(record).toMatchObject({ context, companions });
  expect(JSON.stringify(eventMessageOf("a", record, 0)).length).toBeLessThan(5 * 1024);
  expect(eventRecord.safeParse({ ...record, context: [...context, context[0]] }).success).toBe(false);
});
