import { expect, test } from "vitest";
import { assess, type Observation, type Point, plainPoint } from "../../../agent/core/quality.ts";

const now = { at: 5, wall: 7 };
const tenths = { scale: 0.1, sentinels: [85], notAvailable: [0x7fff], range: [-40, 125] } as const;

test.each<[string, Partial<Point>, Observation, string | number]>([
  ["a value is scaled, and no 23.400000000000002", tenths, { raw: 234 }, 23.4],
  ["with an offset", { scale: 1.8, offset: 32 }, { raw: 20 }, 68],
  ["by what the device says, too, and no 3.4970000000000003", {}, { raw: 3497, scale: 0.001 }, 3.497],
  ["by both", { scale: 0.1, offset: 1 }, { raw: 50, scale: 0.1 }, 1.5],
  ["which leaves its number for no value as it is", { notAvailable: [-1] }, { raw: -1, scale: 0.1 }, "not_available"],
  ["infinity is no value", {}, { raw: Number.POSITIVE_INFINITY }, "not_finite"],
  ["nor is what is none", {}, { raw: Number.NaN }, "not_finite"],
  ["the device's own number for no value is raw", tenths, { raw: 0x7fff }, "not_available"],
  ["a broken sensor's number is scaled", tenths, { raw: 850 }, "sentinel"],
  ["unscaled it is a temperature", tenths, { raw: 85 }, 8.5],
  ["the ends of the range are within", tenths, { raw: 1250 }, 125],
  ["both of them", tenths, { raw: -400 }, -40],
  ["beyond it nothing is believed", tenths, { raw: 1251 }, "implausible"],
  ["on either side", tenths, { raw: -401 }, "implausible"],
  ["a fault of the exchange is the reason", {}, { fault: "timeout" }, "timeout"],
  ["the device doubts its value itself", {}, { raw: 20, uncertain: "device_fault" }, "uncertain device_fault"],
  ["which the site may believe", { uncertainAs: "good" }, { raw: 20, uncertain: "device_fault" }, 20],
  [
    "but not where it cannot be",
    { ...tenths, uncertainAs: "good" },
    { raw: 9999, uncertain: "device_fault" },
    "implausible",
  ],
])("%s", (_, point, seen, expected) => {
  const sample = assess({ ...plainPoint("d/p"), ...point }, seen, now);
  const { quality, ...rest } = sample;
  const said = { good: "", uncertain: "uncertain ", bad: "" }[quality];
  expect("reason" in rest ? `${said}${rest.reason}` : rest.value).toBe(expected);
  // What is bad has no number that looks like one.
  expect("value" in sample).toBe(quality !== "bad");
  expect(sample).toMatchObject({ point: "d/p", ...now });
});
