import fc from "fast-check";
import { expect, test } from "vitest";
import { abortOf, readAnswer, readCall, withoutSegments } from "../../../drivers/bacnet/wire/apdu.ts";

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

test.each([
  ["values", "30050e 10", { kind: "values", invokeId: 5, service: 14 }],
  ["an error", "50050e 91009119", { kind: "error", invokeId: 5, service: 14 }],
  ["an acknowledgement", "200505", { kind: "done", invokeId: 5, service: 5 }],
  ["an abort", "710504", { kind: "abort", invokeId: 5, reason: 4 }],
  ["a reject", "600509", { kind: "reject", invokeId: 5, reason: 9 }],
  ["segmented values", "3c0500020e 10", { kind: "malformed", detail: expect.stringContaining("segmented") }],
  ["segmented values that would pass", "38050010 10", { kind: "malformed" }],
  ["an error without its code", "50050e 9100", { kind: "malformed" }],
  ["an error of unsigned numbers", "50050e 21002119", { kind: "malformed" }],
  ["values that are cut off", "30050e 95", { kind: "malformed" }],
])("%s", (_, hex, answer) => {
  expect(readAnswer(bytes(hex))).toMatchObject(answer);
});

test.each([
  ["a request", "0005050c 10"],
  ["an I-Am", "1000c4020000012205c491032100"],
  ["a segment acknowledgement", "40050010"],
  ["too few octets to name a request", "3005"],
])("%s answers nothing", (_, hex) => {
  expect(readAnswer(bytes(hex))).toBeUndefined();
});

test.each([
  ["an I-Am", "1000c4020000012205c491032100", { kind: "unconfirmed", service: 0 }],
  ["a ReadProperty", "0005050c 0c020000011955", { kind: "confirmed", invokeId: 5, service: 12 }],
  ["one that does not decode", "0005050c 0c0200", { kind: "unreadable", invokeId: 5 }],
  ["one in segments", "0805050c 0002 0c020000011955", { kind: "unreadable", invokeId: 5 }],
])("asked of us: %s", (_, hex, call) => {
  expect(readCall(bytes(hex))).toMatchObject(call);
});

test("reading is total", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
      const apdu = Buffer.from(octets);
      readAnswer(apdu);
      readCall(apdu);
    }),
  );
});

test("a request is sent as one that accepts no segments; the original is left alone", () => {
  const request = bytes("0275010e 10");
  expect(withoutSegments(request).toString("hex")).toBe("0005010e10");
  expect(request.toString("hex")).toBe("0275010e10");
});

test("the abort is one a device could send", () => {
  expect(readAnswer(abortOf(7))).toEqual({ kind: "abort", invokeId: 7, reason: 0 });
});
