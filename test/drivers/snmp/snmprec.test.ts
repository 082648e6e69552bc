import { expect, test } from "vitest";
import { numberOf } from "../../../drivers/snmp/codec.ts";
import { readSnmprec } from "../../../drivers/snmp/snmprec.ts";

const root = "1.3.6.1.4.1.99999.1";
const lines = (...values: string[]): string => values.map((value, row) => `${root}.${row}|${value}`).join("\n");
const tagsOf = (text: string) => [...readSnmprec(text).objects.values()].map((value) => value()?.tag);

test("numbers of each type are what they were, at both ends", () => {
  const written = [
    ["2|-2147483648", -2147483648],
    ["2|2147483647", 2147483647],
    ["65|4294967295", 4294967295],
    ["66|0", 0],
    ["67|128", 128],
    ["70|9007199254740991", 9007199254740991],
    ["4| 23.4 ", 23.4],
    ["4x|32332e35", 23.5],
    ["68x|9f780441bc0000", 23.5],
  ] as const;
  const { objects, flaws } = readSnmprec(lines(...written.map(([line]) => line)));
  expect(flaws).toEqual([]);
  expect([...objects.values()].map((value) => numberOf(value()!))).toEqual(written.map(([, value]) => value));
});

test("a Counter64 beyond what a number holds keeps all its digits", () => {
  const [value] = [...readSnmprec(lines("70|18446744073709551615")).objects.values()];
  expect(value!()?.content.toString("hex")).toBe("00ffffffffffffffff");
});

test("text may have bars in it; what else a device sends has its tag", () => {
  const text = lines("4|a|b", "4|", "5|", "6|1.3.6.1.4.1.318", "64|10.0.0.1", "64x|0a000001");
  expect(tagsOf(text)).toEqual([4, 4, 5, 6, 64, 64]);
  expect([...readSnmprec(text).objects.values()][0]!()?.content.toString()).toBe("a|b");
});

test.each([
  ["no OID", "abc|2|1", /OID/],
  ["a tag that is none", `${root}.0|99|1`, /tag "99"/],
  ["a variation of snmpsim's", `${root}.0|2:delay|value=1`, /tag "2:delay"/],
  ["a number too large", `${root}.0|2|2147483648`, /tag 2/],
  ["a negative gauge", `${root}.0|66|-1`, /tag 66/],
  ["an address that is none", `${root}.0|64|10.0.0`, /tag 64/],
  ["half an octet", `${root}.0|4x|abc`, /hexadecimal/],
  ["a line cut off", `${root}.0`, /tag ""/],
])("%s is told with its line, and the others are served", (_, line, cause) => {
  const { objects, flaws } = readSnmprec(`# recorded\n\n${line}\n${root}.9|2|9\n`);
  expect(flaws).toEqual([{ line: 3, cause: expect.stringMatching(cause) }]);
  expect([...objects.keys()]).toEqual([`${root}.9`]);
});
