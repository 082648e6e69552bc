import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { realEnv } from "../../../agent/env.ts";
import type { Reading } from "../../../drivers/driver.ts";
import { frame } from "../../../drivers/modbus/frame.ts";
import { plan, type Request } from "../../../drivers/modbus/plan.ts";
import { addressSchema, busSchema } from "../../../drivers/modbus/schema.ts";
import { openSession } from "../../../drivers/modbus/session.ts";
import { until } from "../../process.ts";

/** A gateway that takes several requests at once on one connection: each answer finds its own question, whatever happens to others. */

const host = "127.0.0.1";
const env = realEnv({ logLevel: "silent" });
const patientMs = 20_000;

interface Asked {
  readonly unit: number;
  readonly start: number;
  /** The unit answers with 1000 × unit + register. */
  answer(): void;
}

async function gateway(hear: (asked: Asked) => void) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket.setNoDelay());
    socket.on("error", () => {});
    let rest = Buffer.alloc(0);
    socket.on("data", (bytes) => {
      for (rest = Buffer.concat([rest, bytes]); rest.length >= 12; rest = rest.subarray(12)) {
        const [transaction, unit, start] = [rest.readUInt16BE(0), rest.readUInt8(6), rest.readUInt16BE(8)];
        const value = 1000 * unit + start;
        hear({
          ...{ unit, start },
          answer: () => void socket.write(frame(transaction, unit, [3, 2, value >> 8, value & 0xff])),
        });
      }
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const session = openSession(busSchema.parse({ host, port, window: 16 }), env);
  return {
    read: (unit: number, register: number, ms = patientMs) => session.read(asking(unit, register), ms),
    connections: () => connections,
    async close() {
      await session.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const asking = (unit: number, register: number): Request =>
  plan(
    [{ id: `u${unit}/r${register}`, device: { unit }, address: addressSchema.parse({ table: "holding", register }) }],
    busSchema.parse({ host }),
  )[0]!;

const right = (unit: number, register: number): Reading[] => [
  { point: `u${unit}/r${register}`, value: 1000 * unit + register },
];
const all = <T>(count: number, of: (nth: number) => T): T[] => Array.from({ length: count }, (_, nth) => of(nth));

test.each([
  ["in reverse", 16],
  ["more than a byte could number, in reverse", 300],
])("answers that come %s are those of their questions", async (_, count) => {
  const waiting: Asked[] = [];
  const { read, connections, close } = await gateway((asked) => {
    waiting.push(asked);
    if (waiting.length === count) for (const one of waiting.toReversed()) one.answer();
  });
  const readings = await Promise.all(all(count, (nth) => read(1 + (nth % 8), nth)));
  expect(readings).toEqual(all(count, (nth) => right(1 + (nth % 8), nth)));
  expect(connections()).toBe(1);
  await close();
});

test("a unit that is silent costs the others nothing, and its late answer is nobody's", async () => {
  const owed: Asked[] = [];
  const { read, connections, close } = await gateway((asked) => {
    if (asked.unit !== 9) asked.answer();
    else owed.push(asked);
  });
  const silent = read(9, 7, 400);
  for (let nth = 0; nth < 5; nth++) expect(await read(1, nth)).toEqual(right(1, nth));
  expect(await silent).toMatchObject([{ fault: "timeout" }]);
  const [first] = owed.splice(0);
  const again = read(9, 8);
  await until(() => (owed.length > 0 ? true : null));
  first!.answer();
  expect(await read(2, 1)).toEqual(right(2, 1));
  owed[0]!.answer();
  expect(await again).toEqual(right(9, 8));
  expect(connections()).toBe(1);
  await close();
});

test("a connection on which nobody answers any more is made anew", async () => {
  let isDead = true;
  const { read, connections, close } = await gateway((asked) => {
    if (!isDead) asked.answer();
  });
  const readings = await Promise.all(all(4, (nth) => read(1, nth, 300)));
  expect(readings.flat().map((one) => "fault" in one)).toEqual([true, true, true, true]);
  isDead = false;
  expect(await read(1, 5)).toEqual(right(1, 5));
  expect(connections()).toBe(2);
  await close();
});
