import { describe, expect, test } from "vitest";
import { noise } from "../../../agent/simulate/noise.ts";
import { calm } from "../../../agent/simulate/plant.ts";
import { stage } from "../../../agent/simulate/stage.ts";
import { causesAt, type Story, stories } from "../../../agent/simulate/story.ts";

const hall = { upses: ["ups-a"], cracs: [{ id: "crac-2", zone: "" }], racks: [{ id: "pdu-a1", zone: "" }] };
const named = (name: string): Story => stories.find((story) => story.name === name)!;

describe("stories", () => {
  for (const story of stories) {
    test(`${story.name}: beats are in order, within the story, and end calm`, () => {
      const times = story.beats.map(({ at }) => at);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      for (const at of times) expect(at).toBeLessThan(story.lengthSeconds);
      expect(causesAt(story, story.lengthSeconds - 1)).toEqual(calm);
    });
  }

  test("causes add up from beat to beat, and the story repeats", () => {
    const outage = named("outage");
    expect(causesAt(outage, 4.9)).toEqual(calm);
    expect(causesAt(outage, 12)).toEqual({ utility: false, tripped: ["crac-2"], wet: [] });
    expect(causesAt(outage, 90 + 47)).toEqual({ utility: false, tripped: ["crac-2"], wet: ["leak-1"] });
  });
});

describe("the stage", () => {
  test("the same time gives the same plant, however irregularly it is asked for", () => {
    const [once, often] = [stage(hall, named("outage")), stage(hall, named("outage"))];
    once.advance(40);
    for (const at of [0.1, 3.33, 3.34, 17, 12, 39.99, 40]) often.advance(at);
    expect(often.plant).toEqual(once.plant);
  });
});

describe("noise", () => {
  test("is the same for the same seed, and another for another", () => {
    expect(noise(1, 7, "pdu-a1/inlet")).toBe(noise(1, 7, "pdu-a1/inlet"));
    const others = [noise(2, 7, "pdu-a1/inlet"), noise(1, 8, "pdu-a1/inlet"), noise(1, 7, "pdu-a2/inlet")];
    expect(new Set([noise(1, 7, "pdu-a1/inlet"), ...others]).size).toBe(4);
  });

  test("is even: within its bounds, and nothing on average", () => {
    const many = Array.from({ length: 10_000 }, (_, tick) => noise(1, tick, "x"));
    expect(Math.min(...many)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...many)).toBeLessThan(1);
    expect(Math.abs(many.reduce((sum, one) => sum + one, 0) / many.length)).toBeLessThan(0.02);
  });
});
