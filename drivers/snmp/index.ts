import { defineDriver, defineListening } from "../driver.ts";
import { address, part } from "./address.ts";
import { enginesOf, placeOf } from "./engines.ts";
import { listen } from "./listener.ts";
import { plan } from "./plan.ts";
import { bus, device } from "./schema.ts";
import { SnmpSession } from "./session.ts";
import { trap, trapOptions } from "./trap-schema.ts";

export const snmp = defineDriver({
  protocol: "snmp",
  describe: "Reads numeric OIDs and tables of SNMPv1, SNMPv2c and SNMPv3 devices.",
  bus,
  device,
  address,
  part,
  plan,
  listening: defineListening({ section: "traps", options: trapOptions, trap, listen }),
  share: enginesOf,
  open(bus, env, engines, learnt) {
    const place = placeOf(bus);
    if (place !== null) engines.place(bus, place);
    return new SnmpSession(bus, env, engines, learnt);
  },
});
