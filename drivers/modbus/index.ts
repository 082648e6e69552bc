import { defineDriver } from "../driver.ts";
import { plan } from "./plan.ts";
import { addressSchema, busSchema, deviceSchema, partSchema } from "./schema.ts";
import { openSession } from "./session.ts";

/** Modbus TCP. How it behaves and what it guards against: README.md. */
export const modbus = defineDriver({
  protocol: "modbus",
  describe: "Modbus TCP, directly or through a gateway: reads registers, coils and discrete inputs.",
  bus: busSchema,
  device: deviceSchema,
  address: addressSchema,
  part: partSchema,
  plan,
  open: openSession,
});
