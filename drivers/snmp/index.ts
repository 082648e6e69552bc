import { defineDriver } from "../driver.ts";
import { plan } from "./plan.ts";
import { address, bus, device } from "./schema.ts";
import { SnmpSession } from "./session.ts";

export const snmp = defineDriver({
  protocol: "snmp",
  describe: "Reads numeric OIDs of SNMPv1, SNMPv2c and SNMPv3 devices with GetRequest.",
  bus,
  device,
  address,
  part: address,
  plan,
  open: (bus, env) => new SnmpSession(bus, env),
});
