import fc from "fast-check";
import { expect, test } from "vitest";
import { tags } from "../../../drivers/snmp/ber.ts";
import { epochOf } from "../../../drivers/snmp/date-and-time.ts";

const seconds = (iso: string): number => Date.parse(iso) / 1000;
const of = (digits: string, tag: number = tags.octetString) => {
  const found = epochOf({ tag, content: Buffer.from(digits.replaceAll(" ", ""), "hex") });
  return typeof found === "number" ? found : found.fault;
};

/** The first is the example of RFC 2579 itself: 1992-5-26,13:30:15.0,-4:0. */
test.each<[string, string, number | string]>([
  ["11 octets, west of UTC", "07c8 05 1a 0d 1e 0f 00 2d 04 00", seconds("1992-05-26T13:30:15-04:00")],
  ["11 octets, east of UTC", "07ea 03 0e 03 0c 09 02 2b 05 1e", seconds("2026-03-14T03:12:09.2+05:30")],
  ["8 octets, taken for UTC", "07ea 03 0e 03 0c 09 02", seconds("2026-03-14T03:12:09.2Z")],
  ["a leap second", "07e0 0c 1f 17 3b 3c 00", seconds("2017-01-01T00:00:00Z")],
  ["29 February", "07e8 02 1d 00 00 00 00", seconds("2024-02-29T00:00:00Z")],
  ["a clock that was never set", "0000 00 00 00 00 00 00", "not_available"],
  ["a clock that was never set, with a zone", "0000 00 00 00 00 00 00 2b 00 00", "not_available"],
  ["30 February", "07e8 02 1e 00 00 00 00", "implausible"],
  ["month 13", "07e8 0d 01 00 00 00 00", "implausible"],
  ["month 0", "07e8 00 01 00 00 00 00", "implausible"],
  ["24 o'clock", "07e8 01 01 18 00 00 00", "implausible"],
  ["second 61", "07e8 01 01 00 00 3d 00", "implausible"],
  ["ten tenths", "07e8 01 01 00 00 00 0a", "implausible"],
  ["a zone that is neither + nor -", "07e8 01 01 00 00 00 00 20 01 00", "implausible"],
  ["a zone of 15 hours", "07e8 01 01 00 00 00 00 2b 0f 00", "implausible"],
  ["9 octets", "07e8 01 01 00 00 00 00 2b", "wrong_type"],
  ["no octets", "", "wrong_type"],
])("%s", (_, digits, expected) => {
  expect(of(digits)).toBe(expected);
});

test("what is no OCTET STRING is none; what is not there is no such point", () => {
  expect(of("07ea030e030c0902", tags.integer)).toBe("wrong_type");
  expect(of("", tags.noSuchInstance)).toBe("no_such_point");
});

test("whatever octets: a finite number or a fault", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (octets) => {
      const found = epochOf({ tag: tags.octetString, content: Buffer.from(octets) });
      if (typeof found === "number") expect(found).toSatisfy(Number.isFinite);
      else expect(found.detail).not.toBe("");
    }),
    { numRuns: 2000 },
  );
});
