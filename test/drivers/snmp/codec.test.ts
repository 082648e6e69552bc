import fc from "fast-check";
import { expect, test } from "vitest";
import { type Element, integer, oid as oidElement, tags, text } from "../../../drivers/snmp/ber.ts";
import { numberOf, readingOf } from "../../../drivers/snmp/codec.ts";

const oid = "1.3.6.1.4.1.99999.1.0";
const hex = (digits: string) => Buffer.from(digits.replaceAll(" ", ""), "hex");
const of = (tag: number, digits = ""): Element => ({ tag, content: hex(digits) });
const decoded = (value: Element) => {
  const number = numberOf(value);
  return typeof number === "number" ? number : number.fault;
};

test.each<[string, Element, number | string]>([
  ["Integer", integer(-40), -40],
  ["Gauge32", integer(4294967295, tags.gauge32), 4294967295],
  ["Counter32", integer(4294967295, tags.counter32), 4294967295],
  ["TimeTicks", integer(360000, tags.timeTicks), 360000],
  ["Gauge32 without the leading zero", of(tags.gauge32, "ffffffff"), 4294967295],
  ["Gauge32 of five octets that matter", of(tags.gauge32, "01 00000000"), "bad_reply"],
  ["the least Integer", of(tags.integer, "80000000"), -(2 ** 31)],
  ["Integer of no octets", of(tags.integer), "bad_reply"],
  ["Integer beyond 32 bits", integer(2 ** 31), "bad_reply"],
  ["Integer of ten octets", of(tags.integer, "01010101010101010101"), "bad_reply"],

  ["Counter64 of one octet", of(tags.counter64, "ff"), 255],
  ["Counter64 of three octets", of(tags.counter64, "36cd4a"), 3591498],
  ["Counter64 with leading zeros", of(tags.counter64, "00 00000000000000ff"), 255],
  ["Counter64 of 2^53", of(tags.counter64, "20000000000000"), 2 ** 53],
  ["Counter64 of 2^53 + 1", of(tags.counter64, "20000000000001"), "implausible"],
  ["the greatest Counter64", of(tags.counter64, "00 ffffffffffffffff"), "implausible"],
  ["Counter64 of no octets", of(tags.counter64, ""), "bad_reply"],
  ["Counter64 of nine octets that matter", of(tags.counter64, "01 0000000000000000"), "bad_reply"],

  ["text", text("23.4"), 23.4],
  ["text with blanks around", text("  -5 \n"), -5],
  ["text ended C-like", text("12\0\0"), 12],
  ["text with an exponent", text("+1.5E-3"), 0.0015],
  ["text without a leading zero", text(".5"), 0.5],
  ["text with a unit", text("23.4 C"), "wrong_type"],
  ["text with a comma", text("23,4"), "wrong_type"],
  ["empty text", text(""), "not_available"],
  ["blank text", text("  "), "not_available"],
  ["N/A", text("N/A"), "not_available"],
  ["not available", text("not available\0"), "not_available"],
  ["notSupported", text("notSupported"), "not_available"],
  ["dashes", text("---"), "not_available"],
  ["NaN in text", text("NaN"), "not_available"],
  ["text that begins like that", text("N/A3"), "wrong_type"],
  ["a dash before a number", text("- 5"), "wrong_type"],
  ["text that JavaScript alone takes for a number", text("0x1F"), "wrong_type"],
  ["text beyond all numbers", text("1e999"), "not_finite"],
  ["octets that are no text", of(tags.octetString, "ff00fe"), "wrong_type"],

  ["Opaque float", of(tags.opaque, "9f7804 41bc0000"), 23.5],
  ["Opaque double", of(tags.opaque, "9f7908 4037800000000000"), 23.5],
  ["Opaque NaN", of(tags.opaque, "9f7804 7fc00000"), "not_finite"],
  ["Opaque float, truncated", of(tags.opaque, "9f7804 41bc"), "wrong_type"],
  ["Opaque of something else", of(tags.opaque, "0401ff"), "wrong_type"],

  ["IpAddress", of(tags.ipAddress, "c0000201"), "wrong_type"],
  ["OID", oidElement("1.3.6"), "wrong_type"],
  ["a type nobody knows", of(0xc7, "07"), "wrong_type"],
  ["Null", of(tags.null), "not_available"],
  ["NoSuchObject", of(tags.noSuchObject), "no_such_point"],
  ["NoSuchInstance", of(tags.noSuchInstance), "no_such_point"],
  ["EndOfMibView", of(tags.endOfMibView), "no_such_point"],
])("%s", (_, value, expected) => {
  expect(decoded(value)).toBe(expected);
});

test("another OID than the one asked for is a bad reply, whatever its value", () => {
  const point = { id: "ups/load", device: {}, address: { oid } };
  const found = (inPlace: string) => new Map([[oid, { oid: inPlace, value: integer(7) }]]);
  expect(readingOf(point, found(oid))).toEqual({ point: "ups/load", value: 7 });
  expect(readingOf(point, found(`${oid}.1`))).toEqual({
    point: "ups/load",
    fault: "bad_reply",
    detail: `asked ${oid}, the answer holds ${oid}.1 in its place`,
  });
  expect(readingOf(point, undefined)).toMatchObject({ fault: "bad_reply" });
});

test("faults say what was there", () => {
  expect(numberOf(text("on battery"))).toEqual({
    fault: "wrong_type",
    detail: 'expected a number, got text "on battery"',
  });
  expect(numberOf(of(tags.noSuchInstance))).toMatchObject({ detail: "NoSuchInstance" });
});

test("any type with any value is a finite number or a fault", () => {
  fc.assert(
    fc.property(fc.nat(255), fc.uint8Array({ maxLength: 20 }), (tag, octets) => {
      const number = numberOf({ tag, content: Buffer.from(octets) });
      if (typeof number === "number") expect(number).toSatisfy(Number.isFinite);
      else expect(number.detail).not.toBe("");
    }),
    { numRuns: 2000 },
  );
});
