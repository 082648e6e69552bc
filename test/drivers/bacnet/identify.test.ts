import { expect, test } from "vitest";
import { pdu } from "../../../drivers/bacnet/wire/apdu.ts";
import {
  closing,
  context,
  datagram,
  encoders,
  objectIdentifier,
  objectIdOctets,
  opening,
  unsignedOctets,
} from "../../../drivers/bacnet/wire/encode.ts";
import type { Told } from "../../../drivers/driver.ts";
import { peer, type Requested, type Script, session } from "./peer.ts";

/** What a BACnet device object says of itself, and devices that know only the plainest way to be asked. */

const inquiry = {
  device: { instance: 3000 },
  parts: [
    { name: "serial", address: { property: "serial-number" } },
    { name: "model", address: { property: "model-name" } },
  ],
} as const;
const brief = (told: readonly Told[]): string[] => told.map((one) => ("text" in one ? one.text : one.fault));

/** A character string: the octet that names its encoding, then its octets; longer than 4 by an extended length. */
const string = (encoding: number, octets: Buffer): Buffer => {
  const length = octets.length + 1;
  const head = length < 5 ? [0x70 | length] : length < 254 ? [0x75, length] : [0x75, 254, length >> 8, length & 0xff];
  return Buffer.from([...head, encoding, ...octets]);
};
const utf8 = (text: string): Buffer => string(0, Buffer.from(text));
const error = (code: number): Buffer => Buffer.concat([encoders.enumerated(2), encoders.enumerated(code)]);

/** A ReadPropertyMultiple-ACK of the device object: for each of serial number and model a value or an error. */
const many = (invokeId: number, values: readonly (readonly [number, Buffer, "value" | "error"])[]): Buffer =>
  datagram(
    pdu.complexAck,
    invokeId,
    14,
    context(0, objectIdOctets(8, 3000)),
    opening(1),
    ...values.flatMap(([property, value, kind]) => {
      const tag = kind === "value" ? 4 : 5;
      return [context(2, unsignedOctets(property)), opening(tag), value, closing(tag)];
    }),
    closing(1),
  );
const one = ({ invokeId }: Requested, property: number, value: Buffer): Buffer =>
  datagram(
    pdu.complexAck,
    invokeId,
    12,
    context(0, objectIdOctets(8, 3000)),
    context(1, unsignedOctets(property)),
    opening(3),
    value,
    closing(3),
  );
const serial = 372;
const model = 70;
const model3000 = [model, utf8("PCW 3000"), "value"] as const;

test.each<[string, Buffer, string]>([
  ["UTF-8", utf8("Größe 3"), "Größe 3"],
  ["UCS-2", string(4, Buffer.from("004100420031", "hex")), "AB1"],
  ["UCS-2 of an odd length", string(4, Buffer.from("0041004200", "hex")), "AB"],
  ["Latin-1", string(5, Buffer.from("47f6", "hex")), "Gö"],
  ["an encoding that nobody knows", string(99, Buffer.from("AB")), "AB"],
  ["a control character", utf8("A\u0007"), "A\\u{7}"],
  ["200 characters", utf8("x".repeat(200)), "x".repeat(128)],
  ["an empty text", utf8(""), "not_available"],
  ["a number", encoders.unsigned(4711), "4711"],
  ["an object", objectIdentifier(8, 3000), "3000"],
  ["null", Buffer.of(0), "not_available"],
  ["a list", Buffer.concat([utf8("A"), utf8("B")]), "wrong_type"],
])("%s", async (_, value, expected) => {
  const device = await peer(({ invokeId }) => many(invokeId, [[serial, value, "value"], model3000]));
  const told = await session(device.port).identify!(inquiry, 2000);
  expect(brief(told).slice(1)).toEqual(["PCW 3000"]);
  expect(brief(told)[0]).toBe(expected);
});

test.each<[string, Script, string[]]>([
  [
    "a property that it does not have is not told",
    ({ invokeId }) => many(invokeId, [[serial, error(32), "error"], model3000]),
    ["no_such_point", "PCW 3000"],
  ],
  [
    "a device that refuses both at once is asked for each",
    (asked, nth) =>
      nth === 0
        ? datagram(pdu.reject, asked.invokeId, 9)
        : nth === 1
          ? datagram(pdu.error, asked.invokeId, 12, error(32))
          : one(asked, model, utf8("PCW 3000")),
    ["no_such_point", "PCW 3000"],
  ],
  [
    "another device object than the configured one tells nothing",
    (asked) => datagram(pdu.error, asked.invokeId, asked.service, encoders.enumerated(1), encoders.enumerated(31)),
    ["no_such_point", "no_such_point"],
  ],
  [
    "a text too long to be read well tells nothing",
    ({ invokeId }) => many(invokeId, [[serial, utf8("x".repeat(300)), "value"], model3000]),
    ["bad_reply", "bad_reply"],
  ],
])("%s", async (_, script, expected) => {
  const device = await peer(script);
  expect(brief(await session(device.port).identify!(inquiry, 2000))).toEqual(expected);
});
