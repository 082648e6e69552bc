import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type Env, realEnv } from "../../agent/env.ts";
import type { Misbehaviour, StartSimulator } from "../simulator.ts";
import { frame, headerBytes, lengthMax } from "./frame.ts";
import { identification, serverIdCode } from "./identification.ts";
import { isSealed, sealed } from "./rtu.ts";
import type { Bus } from "./schema.ts";
import { exception, type Query, queryIn, served } from "./served.ts";

/**
 * Serves the points of any number of units over Modbus TCP, UDP or RTU over TCP, as their bus has it; a serial line as RTU over
 * TCP (socat makes a serial port of that). Functions 1 to 4, 17 and 43/14. Its own coder, not the server of the library: that one is
 * slow and cannot misbehave.
 */
export const startModbusSimulator: StartSimulator = async (options) => {
  const transport = (options.bus as Partial<Bus> | undefined)?.transport ?? "tcp";
  const reply = served(options);
  // The device stands for the world outside of the agent, hence real time.
  const { after } = realEnv({ logLevel: "silent" });
  let how: Misbehaviour = "none";
  const framing = transport === "rtu" || transport === "rtu-over-tcp" ? ofLine : ofNetwork;
  const late = new Set<() => void>();
  const device: Device = { framing, reply, after, late, how: () => how };
  const { port, close } = transport === "udp" ? await onDatagrams(options, device) : await onStreams(options, device);
  return {
    port,
    async close() {
      for (const cancel of late) cancel();
      await close();
    },
    misbehave(next) {
      how = next;
    },
  };
};

interface Device {
  readonly framing: Framing;
  readonly after: Env["after"];
  /** Cancels each answer that is still to come. */
  readonly late: Set<() => void>;
  reply(query: Query): number[];
  how(): Misbehaviour;
}

type Where = Pick<Parameters<StartSimulator>[0], "host" | "port">;

async function onStreams({ host, port }: Where, device: Device) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const heard = serve(device, (bytes) => void socket.write(bytes));
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

async function onDatagrams({ host, port }: Where, device: Device) {
  const socket = createSocket("udp4");
  let open = true;
  socket.on("message", (message, from) => {
    // Each datagram stands for itself: what it lacks does not come with the next.
    serve(device, (bytes) => open && socket.send(bytes, from.port, from.address))(message);
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

const slowMs = 3000;

/** One client, told what it sends: false once its stream is lost. */
function serve(
  { framing, after, late, reply, how }: Device,
  write: (bytes: Buffer) => void,
): (chunk: Buffer) => boolean {
  let rest: Buffer = Buffer.alloc(0);
  let answers = 0;

  function answer({ query, transaction }: Taken): void {
    const right = (): void => write(framing.pack(transaction, reply(query)));
    switch (how()) {
      case "none":
        right();
        return;
      case "silent":
        return;
      case "slow": {
        const cancel = after(slowMs, () => {
          late.delete(cancel);
          right();
        });
        late.add(cancel);
        return;
      }
      case "rubbish":
        write(framing.rubbish(query, transaction, answers++));
        return;
      case "error":
        write(framing.pack(transaction, exception(query, 4)));
    }
  }

  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const taken = framing.take(rest);
      if (taken === "lost") return false;
      if (taken === null) return true;
      rest = rest.subarray(taken.bytes);
      answer(taken);
    }
  };
}

interface Taken {
  readonly query: Query;
  readonly transaction: number;
  readonly bytes: number;
}

interface Framing {
  /** The first question in a stream; null: not yet whole. */
  take(stream: Buffer): Taken | null | "lost";
  pack(transaction: number, body: readonly number[]): Buffer;
  rubbish(query: Query, transaction: number, turn: number): Buffer;
}

/** A question is unit and function at least; a stream that holds anything shorter or absurd is lost. */
const shortest = 2;

const ofNetwork: Framing = {
  take(stream) {
    if (stream.length < headerBytes) return null;
    const length = stream.readUInt16BE(4);
    if (length < shortest || length > lengthMax) return "lost";
    const bytes = headerBytes + length;
    if (stream.length < bytes) return null;
    return { query: queryIn(stream.subarray(headerBytes, bytes)), transaction: stream.readUInt16BE(0), bytes };
  },
  pack: (transaction, [unit = 0, ...pdu]) => frame(transaction, unit, pdu),
  /** In turn: another transaction, a byte count that lies, a length no frame has, a protocol that is not Modbus. */
  rubbish({ unit, code }, transaction, turn) {
    const bytes = frame(transaction, unit, [code, 2, 0, 0]);
    if (turn % 4 === 0) bytes.writeUInt16BE(transaction ^ 0xffff, 0);
    else if (turn % 4 === 1) bytes.writeUInt8(0xff, 8);
    else if (turn % 4 === 2) bytes.writeUInt16BE(0xffff, 4);
    else bytes.writeUInt16BE(0xdead, 2);
    return bytes;
  },
};

const ofLine: Framing = {
  take(stream) {
    if (stream.length < 2) return null;
    const length = stream[1] === identification.code ? 5 : stream[1] === serverIdCode ? 2 : 6;
    if (stream.length < length + 2) return null;
    if (!isSealed(stream, length)) return "lost";
    return { query: queryIn(stream.subarray(0, length)), transaction: 0, bytes: length + 2 };
  },
  pack: (_, body) => sealed(Uint8Array.from(body)),
  /** In turn: a wrong checksum, another unit, half a frame, noise. */
  rubbish({ unit, code }, _, turn) {
    const bytes = sealed(Uint8Array.of(turn % 4 === 1 ? unit ^ 1 : unit, code, 2, 0, 0));
    if (turn % 4 === 0) bytes.writeUInt8(bytes.readUInt8(6) ^ 0xff, 6);
    if (turn % 4 === 3) bytes.fill(0x55);
    return turn % 4 === 2 ? bytes.subarray(0, 4) : bytes;
  },
};
