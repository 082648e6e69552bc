import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realEnv } from "../../../agent/env.ts";
import type { Reading, Session } from "../../../drivers/driver.ts";
import { plan, type Request } from "../../../drivers/modbus/plan.ts";
import { questionOf } from "../../../drivers/modbus/question.ts";
import { rtuReader, sealed, silenceMs } from "../../../drivers/modbus/rtu.ts";
import { addressSchema, busSchema } from "../../../drivers/modbus/schema.ts";
import { openSession } from "../../../drivers/modbus/session.ts";

/** RTU frames tell neither where they begin nor what they answer: whatever comes, and whenever, no wrong value comes of it. */

const host = "127.0.0.1";
const env = realEnv({ logLevel: "silent" });
const hastyMs = 1000;
const patientMs = 12_000;
const uncaught: unknown[] = [];
const note = (error: unknown): void => {
  uncaught.push(error);
};
beforeAll(() => {
  process.on("uncaughtException", note).on("unhandledRejection", note);
});
afterAll(() => {
  process.off("uncaughtException", note).off("unhandledRejection", note);
  expect(uncaught).toEqual([]);
});

interface Query {
  readonly unit: number;
  readonly code: number;
  readonly start: number;
  readonly count: number;
}
type Reply = (query: Query, send: (bytes: Uint8Array) => void) => void;

/** Each register holds its own number, so that a value from anywhere else shows. */
const bodyOf = ({ unit, code, start, count }: Query): number[] => {
  const data = Array.from({ length: count }, (_, i) => [(start + i) >> 8, (start + i) & 0xff]).flat();
  return [unit, code, data.length, ...data];
};
const rightFrame = (query: Query): Buffer => sealed(Uint8Array.from(bodyOf(query)));
const right: Reply = (query, send) => send(rightFrame(query));
const framed =
  (change: (query: Query) => readonly number[]): Reply =>
  (query, send) =>
    send(sealed(Uint8Array.from(change(query))));
const tampered =
  (tamper: (bytes: Buffer) => Buffer): Reply =>
  (query, send) =>
    send(tamper(Buffer.from(rightFrame(query))));

interface Line {
  readonly session: Session<Request>;
  reply: Reply;
  /** What the line still owes: handed to whoever connects next, as serial gateways do. */
  owed?: Uint8Array;
  /** What was asked, such as `5 100+2`. */
  readonly asked: string[];
}

/** A serial gateway and a session with it; both gone afterwards. */
async function withLine(reply: Reply, play: (line: Line) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.setNoDelay());
    if (line.owed) socket.write(line.owed);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (bytes) => {
      expect(sealed(bytes.subarray(0, -2))).toEqual(bytes);
      const [unit, code] = [bytes.readUInt8(0), bytes.readUInt8(1)];
      const query = { unit, code, start: bytes.readUInt16BE(2), count: bytes.readUInt16BE(4) };
      line.asked.push(`${unit} ${query.start}+${query.count}`);
      line.reply(query, (answer) => void socket.write(answer));
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const session = openSession(busSchema.parse({ transport: "rtu-over-tcp", host, port }), env);
  const line: Line = { session, reply, asked: [] };
  try {
    await play(line);
  } finally {
    await session.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

function asking(unit: number, ...registers: number[]): Request {
  const points = registers.map((register) => ({
    id: `u${unit}/r${register}`,
    device: { unit },
    address: addressSchema.parse({ table: "holding", register }),
  }));
  const [request] = plan(points, busSchema.parse({ host }));
  return request!;
}

const values = (unit: number, ...registers: number[]): Reading[] =>
  registers.map((value) => ({ point: `u${unit}/r${value}`, value }));

test.each([
  // From the specification's and other published examples, not from this code.
  ["01 03 00 00 00 0a", "c5 cd"],
  ["11 03 00 6b 00 03", "76 87"],
  ["02 07", "41 12"],
])("the checksum of %s is %s", (body, checksum) => {
  const bytes = Buffer.from(body.replaceAll(" ", ""), "hex");
  expect(sealed(bytes).subarray(-2).toString("hex")).toBe(checksum.replace(" ", ""));
});

test.each([
  [1200, 32.08],
  [9600, 4.01],
  [19200, 2.005],
  [38400, 1.75],
  [115200, 1.75],
])("at %d baud a line is silent for %d ms between two frames", (baud, ms) => {
  expect(silenceMs(baud)).toBeCloseTo(ms, 2);
});

describe("whatever comes instead of the reply, no value comes of it, and the next read is right", {
  concurrent: true,
}, () => {
  test.for<[string, RegExp, Reply]>([
    ["silence", /^timeout no answer within/, () => {}],
    [
      "a wrong checksum",
      /^bad_reply wrong checksum/,
      tampered((bytes) => bytes.fill(bytes.at(-1)! ^ 1, bytes.length - 1)),
    ],
    ["a flipped bit", /^bad_reply wrong checksum/, tampered((bytes) => bytes.fill(bytes[4]! ^ 1, 4, 5))],
    ["another unit", /^bad_reply no right answer .* 06 03 04/, framed((query) => bodyOf({ ...query, unit: 6 }))],
    ["another function", /^bad_reply no right answer/, framed((query) => bodyOf({ ...query, code: 4 }))],
    ["fewer registers", /^bad_reply no right answer/, framed((query) => bodyOf({ ...query, count: 1 }))],
    ["more registers", /^bad_reply no right answer/, framed((query) => bodyOf({ ...query, count: 3 }))],
    ["a byte count that lies", /^bad_reply no right answer/, framed((query) => [5, 3, 6, ...bodyOf(query).slice(3)])],
    ["an exception of another unit", /^bad_reply no right answer/, framed(() => [6, 0x83, 2])],
    ["half a frame", /^bad_reply no right answer .* 05 03 04 00$/, tampered((bytes) => bytes.subarray(0, 4))],
    ["its own echo only", /^bad_reply no right answer/, framed(() => [5, 3, 0, 100, 0, 2])],
    ["no end of noise", /^bad_reply 1200 bytes without a reply/, (_, send) => send(Buffer.alloc(1200, 0x55))],
  ])("%s", async ([, told, reply]) => {
    await withLine(reply, async (line) => {
      for (let round = 0; round < 2; round++) {
        line.reply = reply;
        const readings = await line.session.read(asking(5, 100, 101), hastyMs);
        expect(readings.map(({ point }) => point)).toEqual(["u5/r100", "u5/r101"]);
        for (const one of readings) expect("fault" in one && `${one.fault} ${one.detail}`).toMatch(told);
        line.reply = right;
        expect(await line.session.read(asking(5, 200, 201), patientMs)).toEqual(values(5, 200, 201));
      }
    });
  });
});

describe("what looks wrong but holds the reply", { concurrent: true }, () => {
  const late = sealed(Uint8Array.of(6, 3, 2, 0x02, 0x9a));
  test.for<[string, Reply]>([
    ["noise before it", (query, send) => send(Buffer.concat([Buffer.from([0, 0xff, 5]), rightFrame(query)]))],
    ["the late reply of another unit before it", (query, send) => send(Buffer.concat([late, rightFrame(query)]))],
    [
      "an echo of the request before it",
      (query, send) => {
        const { unit, code, start, count } = query;
        const echo = sealed(Uint8Array.of(unit, code, start >> 8, start & 0xff, count >> 8, count & 0xff));
        send(Buffer.concat([echo, rightFrame(query)]));
      },
    ],
    [
      "byte by byte",
      (query, send) => {
        for (const byte of rightFrame(query)) setImmediate(() => send(Uint8Array.of(byte)));
      },
    ],
  ])("%s", async ([, reply]) => {
    await withLine(reply, async ({ session }) => {
      expect(await session.read(asking(5, 100), patientMs)).toEqual(values(5, 100));
      expect(await session.read(asking(5, 200), patientMs)).toEqual(values(5, 200));
    });
  });

  test("an exception is an answer", async () => {
    await withLine(
      framed(({ unit }) => [unit, 0x83, 4]),
      async ({ session }) => {
        expect(await session.read(asking(5, 100), patientMs)).toMatchObject([{ fault: "device_error" }]);
      },
    );
  });
});

describe("a reply that comes late", { concurrent: true }, () => {
  test("is waited out before the same unit is asked again, and never becomes another register's value", async () => {
    await withLine(
      () => {},
      async (line) => {
        line.reply = (query) => {
          line.owed = rightFrame(query);
        };
        expect(await line.session.read(asking(5, 100), 1000)).toMatchObject([{ fault: "timeout" }]);
        line.reply = right;
        expect(await line.session.read(asking(5, 200), patientMs)).toEqual(values(5, 200));
        expect(line.asked).toEqual(["5 100+1", "5 200+1"]);
      },
    );
  });

  test("does not hold up another unit, and is stepped over there", async () => {
    let overdue: Query | undefined;
    await withLine(
      (query) => {
        overdue = query;
      },
      async (line) => {
        await line.session.read(asking(5, 100), hastyMs);
        line.reply = (query, send) => {
          send(rightFrame(overdue!));
          send(rightFrame(query));
        };
        expect(await line.session.read(asking(6, 200), patientMs)).toEqual(values(6, 200));
      },
    );
  });
});

test("reads that are not awaited take turns on the line", async () => {
  await withLine(right, async ({ session, asked }) => {
    const reads = [10, 11, 12].map((register) => session.read(asking(5, register), patientMs));
    expect((await Promise.all(reads)).flat()).toEqual(values(5, 10, 11, 12));
    expect(asked).toEqual(["5 10+1", "5 11+1", "5 12+1"]);
  });
});

test("no bytes make the reader throw, and only the reply itself is taken", () => {
  const question = questionOf({ unit: 5, table: "holding", start: 7, count: 2 });
  const reply = sealed(Uint8Array.of(5, 3, 4, 0, 7, 0, 8));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (noise, step) => {
      const read = rtuReader(question);
      const all = Buffer.concat([noise, reply]);
      let last = read(Buffer.alloc(0));
      for (let at = 0; at < all.length && last.kind === "more"; at += step) last = read(all.subarray(at, at + step));
      if (last.kind === "reply") expect(question.read(last.body)).toEqual({ data: [7, 8] });
      else expect(last.kind).toBe("flaw");
    }),
  );
});
