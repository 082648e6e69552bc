import { expect, test } from "vitest";
import type { Told } from "../../../drivers/driver.ts";
import * as ber from "../../../drivers/snmp/ber.ts";
import { encode } from "../../../drivers/snmp/message.ts";
import { all, peer, response, root, session } from "./peer.ts";

/** What an SNMP device says of itself, in whatever type it says it. */

const inquiry = (...rows: number[]) => ({
  device: {},
  parts: rows.map((row) => ({ name: `part${row}`, address: { oid: `${root}.${row}` } })),
});
const brief = (told: readonly Told[]): string[] => told.map((one) => ("text" in one ? one.text : one.fault));
const element = (tag: number, hex: string): ber.Element => ({ tag, content: Buffer.from(hex, "hex") });

test.each<[string, ber.Element, string]>([
  ["DisplayString", ber.text("AP8853"), "AP8853"],
  ["OBJECT IDENTIFIER, such as sysObjectID", ber.oid("1.3.6.1.4.1.318.1.3.4.6"), "1.3.6.1.4.1.318.1.3.4.6"],
  ["PhysAddress", element(ber.tags.octetString, "00c0b7a1b2c3"), "00:c0:b7:a1:b2:c3"],
  ["binary octets", element(ber.tags.octetString, "ff00fe"), "ff:00:fe"],
  ["padding", ber.text("5PX \0\0"), "5PX"],
  ["a terminal's commands", ber.text("\u001b[2JAP"), "\\u{1b}[2JAP"],
  ["a long text", ber.text("x".repeat(400)), "x".repeat(128)],
  ["a number", ber.integer(4711), "4711"],
  ["no octets", ber.text(""), "not_available"],
  ["Null", element(ber.tags.null, ""), "not_available"],
  ["NoSuchObject", element(ber.tags.noSuchObject, ""), "no_such_point"],
  ["NoSuchInstance", element(ber.tags.noSuchInstance, ""), "no_such_point"],
  ["EndOfMibView", element(ber.tags.endOfMibView, ""), "no_such_point"],
])("%s", async (_, value, expected) => {
  const device = await peer((asked) => all(asked, value));
  expect(brief(await session(device.port).identify(inquiry(1), 3000))).toEqual([expected]);
});

test("all parts are asked at once, and those of one request that another fails are asked again", async () => {
  const device = await peer((asked, nth) => {
    const bindings = asked.bindings.map(({ oid }) => ({ oid, value: ber.text(oid.slice(-1)) }));
    if (nth === 0) return encode(response(asked, { errorStatus: 5, errorIndex: 2, bindings }));
    return encode(response(asked, { bindings }));
  });
  expect(brief(await session(device.port).identify(inquiry(1, 2, 3), 3000))).toEqual(["1", "device_error", "3"]);
  expect(device.requests.map(({ bindings }) => bindings.length)).toEqual([3, 2]);
});

test("an answer of other OIDs tells nothing", async () => {
  const device = await peer((asked) =>
    encode(response(asked, { bindings: [{ oid: `${root}.9`, value: ber.text("S-other") }] })),
  );
  expect(brief(await session(device.port).identify(inquiry(1), 3000))).toEqual(["bad_reply"]);
});
