import fc from "fast-check";
import { ObjectType, type VarbindValue } from "net-snmp";
import { expect, test } from "vitest";
import { numberOf, readingOf } from "../../../drivers/snmp/codec.ts";

const oid = "1.3.6.1.4.1.99999.1.0";
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const decoded = (type: ObjectType, value: VarbindValue) => {
  const number = numberOf({ oid, type, value });
  return typeof number === "number" ? number : number.fault;
};

test.each<[string, ObjectType, VarbindValue, number | string]>([
  ["Integer", ObjectType.Integer, -40, -40],
  ["Gauge32", ObjectType.Gauge, 4294967295, 4294967295],
  ["Counter32", ObjectType.Counter, 4294967295, 4294967295],
  ["TimeTicks", ObjectType.TimeTicks, 360000, 360000],
  ["Integer without a value", ObjectType.Integer, null, "bad_reply"],

  ["Counter64 of one octet", ObjectType.Counter64, hex("ff"), 255],
  ["Counter64 of three octets", ObjectType.Counter64, hex("36cd4a"), 3591498],
  ["Counter64 with leading zeros", ObjectType.Counter64, hex("00 00000000000000ff"), 255],
  ["Counter64 of 2^53", ObjectType.Counter64, hex("20000000000000"), 2 ** 53],
  ["Counter64 of 2^53 + 1", ObjectType.Counter64, hex("20000000000001"), "implausible"],
  ["the greatest Counter64", ObjectType.Counter64, hex("00 ffffffffffffffff"), "implausible"],
  ["Counter64 of no octets", ObjectType.Counter64, hex(""), "bad_reply"],
  ["Counter64 of nine octets that matter", ObjectType.Counter64, hex("01 0000000000000000"), "bad_reply"],
  ["Counter64, truncated", ObjectType.Counter64, null, "bad_reply"],

  ["text", ObjectType.OctetString, Buffer.from("23.4"), 23.4],
  ["text with blanks around", ObjectType.OctetString, Buffer.from("  -5 \n"), -5],
  ["text ended C-like", ObjectType.OctetString, Buffer.from("12\0\0"), 12],
  ["text with an exponent", ObjectType.OctetString, Buffer.from("+1.5E-3"), 0.0015],
  ["text without a leading zero", ObjectType.OctetString, Buffer.from(".5"), 0.5],
  ["text with a unit", ObjectType.OctetString, Buffer.from("23.4 C"), "wrong_type"],
  ["text with a comma", ObjectType.OctetString, Buffer.from("23,4"), "wrong_type"],
  ["empty text", ObjectType.OctetString, Buffer.from(""), "wrong_type"],
  ["blank text", ObjectType.OctetString, Buffer.from("  "), "wrong_type"],
  ["text that JavaScript alone takes for a number", ObjectType.OctetString, Buffer.from("0x1F"), "wrong_type"],
  ["text beyond all numbers", ObjectType.OctetString, Buffer.from("1e999"), "not_finite"],
  ["octets that are no text", ObjectType.OctetString, hex("ff00fe"), "wrong_type"],

  ["Opaque float", ObjectType.Opaque, hex("9f7804 41bc0000"), 23.5],
  ["Opaque double", ObjectType.Opaque, hex("9f7908 4037800000000000"), 23.5],
  ["Opaque NaN", ObjectType.Opaque, hex("9f7804 7fc00000"), "not_finite"],
  ["Opaque float, truncated", ObjectType.Opaque, hex("9f7804 41bc"), "wrong_type"],
  ["Opaque of something else", ObjectType.Opaque, hex("0401ff"), "wrong_type"],

  ["IpAddress", ObjectType.IpAddress, "192.0.2.1", "wrong_type"],
  ["OID", ObjectType.OID, "1.3.6", "wrong_type"],
  ["a type nobody knows", 199 as ObjectType, 7, "wrong_type"],
  ["Null", ObjectType.Null, null, "not_available"],
  ["NoSuchObject", ObjectType.NoSuchObject, null, "no_such_point"],
  ["NoSuchInstance", ObjectType.NoSuchInstance, null, "no_such_point"],
  ["EndOfMibView", ObjectType.EndOfMibView, null, "no_such_point"],
])("%s", (_, type, value, expected) => {
  expect(decoded(type, value)).toBe(expected);
});

test("another OID than the one asked for is a bad reply, whatever its value", () => {
  const point = { id: "ups/load", device: {}, address: { oid } };
  expect(readingOf(point, { oid, type: ObjectType.Integer, value: 7 })).toEqual({ point: "ups/load", value: 7 });
  expect(readingOf(point, { oid: `${oid}.1`, type: ObjectType.Integer, value: 7 })).toEqual({
    point: "ups/load",
    fault: "bad_reply",
    detail: `asked ${oid}, the answer holds ${oid}.1 in its place`,
  });
  expect(readingOf(point, undefined)).toMatchObject({ fault: "bad_reply" });
});

test("faults say what was there", () => {
  expect(numberOf({ oid, type: ObjectType.OctetString, value: Buffer.from("on battery") })).toEqual({
    fault: "wrong_type",
    detail: 'expected a number, got text "on battery"',
  });
  expect(numberOf({ oid, type: ObjectType.NoSuchInstance, value: null })).toMatchObject({ detail: "NoSuchInstance" });
});

test("any type with any value is a finite number or a fault", () => {
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 20 }).map((octets) => Buffer.from(octets)),
    fc.string().map((text) => Buffer.from(text)),
    fc.constantFrom(null, undefined, true, "text"),
    fc.integer(),
  );
  fc.assert(
    fc.property(fc.nat(255), value, (type, value) => {
      const number = numberOf({ oid, type, value });
      if (typeof number === "number") expect(number).toSatisfy(Number.isFinite);
      else expect(number.detail).not.toBe("");
    }),
    { numRuns: 2000 },
  );
});
