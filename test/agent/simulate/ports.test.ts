import { expect, test } from "vitest";
import { withPorts } from "../../../agent/simulate/ports.ts";

const text = `version: 1
# The gateway in the switch room.
buses:
  gateway: { protocol: modbus, host: 127.0.0.1, port: 15021 }
devices:
  - id: ups-a # the older one
    bus: { protocol: snmp, host: 127.0.0.1, port: 16101 }
  - id: meter
    bus: gateway
`;

test("ports change where they stand, and nothing else does", () => {
  const ports = new Map([
    ["gateway", 40_001],
    ["ups-a", 40_002],
    ["meter", 40_003],
    ["no-such-bus", 40_004],
  ]);
  expect(withPorts(text, ports)).toBe(text.replace("15021", "40001").replace("16101", "40002"));
});

test("a bus that relied on the protocol's port gets one", () => {
  const given = "devices:\n  - id: ups-a\n    bus:\n      protocol: snmp\n";
  expect(withPorts(given, new Map([["ups-a", 5]]))).toBe(`${given}      port: 5\n`);
});
