import { expect, test } from "vitest";
import { load } from "../../../../agent/config/load.ts";
import { step } from "../../../../agent/core/engine.ts";
import { memoryOf } from "../../../../agent/core/memory.ts";
import { assess } from "../../../../agent/core/quality.ts";
import { drivers } from "../../../../drivers/index.ts";

/** A counter's rate over a restart of its device, which sysUpTime tells; not over the wrap of sysUpTime itself. */

const site = `
version: 1
site: { id: s }
devices: [{ id: d, profile: meter/test, bus: { protocol: snmp, host: 127.0.0.1 } }]
`;
const profile = (unit: string) => `
profile: meter/test
describe: a counter and how long its device has been up
protocol: snmp
class: meter
points:
  up: { unit: "${unit}", scale: 0.01, address: { oid: 1.3.6.1.2.1.1.3.0 } }
  count: { counter: { bits: 32, maxRate: 1000, uptime: up }, address: { oid: 1.3.6.1.4.1.99999.1.0 } }
rules:
  fast: { type: roc, point: count, window: 60s, minSamples: 2, minSpan: 0.1, per: s, estimator: endpoint, levels: [{ limit: 20, severity: low }] }
`;

const wrap = 2 ** 32;
/** Seconds, sysUpTime in hundredths, count; the count falls by what may be a wrap: 800 in ten seconds, if it is one. */
const before = (up: number) => [0, up, wrap - 310] as const;
const counts = [wrap - 300, 500] as const;

test.each<[string, string, readonly (readonly [number, number, number])[], number]>([
  ["goes on: the count has wrapped", "s", [before(5000), [10, 6000, counts[0]], [20, 7000, counts[1]]], 1],
  ["falls: the device restarted", "s", [before(5000), [10, 6000, counts[0]], [20, 300, counts[1]]], 0],
  [
    "is less than it must be: the device restarted",
    "s",
    [before(500), [10, 1500, counts[0]], [30, 1900, counts[1]]],
    0,
  ],
  [
    "has wrapped after 497 days: so has the count",
    "s",
    [before(wrap - 1500), [10, wrap - 500, counts[0]], [20, 500, counts[1]]],
    1,
  ],
  ["falls, in no unit of time", "1", [before(5000), [10, 6000, counts[0]], [20, 300, counts[1]]], 0],
  ["is less than it must be, in no unit of time", "1", [before(500), [10, 1500, counts[0]], [30, 1900, counts[1]]], 1],
])("the uptime %s", (_, unit, readings, raised) => {
  const files: Record<string, string> = { "site.yaml": site, "profiles/meter/test.yaml": profile(unit) };
  const { site: loaded, problems } = load(
    "site.yaml",
    (name) => files[name] ?? null,
    drivers,
    () => ({ problem: "" }),
  );
  expect(problems).toEqual([]);
  const { model, devices } = loaded!;
  const memory = memoryOf(model, new Map());
  const events = readings.flatMap(([seconds, ...raw]) =>
    ["up", "count"].flatMap((own, i) => {
      const point = devices[0]!.points.find((one) => one.own === own)!;
      const sample = assess(point.definition, { raw: raw[i]! }, { at: seconds * 1000, wall: seconds * 1000 });
      const one = step(model, memory, { kind: "sample", sample });
      memory.adopt(one.changes);
      return one.events;
    }),
  );
  expect(events.filter(({ rule, kind }) => rule.name === "d/fast" && kind === "raise")).toHaveLength(raised);
});
