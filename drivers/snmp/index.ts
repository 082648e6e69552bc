import { defineDriver } from "../driver.ts";
import { address, part } from "./address.ts";
import { plan } from "./plan.ts";
import { bus, device } from "./schema.ts";
import { SnmpSession } from "./session.ts";

export const snmp = defineDriver({
  protocol: "snmp",
  describe: "Reads numeric OIDs and tables of SNMPv1, SNMPv2c and SNMPv3 devices.",
  bus,
  device,
  address,
  part,
  plan,
  open: (bus, env) => new SnmpSession(bus, env),
});
