import { expect, test } from "vitest";
import { address, oidsOf } from "../../../drivers/snmp/address.ts";

test.each(["1.3.6.1.2.1.1.3.0", "0.0.0", "2.39.4294967295"])("OID %s", (oid) => {
  expect(address.safeParse({ oid }).success).toBe(true);
});

test.each([
  ".1.3.6.1",
  "1.3",
  "",
  "iso.3.6.1",
  "1.3.6.1.",
  "1.3..6",
  "3.3.6.1",
  "1.40.6",
  "1.3.06",
  "1.3.4294967296",
  "1.3.6 ",
  `1.3${".1".repeat(127)}`,
])("OID %j is refused", (oid) => {
  expect(address.safeParse({ oid }).success).toBe(false);
});

const column = "1.3.6.1.4.1.99999.2.1.3";
const label = "1.3.6.1.4.1.99999.2.1.2";

test.each<[string, object]>([
  ["a row by its index", { column, row: 5 }],
  ["a row by an index of several arcs", { column, row: "1.5" }],
  ["a row by what its columns hold", { column, where: { [label]: "Outlet 5" } }],
  ["a row by its index, if its columns hold this", { column, row: 5, where: { [label]: "C" } }],
  ["decimal places in another column", { column, row: 5, digits: `${label}.1` }],
  ["a divisor in another column", { column, where: { [label]: 7 }, divisor: label }],
  ["a count of all rows", { column, rows: "count" }],
  ["a count of some rows", { rows: "count", where: { [label]: "1.3.6.1.2.1.33.1.6.3.2" } }],
  ["the most of some rows, told from no table", { column, rows: "max", where: { [label]: 1 }, beside: "1.3.6.1.0" }],
  ["a date", { oid: "1.3.6.1.2.1.25.1.2.0", as: "DateAndTime" }],
])("%s", (_, given) => {
  expect(address.safeParse(given).success).toBe(true);
  expect(address.parse(address.parse(given))).toEqual(address.parse(given));
});

test.each<[string, object, string]>([
  ["nothing", {}, "oid"],
  ["a column alone", { column }, "row"],
  ["an oid and a column", { oid: "1.3.6.0", column, row: 1 }, "column row"],
  ["an index that YAML reads as a number with a point", { column, row: 1.5 }, "row"],
  ["an index with a leading dot", { column, row: ".5" }, "row"],
  ["an index too long", { column, row: `${"1.".repeat(130)}1` }, "row"],
  ["a name for a column", { column, where: { upsAlarmDescr: 1 } }, "where.upsAlarmDescr"],
  ["no condition", { column, where: {} }, "where"],
  ["a row and all rows", { column, row: 5, rows: "sum" }, "row"],
  ["the sum of no column", { rows: "sum", where: { [label]: 1 } }, "column"],
  ["a count of nothing", { rows: "count" }, "where"],
  ["a scale of all rows", { column, rows: "sum", digits: label }, "digits"],
  ["two scales", { column, row: 1, digits: label, divisor: label }, "divisor"],
  ["beside of one row", { column, row: 1, beside: "1.3.6.0" }, "beside"],
  ["a row of an oid", { oid: "1.3.6.0", row: 1 }, "row"],
])("%s is refused where it stands", (_, given, places) => {
  const { error } = address.safeParse(given);
  expect(error?.issues.map(({ path }) => path.join(".")).join(" ")).toBe(places);
});

test("all that one value needs is asked for at once, the value first, each OID once", () => {
  const where = { [label]: "A", [column]: 3 };
  expect(oidsOf(address.parse({ column, row: "1.5", where, digits: label }))).toEqual([
    `${column}.1.5`,
    `${label}.1.5`,
  ]);
  expect(oidsOf(address.parse({ column, where: { [label]: "A" }, divisor: `${label}0` }), "7")).toEqual([
    `${column}.7`,
    `${label}.7`,
    `${label}0.7`,
  ]);
});
