import { expect, test } from "vitest";
import { parse } from "yaml";
import { draftOf } from "../../../../agent/config/ede/draft.ts";
import { surveyedDevice } from "../../../../agent/config/ede/surveyed.ts";
import type { SurveyedObject } from "../../../../drivers/bacnet/finding/surveyed-object.ts";

/** A profile's draft from what a device tells of itself. */

const plain = { instance: 1, description: "", units: null, texts: [], least: null, most: null, low: null, high: null };
const object = (type: number, more: Partial<SurveyedObject> = {}): SurveyedObject => ({
  ...{ ...plain, type, name: "x" },
  ...more,
});

function draft(objects: readonly SurveyedObject[], more: object = {}): string {
  const device = { device: { instance: 3000 }, at: "127.0.0.1:1", name: "AHU 1", description: "Hall" };
  return draftOf(surveyedDevice({ ...device, objects, others: [], problems: [], ...more }, "bus bms"));
}

const address = { object: "analog-input", instance: 1 };
test.each<[string, SurveyedObject, object]>([
  ["a unit", object(0, { units: 62 }), { address, unit: "Cel", kind: "temperature" }],
  ["a unit that is scaled", object(0, { units: 52 }), { address, unit: "kW", scale: 3.516852842 }],
  ["no units", object(0, { units: 95 }), { address }],
  ["a description", object(0, { description: "Supply\nair" }), { address, name: "Supply air" }],
  [
    "states of a binary object count from 0",
    object(3, { texts: ["off", "on"] }),
    { address: { object: "binary-input", instance: 1 }, kind: "state", texts: { 0: "off", 1: "on" } },
  ],
  [
    "others from 1, and those without a name have none",
    object(19, { texts: ["Auto", "", "Hand"] }),
    { address: { object: "multi-state-value", instance: 1 }, kind: "state", texts: { 1: "Auto", 3: "Hand" } },
  ],
])("%s", (_, one, point) => {
  expect(parse(draft([one])).points.x).toEqual(point);
});

test("who it is, and where; what is not read is counted", () => {
  const others = [15, 15, 200].map((type, instance) => ({ type, instance }));
  const device = { instance: 3000, network: 5, mac: "10" };
  const text = draft([], { device, others });
  expect(text).toContain('address: { instance: 3000, network: 5, mac: "10" }');
  expect(text).toContain("Drafted from bus bms: device 3000 (AHU 1, Hall)");
  expect(text).toMatch(/notification-class: 2\n.*type 200: 1/);
  expect(parse(text)).toMatchObject({ profile: "draft/ahu-1", protocol: "bacnet", points: {} });
});

test.each<[string, SurveyedObject, string]>([
  ["a range", object(0, { least: -50, most: 150 }), "# range: [-50, 150] # as it was told"],
  ["limits at which the device alarms", object(0, { low: 10, high: 30 }), "the device alarms at low 10, high 30"],
  ["what can be set", object(1), "can be set"],
  ["a unit that is none of the standard", object(0, { units: 999 }), "# unit-code 999 is no unit of the standard"],
])("%s is a comment", (_, one, comment) => {
  expect(draft([one])).toContain(comment);
});

test.each([
  [-3.4e38, 3.4e38],
  [0, 3.4e38],
  [5, 5],
  [null, 5],
])("bounds that bound nothing are left out (%s, %s)", (least, most) => {
  expect(draft([object(0, { least, most })])).not.toContain("range");
});
