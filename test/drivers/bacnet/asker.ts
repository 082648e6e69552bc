import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { realEnv } from "../../../agent/env.ts";
import { bus } from "../../../drivers/bacnet/schema.ts";
import { sessionOn } from "../../../drivers/bacnet/session.ts";
import { startBacnetSimulator } from "../../../drivers/bacnet/simulated/simulator.ts";
import { hubOf } from "../../../drivers/bacnet/wire/hub.ts";
import type { News } from "../../../drivers/driver.ts";
import type { SimulatorOptions } from "../../../drivers/simulator.ts";

/** A simulator on loopback, and those who ask it: datagram by datagram, and as the driver does. */

export const host = "127.0.0.1";

export async function simulator(
  points: SimulatorOptions["points"],
  value: SimulatorOptions["value"] = () => 1,
  more: Partial<SimulatorOptions> = {},
) {
  const running = await startBacnetSimulator({ host, port: 0, points, value, ...more });
  onTestFinished(() => running.close());
  return running;
}

export interface Heard {
  readonly octets: string;
  readonly from: RemoteInfo;
}

export async function asker() {
  const socket = createSocket("udp4").bind(0, host);
  onTestFinished(() => void socket.close());
  await once(socket, "listening");
  socket.setBroadcast(true);
  const heard: Heard[] = [];
  let wake = (): void => {};
  socket.on("message", (bytes, from) => {
    heard.push({ octets: bytes.toString("hex"), from });
    wake();
  });
  const next = async (): Promise<Heard> => {
    while (heard.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return heard.shift()!;
  };
  return {
    socket,
    port: socket.address().port,
    next,
    send: (octets: Buffer, port: number, to = host): void => socket.send(octets, port, to),
    /** The first datagram that comes after this one is sent. */
    async ask(octets: Buffer, port: number): Promise<string> {
      socket.send(octets, port, host);
      return (await next()).octets;
    },
  };
}

/** The driver on one bus; `news`: what it is told of changes. */
export function session(options: object, news?: News) {
  const env = realEnv({ logLevel: "silent" });
  const hub = hubOf(env);
  const reading = sessionOn(bus.parse({ host, ...options }), { env, hub, news });
  onTestFinished(async () => {
    await reading.close();
    await hub.close();
  });
  return reading;
}
