import fc from "fast-check";
import { expect, test } from "vitest";
import { abortFrame, readFrame, withoutSegments } from "../../../drivers/bacnet/frame.ts";

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const read = (hex: string) => readFrame(bytes(hex));

test.each([
  ["an answer", "810a000a 0100 30050e 10", { kind: "answer", invokeId: 5 }],
  ["an error", "810a000d 0100 50050e 91009119", { kind: "answer", invokeId: 5 }],
  ["an abort", "810a0009 0100 710504", { kind: "abort", invokeId: 5, reason: 4 }],
  ["a reject", "810a0009 0100 600509", { kind: "reject", invokeId: 5, reason: 9 }],
  [
    "a segmented answer",
    "810a000c 0100 3c0500020e 10",
    { kind: "malformed", detail: expect.stringContaining("segmented") },
  ],
  ["a segmented answer that would pass", "810a000b 0100 38050010 10", { kind: "malformed" }],
  ["an error without its code", "810a000b 0100 50050e 9100", { kind: "malformed" }],
  ["an error of unsigned numbers", "810a000d 0100 50050e 21002119", { kind: "malformed" }],
  ["an answer that is cut off", "810a000a 0100 30050e 95", { kind: "malformed" }],
  ["an acknowledgement without a value", "810a0009 0100 20050e", { kind: "malformed" }],
])("%s", (_, hex, frame) => {
  expect(read(hex)).toMatchObject(frame);
});

test.each([
  ["a length that is not the datagram's", "810a000b 0100 30050e 10"],
  ["a datagram of another protocol", "820a000a 0100 30050e 10"],
  ["a broadcast", "810b000a 0100 30050e 10"],
  ["a forwarded answer", "81040010 c00002010bac 0100 30050e 10"],
  ["another version of the network layer", "810a000a 0200 30050e 10"],
  ["a message between routers", "810a000a 0180 30050e 10"],
  ["an answer from behind a router", "810a000e 0108 00050107 30050e 10"],
  ["a request", "810a000a 0104 0005050c 10"],
  ["an I-Am", "810a0014 0100 1000c4020000012205c491032100"],
  ["a segment acknowledgement", "810a000a 0100 40050010"],
  ["too few octets to name a request", "810a0008 0100 3005"],
])("%s answers nothing", (_, hex) => {
  expect(read(hex)).toBeUndefined();
});

test("readFrame is total", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
      const body = Buffer.from(octets);
      readFrame(body);
      readFrame(Buffer.concat([Buffer.from([0x81, 0x0a, 0, body.length + 4]), body]));
    }),
  );
});

test("a request is sent as one that accepts no segments; the original is left alone", () => {
  const request = bytes("810a000b 0104 0275010e 10");
  expect(withoutSegments(request).toString("hex")).toBe("810a000b01040005010e10");
  expect(request.toString("hex")).toBe("810a000b01040275010e10");
});

test("the abort is one a device could send", () => {
  expect(readFrame(abortFrame(7))).toEqual({ kind: "abort", invokeId: 7, reason: 0 });
});
