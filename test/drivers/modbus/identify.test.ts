import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realEnv } from "../../../agent/env.ts";
import type { Told } from "../../../drivers/driver.ts";
import { frame, frameSplitter } from "../../../drivers/modbus/frame.ts";
import { identityQuestion, serverIdQuestion } from "../../../drivers/modbus/identification.ts";
import type { Request } from "../../../drivers/modbus/plan.ts";
import { rtuReader, sealed } from "../../../drivers/modbus/rtu.ts";
import { addressSchema, busSchema, partSchema } from "../../../drivers/modbus/schema.ts";
import { openSession } from "../../../drivers/modbus/session.ts";

/** Read Device Identification, past the library: whatever a device answers to it, the process and the next read go on. */

const host = "127.0.0.1";
const env = realEnv({ logLevel: "silent" });
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

const inquiry = { device: { unit: 5 }, parts: [{ name: "model", address: partSchema.parse({ object: 5 }) }] };
const request: Request = {
  unit: 5,
  table: "holding",
  start: 7,
  count: 1,
  points: [{ id: "d/r7", device: { unit: 5 }, address: addressSchema.parse({ table: "holding", register: 7 }) }],
};

/** The body after unit and function: type, stream, conformity, more follows, next, count, objects. */
const body = (more: number, ...objects: readonly (readonly [number, string])[]): number[] => [
  ...[0x0e, 2, 0x82, more, more === 0 ? 0 : 6, objects.length],
  ...objects.flatMap(([id, text]) => [id, text.length, ...Buffer.from(text)]),
];
const model = body(0, [5, "PM5560"]);

type Reply = (asked: Buffer, socket: Socket) => void;
const reply =
  (pdu: readonly number[], { unit = 5, transaction }: { unit?: number; transaction?: number } = {}): Reply =>
  (asked, socket) =>
    void socket.write(frame(transaction ?? asked.readUInt16BE(0), unit, pdu));
const right = reply([0x2b, ...model]);

/** Registers hold 7; Read Device Identification is answered as the test says. */
async function withPeer(
  first: Reply,
  play: (session: ReturnType<typeof openSession>, heard: Buffer[]) => Promise<void>,
) {
  const sockets = new Set<Socket>();
  const heard: Buffer[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      heard.push(bytes);
      if (bytes.readUInt8(7) === 0x2b)
        (heard.filter((one) => one.readUInt8(7) === 0x2b).length === 1 ? first : right)(bytes, socket);
      else socket.write(frame(bytes.readUInt16BE(0), 5, [3, 2, 0, 7]));
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const session = openSession(busSchema.parse({ host, port }), env);
  try {
    await play(session, heard);
  } finally {
    await session.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const brief = ([one]: readonly Told[]): string => (one === undefined ? "" : "text" in one ? one.text : one.fault);

describe("what a device answers", { concurrent: true }, () => {
  test.for<[string, string, Reply]>([
    ["its model", "PM5560", right],
    ["all objects of the stream", "PM5560", reply([0x2b, ...body(0, [4, "Meter"], [5, "PM5560"], [6, "App"])])],
    ["more that follows, which is not asked for", "PM5560", reply([0x2b, ...body(0xff, [5, "PM5560"])])],
    [
      "byte by byte",
      "PM5560",
      (asked, socket) => {
        for (const one of frame(asked.readUInt16BE(0), 5, [0x2b, ...model])) socket.write(Buffer.of(one));
      },
    ],
    ["an empty text", "not_available", reply([0x2b, ...body(0, [5, ""])])],
    [
      "other objects, as the standard bids where it lacks this one",
      "not_available",
      reply([0x2b, ...body(0, [0, "Schneider"])]),
    ],
    ["no objects", "not_available", reply([0x2b, ...body(0)])],
    ["no such function", "no_such_point", reply([0xab, 1])],
    ["no such object", "no_such_point", reply([0xab, 2])],
    ["busy", "device_error", reply([0xab, 6])],
    ["a gateway, of a device that is silent", "timeout", reply([0xab, 11])],
    ["nothing", "timeout", () => {}],
    [
      "half a frame",
      "timeout",
      (asked, socket) => void socket.write(frame(asked.readUInt16BE(0), 5, [0x2b, ...model]).subarray(0, 12)),
    ],
    ["another transaction", "timeout", reply([0x2b, ...model], { transaction: 3 })],
    ["another unit", "bad_reply", reply([0x2b, ...model], { unit: 6 })],
    ["an exception of another unit", "bad_reply", reply([0xab, 1], { unit: 6 })],
    ["another function", "bad_reply", reply([0x03, 2, 0, 7])],
    ["another type of transport", "bad_reply", reply([0x2b, 0x0d, ...model.slice(1)])],
    ["an object longer than the frame", "bad_reply", reply([0x2b, ...model.slice(0, 7), 200, 65])],
    ["more objects than there are", "bad_reply", reply([0x2b, 0x0e, 2, 0x82, 0xff, 6, 9, 5, 1, 65])],
    ["bytes after the last object", "bad_reply", reply([0x2b, ...model, 1, 2, 3])],
    ["a frame cut off in its head", "bad_reply", reply([0x2b, 0x0e])],
    [
      "the answer twice",
      "PM5560 or bad_reply",
      (asked, socket) => {
        const one = frame(asked.readUInt16BE(0), 5, [0x2b, ...model]);
        socket.write(Buffer.concat([one, one]));
      },
    ],
    ["the end of the connection", "unreachable", (_asked, socket) => void socket.destroy()],
    [
      "what ends the process with the library's own reading: more follows, then an exception",
      "PM5560 or bad_reply",
      (asked, socket) => {
        reply([0x2b, ...body(0xff, [5, "PM5560"])])(asked, socket);
        setImmediate(() => reply([0xab, 4])(asked, socket));
      },
    ],
  ])("%s: %s, and both go on", async ([, expected, first]) => {
    await withPeer(first, async (session) => {
      expect(await session.read(request, 3000)).toEqual([{ point: "d/r7", value: 7 }]);
      expect(brief(await session.identify!(inquiry, 300))).toBeOneOf(expected.split(" or "));
      const [reading] = await session.read(request, 3000);
      // What came unasked for ends the connection, so that this read may fail, but never with another's value.
      if (!("fault" in reading!)) expect(reading).toEqual({ point: "d/r7", value: 7 });
      expect(await session.read(request, 3000)).toEqual([{ point: "d/r7", value: 7 }]);
      expect(brief(await session.identify!(inquiry, 3000))).toBe("PM5560");
    });
  });
});

test.each([
  [0, 1],
  [2, 1],
  [5, 2],
  [6, 2],
  [128, 3],
])("object %i is asked for in the stream that it is in, %i", async (object, stream) => {
  expect([...identityQuestion(5, object).body]).toEqual([5, 0x2b, 0x0e, stream, object]);
});

test.each([
  ["43/14", identityQuestion(5, 5), [5, 0x2b, 0x0e]],
  ["17", serverIdQuestion(5), [5, 0x11, 9]],
])("no bytes make the reading of a reply to %s throw or run on", (_, question, start) => {
  const kinds = ["more", "flaw", "reply"];
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 250 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 50 }),
      (bytes, hasHead, step) => {
        const head = hasHead ? [...start, ...bytes] : [...bytes];
        const split = frameSplitter((transaction) => (transaction === 7 ? question : undefined));
        const network = frame(7, head[0] ?? 0, head.slice(1));
        for (let at = 0; at < network.length; at += step)
          for (const reply of split(network.subarray(at, at + step)).replies)
            expect(Object.keys(question.read(reply.body))).not.toEqual([]);
        const read = rtuReader(question);
        const line = sealed(Uint8Array.from(head));
        for (let at = 0; at < line.length; at += step) {
          const outcome = read(line.subarray(at, at + step));
          expect(kinds).toContain(outcome.kind);
          if (outcome.kind === "reply") expect(Object.keys(question.read(outcome.body))).not.toEqual([]);
        }
      },
    ),
  );
});
