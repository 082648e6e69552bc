import { expect, test } from "vitest";
import { address, bus, device } from "../../../drivers/snmp/schema.ts";

test("all but the host has a default, and the community prints nowhere", () => {
  const parsed = bus.parse({ host: "ups-1.example" });
  expect(parsed).toMatchObject({ port: 161, version: "2c", maxOids: 20 });
  expect(parsed.community.reveal()).toBe("public");
  expect(JSON.stringify(bus.parse({ host: "ups-1.example", community: "hush" }))).not.toContain("hush");
});

test.each(["192.0.2.7", "2001:db8::7", "ups-1", "ups_1.example.", "10-0-0-7.example"])("host %s", (host) => {
  expect(bus.safeParse({ host }).success).toBe(true);
});

test.each([
  ["no host", {}],
  ["an empty host", { host: "" }],
  ["a URL", { host: "udp://ups" }],
  ["a host with a blank", { host: "ups 1" }],
  ["an empty community", { host: "ups", community: "" }],
  ["version 2", { host: "ups", version: 2 }],
  ["no OIDs at all", { host: "ups", maxOids: 0 }],
  ["an unknown option", { host: "ups", retries: 3 }],
])("a bus with %s is refused", (_, options) => {
  expect(bus.safeParse(options).success).toBe(false);
});

test("a device has no options", () => {
  expect(device.parse({})).toEqual({});
  expect(device.safeParse({ unit: 1 }).success).toBe(false);
});

test.each(["1.3.6.1.2.1.1.3.0", "0.0.0", "2.39.4294967295"])("OID %s", (oid) => {
  expect(address.safeParse({ oid }).success).toBe(true);
});

test.each([
  ".1.3.6.1",
  "1.3",
  "",
  "iso.3.6.1",
  "1.3.6.1.",
  "1.3..6",
  "3.3.6.1",
  "1.40.6",
  "1.3.06",
  "1.3.4294967296",
  "1.3.6 ",
  `1.3${".1".repeat(127)}`,
])("OID %j is refused", (oid) => {
  expect(address.safeParse({ oid }).success).toBe(false);
});
