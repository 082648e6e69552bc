import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Env } from "../env.ts";

/**
 * Modbus devices that cost a bench as little as can be, in a process of their own: each request for registers gets the same
 * ones, however many were asked for, and those of a serial line take as long as they would on it.
 */
export interface BareDevices {
  /** One device a port. */
  readonly ports: readonly number[];
  /** Ports of those that take requests and never answer. */
  readonly silent: readonly number[];
  /** A serial line behind a gateway, as slow as it would be, with units 1 to 8 of which `deadUnits` are dead. */
  readonly line: number;
  /** The same line without dead units. */
  readonly wellLine: number;
}

export const baud = 9600;
export const deadUnits: readonly number[] = [3, 6];
export const units: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8];
/** What a device takes to think. */
const thinkingMs = 5;

/** @param sealed a frame with its checksum; @returns also how they end */
export async function serveBare(
  env: Env,
  count: number,
  silentCount: number,
  sealed: (body: Uint8Array) => Buffer,
): Promise<BareDevices & { close(): void }> {
  const open = new Set<Server | Socket>();
  const listen = async (hear: (socket: Socket, bytes: Buffer) => void): Promise<number> => {
    const server = createServer((socket) => {
      open.add(socket.setNoDelay().on("error", () => {}));
      socket.on("close", () => open.delete(socket));
      socket.on("data", (bytes) => hear(socket, bytes));
    });
    open.add(server.listen(0, "127.0.0.1"));
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const several = (number: number, hear: (socket: Socket, bytes: Buffer) => void): Promise<number[]> =>
    Promise.all(Array.from({ length: number }, () => listen(hear)));
  const lineOf = (dead: readonly number[]): Promise<number> =>
    listen((socket, bytes) => {
      const [unit = 0, code = 0] = bytes;
      if (dead.includes(unit) || bytes.length < 8) return;
      const data = 2 * bytes.readUInt16BE(4);
      const body = Buffer.alloc(3 + data);
      body.set([unit, code, data]);
      // 8 bytes of a request, 5 around the data of a reply, 10 bits each.
      const onLineMs = ((8 + 5 + data) * 10 * 1000) / baud;
      env.after(onLineMs + thinkingMs, () => void socket.write(sealed(body)));
    });
  return {
    ports: await several(count, (socket, bytes) => void socket.write(answerTo(bytes))),
    silent: await several(silentCount, () => {}),
    line: await lineOf(deadUnits),
    wellLine: await lineOf([]),
    close() {
      for (const one of open) "destroy" in one ? one.destroy() : one.close();
    },
  };
}

/** To a request for holding registers in one piece, which is how each of ours comes. */
function answerTo(bytes: Buffer): Buffer {
  const data = 2 * bytes.readUInt16BE(10);
  const reply = Buffer.alloc(9 + data, 1);
  bytes.copy(reply, 0, 0, 8);
  reply.writeUInt16BE(3 + data, 4);
  reply.writeUInt8(data, 8);
  return reply;
}
