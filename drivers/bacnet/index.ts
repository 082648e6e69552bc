import { defineDriver } from "../driver.ts";
import { Hub } from "./hub.ts";
import { plan } from "./plan.ts";
import { address, bus, device, part } from "./schema.ts";
import { BacnetSession } from "./session.ts";

export const bacnet = defineDriver({
  protocol: "bacnet",
  describe: "Reads BACnet/IP objects with ReadPropertyMultiple, or ReadProperty where a device knows no other.",
  bus,
  device,
  address,
  part,
  plan,
  share: (env) => new Hub(env),
  open: (bus, env, hub) => new BacnetSession(bus, env, hub),
});
