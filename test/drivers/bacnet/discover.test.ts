import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { discovery } from "../../../drivers/bacnet/finding/discover.ts";
import { visit } from "../../../drivers/bacnet/finding/visit.ts";
import { type Bus, bus as busSchema, network as networkSchema } from "../../../drivers/bacnet/schema.ts";
import { startBacnetSimulator } from "../../../drivers/bacnet/simulated/simulator.ts";
import {
  context,
  datagram,
  encoders,
  objectIdentifier,
  objectIdOctets,
  unsignedOctets,
} from "../../../drivers/bacnet/wire/encode.ts";
import { hubOf } from "../../../drivers/bacnet/wire/hub.ts";
import { broadcast, readDatagram } from "../../../drivers/bacnet/wire/packet.ts";
import type { Found, Owner, Range } from "../../../drivers/driver.ts";
import { freePort } from "../../interop/mosquitto.ts";
import { bbmd } from "./bbmd.ts";
import { analogInput, env } from "./peer.ts";

/** Who is on a network, over real sockets: simulated devices, and some that a test makes. */

const loopback = { address: "127.0.0.1", broadcast: "127.255.255.255" };
const everybody: readonly Range[] = [{ from: 1, to: 900 }];

interface Terms {
  readonly bus?: object;
  /** As `bacnet` of a site file; null: it has none. */
  readonly network?: object | null;
  readonly ranges?: readonly Range[];
  readonly timeoutMs?: number;
  /** Who has an object of this name, instead of who is there. */
  readonly named?: string;
  readonly signal?: AbortSignal;
}

async function look({ bus = {}, network = null, ranges = everybody, timeoutMs = 400, named, signal }: Terms) {
  const hub = hubOf(env);
  onTestFinished(() => hub.close());
  const visited = await visit(network === null ? null : networkSchema.parse(network), env, hub);
  const found: Found[] = [];
  const owners: Owner[] = [];
  let tried = 0;
  const terms = {
    ...{ ranges, timeoutMs, signal: signal ?? new AbortController().signal },
    tried(count: number) {
      tried += count;
    },
  };
  const options: Bus = busSchema.parse(bus);
  const lost =
    named === undefined
      ? await discovery.look(options, env, hub, { ...terms, found: (one) => void found.push(one) })
      : await discovery.seek?.(named, options, env, hub, { ...terms, found: (one) => void owners.push(one) });
  await hub.close();
  return { visited, lost, tried, found, owners };
}

const at = (instance: number, route: object = {}) => ({ instance, ...route });
const point = (device: { readonly instance: number }, nth = 1) => ({
  ...analogInput(nth),
  id: `d${device.instance}/t${nth}`,
  device,
});

/** A simulated site; of a bus without host each device has a port of its own. */
async function site(devices: readonly { readonly instance: number }[], bus: object = {}) {
  const port = "host" in bus ? 0 : await freePort();
  const running = await startBacnetSimulator({
    ...{
      host: "127.0.0.1",
      port,
      bus: busSchema.parse(bus),
      points: devices.map((one) => point(one)),
      value: () => 21,
    },
  });
  onTestFinished(() => running.close());
  return running;
}

const self = (instance: number) => ({
  ...{ vendor: "mepwatch", model: "simulator", revision: "1", name: `mepwatch simulator ${instance}` },
});
const brief = (found: readonly Found[]) => found.map(({ device, at }) => ({ device, at }));

test("on a bus without a host whoever answers Who-Is, with what it says of itself and where it is", async () => {
  const { port } = await site([at(30), at(7), at(31, { network: 5, mac: "0a" })]);
  const { visited, lost, tried, found } = await look({ network: { ...loopback, port } });
  expect({ visited, lost, tried }).toEqual({ visited: { lost: null, limits: [] }, lost: null, tried: 900 });
  const place = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
  expect(found).toEqual([
    { device: { instance: 7 }, at: place, ...self(7) },
    { device: { instance: 30 }, at: place, ...self(30) },
    { device: { instance: 31 }, at: expect.stringMatching(/ \(network 5, mac 0a\)$/), ...self(31) },
  ]);
});

test("only the instances that are asked for", async () => {
  const { port } = await site([at(30), at(7)]);
  const { found, tried } = await look({ network: { ...loopback, port }, ranges: [{ from: 5, to: 9 }] });
  expect(brief(found)).toMatchObject([{ device: { instance: 7 } }]);
  expect(tried).toBe(5);
});

test("on a bus with a host that device, and those behind it if it is a router, where a site file has them", async () => {
  const { port } = await site([at(7), at(31, { network: 5, mac: "0a" })], { host: "127.0.0.1" });
  const strange = await site([at(8)], { host: "127.0.0.1" });
  expect(strange.port).not.toBe(port);
  const { lost, found } = await look({
    bus: { host: "127.0.0.1", port },
    network: { ...loopback, port: await freePort() },
  });
  expect(lost).toBeNull();
  expect(brief(found)).toEqual([
    { device: { instance: 7 }, at: `127.0.0.1:${port}` },
    { device: { instance: 31, network: 5, mac: "0a" }, at: `127.0.0.1:${port} (network 5, mac 0a)` },
  ]);
});

test("two devices of one instance are both found", async () => {
  const { port } = await site([at(7), at(7, { network: 5, mac: "0a" })]);
  const { found } = await look({ network: { ...loopback, port } });
  expect(found.map(({ device }) => device)).toEqual([{ instance: 7 }, { instance: 7 }]);
  expect(new Set(found.map(({ at }) => at)).size).toBe(2);
});

test.each(["no-rpm", "small-apdu"])("a device that is asked singly tells the same (%s)", async (how) => {
  const running = await site([at(7)]);
  running.misbehave(how);
  const { found } = await look({ network: { ...loopback, port: running.port } });
  expect(found).toMatchObject([self(7)]);
});

test("who has an object of a name: device, object type and instance", async () => {
  const { port } = await site([at(7), at(8, { network: 5, mac: "0a" })]);
  const { owners, lost } = await look({ network: { ...loopback, port }, named: "d8/t1" });
  expect(lost).toBeNull();
  expect(owners).toEqual([
    {
      device: { instance: 8 },
      at: expect.stringMatching(/ \(network 5, mac 0a\)$/),
      object: "analog-input 1",
      name: "d8/t1",
    },
  ]);
});

/** A device by hand: `answer` is what it says to each datagram that comes to it, or to the port of the broadcast. */
async function byHand(answer: (bytes: Buffer, from: RemoteInfo, socket: Socket) => void, ear?: number) {
  const sockets = [createSocket("udp4"), createSocket({ type: "udp4", reuseAddr: true })] as const;
  const [own, shared] = sockets;
  for (const socket of sockets) socket.on("message", (bytes, from) => answer(bytes, from, own));
  own.bind(0, "127.0.0.1");
  await once(own, "listening");
  own.setBroadcast(true);
  onTestFinished(() => void own.close());
  if (ear !== undefined) {
    shared.bind(ear, loopback.broadcast);
    await once(shared, "listening");
    onTestFinished(() => void shared.close());
  }
  return own.address().port;
}

const isWhoIs = (bytes: Buffer): boolean => {
  const read = readDatagram(bytes);
  return read?.kind === "packet" && read.apdu[0] === 0x10 && read.apdu[1] === 8;
};
const iAm = (instance: number, vendor = 9): Buffer =>
  Buffer.concat([
    Buffer.of(0x10, 0),
    objectIdentifier(8, instance),
    ...[encoders.unsigned(480), encoders.enumerated(3), encoders.unsigned(vendor)],
  ]);

test("a device that says nothing but that it is there is found, with its vendor's number", async () => {
  const port = await byHand((bytes, from, socket) => {
    if (isWhoIs(bytes)) socket.send(datagram(iAm(7, 260)), from.port, from.address);
  });
  const { found } = await look({ bus: { host: "127.0.0.1", port }, network: { ...loopback, port: await freePort() } });
  expect(found).toEqual([
    {
      ...{ device: { instance: 7 }, at: `127.0.0.1:${port}` },
      ...{ vendor: "vendor 260", model: null, revision: null, name: null },
    },
  ]);
});

test("what is none of those asked for, or said by another than the host, is not taken", async () => {
  const stranger = await byHand(() => {});
  const port = await byHand((bytes, from, socket) => {
    if (!isWhoIs(bytes)) return;
    for (const instance of [901, 7]) socket.send(datagram(iAm(instance)), from.port, from.address);
    const other = createSocket("udp4");
    other.send(datagram(iAm(8)), from.port, from.address, () => other.close());
  });
  expect(stranger).not.toBe(port);
  const { found } = await look({ bus: { host: "127.0.0.1", port }, network: { ...loopback, port: await freePort() } });
  expect(found.map(({ device }) => device)).toEqual([{ instance: 7 }]);
});

/** As an agent that runs here: it has the port, and with its address the broadcasts. */
async function agentOn(network: object): Promise<void> {
  const agent = hubOf(env);
  onTestFinished(() => agent.close());
  const status = agent.join(networkSchema.parse(network), { registration: () => {} });
  while (status.at() === null) await new Promise((resolve) => setImmediate(resolve));
}

test("beside an agent that has the port, devices that broadcast their I-Am are found, too", async () => {
  const port = await freePort();
  await agentOn({ ...loopback, port });
  await byHand((bytes, _, socket) => {
    if (isWhoIs(bytes)) socket.send(broadcast(iAm(7)), port, loopback.broadcast);
  }, port);
  const { visited, found } = await look({ network: { ...loopback, port }, timeoutMs: 200 });
  expect(visited.limits).toEqual([]);
  expect(found.map(({ device }) => device)).toEqual([{ instance: 7 }]);
});

test("beside an agent that has the port of all addresses, it is told that broadcasts are not heard", async () => {
  const port = await freePort();
  await agentOn({ port });
  const device = await byHand((bytes, from, socket) => {
    if (isWhoIs(bytes)) socket.send(datagram(iAm(7)), from.port, from.address);
  });
  const bus = { host: "127.0.0.1", port: device };
  const { visited, found } = await look({ bus, network: { port }, timeoutMs: 200 });
  expect(visited).toEqual({ lost: null, limits: [expect.stringMatching(/UDP port \d+ is in use.*bacnet\.address/)] });
  expect(found.map(({ device }) => device)).toEqual([{ instance: 7 }]);
});

test("through a BBMD, as a foreign device, whoever is in its segment", async () => {
  const { port } = await site([at(7)], { host: "127.0.0.1" });
  const beyond = await bbmd(env, [{ host: "127.0.0.1", port }]);
  const network = { ...loopback, port: await freePort(), bbmd: { host: "127.0.0.1", port: beyond.port } };
  const { visited, found } = await look({ network });
  expect(visited).toEqual({ lost: null, limits: [] });
  expect(brief(found)).toEqual([{ device: { instance: 7 }, at: `127.0.0.1:${port}` }]);
});

test("a BBMD that refuses is told, and the rest is looked through", async () => {
  const beyond = await bbmd(env, []);
  beyond.refuse();
  const { port } = await site([at(7)]);
  const network = { ...loopback, port, bbmd: { host: "127.0.0.1", port: beyond.port } };
  const { visited, found } = await look({ network });
  expect(visited.limits).toEqual([expect.stringMatching(/BBMD .* refuses .* bacnet\.bbmd/)]);
  expect(found.map(({ device }) => device)).toEqual([{ instance: 7 }]);
});

test("an address that this machine has not is told", async () => {
  const { visited } = await look({
    network: { address: "192.0.2.77", port: 47_808 },
    ranges: [{ from: 1, to: 1 }],
    timeoutMs: 1,
  });
  expect(visited.lost).toMatch(/192\.0\.2\.77:47808 \(EADDRNOTAVAIL\).*bacnet\.address/);
});

test("a network that cannot be sent to ends it at once", async () => {
  const network = { ...loopback, port: await freePort() };
  const { lost, tried } = await look({
    bus: { host: "255.255.255.254" },
    network,
    ranges: [discovery.all],
    timeoutMs: 60_000,
  });
  expect(lost).toMatch(/E[A-Z]+/);
  expect(tried).toBeLessThan(discovery.all.to);
});

test("stopped, it keeps what it heard, and asks nobody who he is", async () => {
  const stop = new AbortController();
  let asked = 0;
  const port = await byHand((bytes, from, socket) => {
    asked++;
    if (asked === 1 && isWhoIs(bytes)) socket.send(datagram(iAm(7)), from.port, from.address);
    else stop.abort();
  });
  const bus = { host: "127.0.0.1", port };
  const ranges = [7, 8, 9].map((one) => ({ from: one, to: one }));
  const network = { ...loopback, port: await freePort() };
  const { found, tried } = await look({ bus, network, ranges, timeoutMs: 60_000, signal: stop.signal });
  expect(brief(found)).toEqual([{ device: { instance: 7 }, at: `127.0.0.1:${port}` }]);
  expect({ asked, tried }).toEqual({ asked: 2, tried: 2 });
});

/** ConfirmedEventNotification of device 7, as far as anybody reads it. */
const confirmedEvent = Buffer.concat([
  Buffer.of(0x00, 0x05, 1, 2),
  ...[context(0, unsignedOctets(0)), context(1, objectIdOctets(8, 7)), context(2, objectIdOctets(0, 1))],
  ...[context(6, unsignedOctets(5)), context(8, unsignedOctets(0))],
]);

test("an alarm that a device sends meanwhile is left for the agent: it is not acknowledged", async () => {
  const network = { ...loopback, port: await freePort() };
  const hub = hubOf(env);
  onTestFinished(() => hub.close());
  await visit(networkSchema.parse(network), env, hub);
  const device = createSocket("udp4");
  onTestFinished(() => void device.close());
  device.send(datagram(confirmedEvent), network.port, network.address);
  const [answer] = await once(device, "message");
  expect((answer as Buffer).subarray(6).toString("hex")).toBe("600109"); // Reject: unrecognized-service
});

test("who only asks is no device of the network, whatever the agent is", async () => {
  const network = { ...loopback, port: await freePort(), instance: 99 };
  const hub = hubOf(env);
  onTestFinished(() => hub.close());
  await visit(networkSchema.parse(network), env, hub);
  const device = createSocket("udp4");
  onTestFinished(() => void device.close());
  device.send(datagram(Buffer.of(0x10, 8)), network.port, network.address);
  device.send(datagram(confirmedEvent), network.port, network.address); // is answered, and after the Who-Is
  const [answer] = await once(device, "message");
  expect((answer as Buffer).subarray(6).toString("hex")).toBe("600109");
});
