import fc from "fast-check";
import { expect, test } from "vitest";
import * as ber from "../../../drivers/snmp/ber.ts";
import { decode, encode, type Message } from "../../../drivers/snmp/message.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
/** Captured: the answer of Net-SNMP's snmpd to a GetRequest for sysUpTime. */
const captured = hex(
  "302a 020101 0406 7075626c6963 a21d 02047d0e1f55 020100 020100 300f 300d 06082b06010201010300 4301 6a",
);

test("decodes a captured Response, and encodes it to the same octets", () => {
  const message = decode(captured);
  expect(message).toEqual({
    version: 1,
    community: "public",
    pdu: 0xa2,
    requestId: 0x7d0e1f55,
    errorStatus: 0,
    errorIndex: 0,
    bindings: [{ oid: "1.3.6.1.2.1.1.3.0", value: { tag: 0x43, content: hex("6a") } }],
  });
  expect(encode(message!)).toEqual(captured);
});

test("lets octets after the message pass, but no truncation", () => {
  expect(decode(Buffer.concat([captured, Buffer.alloc(4)]))).toEqual(decode(captured));
  for (let length = 0; length < captured.length; length++) expect(decode(captured.subarray(0, length))).toBeUndefined();
});

test.each([
  ["a version without anything", "3003020100"],
  ["an indefinite length", "3080020101 0000"],
  ["a length beyond all datagrams", "3087ffffffffffffff"],
  ["an empty sequence", "3000"],
])("%s is no message", (_, octets) => {
  expect(decode(hex(octets))).toBeUndefined();
});

test("damage gives undefined or another message, never an exception", () => {
  const damage = fc.array(fc.tuple(fc.nat(captured.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(damage, (changes) => {
      const damaged = Buffer.from(captured);
      for (const [at, octet] of changes) damaged[at] = octet;
      const message = decode(damaged);
      if (message) encode(message);
    }),
    { numRuns: 5000 },
  );
  fc.assert(fc.property(fc.uint8Array(), (octets) => void decode(Buffer.from(octets))));
});

test("what is encoded decodes to the same", () => {
  const arc = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
  const oid = fc
    .tuple(fc.nat(2), fc.nat(39), fc.array(arc, { minLength: 1, maxLength: 20 }))
    .map((arcs) => arcs.flat().join("."));
  const number = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const value = fc.oneof(
    number.map((value) => ber.integer(value)),
    fc.string({ maxLength: 300 }).map(ber.text),
    oid.map(ber.oid),
  );
  const message: fc.Arbitrary<Message> = fc.record({
    version: fc.constantFrom(0, 1),
    community: fc.string(),
    pdu: fc.constantFrom(0xa0, 0xa1, 0xa2, 0xa5),
    requestId: number,
    errorStatus: fc.nat(18),
    errorIndex: fc.nat(100),
    bindings: fc.array(fc.record({ oid, value }), { maxLength: 20 }),
  });
  fc.assert(
    fc.property(message, (message) => {
      expect(decode(encode(message))).toEqual(message);
    }),
  );
});
