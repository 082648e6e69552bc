import { expect, test } from "vitest";
import { ucum } from "../../../agent/core/ucum.ts";

test.each<[string, number, object]>([
  ["W", 1, { kg: 1, m: 2, s: -3 }],
  ["kW.h", 3.6e6, { kg: 1, m: 2, s: -2 }],
  ["m3/h", 1 / 3600, { m: 3, s: -1 }],
  ["/min", 1 / 60, { s: -1 }],
  ["%", 0.01, {}],
  ["V.A{reactive}", 1, { kg: 1, m: 2, s: -3 }],
])("%s", (code, value, of) => {
  const amount = ucum(code);
  expect(amount.value).toBeCloseTo(value, 9);
  expect(amount.of).toEqual(of);
});

test.each(["", "kelvin", "kh", "Cel/s", "W h", "m^2"])("%j is no code", (code) => {
  expect(() => ucum(code)).toThrow();
});
