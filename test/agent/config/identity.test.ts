import { expect, test } from "vitest";
import { change, linesOf, loadWith, meter, site, ups } from "./hall.ts";

/** Who a device is: where its profile finds it, what the site says of it, and the rule that follows. */

const told = "identity: { serial: { oid: 1.3.6.1.4.1.9.1.0 }, firmware: { oid: 1.3.6.1.4.1.9.2.0 } }\n";
const stale = "  late: { type: stale, point: charge, after: 5m }\n";
const knownUps = `${ups}${stale}${told}`;
const given = (identity: string): string =>
  change(site, "  - id: ups-1\n", `  - id: ups-1\n    identity: ${identity}\n`);
const ruled = (rule: string): string =>
  change(site, "  - id: ups-1\n", `  - id: ups-1\n    rules: { identity: ${rule} }\n`);

const load = (siteYaml: string, profile = knownUps) =>
  loadWith({ "site.yaml": siteYaml, "profiles/ups/test.yaml": profile });
const severityOf = (siteYaml: string, profile = knownUps): string | undefined => {
  const { site: loaded } = load(siteYaml, profile);
  const found = loaded?.model.rules.find(({ name }) => name === "ups-1/identity");
  return found?.conditions[0]?.levels[0]?.severity;
};

test("a device that can tell who it is has a high rule of its own, which explains what is stale of it", () => {
  const { site: loaded, problems } = load(given('{ serial: "0042" }'));
  expect(problems).toEqual([]);
  const device = loaded!.devices.find(({ id }) => id === "ups-1")!;
  expect(device.identity).toEqual({
    parts: [
      { name: "serial", address: { oid: "1.3.6.1.4.1.9.1.0" } },
      { name: "firmware", address: { oid: "1.3.6.1.4.1.9.2.0" } },
    ],
    given: { serial: "0042" },
  });
  expect(severityOf(site)).toBe("high");
  expect([...loaded!.about.keys()]).toContain("hall/ups-1/-/identity");
  const late = loaded!.model.rules.find(({ name }) => name === "ups-1/late")!;
  expect(late.causes.map(({ rule }) => rule)).toEqual(["ups-1/identity"]);
  expect(Object.values(late.inputs)).toContain("@ups-1/identity");
});

test("the site changes the rule, or switches it off", () => {
  expect(severityOf(ruled("{ severity: critical }"))).toBe("critical");
  expect(severityOf(ruled("null"))).toBeUndefined();
});

test("a device that tells nothing, or its firmware only, has none", () => {
  expect(severityOf(site, ups)).toBeUndefined();
  expect(severityOf(site, `${ups}identity: { firmware: { oid: 1.3.6.1.4.1.9.2.0 } }\n`)).toBeUndefined();
});

test.each<[string, string, string, readonly string[]]>([
  [
    "a part that the profile does not tell",
    given("{ model: SMT1500 }"),
    knownUps,
    ["site.yaml:17:17: devices.1.identity.model: profile ups/test tells no model; expected one of serial, firmware."],
  ],
  [
    "a part of a device that tells nothing",
    given("{ serial: A1 }"),
    ups,
    ["site.yaml:17:17: devices.1.identity.serial: profile ups/test tells no serial; expected this to be left out."],
  ],
  [
    "a number, which would lose its zeros",
    given("{ serial: 42 }"),
    knownUps,
    ['site.yaml:17:17: devices.1.identity.serial: expected a text, not a number; put it in "quotes"'],
  ],
  [
    "firmware, which may change",
    given("{ firmware: A1 }"),
    knownUps,
    [
      'site.yaml:17:17: devices.1.identity.firmware: unknown option "firmware"; expected one of serial, id, mac, vendor, model',
    ],
  ],
  [
    "a part that nobody knows",
    site,
    `${ups}identity: { seriel: { oid: 1.3.6.1.4.1.9.1.0 } }\n`,
    ['profiles/ups/test.yaml:9:13: identity.seriel: unknown option "seriel". Did you mean "serial"?'],
  ],
  [
    "an address that is none",
    site,
    `${ups}identity: { serial: { oid: .1.3 } }\n`,
    [
      "profiles/ups/test.yaml:9:23: identity.serial.oid: expected a numeric OID without a leading dot, such as 1.3.6.1.2.1.33.1.2.4.0",
    ],
  ],
])("%s is told", (_, siteYaml, profile, lines) => {
  expect(linesOf(load(siteYaml, profile))).toEqual(lines);
});

test.each<[string, string, boolean]>([
  ["text in registers", "{ table: holding, register: 564, type: string, length: 16 }", true],
  ["of swapped bytes", "{ table: input, register: 564, type: string, length: 16, order: BADC }", true],
  ["an object of device identification", "{ object: 5 }", true],
  ["a reported server id", "{ serverId: true }", true],
  ["a number", "{ table: holding, register: 10, type: u32 }", true],
  ["text of no length", "{ table: holding, register: 564, type: string }", false],
  ["text in coils", "{ table: coil, register: 564, type: string, length: 16 }", false],
  ["another thing", "{ serial: 564 }", false],
  ["no server id", "{ serverId: false }", false],
])("Modbus: %s", (_, address, isRight) => {
  const lines = linesOf(loadWith({ "profiles/meter/test.yaml": `${meter}identity: { serial: ${address} }\n` }));
  const expected =
    "expected { object: … }, { serverId: true }, { table: …, register: …, type: string, length: … } or the address of a number";
  expect(lines).toEqual(isRight ? [] : [expect.stringContaining(`identity.serial: ${expected}`)]);
});
