import fc from "fast-check";
import { expect, test } from "vitest";
import { type Result, resultKey } from "../../../drivers/bacnet/answer.ts";
import { decode, flawOf, isSet, objectsIn, readingOf, textsIn } from "../../../drivers/bacnet/codec.ts";
import type { ObjectPoint } from "../../../drivers/bacnet/question.ts";
import { bitString, encoders } from "../../../drivers/bacnet/wire/encode.ts";
import { readTags } from "../../../drivers/bacnet/wire/tags.ts";
import { resultOf } from "../../../drivers/bacnet/wire/values.ts";
import { addressOf } from "./peer.ts";

const ai1 = { type: 0, instance: 1 };

const tag = { null: 0, boolean: 1, unsigned: 2, signed: 3, real: 4, double: 5, text: 7, bits: 8, enumerated: 9 };

test.each([
  ["real", tag.real, 21.5, 21.5],
  ["double", tag.double, 1e300, 1e300],
  ["unsigned", tag.unsigned, 4294967295, 4294967295],
  ["signed", tag.signed, -5, -5],
  ["enumerated", tag.enumerated, 1, 1],
  ["boolean true", tag.boolean, true, 1],
  ["boolean false", tag.boolean, false, 0],
])("%s is a number", (_, type, value, expected) => {
  expect(decode([{ type, value }])).toBe(expected);
});

test.each([
  ["null", [{ type: tag.null, value: null }], "not_available"],
  ["NaN", [{ type: tag.real, value: Number.NaN }], "not_finite"],
  ["infinity", [{ type: tag.double, value: Number.NEGATIVE_INFINITY }], "not_finite"],
  ["text", [{ type: tag.text, value: "21.5" }], "wrong_type"],
  ["bit string", [{ type: tag.bits, value: { value: [1], bitsUsed: 4 } }], "wrong_type"],
  ["a tag of the library's own", [{ type: 118, value: 3 }], "wrong_type"],
  ["real without a number", [{ type: tag.real, value: "x" }], "wrong_type"],
  ["boolean without a boolean", [{ type: tag.boolean, value: 1 }], "wrong_type"],
  ["no value", [], "wrong_type"],
  [
    "a list",
    [
      { type: tag.real, value: 1 },
      { type: tag.real, value: 2 },
    ],
    "wrong_type",
  ],
  ["unknown-object", [{ type: 105, value: { errorClass: 1, errorCode: 31 } }], "no_such_point"],
  ["unknown-property", [{ type: 105, value: { errorClass: 2, errorCode: 32 } }], "no_such_point"],
  ["read-access-denied", [{ type: 105, value: { errorClass: 2, errorCode: 27 } }], "device_error"],
  ["an error without its code", [{ type: 105, value: { errorClass: 2 } }], "bad_reply"],
])("%s is a fault", (_, result, fault) => {
  expect(decode(result)).toMatchObject({ fault });
});

const heard = (value: Buffer): Result => resultOf(readTags(value) ?? []) ?? [];

test.each([
  [[], [false, false, false]],
  [[0], [true, false, false]],
  [[1], [false, true, false]],
  [
    [0, 1],
    [true, true, false],
  ],
])("of limits that are enabled (%j) the first bit is the low one", (set, expected) => {
  const flags = heard(bitString(2, set));
  expect([0, 1, 2].map((bit) => isSet(flags, bit))).toEqual(expected);
  expect(isSet(heard(encoders.real(3)), 0)).toBe(false);
});

const text = (value: unknown) => ({ type: 7, value });
test.each<[string, Result, readonly string[] | null]>([
  ["one text", [text("off")], ["off"]],
  ["an array of texts", [text("off"), text(""), text("on\u202e")], ["off", "", "on\\u{202e}"]],
  ["none", [], []],
  ["a number among them", [text("off"), { type: 2, value: 1 }], null],
  ["a text without its text", [text(undefined)], null],
])("texts: %s", (_, result, texts) => {
  expect(textsIn(result)).toEqual(texts);
});

test.each<[string, Result, object | null]>([
  [
    "some",
    [1, 2].map((instance) => ({ type: 12, value: { type: 0, instance } })),
    [
      { type: 0, instance: 1 },
      { type: 0, instance: 2 },
    ],
  ],
  ["no object", [{ type: 2, value: 1 }], null],
  ["an object without its instance", [{ type: 12, value: { type: 0 } }], null],
])("objects: %s", (_, result, objects) => {
  expect(objectsIn(result)).toEqual(objects);
});

test("decode is total", () => {
  const item = fc.record({ type: fc.oneof(fc.integer({ min: 0, max: 130 }), fc.double()), value: fc.anything() });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 3 }), (result) => {
      const outcome = decode(result);
      expect(typeof outcome === "number" ? Number.isFinite(outcome) : outcome.fault).toBeTruthy();
    }),
  );
});

const point: ObjectPoint = {
  id: "crac/supply",
  device: { instance: 1 },
  address: addressOf({ object: "analog-input", instance: 1 }),
};
/** As the library gives it: bit 0 of the octet is the first flag. */
const flags = (octet: number): Result => [{ type: tag.bits, value: { value: [octet], bitsUsed: 4 } }];
const value: Result = [{ type: tag.real, value: 21.5 }];

test.each([
  ["none", 0b0000, { value: 21.5 }],
  ["in-alarm", 0b0001, { value: 21.5 }],
  ["fault", 0b0010, { fault: "device_fault" }],
  ["overridden", 0b0100, { value: 21.5 }],
  ["out-of-service", 0b1000, { fault: "out_of_service" }],
  ["out-of-service and fault", 0b1010, { fault: "out_of_service" }],
])("status-flags: %s", (_, octet, expected) => {
  const results = new Map([[resultKey(ai1, 85), value] as const, [resultKey(ai1, 111), flags(octet)] as const]);
  expect(readingOf(point, results)).toMatchObject({ point: "crac/supply", ...expected });
});

test.each<[string, Result]>([
  ["an error", [{ type: 105, value: { errorClass: 2, errorCode: 32 } }]],
  ["nothing", []],
  ["not bits", [{ type: tag.real, value: 2 }]],
])("a value stands when status-flags are %s", (_, flags) => {
  const results = new Map([[resultKey(ai1, 85), value] as const, [resultKey(ai1, 111), flags] as const]);
  expect(readingOf(point, results)).toEqual({ point: "crac/supply", value: 21.5 });
});

test("the reliability of a faulty object can be read", () => {
  const address = addressOf({ object: "analog-input", instance: 1, property: "reliability" });
  const reliability: ObjectPoint = { ...point, address };
  const results = new Map([
    [resultKey(ai1, 103), [{ type: tag.enumerated, value: 7 }]] as const,
    [resultKey(ai1, 111), flags(0b0010)] as const,
  ]);
  expect(readingOf(reliability, results)).toEqual({ point: "crac/supply", value: 7 });
});

test("another object's value is not taken", () => {
  expect(readingOf(point, new Map([[resultKey({ type: 0, instance: 2 }, 85), value]]))).toMatchObject({
    fault: "bad_reply",
  });
});

test("refusals are named, and tell abort from reject", () => {
  expect(flawOf({ kind: "error", errorClass: 0, errorCode: 25 }).detail).toBe("device (0): operational-problem (25)");
  expect(flawOf({ kind: "error", errorClass: 2, errorCode: 4711 }).detail).toBe("property (2): unknown (4711)");
  expect(flawOf({ kind: "abort", reason: 9 }).detail).toBe("abort: out-of-resources (9)");
  expect(flawOf({ kind: "reject", reason: 9 }).detail).toBe("reject: unrecognized-service (9)");
});

test.each([
  ["unsigned", 0, "2100"],
  ["unsigned", 255, "21ff"],
  ["unsigned", 256, "220100"],
  ["unsigned", 2 ** 32, "25050100000000"],
  ["unsigned", -3, "2100"],
  ["signed", -1, "31ff"],
  ["signed", 128, "320080"],
  ["enumerated", 1, "9101"],
  ["real", 21.5, "4441ac0000"],
  ["double", 1, "55083ff0000000000000"],
  ["boolean", 1, "11"],
] as const)("%s %d encodes as %s", (encoding, number, hex) => {
  expect(encoders[encoding](number).toString("hex")).toBe(hex);
});

test.each([
  ["", 0],
  ["4441ac0000", 1],
  ["0e91019100", undefined], // never closed
  ["0e910191000f", 4],
  ["0e91011f", undefined], // closed by another
  ["0c0000", undefined], // an object identifier cut off
  ["95", undefined], // length announced, missing
  ["4341ac00", undefined], // a REAL of three octets
  ["20", undefined], // an unsigned of none
  ["2708", undefined], // application tags have no opening
  ["65ff00000001aa", undefined],
])("tags of %s", (hex, count) => {
  expect(readTags(Buffer.from(hex, "hex"))?.length).toBe(count);
});

test("readTags is total and ends", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      readTags(Buffer.from(bytes));
    }),
  );
});
