import { expect, test } from "vitest";
import { unitOf } from "../../../../agent/config/mib/units.ts";

test.each([
  ["RMS Volts", "V", 1, "voltage"],
  ["0.1 Volt DC", "V", 0.1, "voltage"],
  [".1 RMS Amp", "A", 0.1, "current"],
  ["RMS tenth of Amps", "1", 1, undefined], // not understood: rather none than a wrong one
  ["tenths of Amps", "A", 0.1, "current"],
  ["0.01 A", "A", 0.01, "current"],
  ["degrees Centigrade", "Cel", 1, "temperature"],
  ["tenths of degrees Celsius", "Cel", 0.1, "temperature"],
  ["degrees Fahrenheit", "[degF]", 1, "temperature"],
  ["0.1 Hertz", "Hz", 0.1, "frequency"],
  ["Volt-Amps", "V.A", 1, "apparent-power"],
  ["VA", "V.A", 1, "apparent-power"],
  ["hundredths of kW", "kW", 0.01, "power"],
  ["milliamps", "mA", 1, "current"],
  ["percent", "%", 1, undefined],
  ["seconds", "s", 1, undefined],
  ["furlongs", "1", 1, undefined],
])("UNITS %j", (clause, unit, scale, kind) => {
  expect(unitOf(clause, "", 0)).toEqual({ unit, scale, ...(kind ? { kind } : {}) });
});

test.each([
  ["The output voltage in tenths of volts.", "V", 0.1],
  ["The battery temperature, in degrees Celsius, of the UPS", "Cel", 1],
  ["The load, in hundredths\n  of kW.", "kW", 0.01],
  ["Its age. Units: hours", "h", 1],
  ["The humidity in percent relative humidity.", "%", 1],
  ["The time in seconds, or in minutes where it is long.", "1", 1],
  ["What is in a box.", "1", 1],
  ["In volumes of A4.", "1", 1],
  ["Whether Volts are shown.", "1", 1],
])("DESCRIPTION %j", (description, unit, scale) => {
  expect(unitOf("", description, 0)).toMatchObject({ unit, scale });
});

test("a clause counts more than the description, and a factor in words more than a display hint", () => {
  expect(unitOf("Volts", "in tenths of amps", 0)).toMatchObject({ unit: "V", scale: 1 });
  expect(unitOf("furlongs", "in tenths of amps", 0)).toMatchObject({ unit: "1", scale: 1 });
  expect(unitOf("degrees Celsius", "", 1)).toMatchObject({ unit: "Cel", scale: 0.1 });
  expect(unitOf("0.1 Volts", "", 1)).toMatchObject({ unit: "V", scale: 0.1 });
  expect(unitOf("", "", 2)).toMatchObject({ unit: "1", scale: 0.01 });
});
