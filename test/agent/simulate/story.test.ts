import { describe, expect, test } from "vitest";
import { builtInProfiles } from "../../../agent/config/load.ts";
import { assess } from "../../../agent/core/quality.ts";
import { recordOf } from "../../../agent/pipeline/record.ts";
import { hallOf } from "../../../agent/simulate/hall.ts";
import { plantOf } from "../../../agent/simulate/plant.ts";
import { readingOf, stateOf } from "../../../agent/simulate/reading.ts";
import { servedBy } from "../../../agent/simulate/served.ts";
import { demoSite, perform, storyNamed, type Told } from "./demo.ts";

/** What the demo's story comes to when the engine hears it. */
const site = demoSite();
const outage = storyNamed("outage");

/** Condition, its worst severity, and between which seconds of the story it may be raised and cleared. */
const expected: readonly [key: string, severity: string, raise: [number, number], clear: [number, number]][] = [
  ["ups-a/output-source/on-battery", "high", [7, 9], [55, 58]],
  ["ups-b/output-source/on-battery", "high", [7, 9], [55, 58]],
  ["meter-incomer/voltage-l1/supply-lost", "high", [7, 9], [55, 58]],
  ["meter-incomer/voltage-l1/voltage-l1/low", "high", [7, 9], [55, 58]],
  ["crac-2/running/stopped", "high", [14, 16], [55, 58]],
  ["pdu-b1/inlet-temperature/inlet-rising", "critical", [16, 24], [55, 70]],
  ["pdu-b2/inlet-temperature/inlet-rising", "critical", [16, 24], [55, 70]],
  ["pdu-b1/inlet-temperature/inlet-hot", "critical", [20, 30], [60, 80]],
  ["pdu-b2/inlet-temperature/inlet-hot", "critical", [20, 30], [60, 80]],
  ["leak-1/status/leak#0", "critical", [47, 49], [52, 54]],
];

const keyOf = ({ event }: Told): string => event.condition.key.replace(/^demo\//, "");
const seeds = [1, 2, 3, 42, 65_537];
const phases = [0, 370];
const performances = seeds.flatMap((seed) => phases.map((phaseMs) => ({ seed, phaseMs })));

describe.each(performances)("the outage, seed $seed, read $phaseMs ms into each second", (how) => {
  const cycles = 2;
  const told = perform(site, outage, { ...how, seconds: cycles * outage.lengthSeconds });

  for (let cycle = 0; cycle < cycles; cycle++) {
    const began = cycle * outage.lengthSeconds;
    // Nobody acknowledges here: what waits from the last cycle is closed when it comes again.
    const own = told
      .filter(({ at, event: { kind, reason } }) => {
        return at >= began && at < began + outage.lengthSeconds && !(kind === "close" && reason === "superseded");
      })
      .map(({ at, event }) => ({ at: at - began, event }));
    const of = (kind: string): Told[] => own.filter(({ event }) => event.kind === kind);

    test(`cycle ${cycle + 1}: raises what it should, each once, and nothing else`, () => {
      expect(of("raise").map(keyOf).sort()).toEqual(expected.map(([key]) => key).sort());
    });

    test(`cycle ${cycle + 1}: clears all it raised, each once, in time for the next`, () => {
      expect(of("clear").map(keyOf).sort()).toEqual(expected.map(([key]) => key).sort());
      expect(Math.max(...own.map(({ at }) => at))).toBeLessThan(88);
    });

    test.each(expected)(`cycle ${cycle + 1}: %s`, (key, severity, raise, clear) => {
      const events = own.filter((one) => keyOf(one) === key);
      expect(events.map(({ event }) => event.level.severity)).toContain(severity);
      const [first, last] = [events[0]!, events.at(-1)!];
      expect([first.event.kind, last.event.kind]).toEqual(["raise", "clear"]);
      expect(first.at).toBeGreaterThanOrEqual(raise[0]);
      expect(first.at).toBeLessThanOrEqual(raise[1]);
      expect(last.at).toBeGreaterThanOrEqual(clear[0]);
      expect(last.at).toBeLessThanOrEqual(clear[1]);
    });

    test(`cycle ${cycle + 1}: a severity goes up, then down, and does not flutter`, () => {
      for (const [key] of expected) {
        const reasons = own.filter((one) => keyOf(one) === key).flatMap(({ event }) => event.reason ?? []);
        expect(reasons).toEqual([...reasons].sort().reverse());
        expect(reasons.length).toBeLessThanOrEqual(4);
      }
    });
  }

  test("a rack's rise is told before its limit is reached", () => {
    const raisedAt = (key: string) => told.find((one) => one.event.kind === "raise" && keyOf(one) === key)!.at;
    for (const rack of ["pdu-b1", "pdu-b2"]) {
      const rising = raisedAt(`${rack}/inlet-temperature/inlet-rising`);
      expect(rising).toBeLessThan(raisedAt(`${rack}/inlet-temperature/inlet-hot`));
    }
  });

  test("every line says where and what, and ends as a sentence", () => {
    const clock = { synced: null, source: null, offsetMs: null, lastSyncAt: null };
    const telling = { site, epoch: "6f1c7a52-0b8e-4f57-9d0a-2f3f5c1b7e10", bootId: "", clock };
    for (const [i, { event }] of told.entries()) {
      const { text } = recordOf(telling, event, i + 1);
      expect(text).toMatch(/^(Hall 1|Switch room) .*\.$/);
      expect(text.length).toBeLessThanOrEqual(140);
      expect(text).not.toMatch(/undefined|NaN|null| {2}|\.\./);
    }
  });
});

test("when nothing happens nothing is raised, whatever the seed and whenever it is read", () => {
  const noisy = Array.from({ length: 24 }, (_, i) => i * 7_919).flatMap((seed) =>
    perform(site, storyNamed("calm"), { seed, phaseMs: (seed * 13) % 1000, seconds: 120 }).map(
      (one) => `seed ${seed}: ${keyOf(one)} at ${one.at} s`,
    ),
  );
  expect(noisy).toEqual([]);
});

describe("the demo's site", () => {
  test("has a device of each class that stories are about, by a profile that comes with mepwatch", () => {
    const classes = ["crac", "leak", "meter", "pdu", "ups"];
    expect([...new Set(site.devices.map((device) => device.class))].sort()).toEqual(classes);
    expect(builtInProfiles()).toEqual(expect.arrayContaining(site.devices.map(({ profile }) => profile)));
  });

  test("has a reading for each of its points, and each is good while nothing happens", () => {
    const scene = { plant: plantOf(hallOf(site)), seed: 1 };
    const value = servedBy(site, () => scene);
    const points = site.devices.flatMap((device) => device.points.map((point) => ({ device, point })));
    const missing = points.filter(({ device, point: { own } }) => readingOf(device, own) === undefined);
    expect(missing.map(({ point }) => point.id)).toEqual([]);
    const samples = points.map(({ point }) => assess(point.definition, { raw: value(point.id)! }, { at: 0, wall: 0 }));
    expect(samples.filter(({ quality }) => quality !== "good")).toEqual([]);
  });

  test("says a text for each state that a story can bring about", () => {
    const causes = { utility: false, tripped: ["crac-1", "crac-2", "crac-3"], wet: ["leak-1"] };
    const plant = plantOf(hallOf(site));
    const scenes = [plant, { ...plant, causes }, { ...plant, causes, charge: 0.1 }, { ...plant, causes, charge: 0 }];
    for (const device of site.devices) {
      for (const { id, own, texts } of device.points) {
        if (stateOf(device, own) === undefined || Object.keys(texts).length === 0) continue;
        for (const scene of scenes)
          expect(texts).toHaveProperty(String(servedBy(site, () => ({ plant: scene, seed: 1 }))(id)));
      }
    }
  });
});
