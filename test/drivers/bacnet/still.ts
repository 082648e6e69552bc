import type { RemoteInfo } from "node:dgram";
import type { Env } from "../../../agent/env.ts";
import { type SimulatedDevice, simulatedDevice } from "../../../drivers/bacnet/simulated/simulated.ts";
import type { Address, Station } from "../../../drivers/bacnet/wire/packet.ts";
import { broadcast, everyNetwork, readDatagram, unicast } from "../../../drivers/bacnet/wire/packet.ts";
import type { Sockets } from "../../../drivers/bacnet/wire/sockets.ts";
import type { FakeEnv } from "../../env.ts";

/** A network without a world: what is sent arrives at once, in the same thread, and time stands still unless it is moved. */

/** Where the agent is. */
export const agent: Address = { host: "192.0.2.100", port: 47_808 };

type Receive = (datagram: Buffer, from: RemoteInfo) => void;

export interface StillNetwork {
  /** In the place of the driver's sockets: `vi.mock`. */
  socketsOf(env: Env, network: unknown, receive: Receive): Sockets;
  /** The agent hears it. */
  tell(datagram: Buffer, from: Address): void;
  /** What the agent sends goes there, besides the devices. */
  onSent: (datagram: Buffer, to: Address) => void;
  /** From what a device says until the agent hears it. */
  latencyMs: number;
  /** What becomes of what a device says; null: it is lost. */
  bend: (datagram: Buffer, from: Address) => Buffer | null;
  join(env: Env, where: Place, serving: Parameters<typeof simulatedDevice>[1]): SimulatedDevice;
}

export interface Place extends Address {
  readonly station: Station | null;
}

export function stillNetwork(): StillNetwork {
  let receive: Receive = () => {};
  const devices: { readonly at: Place; readonly simulated: SimulatedDevice }[] = [];
  const network: StillNetwork = {
    socketsOf(_env, _network, to) {
      receive = to;
      return {
        send(datagram, to) {
          queueMicrotask(() => {
            network.onSent(datagram, to);
            deliver(datagram, to);
          });
        },
        ...{ stayOpen() {}, at: () => null, trouble: () => null, close: async () => {} },
      };
    },
    tell: (datagram, { host, port }) =>
      receive(datagram, { address: host, port, family: "IPv4", size: datagram.length }),
    onSent: () => {},
    latencyMs: 0,
    bend: (datagram) => datagram,
    join(env, at, serving) {
      const say = (datagram: Buffer): void => {
        const arrive = (): void => {
          const bent = network.bend(datagram, at);
          if (bent !== null) network.tell(bent, at);
        };
        if (network.latencyMs > 0) env.after(network.latencyMs, arrive);
        else queueMicrotask(arrive);
      };
      const simulated = simulatedDevice(env, serving, {
        send: (apdu, { station }) => say(unicast(apdu, { destination: station, source: at.station })),
        broadcast: (apdu) => say(broadcast(apdu, { source: at.station })),
        flood: () => {},
      });
      devices.push({ at, simulated });
      return simulated;
    },
  };
  const deliver = (datagram: Buffer, to: Address): void => {
    const packet = readDatagram(datagram);
    if (packet?.kind !== "packet") return;
    const { destination, isBroadcast, apdu } = packet;
    for (const { at, simulated } of devices) {
      const isThere = isBroadcast || (at.host === to.host && at.port === to.port);
      const isMeant =
        destination?.network === everyNetwork ||
        (destination?.network === at.station?.network && destination?.mac === at.station?.mac);
      if (isThere && isMeant)
        simulated.hear(apdu, { address: agent.host, port: agent.port, station: null }, isBroadcast);
    }
  };
  return network;
}

/** Moves time on until the work is done. */
export async function settled<T>(env: FakeEnv, work: Promise<T>, stepMs = 50): Promise<T> {
  let isDone = false;
  void work.finally(() => {
    isDone = true;
  });
  await env.advance(0);
  for (let step = 0; step < 1000 && !isDone; step++) await env.advance(stepMs);
  if (!isDone) throw new Error("work that never ends");
  return work;
}
