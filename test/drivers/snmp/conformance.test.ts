import { snmp } from "../../../drivers/snmp/index.ts";
import { startSnmpSimulator } from "../../../drivers/snmp/simulator.ts";
import { conformance } from "../conformance.ts";
import type { Fixture } from "../stage.ts";

const outlets = "1.3.6.1.4.1.99999.6.1";
const alarms = "1.3.6.1.2.1.33.1.6.2.1";
const known = "1.3.6.1.2.1.33.1.6.3";

const fixture: Omit<Fixture, "bus"> = {
  driver: snmp,
  startSimulator: startSnmpSimulator,
  device: {},
  points: [
    { address: { oid: "1.3.6.1.2.1.33.1.2.1.0" }, value: 2 },
    { address: { oid: "1.3.6.1.2.1.33.1.2.7.0" }, value: -21 },
    { address: { oid: "1.3.6.1.2.1.33.1.2.10.0" }, value: 4_294_967_295 },
    { address: { oid: "1.3.6.1.2.1.33.1.3.3.1.3.1" }, value: 230.1 },
    { address: { oid: "1.3.6.1.2.1.33.1.3.3.1.3.2" }, value: 0.000_000_1 },
    { address: { oid: "1.3.6.1.2.1.33.1.3.3.1.3.10" }, value: -2_147_483_648 },
    { address: { oid: "1.3.6.1.4.1.318.1.1.1.2.2.1.0" }, value: 9_007_199_254_740_991 },
    { address: { oid: "1.3.6.1.4.1.4294967295.1.0" }, value: 0 },
    { address: { oid: "1.3.6.1.2.1.25.1.2.0", as: "DateAndTime" }, value: 1_773_457_929.2 },
    { address: { column: `${outlets}.5`, row: "1.7", digits: `${outlets}.6` }, value: 3497 },
    {
      address: { column: `${outlets}.5`, where: { [`${outlets}.2`]: "Outlet 5" }, divisor: `${outlets}.7` },
      value: 12,
    },
    { address: { column: `${outlets}.5`, where: { [`${outlets}.2`]: "Outlet 6" } }, value: -4.5 },
    { address: { rows: "count", where: { [`${alarms}.2`]: `${known}.2` }, beside: `${known}.99` }, value: 2 },
    { address: { rows: "max", column: "1.3.6.1.4.1.99999.7.1.3", beside: `${known}.98` }, value: 230.1 },
  ],
  parts: [
    { address: { oid: "1.3.6.1.4.1.318.1.1.26.2.1.9.1" }, text: "ZA1234567890" },
    { address: { oid: "1.3.6.1.2.1.1.2.0" }, text: "1.3.6.1.4.1.318.1.3.4.6" },
    { address: { oid: "1.3.6.1.2.1.33.1.1.2.0" }, text: "5PX 3000" },
    { address: { oid: "1.3.6.1.2.1.33.1.1.3.0" }, text: "02.14.0026" },
  ],
};

const version3 = {
  version: 3,
  user: "ops",
  auth: { protocol: "sha256", key: "authpass12" },
  priv: { protocol: "aes128", key: "privpass12" },
};

for (const [name, spoken] of [
  ["snmp, v2c,", {}],
  ["snmp, v3,", version3],
] as const)
  conformance(name, { ...fixture, bus: (host, port) => ({ host, port, maxOids: 3, ...spoken }) });
