import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { frame } from "../../../drivers/modbus/frame.ts";

/** A gateway before a line, over Modbus TCP: each unit answers as the test says, and nobody else does. */
export interface Units {
  readonly port: number;
  /** Units in the order in which they were asked, with the function. */
  readonly asked: readonly (readonly [unit: number, code: number])[];
  close(): Promise<void>;
}

/** What a unit says to function and data: function and data; null: nothing; "close": it ends the connection. */
export type Unit = (pdu: Buffer) => readonly number[] | null | "close";

export async function startUnits(
  unitOf: (unit: number) => Unit | undefined,
  onConnection = (): void => {},
): Promise<Units> {
  const sockets = new Set<Socket>();
  const asked: [number, number][] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    onConnection();
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 8 && rest.length >= 6 + rest.readUInt16BE(4)) {
        const end = 6 + rest.readUInt16BE(4);
        const [transaction, unit, pdu] = [rest.readUInt16BE(0), rest.readUInt8(6), rest.subarray(7, end)];
        rest = rest.subarray(end);
        asked.push([unit, pdu.readUInt8(0)]);
        const answer = unitOf(unit)?.(pdu) ?? null;
        if (answer === "close") socket.destroy();
        else if (answer !== null) socket.write(frame(transaction, unit, answer));
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    asked,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const exception = (code: number, number: number): number[] => [code | 0x80, number];

/** Objects of Read Device Identification, all in one answer; registers from 0 on of both tables. */
export const meter =
  (objects: Readonly<Record<number, string>>, registers: readonly number[] = []): Unit =>
  (pdu) => {
    const [code = 0] = pdu;
    if (code === 3) return registersIn(pdu, registers);
    if (code !== 0x2b || Object.keys(objects).length === 0) return exception(code, 1);
    const told = Object.entries(objects).flatMap(([id, text]) => [Number(id), text.length, ...Buffer.from(text)]);
    return [code, 0x0e, pdu.readUInt8(2), 0x83, 0, 0, Object.keys(objects).length, ...told];
  };

export function registersIn(pdu: Buffer, registers: readonly number[]): number[] {
  const [code, start, count] = [pdu.readUInt8(0), pdu.readUInt16BE(1), pdu.readUInt16BE(3)];
  const held = registers.slice(start, start + count);
  if (held.length < count) return exception(code, 2);
  return [code, 2 * count, ...held.flatMap((word) => [word >> 8, word & 0xff])];
}

export const refusing =
  (number: number): Unit =>
  (pdu) =>
    exception(pdu.readUInt8(0), number);
