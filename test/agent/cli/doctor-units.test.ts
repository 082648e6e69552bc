import { expect, test } from "vitest";
import { unitApart } from "../../../agent/cli/doctor-units.ts";
import { plainPoint } from "../../../agent/core/quality.ts";
import { units } from "../../../drivers/bacnet/finding/told-units.ts";

/** Whether a profile's unit and scale make of a device's number what the device says that it is. */

type Profile = readonly [unit: string, scale?: number, offset?: number];

function apart([unit, scale = 1, offset = 0]: Profile, code: number) {
  const said = units.meaning(code);
  if (said === null) throw new Error(`${code} says nothing`);
  return unitApart({ id: "d/p", unit, definition: { ...plainPoint("d/p"), scale, offset } }, said);
}

test.each<[string, Profile, code: number]>([
  ["the same", ["Cel"], 62],
  ["another prefix, and the scale for it", ["kW", 0.001], 47],
  ["the scale the other way about", ["W", 1000], 48],
  ["a unit that UCUM writes with a factor", ["kW", 3.517], 52],
  ["another name of it", ["mbar"], 133],
  ["reactive power, which UCUM holds to be apparent", ["kV.A{reactive}"], 12],
  ["degrees Fahrenheit, converted", ["Cel", 5 / 9, -160 / 9], 64],
  ["a corrected sensor", ["Cel", 1, -0.5], 62],
  ["a flow per hour for one per second", ["m3/h", 3.6], 87],
  ["a unit of the profile's own", ["{trips}"], 62],
])("%s is the same", (_, profile, code) => {
  expect(apart(profile, code)).toBeNull();
});

test.each<[string, Profile, code: number, what: RegExp]>([
  ["Fahrenheit for Celsius", ["Cel"], 64, /^the device says degrees-fahrenheit, the profile Cel$/],
  ["kelvins for Celsius", ["Cel"], 63, /kelvin/],
  ["Celsius for kelvins", ["K"], 62, /celsius, the profile K/],
  ["watts for kilowatts", ["kW"], 47, /^the device says watts, the profile kW$/],
  ["a scale too many", ["kW", 0.1], 48, /^the device says kilowatts, the profile kW, scale 0\.1$/],
])("%s is another number", (_, profile, code, what) => {
  expect(apart(profile, code)).toEqual({ point: "d/p", what: expect.stringMatching(what), isOfNumber: true });
});

test.each<[string, Profile, code: number]>([
  ["volts for a temperature", ["Cel"], 5],
  ["percent for a pressure", ["Pa"], 98],
])("%s is another quantity", (_, profile, code) => {
  expect(apart(profile, code)).toMatchObject({ isOfNumber: false });
});

test.each([95, 190 + 100_000, 22 + 70_000])("unit %s says nothing", (code) => {
  expect(units.meaning(code)).toBeNull();
});
