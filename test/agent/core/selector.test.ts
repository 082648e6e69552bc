import { describe, expect, test } from "vitest";
import { parseSelector, type Subject, selects } from "../../../agent/core/selector.ts";

const rack: Subject = {
  room: "hall-2",
  row: "F",
  rack: "F12",
  zone: "east",
  class: "pdu",
  device: "pdu-f12",
  rule: "inlet-hot",
  means: "hot",
  labels: { tenant: "acme", owner: "The Owner, Ltd" },
};

describe("a selector", () => {
  test.each([
    ["row=F", true],
    ["row=G", false],
    ["row=F,G", true],
    ["rack=F*", true],
    ["rack=F1", false],
    ["zone=east class=pdu", true],
    ["zone=east class=crac", false],
    ["means=hot", true],
    ["rule=inlet-rising", false],
    ["label.tenant=acme", true],
    ["label.owner=acme", false],
    ["building=north", false],
    ["  zone=east   row=F ", true],
    ['label.owner="The Owner, Ltd",other', true],
    ['label.owner="The Owner" row=F', false],
    ['row="F"', true],
  ])("%s selects it: %s", (text, expected) => {
    const selector = parseSelector(text);
    if (typeof selector === "string") throw new Error(selector);
    expect(selects(selector, rack)).toBe(expected);
  });

  test.each([
    ["zone=east", false],
    ["zone=east rule=leak", true],
    ["means=leak,smoke", true],
  ])("%s names the alarm itself: %s", (text, named) => expect(parseSelector(text)).toMatchObject({ named }));

  test.each([
    ["", "empty; expected terms such as zone=hall-2 class=crac"],
    ["hall-2", '"hall-2" is no term; expected key=value, such as zone=hall-2'],
    ["zone=", '"zone=" is no term; expected key=value, such as zone=hall-2'],
    ['zone="east', '"zone="east" has a quote that does not end; expected another "'],
    ["zone=,", '"zone=," has no value; expected key=value, such as zone=hall-2'],
    [
      "zonne=east",
      'no key "zonne"; expected one of building, room, row, rack, zone, class, device, rule, means, label.NAME',
    ],
  ])("%s is refused: %s", (text, why) => expect(parseSelector(text)).toBe(why));
});
