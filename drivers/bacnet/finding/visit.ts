import { createSocket } from "node:dgram";
import { type Env, within } from "../../../agent/env.ts";
import type { Visit } from "../../driver.ts";
import { type Network, network as networkOptions } from "../schema.ts";
import type { Hub } from "../wire/hub.ts";

/**
 * The network for somebody who only asks. It introduces itself as no device and takes no events: those are the agent's, which may
 * have the port of the network; then another port asks, and what devices broadcast is heard where the site file names the
 * broadcast address, on which ports can be shared.
 */
export async function visit(given: Network | null, env: Env, hub: Hub): Promise<Visit> {
  const network = given ?? networkOptions.parse({});
  const { address, port, broadcast, bbmd } = network;
  const taken = await whyNot(address, port);
  if (taken !== null && taken !== inUse)
    return { lost: `no socket at ${address}:${port} (${taken}), as bacnet.address has it`, limits: [] };
  const isEar = address !== "0.0.0.0" && broadcast !== "255.255.255.255";
  const limits = taken !== null && !isEar ? [deaf(port)] : [];
  const registered = new Promise<string | null>((registration) => {
    hub.join(taken === null ? network : { ...network, ownPort: 0 }, { registration });
  });
  if (bbmd === undefined) return { lost: null, limits };
  const silence = `the BBMD ${bbmd.host}:${bbmd.port} does not answer`;
  const unregistered = await within(env, bbmdMs, registered, () => silence);
  return { lost: null, limits: unregistered === null ? limits : [...limits, unreached(unregistered)] };
}

const bbmdMs = 3000;
const inUse = "EADDRINUSE";

const deaf = (port: number): string =>
  `UDP port ${port} is in use on this machine, as by a running agent: of devices that answer Who-Is by broadcast nothing is heard. Give bacnet.address and bacnet.broadcast in the site file, or stop the agent meanwhile.`;
const unreached = (why: string): string =>
  `${why}: devices beyond it are not asked. Check bacnet.bbmd of the site file, and that the BBMD takes foreign devices.`;

/** Why the port cannot be bound to; null: it can. */
function whyNot(address: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", (error: NodeJS.ErrnoException) => socket.close(() => resolve(error.code ?? error.message)));
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(null)));
  });
}
