import { defineDriver, defineListening } from "../driver.ts";
import { discovery } from "./finding/discover.ts";
import { mistaken } from "./finding/mistaken.ts";
import { units } from "./finding/told-units.ts";
import { visit } from "./finding/visit.ts";
import { listen } from "./listener.ts";
import { plan } from "./plan.ts";
import { address, bus, device, network, part, trap } from "./schema.ts";
import { sessionOn } from "./session.ts";
import { hubOf } from "./wire/hub.ts";

export const bacnet = defineDriver({
  protocol: "bacnet",
  describe: "Reads BACnet/IP objects with ReadPropertyMultiple, or ReadProperty where a device knows no other.",
  bus,
  device,
  address,
  part,
  plan,
  window: ({ window }) => window,
  listening: defineListening({
    section: "bacnet",
    options: network,
    trap,
    listen,
    visit,
    isNeededBy: ({ host }) => host === undefined,
  }),
  ...{ discovery, mistaken, units },
  share: hubOf,
  open: (bus, env, hub, learnt, news) => sessionOn(bus, { env, hub, learnt, news }),
});
