import { defineDriver } from "../driver.ts";
import { airtimeMs } from "./airtime.ts";
import { discover } from "./discover.ts";
import { mistaken } from "./mistaken.ts";
import { pauseMs, plan } from "./plan.ts";
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
  window: ({ window }) => window,
  airtimeMs,
  pauseMs,
  open: (bus, env, _shared, learnt) => openSession(bus, env, learnt),
  discovery: {
    ...{ number: "unit", all: { from: 0, to: 255 }, usual: { from: 1, to: 247 }, isDisturbing: true },
    // Where devices stand as they come, or when nobody knows better.
    likely: (_, taken) =>
      [1, 2, 3, 247, 255]
        .filter((unit) => taken.every((one) => one.unit !== unit))
        .map((unit) => ({ from: unit, to: unit })),
    look: (bus, env, _shared, search) => discover(bus, env, search),
  },
  mistaken,
});
