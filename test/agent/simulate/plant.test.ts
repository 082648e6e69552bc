import { describe, expect, test } from "vitest";
import {
  type Causes,
  calm,
  criticalKw,
  incomerKw,
  minutesLeft,
  type Plant,
  plantOf,
  stepPlant,
} from "../../../agent/simulate/plant.ts";

const hall = {
  upses: ["ups-a", "ups-b"],
  cracs: [
    { id: "crac-1", zone: "west" },
    { id: "crac-2", zone: "east" },
  ],
  racks: [
    { id: "near-1", zone: "west" },
    { id: "near-2", zone: "east" },
  ],
};
const later = (from: Plant, causes: Causes, seconds: number): Plant => {
  let plant = from;
  for (let i = 0; i < seconds * 4; i++) plant = stepPlant(plant, causes, 0.25);
  return plant;
};
const inlet = (plant: Plant, rack: string): number => plant.inletsC.get(rack)!;

describe("the plant", () => {
  const begin = plantOf(hall);
  const tripped = { ...calm, tripped: ["crac-2"] };
  const dark = { ...calm, utility: false };

  test("stays as it is while nothing happens", () => {
    const calmed = later(begin, calm, 600);
    expect(inlet(calmed, "near-2")).toBeCloseTo(22.5);
    expect(calmed.cracs.get("crac-2")).toMatchObject({ running: true, fanPercent: 60 });
    expect(calmed.charge).toBe(1);
  });

  test("a tripped CRAC heats the racks of its own zone most, and they recover once it runs again", () => {
    const hot = later(begin, tripped, 40);
    expect(inlet(hot, "near-2")).toBeGreaterThan(32);
    expect(inlet(hot, "near-1")).toBeGreaterThan(23);
    expect(inlet(hot, "near-1")).toBeLessThan(27);
    const recovered = later(hot, calm, 30);
    expect(inlet(recovered, "near-2")).toBeLessThan(24);
  });

  test("it heats fast at first and ever slower", () => {
    const rises = [0, 10, 20, 30].map((at) => {
      const plant = later(begin, tripped, at);
      return inlet(later(plant, tripped, 10), "near-2") - inlet(plant, "near-2");
    });
    expect(rises).toEqual([...rises].sort((a, b) => b - a));
  });

  test("a tripped CRAC blows nothing and cools nothing, the other blows harder", () => {
    const plant = later(begin, tripped, 30);
    const off = plant.cracs.get("crac-2")!;
    expect(off.running).toBe(false);
    expect(off.fanPercent).toBeLessThan(0.1);
    expect(off.supplyC).toBeGreaterThan(30);
    expect(plant.cracs.get("crac-1")!.fanPercent).toBeCloseTo(80, 0);
    expect(plant.cracs.get("crac-1")!.supplyC).toBeCloseTo(18);
  });

  test("without the utility the batteries carry the racks, until they are empty", () => {
    const minute = later(begin, dark, 60);
    expect(minutesLeft(begin) - minutesLeft(minute)).toBeCloseTo(1);
    expect(incomerKw(minute)).toBe(0);
    expect(criticalKw(minute)).toBe(14);
    expect(minute.incomerKwh).toBe(begin.incomerKwh);
    expect(minute.criticalKwh).toBeGreaterThan(begin.criticalKwh);
    expect(criticalKw(later(begin, dark, 25 * 60))).toBe(0);
  });

  test("batteries are full again before the story repeats", () => {
    expect(later(later(begin, dark, 47), calm, 43).charge).toBe(1);
  });

  test("a step of any length ends where many short ones do", () => {
    const once = stepPlant(stepPlant(begin, tripped, 1), tripped, 1);
    expect(inlet(once, "near-2")).toBeCloseTo(inlet(later(begin, tripped, 2), "near-2"), 6);
  });
});
