import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createRequire } from "node:module";
import { onTestFinished } from "vitest";

/**
 * @bacnet-js/client, an implementation of BACnet that is not ours, on addresses of 127.0.0.0/8 alone. It must not be asked from
 * 127.0.0.1:47808, which it takes for itself.
 */

// CommonJS, whose default TypeScript and Node have at different places.
export const theirs = createRequire(import.meta.url)("@bacnet-js/client") as typeof import("@bacnet-js/client");
type Client = InstanceType<typeof theirs.default>;

export const broadcastAddress = "127.255.255.255";
export const our = "127.88.0.1";
export const their = "127.88.0.2";
export const deviceInstance = 3000;

export type Value = { readonly type: number; readonly value: unknown };
const { ApplicationTag } = theirs;
/** Status flags of which the numbered ones are set. */
export const flags = (...set: number[]): Value => ({
  type: ApplicationTag.BIT_STRING,
  value: { bitsUsed: 4, value: [set.reduce((all, bit) => all | (1 << bit), 0)] },
});

/** One that nobody has. */
export async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, our);
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((done) => socket.close(done));
  return port;
}

export async function client(host: string, port: number, reuseAddr = false): Promise<Client> {
  const one = new theirs.default({ interface: host, port, reuseAddr, broadcastAddress: `${broadcastAddress}:${port}` });
  // It emits what it cannot do, and where nobody listens that ends the process.
  one.on("error", () => {});
  onTestFinished(() => one.close());
  await new Promise<void>((listening) => one.on("listening", listening));
  return one;
}
