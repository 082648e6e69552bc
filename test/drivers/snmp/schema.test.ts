import { expect, test } from "vitest";
import { bus, device } from "../../../drivers/snmp/schema.ts";

test("all but the host has a default, and the community prints nowhere", () => {
  const parsed = bus.parse({ host: "ups-1.example" });
  expect(parsed).toMatchObject({ port: 161, version: "2c", maxOids: 20 });
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

const auth = { protocol: "sha256", key: "authpass12" };
const priv = { protocol: "aes256-c", key: "privpass12" };

test.each([
  ["a user alone", { user: "ops" }],
  ["a user with auth", { user: "ops", auth }],
  ["a user with auth and priv in a context", { user: "ops", auth, priv, context: "ups" }],
])("version 3 with %s; the keys print nowhere", (_, options) => {
  const parsed = bus.parse({ host: "ups", version: 3, ...options });
  expect(JSON.stringify(parsed)).not.toMatch(/pass12/);
});

test.each<[string, object, string]>([
  ["version 3 without a user", { version: 3 }, "user"],
  ["version 3 with an empty user", { version: 3, user: "" }, "user"],
  ["version 3 with a community", { version: 3, user: "ops", community: "public" }, "community"],
  ["priv without auth", { version: 3, user: "ops", priv }, "priv"],
  ["a protocol that there is not", { version: 3, user: "ops", auth: { ...auth, protocol: "sha" } }, "auth.protocol"],
  [
    "a cipher that there is not",
    { version: 3, user: "ops", auth, priv: { ...priv, protocol: "aes" } },
    "priv.protocol",
  ],
  ["a key of seven characters", { version: 3, user: "ops", auth: { ...auth, key: "1234567" } }, "auth.key"],
  ["no key", { version: 3, user: "ops", auth, priv: { protocol: "des" } }, "priv.key"],
  ["a user in version 2c", { user: "ops" }, "user"],
  ["auth in version 1", { version: 1, auth }, "auth"],
  ["a context in version 2c", { version: "2c", context: "ups" }, "context"],
])("%s is refused where it stands", (_, options, place) => {
  const { error } = bus.safeParse({ host: "ups", ...options });
  expect(error?.issues.map(({ path }) => path.join("."))).toEqual([place]);
  expect(JSON.stringify(error?.issues)).not.toMatch(/pass12|1234567/);
});

test("a device has no options", () => {
  expect(device.parse({})).toEqual({});
  expect(device.safeParse({ unit: 1 }).success).toBe(false);
});
