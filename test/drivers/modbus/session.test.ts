import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realEnv } from "../../../agent/env.ts";
import { answered, type Reading, type Session } from "../../../drivers/driver.ts";
import { frame } from "../../../drivers/modbus/frame.ts";
import { plan, type Request } from "../../../drivers/modbus/plan.ts";
import { addressSchema, busSchema } from "../../../drivers/modbus/schema.ts";
import { openSession } from "../../../drivers/modbus/session.ts";

const host = "127.0.0.1";
const env = realEnv({ logLevel: "silent" });
const hastyMs = 600;
const patientMs = 10_000;
const slackMs = 2000;

/** Nothing that a device sends may reach the process as an uncaught error. */
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
  readonly transaction: number;
  readonly unit: number;
  readonly code: number;
  readonly start: number;
  readonly count: number;
}
type Reply = (query: Query, socket: Socket) => void;

/** Each register holds its own number, so that a value from anywhere else shows. */
const rightFrame = ({ transaction, unit, code, start, count }: Query): Buffer => {
  const data = Array.from({ length: count }, (_, i) => [(start + i) >> 8, (start + i) & 0xff]).flat();
  return frame(transaction, unit, [code, data.length, ...data]);
};
const right: Reply = (query, socket) => void socket.write(rightFrame(query));
const exception =
  (number: number, change: Partial<Query> = {}): Reply =>
  (query, socket) => {
    const { transaction, unit, code } = { ...query, ...change };
    socket.write(frame(transaction, unit, [code | 0x80, number]));
  };
/** The right frame, tampered with. */
const tampered =
  (tamper: (bytes: Buffer) => Buffer | number): Reply =>
  (query, socket) => {
    const bytes = rightFrame(query);
    const other = tamper(bytes);
    socket.write(typeof other === "number" ? bytes : other);
  };

interface Peer {
  readonly session: Session<Request>;
  /** What was asked, such as `3 100+2`. */
  readonly asked: string[];
  /** How the peer replies from now on. */
  reply: Reply;
  connections: number;
}

/** A raw device and a session with it; both gone afterwards. */
async function withPeer(reply: Reply, play: (peer: Peer) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    peer.connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      const query = {
        transaction: bytes.readUInt16BE(0),
        unit: bytes.readUInt8(6),
        code: bytes.readUInt8(7),
        start: bytes.readUInt16BE(8),
        count: bytes.readUInt16BE(10),
      };
      peer.asked.push(`${query.code} ${query.start}+${query.count}`);
      peer.reply(query, socket);
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const session = openSession(busSchema.parse({ host, port }), env);
  const peer: Peer = { session, asked: [], reply, connections: 0 };
  try {
    await play(peer);
  } finally {
    await session.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** One request for these holding registers. */
function asking(...registers: number[]): Request {
  const points = registers.map((register) => ({
    id: `d/r${register}`,
    device: { unit: 5 },
    address: addressSchema.parse({ table: "holding", register }),
  }));
  const [request] = plan(points, busSchema.parse({ host }));
  return request!;
}

const values = (...registers: number[]): Reading[] => registers.map((value) => ({ point: `d/r${value}`, value }));

async function timed(session: Session<Request>, request: Request, ms: number): Promise<readonly Reading[]> {
  const start = performance.now();
  const readings = await session.read(request, ms);
  expect(performance.now() - start).toBeLessThan(ms + slackMs);
  expect(readings.map(({ point }) => point)).toEqual(request.points.map(({ id }) => id));
  return readings;
}

describe("a hostile peer gets a typed fault, and the next read is right", { concurrent: true }, () => {
  test.for<[string, string, RegExp, Reply]>([
    ["silence", "timeout", /no answer within \d+ ms/, () => {}],
    ["another transaction", "timeout", /no answer/, tampered((bytes) => bytes.writeUInt16BE(999, 0))],
    ["another protocol", "bad_reply", /protocol 4660/, tampered((bytes) => bytes.writeUInt16BE(0x1234, 2))],
    ["length 65535", "bad_reply", /length 65535/, tampered((bytes) => bytes.writeUInt16BE(65535, 4))],
    ["length 0", "bad_reply", /length 0/, tampered((bytes) => bytes.writeUInt16BE(0, 4))],
    ["a length too great by one", "bad_reply", /length 8/, tampered((bytes) => bytes.writeUInt16BE(8, 4))],
    ["another unit", "bad_reply", /unit 6, asked 5/, tampered((bytes) => bytes.writeUInt8(6, 6))],
    ["another function", "bad_reply", /function 4, asked 3/, tampered((bytes) => bytes.writeUInt8(4, 7))],
    ["a byte count too great", "bad_reply", /250 bytes/, tampered((bytes) => bytes.writeUInt8(250, 8))],
    ["a byte count of 0", "bad_reply", /0 bytes/, tampered((bytes) => bytes.writeUInt8(0, 8))],
    [
      "fewer registers than asked",
      "bad_reply",
      /2 bytes of data, asked 4/,
      (query, socket) => right({ ...query, count: 1 }, socket),
    ],
    [
      "more registers than asked",
      "bad_reply",
      /6 bytes of data, asked 4/,
      (query, socket) => right({ ...query, count: 3 }, socket),
    ],
    ["an exception of another unit", "bad_reply", /unit 6/, exception(2, { unit: 6 })],
    ["an exception to another function", "bad_reply", /function 132/, exception(2, { code: 4 })],
    [
      "an exception with a tail",
      "bad_reply",
      /exception of length 4/,
      ({ transaction, unit }, socket) => void socket.write(frame(transaction, unit, [0x83, 2, 0])),
    ],
    ["garbage", "bad_reply", /protocol/, (_, socket) => void socket.write("GET / HTTP/1.1\r\n\r\n")],
    ["half a frame", "timeout", /no answer/, tampered((bytes) => bytes.subarray(0, 11))],
    ["a reset", "unreachable", /ECONNRESET/, (_, socket) => void socket.resetAndDestroy()],
    ["a close", "unreachable", /closed by the device/, (_, socket) => void socket.end()],
    [
      "half a frame and a close",
      "unreachable",
      /closed/,
      (query, socket) => void socket.end(rightFrame(query).subarray(0, 11)),
    ],
  ])("%s: %s", async ([, fault, detail, reply]) => {
    await withPeer(reply, async (peer) => {
      for (let round = 0; round < 2; round++) {
        peer.reply = reply;
        const readings = await timed(peer.session, asking(100, 101), fault === "timeout" ? hastyMs : patientMs);
        const expected = { fault, detail: expect.stringMatching(detail) };
        expect(readings).toEqual([
          { point: "d/r100", ...expected },
          { point: "d/r101", ...expected },
        ]);
        expect(answered(readings)).toBe(false);
        peer.reply = right;
        expect(await timed(peer.session, asking(200, 201), patientMs)).toEqual(values(200, 201));
      }
      expect(peer.connections).toBe(3);
    });
  });

  test("nobody listening: unreachable", async () => {
    const server = createServer().listen(0, host);
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, "close");
    const session = openSession(busSchema.parse({ host, port }), env);
    for (let round = 0; round < 3; round++) {
      expect(await timed(session, asking(1), hastyMs)).toEqual([
        { point: "d/r1", fault: "unreachable", detail: expect.stringContaining("ECONNREFUSED") },
      ]);
    }
  });

  test("a name that is none: a fault", async () => {
    const session = openSession(busSchema.parse({ host: "no-such-host.invalid" }), env);
    expect(answered(await timed(session, asking(1), hastyMs))).toBe(false);
    await session.close();
  });
});

describe("what looks hostile but is right", { concurrent: true }, () => {
  test.for<[string, Reply]>([
    [
      "a reply byte by byte",
      async (query, socket) => {
        socket.setNoDelay();
        for (const byte of rightFrame(query)) await new Promise((sent) => socket.write(Buffer.of(byte), sent));
      },
    ],
    [
      "another transaction's frame before the right one",
      (query, socket) => {
        right({ ...query, transaction: 999, start: 7 }, socket);
        right(query, socket);
      },
    ],
  ])("%s", async ([, reply]) => {
    await withPeer(reply, async ({ session }) => {
      expect(await timed(session, asking(100, 101), patientMs)).toEqual(values(100, 101));
      expect(await timed(session, asking(200), patientMs)).toEqual(values(200));
    });
  });
});

describe("a reply at the wrong time never becomes a value", { concurrent: true }, () => {
  test("late, after its timeout: finds no socket", async () => {
    const late: (() => void)[] = [];
    const keep: Reply = (query, socket) => void late.push(() => right(query, socket));
    await withPeer(keep, async (peer) => {
      expect(await timed(peer.session, asking(100), hastyMs)).toMatchObject([{ fault: "timeout" }]);
      peer.reply = (query, socket) => {
        for (const send of late.splice(0)) send();
        right(query, socket);
      };
      expect(await timed(peer.session, asking(200), patientMs)).toEqual(values(200));
    });
  });

  test("twice: the second one is dropped, together with the next request or before it", async () => {
    let last: Query | undefined;
    await withPeer(right, async (peer) => {
      peer.reply = (query, socket) => {
        if (last) right(last, socket);
        last = query;
        right(query, socket);
      };
      for (const register of [100, 200, 300]) {
        expect(await timed(peer.session, asking(register), patientMs)).toEqual(values(register));
      }
      expect(peer.connections).toBe(1);
    });
  });

  test("unasked, between two reads: the connection is given up", async () => {
    let gone: Promise<unknown> | undefined;
    await withPeer(right, async (peer) => {
      peer.reply = (query, socket) => {
        gone = once(socket, "close");
        right(query, socket);
        setTimeout(() => right({ ...query, transaction: query.transaction + 1, start: 666 }, socket), 20);
      };
      expect(await timed(peer.session, asking(100), patientMs)).toEqual(values(100));
      await gone;
      peer.reply = right;
      expect(await timed(peer.session, asking(200), patientMs)).toEqual(values(200));
      expect(peer.connections).toBe(2);
    });
  });

  test("300 reads on one connection, past the wrap of the library's transaction id", async () => {
    await withPeer(right, async ({ session, ...peer }) => {
      for (let i = 0; i < 300; i++) expect(await session.read(asking(i), patientMs)).toEqual(values(i));
      expect(peer.connections).toBeLessThanOrEqual(1);
    });
  });
});

describe("exceptions", { concurrent: true }, () => {
  test.for<[number, string, string, boolean]>([
    [1, "device_error", "exception 1 (illegal function)", true],
    [2, "no_such_point", "exception 2 (illegal data address) for holding 100 (40101)", true],
    [3, "no_such_point", "exception 3 (illegal data value) for holding 100 (40101)", true],
    [4, "device_error", "exception 4 (server device failure)", true],
    [6, "device_error", "exception 6 (server device busy)", true],
    [10, "unreachable", "exception 10 (gateway path unavailable)", false],
    [11, "timeout", "exception 11 (gateway target device failed to respond)", false],
    [77, "device_error", "exception 77 (unknown)", true],
  ])("%d is %s", async ([number, fault, detail, reachable]) => {
    await withPeer(exception(number), async (peer) => {
      const readings = await timed(peer.session, asking(100), patientMs);
      expect(readings).toEqual([{ point: "d/r100", fault, detail }]);
      expect(answered(readings)).toBe(reachable);
      peer.reply = right;
      expect(await timed(peer.session, asking(100), patientMs)).toEqual(values(100));
      expect(peer.connections).toBe(1);
    });
  });

  const hole =
    (register: number): Reply =>
    (query, socket) => {
      const inside = query.start <= register && register < query.start + query.count;
      (inside ? exception(2) : right)(query, socket);
    };
  const withHole = [
    ...values(100),
    { point: "d/r101", fault: "no_such_point", detail: "exception 2 (illegal data address) for holding 101 (40102)" },
    ...values(103),
  ];

  test("where the number of a manual was written, what was meant is told", async () => {
    await withPeer(exception(2), async ({ session }) => {
      expect(await session.read(asking(40108), patientMs)).toMatchObject([
        { detail: expect.stringMatching(/for holding 40108 \(440109\); if 40108 is .* it is holding 107 \(40108\)$/) },
      ]);
    });
  });

  test("a missing register does not blind its neighbours, and costs once", async () => {
    await withPeer(hole(101), async ({ session, asked }) => {
      expect(await timed(session, asking(100, 101, 103), patientMs)).toEqual(withHole);
      expect(asked.splice(0)).toEqual(["3 100+4", "3 100+1", "3 101+3", "3 101+1", "3 103+1"]);
      expect(await timed(session, asking(100, 101, 103), patientMs)).toEqual(withHole);
      expect(asked).toEqual(["3 100+1", "3 103+1"]);
    });
  });

  test("a device that refuses to read over a gap still gives all values", async () => {
    await withPeer(hole(102), async ({ session }) => {
      expect(await timed(session, asking(100, 103), patientMs)).toEqual(values(100, 103));
    });
  });

  test("reading in parts keeps the deadline of the whole", async () => {
    const once2: Reply = (query, socket) => {
      if (query.start === 101) return;
      hole(102)(query, socket);
    };
    await withPeer(once2, async (peer) => {
      const late = { fault: "timeout", detail: expect.any(String) };
      expect(await timed(peer.session, asking(100, 101, 103), 1500)).toEqual([
        ...values(100),
        { point: "d/r101", ...late },
        { point: "d/r103", ...late },
      ]);
      peer.reply = right;
      expect(await timed(peer.session, asking(100, 101, 103), patientMs)).toEqual(values(100, 101, 103));
    });
  });

  test("all bits of one status word are one read, and missing together", async () => {
    const points = [0, 3, 15].map((bit) => ({
      id: `d/b${bit}`,
      device: { unit: 5 },
      address: addressSchema.parse({ table: "input", register: 9, bit }),
    }));
    const [request] = plan(points, busSchema.parse({ host }));
    await withPeer(exception(2), async (peer) => {
      const readings = await timed(peer.session, request!, patientMs);
      expect(readings.map((one) => "fault" in one && one.fault)).toEqual(Array(3).fill("no_such_point"));
      expect(peer.asked).toEqual(["4 9+1"]);
      peer.reply = right; // register 9 holds 9: bits 0 and 3
      const values = (await peer.session.read(request!, patientMs)).map((one) => [
        one.point,
        "value" in one && one.value,
      ]);
      expect(Object.fromEntries(values)).toEqual({ "d/b0": 1, "d/b3": 1, "d/b15": 0 });
    });
  });
});

describe("the connection", { concurrent: true }, () => {
  test("is kept from read to read", async () => {
    await withPeer(right, async (peer) => {
      for (const register of [1, 2, 3]) await peer.session.read(asking(register), patientMs);
      expect(peer.connections).toBe(1);
    });
  });

  test("is made again when the device has closed it between two reads", async () => {
    let gone: Promise<unknown> | undefined;
    await withPeer(right, async (peer) => {
      peer.reply = (query, socket) => {
        gone = once(socket, "close");
        socket.end(rightFrame(query));
      };
      for (const register of [100, 200, 300]) {
        expect(await timed(peer.session, asking(register), patientMs)).toEqual(values(register));
        await gone;
      }
      expect(peer.connections).toBe(3);
    });
  });

  test("is not made by open, nor after close", async () => {
    await withPeer(right, async (peer) => {
      await peer.session.close();
      expect(await timed(peer.session, asking(1), patientMs)).toEqual([
        { point: "d/r1", fault: "unreachable", detail: "session closed" },
      ]);
      expect(peer.connections).toBe(0);
    });
  });

  test("close ends the read under way", async () => {
    await withPeer(
      () => {},
      async ({ session }) => {
        const reading = timed(session, asking(1), 0x7fffffff);
        await session.close();
        expect(await reading).toEqual([{ point: "d/r1", fault: "unreachable", detail: "session closed" }]);
      },
    );
  });
});
