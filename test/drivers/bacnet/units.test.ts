import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { builtInConfig } from "../../../agent/config/load.ts";
import { ucum } from "../../../agent/core/ucum.ts";
import { engineeringUnits } from "../../../drivers/bacnet/units.ts";

const isUcum = (code: string): boolean => {
  try {
    return Number.isFinite(ucum(code).value);
  } catch {
    return false;
  }
};

test("what is said of a unit is UCUM", () => {
  const wrong = [...engineeringUnits.values()].filter(({ ucum }) => ucum !== null && !isUcum(ucum));
  expect(wrong).toEqual([]);
});

test("each number of the standard's first range is there, under a name of its own", () => {
  const numbers = Array.from({ length: 255 }, (_, code) => code);
  expect(numbers.filter((code) => !engineeringUnits.has(code))).toEqual([]);
  expect(new Set([...engineeringUnits.values()].map(({ name }) => name)).size).toBe(engineeringUnits.size);
});

test("no code is guessed where UCUM has none or the standard does not say which it is", () => {
  const without = [...engineeringUnits].filter(([, { ucum }]) => ucum === null).map(([, { name }]) => name);
  const currencies = Array.from({ length: 10 }, (_, at) => `currency${at + 1}`);
  expect(without).toEqual(["tons", ...currencies, "tons-per-hour", "nephelometric-turbidity-unit"]);
});

/** Known by their definitions, not by UCUM. */
test.each([
  ["therms", 105_505_585.3, "J"],
  ["kilo-btus", 1_055_055.85, "J"],
  ["ton-hours", 3516.853 * 3600, "J"],
  ["kilowatt-hours-reactive", 3.6e6, "J"],
  ["ampere-seconds", 1, "A.s"],
  ["tons-refrigeration", 3516.853, "W"],
  ["horsepower", 745.6999, "W"],
  ["btus-per-hour", 0.293_071_07, "W"],
  ["mega-btus-per-hour", 293_071.07, "W"],
  ["volt-amperes-reactive", 1, "W"],
  ["pounds-force-per-square-inch", 6894.757, "Pa"],
  ["inches-of-water", 249.0889, "Pa"],
  ["centimeters-of-water", 98.0665, "Pa"],
  ["inches-of-mercury", 3386.38, "Pa"],
  ["millimeters-of-mercury", 133.322, "Pa"],
  ["hectopascals", 100, "Pa"],
  ["psi-per-degree-fahrenheit", 6894.757 * 1.8, "Pa/K"],
  ["cubic-feet-per-minute", 4.719_474e-4, "m3/s"],
  ["us-gallons-per-minute", 6.309_02e-5, "m3/s"],
  ["imperial-gallons-per-minute", 7.576_82e-5, "m3/s"],
  ["liters-per-hour", 1e-3 / 3600, "m3/s"],
  ["million-cubic-feet-per-day", 0.327_741, "m3/s"],
  ["degrees-fahrenheit-per-hour", 5 / 9 / 3600, "K/s"],
  ["degrees-celsius-per-minute", 1 / 60, "K/s"],
  ["degrees-fahrenheit-per-minute", 5 / 9 / 60, "K/s"],
  ["degrees-fahrenheit-per-day", 5 / 9 / 86_400, "K/s"],
  ["delta-degrees-fahrenheit", 5 / 9, "K"],
  ["degree-days-fahrenheit", 48_000, "K.s"],
  ["btus-per-pound-dry-air", 2326, "J/kg"],
  ["grains-of-water-per-pound-dry-air", 1 / 7000, "1"],
  ["percent-obscuration-per-foot", 0.01 / 0.3048, "/m"],
  ["foot-candles", 10.7639, "lx"],
  ["feet-per-minute", 0.005_08, "m/s"],
  ["miles-per-hour", 0.447_04, "m/s"],
  ["revolutions-per-minute", 1 / 60, "/s"],
  ["hundredths-seconds", 0.01, "s"],
  ["pounds-mass-per-hour", 1.259_979e-4, "kg/s"],
  ["kilobytes-per-second", 8000, "bit/s"],
])("one of %s is %d %s", (wanted, amount, unit) => {
  const { ucum: code, factor } = [...engineeringUnits.values()].find(({ name }) => name === wanted)!;
  const { value, of } = ucum(code ?? "");
  expect(of).toEqual(ucum(unit).of);
  expect((value * factor) / (amount * ucum(unit).value)).toBeCloseTo(1, 5);
});

/** So that the above means something. */
test.each(["kVA", "°C", "Cel/h", "k[Btu_IT]", "W/", "W//m2", "", "kmin", "V.", "furlongs"])("%j is no UCUM", (code) => {
  expect(isUcum(code)).toBe(false);
});

test("units of the profiles that come with mepwatch are UCUM by the same rules", () => {
  const folder = join(builtInConfig(), "profiles");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
  const units = files.flatMap((file) => {
    const { points = {}, tables = {} }: Measured = parse(readFileSync(join(folder, file), "utf8"));
    const all = [points, ...Object.values(tables).map((table) => table.points)].flatMap((some) => Object.values(some));
    return all.map(({ unit = "1" }) => unit);
  });
  expect(units.length).toBeGreaterThan(300);
  expect([...new Set(units)].filter((unit) => !isUcum(unit))).toEqual([]);
});

type Points = Readonly<Record<string, { readonly unit?: string }>>;
interface Measured {
  readonly points?: Points;
  readonly tables?: Readonly<Record<string, { readonly points: Points }>>;
}
