import { createSocket } from "node:dgram";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import type { Env } from "../../../agent/env.ts";
import { type Address, forwarded, linkResult, type Packet, readDatagram } from "../../../drivers/bacnet/wire/packet.ts";

/**
 * A BBMD (ASHRAE 135, annex J.4 and J.5): a foreign device registers, and from then on hears what is broadcast in the BBMD's
 * segment, and has its own broadcasts made there.
 */
export interface Bbmd {
  readonly port: number;
  /** Registered now. */
  foreign(): Address[];
  /** From now on, registrations are refused. */
  refuse(): void;
  /** Says nothing any more. */
  hush(): void;
}

/** What a registration holds beyond its time to live. */
const graceMs = 30_000;
const done = 0x0000;
const registrationRefused = 0x0030;
const distributionRefused = 0x0060;

/** @param segment who is in its segment: each is sent what is broadcast there */
export async function bbmd(env: Env, segment: readonly Address[], host = "127.0.0.1"): Promise<Bbmd> {
  const socket = createSocket("udp4").bind(0, host);
  onTestFinished(() => void socket.close());
  await once(socket, "listening");
  const registered = new Map<string, { readonly at: Address; readonly until: number }>();
  let how: "well" | "refusing" | "hushed" = "well";
  const send = (octets: Buffer, { host, port }: Address): void => socket.send(octets, port, host, () => {});
  const isSame = (one: Address, other: Address): boolean => one.host === other.host && one.port === other.port;
  const foreign = (): Address[] =>
    [...registered.values()].filter(({ until }) => until > env.clock.mono()).map(({ at }) => at);

  const forward = ({ apdu, source, destination }: Packet, origin: Address, to: readonly Address[]): void => {
    for (const one of to) if (!isSame(one, origin)) send(forwarded(apdu, origin, { source, destination }), one);
  };
  socket.on("message", (octets, { address, port }) => {
    const from = { host: address, port };
    const read = readDatagram(octets);
    if (read === null || how === "hushed") return;
    if (read.kind === "register") {
      if (how === "well") {
        const until = env.clock.mono() + read.ttlS * 1000 + graceMs;
        registered.set(`${address}:${port}`, { at: from, until });
      }
      send(linkResult(how === "well" ? done : registrationRefused), from);
      return;
    }
    if (read.kind !== "packet" || !read.isBroadcast || read.origin !== null) return;
    // A broadcast of the segment comes from one that is in it; any other asks for one to be made.
    if (segment.some((one) => isSame(one, from))) forward(read, from, foreign());
    else if (foreign().some((one) => isSame(one, from))) forward(read, from, [...segment, ...foreign()]);
    else send(linkResult(distributionRefused), from);
  });
  return {
    ...{ port: socket.address().port, foreign },
    refuse() {
      how = "refusing";
    },
    hush() {
      how = "hushed";
    },
  };
}
