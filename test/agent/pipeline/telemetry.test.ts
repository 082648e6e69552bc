import { describe, expect, test } from "vitest";
import type { Site } from "../../../agent/config/resolved.ts";
import type { Sample } from "../../../agent/core/sample.ts";
import { batcher, telemetryOf } from "../../../agent/pipeline/telemetry.ts";
import type { Sink, TelemetryBatch } from "../../../agent/sinks/sink.ts";
import { fakeEnv } from "../../env.ts";

const points = [
  { id: "d1/temp", deadband: 0.5, unit: "Cel" },
  { id: "d1/door", deadband: 0, unit: "1" },
];
const beatMs = 60_000;
/** Wall time is a day ahead, so that it is not taken for the other. */
const dayMs = 86_400_000;
const sample = (point: string, at: number, value: number | "bad", quality: "good" | "uncertain" = "good"): Sample =>
  value === "bad"
    ? { point, at, wall: at + dayMs, quality: "bad", reason: "timeout" }
    : {
        point,
        at,
        wall: at + dayMs,
        value,
        ...(quality === "good" ? { quality } : { quality, reason: "implausible" }),
      };
const temps = (...all: [at: number, value: number | "bad", quality?: "uncertain"][]): Sample[] =>
  all.map(([at, value, quality]) => sample("d1/temp", at, value, quality));

/** What is sent of `samples`, as time since the first day. */
function sent(samples: readonly Sample[]): readonly (readonly [number, number | null, string])[] {
  const batches = batcher(points, beatMs);
  batches.note(samples);
  batches.turn();
  const taken: TelemetryBatch[] = [];
  expect(batches.send((batch) => taken.push(batch) > 0)).toBe(true);
  return taken.flatMap((batch) => batch.samples).map(([wall, ...rest]) => [wall - dayMs, ...rest] as const);
}

describe("what is sent of a point", () => {
  test.each([
    ["the first", temps([0, 20]), [[0, 20, "good"]]],
    ["nothing within the deadband", temps([0, 20], [10, 20.5], [20, 19.5]), [[0, 20, "good"]]],
    [
      "what moved beyond it, from what was said last",
      temps([0, 20], [10, 20.3], [20, 20.6]),
      [
        [0, 20, "good"],
        [20, 20.6, "good"],
      ],
    ],
    [
      "another quality, and that it is bad, once",
      temps([0, 20], [10, 20, "uncertain"], [20, "bad"], [30, "bad"], [40, 20]),
      [
        [0, 20, "good"],
        [10, 20, "uncertain"],
        [20, null, "bad"],
        [40, 20, "good"],
      ],
    ],
    [
      "what stays, again with each beat",
      temps(...[0, 30, 59.9, 60, 119, 120, 130].map((s): [number, number] => [s * 1000, 20])),
      [
        [0, 20, "good"],
        [60_000, 20, "good"],
        [120_000, 20, "good"],
      ],
    ],
    ["nothing that is older than what was said", temps([10, 20], [5, 30]), [[10, 20, "good"]]],
    ["nothing of a point that is none of the site's", [sample("d1/$comm", 0, 1)], []],
  ] as const)("%s", (_what, samples, expected) => {
    expect(sent(samples)).toEqual(expected);
  });
});

describe("batches", () => {
  const door = (at: number): Sample => sample("d1/door", at, at);

  test("have one point each, its unit, and what came since the last ones; what came after the turn waits", () => {
    const batches = batcher(points, beatMs);
    const taken: TelemetryBatch[] = [];
    const take = (batch: TelemetryBatch): boolean => taken.push(batch) > 0;
    batches.note([door(1), sample("d1/temp", 1, 20), door(2)]);
    expect(batches.send(take)).toBe(true);
    expect(taken).toEqual([]);
    batches.turn();
    batches.note([door(3)]);
    batches.send(take);
    expect(taken.map(({ point, unit, samples }) => [point, unit, samples.map(([, value]) => value)])).toEqual([
      ["d1/door", "1", [1, 2]],
      ["d1/temp", "Cel", [20]],
    ]);
    batches.turn();
    batches.send(take);
    expect(taken.slice(2).map(({ samples }) => samples.map(([, value]) => value))).toEqual([[3]]);
    batches.turn();
    batches.send(take);
    expect(taken).toHaveLength(3);
  });

  test("have 500 samples at most, none lost or told twice, whenever they are refused", () => {
    const batches = batcher(points, beatMs);
    batches.note(Array.from({ length: 1234 }, (_, i) => door(i)));
    batches.turn();
    const taken: TelemetryBatch[] = [];
    let calls = 0;
    const take = (batch: TelemetryBatch): boolean => ++calls % 2 === 0 && taken.push(batch) > 0;
    const ends: boolean[] = [];
    while (!ends.at(-1) && ends.length < 10) ends.push(batches.send(take));
    expect(ends.filter(Boolean)).toEqual([true]);
    expect(taken.map(({ samples }) => samples.length)).toEqual([500, 500, 234]);
    expect(taken.flatMap(({ samples }) => samples.map(([, value]) => value))).toEqual(
      Array.from({ length: 1234 }, (_, i) => i),
    );
    expect(batches.dropped).toBe(0);
  });

  test("that nobody takes are bounded: the oldest go, and are counted", () => {
    const batches = batcher(points, beatMs);
    for (let i = 0; i < 25_000; i++) {
      batches.note([door(i)]);
      if (i % 1000 === 0) batches.turn();
    }
    const { dropped } = batches;
    expect(dropped).toBeGreaterThanOrEqual(5000);
    expect(dropped).toBeLessThan(7000);
    batches.turn();
    const taken: TelemetryBatch[] = [];
    batches.send((batch) => taken.push(batch) > 0);
    const values = taken.flatMap(({ samples }) => samples.map(([, value]) => value));
    expect([values.length, values[0], values.at(-1)]).toEqual([25_000 - dropped, dropped, 24_999]);
  });

  test("that were due and given up are not made up for by those that are not", () => {
    const batches = batcher(points, beatMs);
    batches.note(Array.from({ length: 1000 }, (_, i) => door(i)));
    batches.turn();
    batches.note(Array.from({ length: 19_500 }, (_, i) => door(1000 + i)));
    const taken: TelemetryBatch[] = [];
    expect(batches.send((batch) => taken.push(batch) > 0)).toBe(true);
    expect(taken).toEqual([]);
  });

  test("that were given up are told of once the rest is sent", async () => {
    const env = fakeEnv();
    const site = { devices: [{ points: [{ id: "d1/door", unit: "1" }] }], model: { rules: [] } } as unknown as Site;
    let sent = 0;
    const sink = {
      connected: false,
      telemetry({ samples }: TelemetryBatch) {
        sent += samples.length;
        return true;
      },
    } as unknown as { -readonly [name in keyof Sink]: Sink[name] };
    const telemetry = telemetryOf(env, site, { everyMs: 1000, beatMs }, () => sink);
    telemetry.note(Array.from({ length: 30_000 }, (_, i) => door(i)));
    await env.advance(5000);
    expect(env.reports).toEqual([]);
    sink.connected = true;
    await env.advance(5000);
    expect(env.reports).toEqual([{ code: "telemetry.dropped", facts: { samples: 30_000 - sent } }]);
    expect(sent).toBeLessThanOrEqual(20_000);
    telemetry.stop();
  });
});
