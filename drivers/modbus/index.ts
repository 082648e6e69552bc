import { defineDriver } from "../driver.ts";
import { discover } from "./discover.ts";
import { mistaken } from "./mistaken.ts";
import { plan } from "./plan.ts";
import { addressSchema, busSchema, deviceSchema, partSchema, placeOfBus } from "./schema.ts";
import { openSession } from "./session.ts";

/** Modbus over TCP, UDP and serial lines. How it behaves and what it guards against: README.md. */
export const modbus = defineDriver({
  protocol: "modbus",
  describe: "Modbus TCP, UDP or RTU, directly or through a gateway: reads registers, coils and discrete inputs.",
  bus: busSchema,
  device: deviceSchema,
  address: addressSchema,
  part: partSchema,
  place: placeOfBus,
  plan,
  open: openSession,
  discover,
  mistaken,
});
