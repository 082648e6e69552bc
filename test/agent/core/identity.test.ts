import { expect, test } from "vitest";
import { compare, type Identity } from "../../../agent/core/identity.ts";

const other = (part: string, told: string, expected: string) => ["other", { part, told, expected }, null];
const untold = (part: string, expected: string) => ["untold", { part, told: null, expected }, null];
const same = ["same", null, null];

test.each<[string, Identity, Identity, unknown]>([
  ["nothing known, nothing told", {}, {}, same],
  ["nothing known, all told", {}, { serial: "A", model: "M", firmware: "1" }, same],
  ["all as it was", { serial: "A", model: "M", firmware: "1" }, { serial: "A", model: "M", firmware: "1" }, same],
  ["another serial number", { serial: "A", model: "M" }, { serial: "B", model: "M" }, other("serial", "B", "A")],
  ["another model", { serial: "A", model: "M" }, { serial: "A", model: "N" }, other("model", "N", "M")],
  [
    "both, the serial number shows it best",
    { model: "M", serial: "A" },
    { model: "N", serial: "B" },
    other("serial", "B", "A"),
  ],
  [
    "another kind",
    { id: "1.3.6.1.4.1.318", vendor: "APC" },
    { id: "1.3.6.1.4.1.534" },
    other("id", "1.3.6.1.4.1.534", "1.3.6.1.4.1.318"),
  ],
  [
    "another card",
    { mac: "00:c0:b7:00:00:01" },
    { mac: "00:c0:b7:00:00:02" },
    other("mac", "00:c0:b7:00:00:02", "00:c0:b7:00:00:01"),
  ],
  ["another maker", { vendor: "260" }, { vendor: "5" }, other("vendor", "5", "260")],
  ["letters of another case are another text", { serial: "ab1" }, { serial: "AB1" }, other("serial", "AB1", "ab1")],
  ["one part is not told, the other is right", { serial: "A", model: "M" }, { model: "M" }, same],
  ["one part is not told, the other is wrong", { serial: "A", model: "M" }, { model: "N" }, other("model", "N", "M")],
  ["more is told than known", { model: "M" }, { model: "M", serial: "A" }, same],
  ["nothing is told of what is known", { serial: "A", model: "M" }, {}, untold("serial", "A")],
  ["only what is not known is told", { serial: "A" }, { model: "M", firmware: "1" }, untold("serial", "A")],
  [
    "other firmware",
    { serial: "A", firmware: "1" },
    { serial: "A", firmware: "2" },
    ["same", null, { part: "firmware", told: "2", expected: "1" }],
  ],
  [
    "other firmware of a device that nothing else tells from others",
    { firmware: "1" },
    { firmware: "2" },
    ["same", null, { part: "firmware", told: "2", expected: "1" }],
  ],
  [
    "other firmware of another device matters to nobody",
    { serial: "A", firmware: "1" },
    { serial: "B", firmware: "2" },
    other("serial", "B", "A"),
  ],
  ["firmware not told", { serial: "A", firmware: "1" }, { serial: "A" }, same],
])("%s", (_, expected, told, result) => {
  const { verdict, by, firmware } = compare(expected, told);
  expect([verdict, by, firmware]).toEqual(result);
});
