import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { unitIn } from "../../../../agent/config/ede/units.ts";
import { builtInConfig } from "../../../../agent/config/load.ts";
import { engineeringUnits } from "../../../../drivers/bacnet/units.ts";

test.each([
  ["62", { unit: "Cel", scale: 1, kind: "temperature" }],
  ["98", { unit: "%", scale: 1 }],
  ["52", { unit: "kW", scale: 3.516_852_842 }],
  ["12", { unit: "kV.A{reactive}", scale: 1, kind: "reactive-power" }],
  ["95", { unit: "1", scale: 1 }],
  ["degrees-celsius", { unit: "Cel", scale: 1, kind: "temperature" }],
  ["Degrees Celsius", { unit: "Cel", scale: 1, kind: "temperature" }],
  ["°C", { unit: "Cel", scale: 1, kind: "temperature" }],
  ["kW", { unit: "kW", scale: 1, kind: "power" }],
  ["K", { unit: "K", scale: 1 }],
  ["m3/h", { unit: "m3/h", scale: 1 }],
  ["", { unit: "1", scale: 1 }],
  ["---", { unit: "1", scale: 1 }],
  ["105", "unit-code 105 (currency1) has no UCUM code"],
  ["309", "unit-code 309 (furlongs) is no unit of the standard"],
  ["310", "unit-code 310 is no unit of the standard"],
  ["K/K", "unit-code K/K is no unit of the standard"],
])("unit-code %j", (cell, expected) => {
  expect(unitIn(cell, new Map([["309", "furlongs"]]))).toEqual(expected);
});

test("each kind that a unit leaves no doubt of is one of config/points.yaml", () => {
  const kinds = Object.keys(parse(readFileSync(join(builtInConfig(), "points.yaml"), "utf8")));
  const told = [...engineeringUnits.keys()].map((code) => unitIn(String(code), new Map()));
  const used = told.flatMap((unit) => (typeof unit === "string" || unit.kind === undefined ? [] : [unit.kind]));
  expect(used.length).toBeGreaterThan(50);
  expect(used.filter((kind) => !kinds.includes(kind))).toEqual([]);
});
