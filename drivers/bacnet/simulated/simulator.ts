import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { type Env, realEnv } from "../../../agent/env.ts";
import { datagramFlood } from "../../flood.ts";
import type { RunningSimulator, SimulatorOptions, StartSimulator } from "../../simulator.ts";
import { address, type Bus, type Device, device as deviceSchema } from "../schema.ts";
import {
  broadcast,
  everyNetwork,
  type Packet,
  readDatagram,
  rejection,
  type Station,
  unicast,
} from "../wire/packet.ts";
import { selfKnowledge } from "./self-knowledge.ts";
import type { Point } from "./served.ts";
import { type Caller, type Line, type SimulatedDevice, simulatedDevice } from "./simulated.ts";

/** Where everybody on this machine hears who listens there. */
const loopbackBroadcast = "127.255.255.255";
/** Reject-Message-To-Network: no way to it is known. */
const noWayThere = 1;

/**
 * Devices of one bus. Those with a network are behind a router, which answers for them where the bus's device is asked. Of a bus
 * without a host each other device has a port of its own, and is found by Who-Is to `port` of 127.255.255.255. Who-Is and Who-Has
 * are answered to whoever asks alone, never by broadcast.
 */
export const startBacnetSimulator: StartSimulator = async (options) => {
  const env = realEnv({ logLevel: "silent" });
  const bus = options.bus as Bus | undefined;
  const isFound = bus !== undefined && bus.host === undefined;
  const sockets: Socket[] = [];
  const open = async (host: string, port: number, isShared: boolean): Promise<Socket> => {
    const socket = createSocket({ type: "udp4", reuseAddr: isShared });
    sockets.push(socket);
    socket.bind({ address: host, port, exclusive: true });
    await once(socket, "listening"); // rejects with what the socket emits as error
    socket.on("error", () => {}); // a datagram that could not be sent is a datagram lost
    socket.setBroadcast(true);
    return socket;
  };
  const places: Place[] = [];
  const close = closer(sockets, places);
  try {
    const ear = isFound ? await open(loopbackBroadcast, options.port, true) : undefined;
    for (const group of groupsOf(devicesOf(options), isFound)) {
      const socket = await open(options.host, isFound ? 0 : options.port, false);
      const broadcastPort = (ear ?? socket).address().port;
      places.push(placeOf(env, socket, { options, broadcastPort, strange: strangerAmong(sockets) }, group));
    }
    for (const place of places) ear?.on("message", (bytes, from) => place.hear(bytes, from));
    const devices = places.flatMap((place) => place.devices);
    const meant = (named: unknown) =>
      named === undefined ? devices : devices.filter(isDevice(deviceSchema.parse(named)));
    return {
      port: (ear ?? sockets[0])?.address().port ?? 0,
      misbehave(how, named) {
        for (const { simulated } of meant(named)) simulated.misbehave(how);
      },
      announce(trap, to, named) {
        meant(named)[0]?.simulated.announce(trap, to);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

/** A device with what it is served from. */
interface Served {
  readonly device: Device;
  readonly points: readonly Point[];
}

/** Each once; the simulator's points come from a parsed configuration, untyped: parsing again is how they get their types. */
function devicesOf({ points, identities = [] }: SimulatorOptions): Served[] {
  const typed = points.map((point) => ({
    id: point.id,
    device: deviceSchema.parse(point.device),
    address: address.parse(point.address),
  }));
  const all = [...typed.map(({ device }) => device), ...identities.map(({ device }) => deviceSchema.parse(device))];
  return all
    .filter((device, i) => all.findIndex(isSame(device)) === i)
    .map((device) => ({ device, points: typed.filter((point) => isSame(device)(point.device)) }));
}

const isSame =
  (one: Device) =>
  (other: Device): boolean =>
    one.instance === other.instance && one.network === other.network && one.mac === other.mac;
const isDevice =
  (one: Device) =>
  ({ device }: { readonly device: Device }): boolean =>
    isSame(one)(device);

/** What is at one address: a device, and with the first one all that are behind a router. */
function groupsOf(all: readonly Served[], isFound: boolean): readonly (readonly Served[])[] {
  const direct = all.filter(({ device }) => device.network === undefined);
  const routed = all.filter(({ device }) => device.network !== undefined);
  const [first = [], ...others] = isFound ? direct.map((one) => [one]) : [direct];
  return [[...first, ...routed], ...others];
}

interface Place {
  hear(bytes: Buffer, from: RemoteInfo): void;
  readonly devices: readonly { readonly device: Device; readonly simulated: SimulatedDevice }[];
}

interface Surroundings {
  readonly options: SimulatorOptions;
  readonly broadcastPort: number;
  strange(): Socket;
}

function placeOf(env: Env, socket: Socket, around: Surroundings, group: readonly Served[]): Place {
  const devices = group.map(({ device, points }) => {
    const { value, describe, identities } = around.options;
    const self = selfKnowledge(identities?.filter((one) => isSame(device)(deviceSchema.parse(one.device))) ?? []);
    const line = lineOf(env, socket, around, stationOf(device), () => simulated.isFlooding);
    const serving = { instance: device.instance, points, value, self, ...(describe && { describe }) };
    const simulated: SimulatedDevice = simulatedDevice(env, serving, line);
    return { device, simulated };
  });
  const hear = (bytes: Buffer, from: RemoteInfo): void => {
    const packet = readDatagram(bytes);
    if (packet?.kind !== "packet") return;
    const { address, port } = packet.origin ? { address: packet.origin.host, port: packet.origin.port } : from;
    if (port === 0) return; // a forwarded one may claim any: nothing can be sent there
    const caller: Caller = { address, port, station: packet.source };
    const { destination } = packet;
    const isToAll = packet.isBroadcast || destination?.mac === "";
    const meant = devices.filter(({ device }) => isAddressed(device, packet));
    for (const { simulated } of meant) simulated.hear(packet.apdu, caller, isToAll);
    const isRouter = devices.some(({ device }) => device.network !== undefined);
    const isReachable = devices.some(({ device }) => device.network === destination?.network);
    if (destination === null || destination.network === everyNetwork || isReachable || isToAll || !isRouter) return;
    socket.send(rejection(noWayThere, destination), port, address, () => {});
  };
  socket.on("message", hear);
  return { hear, devices };
}

const stationOf = ({ network, mac }: Device): Station | null =>
  network === undefined || mac === undefined ? null : { network, mac };

/** Without a destination the device itself; of a network all, or the one of that address. */
function isAddressed({ network, mac }: Device, { destination }: Packet): boolean {
  if (destination === null) return network === undefined;
  const isThere = destination.network === everyNetwork || destination.network === network;
  return isThere && (destination.mac === "" || destination.mac === mac);
}

function lineOf(
  env: Env,
  socket: Socket,
  around: Surroundings,
  source: Station | null,
  isFlooding: () => boolean,
): Line {
  const flood = datagramFlood(socket, env, isFlooding);
  return {
    send(apdu, { address, port, station }, { isReplyExpected = false, isStrange = false } = {}) {
      const bytes = unicast(apdu, { destination: station, source, isReplyExpected });
      (isStrange ? around.strange() : socket).send(bytes, port, address, () => {});
    },
    broadcast: (apdu) => socket.send(broadcast(apdu, { source }), around.broadcastPort, loopbackBroadcast, () => {}),
    flood: (apdu, to) => flood(unicast(apdu, { destination: to.station, source }), to),
  };
}

/** A socket at a port of the system's choice, opened when it is first needed. */
function strangerAmong(sockets: Socket[]): () => Socket {
  let stranger: Socket | undefined;
  return () => {
    if (stranger !== undefined) return stranger;
    stranger = createSocket("udp4").on("error", () => {});
    sockets.push(stranger);
    return stranger;
  };
}

function closer(sockets: readonly Socket[], places: readonly Place[]): RunningSimulator["close"] {
  let closed: Promise<void> | undefined;
  const ended = (socket: Socket) => new Promise<void>((resolve) => void socket.close(() => resolve()));
  return () => {
    for (const { devices } of places) for (const { simulated } of devices) simulated.close();
    closed ??= Promise.all(sockets.map(ended)).then(() => {});
    return closed;
  };
}
