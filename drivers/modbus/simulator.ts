import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { realEnv } from "../../agent/env.ts";
import type { RunningSimulator, SimulatorOptions, StartSimulator } from "../simulator.ts";
import { ofLine, ofNetwork } from "./framing.ts";
import { openPty } from "./pty.ts";
import { type Bus, deviceSchema } from "./schema.ts";
import { served } from "./served.ts";
import { type Flow, type Units, unitsOf } from "./serving.ts";

/**
 * Serves the points of any number of units as their bus has it: over Modbus TCP, UDP, RTU over TCP, or a serial line, which it
 * makes of a pseudo-terminal at the bus's path. Functions 1 to 4, 17 and 43/14. Its own coder, not the server of the library: that
 * one is slow and cannot misbehave.
 */
export const startModbusSimulator: StartSimulator = async (options) => {
  const bus = (options.bus ?? {}) as Partial<Bus>;
  const ways = { tcp: onStreams, "rtu-over-tcp": onStreams, udp: onDatagrams, rtu: onLine };
  const transport = bus.transport ?? "tcp";
  const framing = transport === "rtu" || transport === "rtu-over-tcp" ? ofLine : ofNetwork;
  // The device stands for the world outside of the agent, hence real time.
  const units = unitsOf(framing, flows[transport], served(options), realEnv({ logLevel: "silent" }));
  const { close, ...where } = await ways[transport](options, units);
  return {
    ...where,
    close() {
      units.stop();
      return close();
    },
    misbehave(how, device) {
      units.misbehave(how, device === undefined ? undefined : deviceSchema.parse(device).unit);
    },
  };
};

/** As fast as a network takes it; of a serial line about what 115200 baud carry. */
const flows: Readonly<Record<Bus["transport"], Flow>> = {
  tcp: { times: 1, octets: 65_536, pauseMs: 0 },
  "rtu-over-tcp": { times: 1, octets: 65_536, pauseMs: 0 },
  udp: { times: 64, octets: 1, pauseMs: 0 },
  rtu: { times: 1, octets: 56, pauseMs: 5 },
};

type Way = Omit<RunningSimulator, "misbehave">;

async function onStreams({ host, port }: SimulatorOptions, units: Units): Promise<Way> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const heard = units.connect({
      get isThere() {
        return socket.writable;
      },
      write: (bytes, taken) => void socket.write(bytes, taken),
      end: (how) => void (how === "reset" ? socket.resetAndDestroy() : socket.end()),
    });
    socket.on("error", () => {}); // a client that goes away; "close" follows
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk) => {
      if (!heard(chunk)) socket.destroy();
    });
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : port,
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function onDatagrams({ host, port }: SimulatorOptions, units: Units): Promise<Way> {
  const socket = createSocket("udp4");
  let [open, last] = [true, ""];
  socket.on("message", (message, { port, address }) => {
    const asker = `${address}:${port}`;
    last = asker;
    const client = {
      // There is no good-bye: whoever asks is taken to be the only one.
      get isThere() {
        return open && last === asker;
      },
      write: (bytes: Buffer, taken?: () => void) => void (open && socket.send(bytes, port, address, () => taken?.())),
      end: () => {},
    };
    // Each datagram stands for itself: what it lacks does not come with the next.
    units.connect(client)(message);
  });
  socket.bind(port, host);
  await once(socket, "listening");
  return {
    port: socket.address().port,
    async close() {
      if (!open) return;
      open = false;
      await new Promise<void>((done) => socket.close(done));
    },
  };
}

async function onLine({ bus }: SimulatorOptions, units: Units): Promise<Way> {
  const { path } = bus as Extract<Bus, { transport: "rtu" }>;
  const line = await openPty(path);
  const client = { isThere: true, write: line.write, end: () => {} };
  let heard = units.connect(client);
  line.onData((chunk) => {
    // What is no question is noise: the next one is listened for.
    if (!heard(chunk)) heard = units.connect(client);
  });
  return { port: 0, path, close: line.close };
}
