import fc from "fast-check";
import { expect, test } from "vitest";
import {
  broadcast,
  distributed,
  everyNetwork,
  forwarded,
  linkResult,
  readDatagram,
  registration,
  unicast,
} from "../../../drivers/bacnet/wire/packet.ts";

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const read = (hex: string) => readDatagram(bytes(hex));
const plain = { kind: "packet", isBroadcast: false, origin: null, source: null, destination: null };

test.each([
  ["a unicast", "810a0009 0100 710504", { ...plain, apdu: bytes("710504") }],
  ["a broadcast", "810b0009 0100 710504", { ...plain, isBroadcast: true }],
  [
    "one to all networks",
    "810b000d 0120ffff00ff 100800",
    { ...plain, isBroadcast: true, destination: { network: 65535, mac: "" } },
  ],
  ["one from behind a router", "810a000d 010800050107 710504", { ...plain, source: { network: 5, mac: "07" } }],
  [
    "one to behind a router, from behind another",
    "810a0017 0128 0005 0107 0006 06c0a80105bac0 ff 710504".replace("0017", "0017"),
    { ...plain, destination: { network: 5, mac: "07" }, source: { network: 6, mac: "c0a80105bac0" } },
  ],
  [
    "one that a BBMD sends on",
    "8104000f c0000201bac0 0100 710504",
    { ...plain, isBroadcast: true, origin: { host: "192.0.2.1", port: 47808 } },
  ],
  ["a result", "81000006 0030", { kind: "result", code: 0x30 }],
  ["a registration", "81050006 003c", { kind: "register", ttlS: 60 }],
  ["a router that knows no way", "810a000a 0180 03 01 0005", { kind: "message", type: 3, network: 5, reason: 1 }],
])("%s", (_, hex, expected) => {
  expect(read(hex)).toMatchObject(expected);
});

test.each([
  ["a length that is not the datagram's", "810a000a 0100 710504"],
  ["a datagram of another protocol", "820a0009 0100 710504"],
  ["another version of the network layer", "810a0009 0200 710504"],
  ["an address that is cut off", "810a000b 0108 000506 0102"],
  ["a source that is nowhere", "810a000c 0108 000500 710504"],
  ["a source that is everywhere", "810a000d 0108 ffff0107 710504"],
  ["no APDU", "810a0006 0100"],
  ["an unknown function", "810c0009 0100 710504"],
])("%s is nothing", (_, hex) => {
  expect(read(hex)).toBeNull();
});

const apdu = bytes("1008");
const station = { network: 5, mac: "07" };
test.each([
  ["unicast", unicast(apdu), "810a0008 0100 1008"],
  ["unicast, an answer expected", unicast(apdu, { isReplyExpected: true }), "810a0008 0104 1008"],
  [
    "unicast through a router",
    unicast(apdu, { destination: station, isReplyExpected: true }),
    "810a000d 0124 00050107 ff 1008",
  ],
  ["unicast from behind a router", unicast(apdu, { source: station }), "810a000c 0108 00050107 1008"],
  [
    "broadcast everywhere",
    broadcast(apdu, { destination: { network: everyNetwork, mac: "" } }),
    "810b000c 0120 ffff00 ff 1008",
  ],
  ["distributed", distributed(apdu), "81090008 0100 1008"],
  ["forwarded", forwarded(apdu, { host: "192.0.2.1", port: 47808 }), "8104000e c0000201bac0 0100 1008"],
  ["registration", registration(60), "81050006 003c"],
  ["result", linkResult(0), "81000006 0000"],
])("written: %s", (_, datagram, hex) => {
  expect(datagram.toString("hex")).toBe(hex.replaceAll(" ", ""));
});

test("reading is total, and reads what was written", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(11), (octets, func) => {
      const body = Buffer.from(octets);
      readDatagram(body);
      readDatagram(Buffer.concat([Buffer.of(0x81, func, 0, body.length + 4), body]));
      if (body.length > 0)
        expect(readDatagram(unicast(body, { source: station }))).toMatchObject({ source: station, apdu: body });
    }),
  );
});
