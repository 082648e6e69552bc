import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { bus, network } from "../../../drivers/bacnet/schema.ts";
import { hubOf, type NetworkEars } from "../../../drivers/bacnet/wire/hub.ts";
import { broadcast } from "../../../drivers/bacnet/wire/packet.ts";
import { iAm } from "../../../drivers/bacnet/wire/whois.ts";
import { deadlineIn } from "../../../drivers/deadline.ts";
import { until } from "../../process.ts";
import { env } from "./peer.ts";

/** The sockets of the driver: not shared, hearing broadcasts, and opened again. */

const here = "127.77.8.1";
const ears: NetworkEars = { event: () => {}, dropped: () => {}, registration: () => {} };

async function bound(options: { readonly address?: string; readonly port?: number; readonly isShared?: boolean }) {
  const { address = here, port = 0, isShared = false } = options;
  const socket = createSocket({ type: "udp4", reuseAddr: isShared });
  socket.bind({ port, address, exclusive: true });
  await once(socket, "listening");
  onTestFinished(() => void closed(socket));
  return socket;
}
const closed = (socket: Socket): Promise<void> =>
  new Promise((done) => {
    try {
      socket.close(done);
    } catch {
      done(); // it was before
    }
  });
/** One that nobody has. */
async function freePort(): Promise<number> {
  const socket = await bound({});
  const { port } = socket.address();
  await closed(socket);
  return port;
}

test("the port is not shared: another process gets none of our answers", async () => {
  const port = await freePort();
  const hub = hubOf(env);
  onTestFinished(() => hub.close());
  const status = hub.join(network.parse({ address: here, port, broadcast: "127.255.255.255" }), ears);
  expect(await until(() => status.at())).toBe(`${here}:${port}`);
  await expect(bound({ port, isShared: true })).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test.each([here, "0.0.0.0"])("a broadcast I-Am is heard at %s", async (address) => {
  const port = await freePort();
  const hub = hubOf(env);
  onTestFinished(() => hub.close());
  const status = hub.join(network.parse({ address, port, broadcast: "127.255.255.255" }), ears);
  await until(() => status.at());
  const device = await bound({ address: "127.77.8.2" });
  device.setBroadcast(true);
  const found = hub.directory.find(7, deadlineIn(env, 30_000));
  const again = setInterval(() => device.send(broadcast(iAm(7)), port, "127.255.255.255"), 50);
  onTestFinished(() => clearInterval(again));
  expect(await found).toMatchObject({ peer: { host: "127.77.8.2", port: device.address().port } });
});

test("names are no hosts, of which a lookup could fail later", () => {
  for (const host of ["crac.example", "localhost", "::1", ""]) expect(bus.safeParse({ host }).success).toBe(false);
  expect(network.safeParse({ bbmd: { host: "bbmd.example" } }).success).toBe(false);
});
