import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type Env, realEnv } from "../../agent/env.ts";
import type { Misbehaviour, SimulatorOptions, StartSimulator } from "../simulator.ts";
import { exceptionFlag, frame, functionCodes, headerBytes, identification, lengthMax } from "./frame.ts";
import { imageOf, type Range, type Text } from "./image.ts";
import { addressSchema, deviceSchema, hasWords, partSchema, type Table } from "./schema.ts";

/**
 * Serves the points of any number of units over Modbus TCP, functions 1 to 4 and 43/14. Its own frame coder, not the server of
 * the library: that one is slow and cannot misbehave.
 */
export const startModbusSimulator: StartSimulator = async ({ host, port, points, value, identities = [] }) => {
  const parsed = points.map(({ id, device, address }) => ({
    id,
    device: deviceSchema.parse(device),
    address: addressSchema.parse(address),
  }));
  const { texts, objects } = selfKnowledge(identities);
  const image = imageOf(parsed, value, texts);
  // The device stands for the world outside of the agent, hence real time.
  const { after } = realEnv({ logLevel: "silent" });
  const sockets = new Set<Socket>();
  let how: Misbehaviour = "none";

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // a client that goes away; "close" follows
    socket.on("close", () => sockets.delete(socket));
    serve(socket, { image, objects, after, how: () => how });
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();

  return {
    port: typeof address === "object" && address ? address.port : port,
    misbehave(next) {
      how = next;
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

/** What the devices tell of themselves, in registers and as objects of Read Device Identification. */
function selfKnowledge(identities: NonNullable<SimulatorOptions["identities"]>) {
  const texts: Text[] = [];
  const objects: IdentityObject[] = [];
  for (const { device, parts, text } of identities) {
    const { unit } = deviceSchema.parse(device);
    for (const { name, address: written } of parts) {
      const address = partSchema.parse(written);
      const now = (): string | null => text(name);
      if ("object" in address) objects.push({ unit, id: address.object, text: now });
      else texts.push({ unit, address, text: now });
    }
  }
  return { texts, objects };
}

interface IdentityObject {
  readonly unit: number;
  readonly id: number;
  text(): string | null;
}

interface Device {
  readonly image: ReturnType<typeof imageOf>;
  readonly objects: readonly IdentityObject[];
  readonly after: Env["after"];
  how(): Misbehaviour;
}

interface Query {
  readonly transaction: number;
  readonly unit: number;
  readonly code: number;
  readonly start: number;
  readonly count: number;
}

const slowMs = 3000;
const shortest = 5;

function serve(socket: Socket, device: Device): void {
  const { after, how } = device;
  const late = new Set<() => void>();
  let rest: Buffer = Buffer.alloc(0);
  let answers = 0;
  socket.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= headerBytes) {
      const length = rest.readUInt16BE(4);
      // A question is five bytes long at least; a stream that holds anything shorter or absurd is lost.
      if (length < shortest || length > lengthMax) {
        socket.destroy();
        return;
      }
      if (rest.length < headerBytes + length) return;
      answer(queryIn(rest));
      rest = rest.subarray(headerBytes + length);
    }
  });
  socket.on("close", () => {
    for (const cancel of late) cancel();
  });

  function answer(query: Query): void {
    switch (how()) {
      case "none":
        socket.write(replyTo(query, device));
        return;
      case "silent":
        return;
      case "slow": {
        const cancel = after(slowMs, () => {
          late.delete(cancel);
          socket.write(replyTo(query, device));
        });
        late.add(cancel);
        return;
      }
      case "rubbish":
        socket.write(rubbishFor(query, answers++));
        return;
      case "error":
        socket.write(exception(query, 4));
    }
  }
}

function queryIn(bytes: Buffer): Query {
  return {
    transaction: bytes.readUInt16BE(0),
    unit: bytes.readUInt8(6),
    code: bytes.readUInt8(7),
    start: bytes.readUInt16BE(8),
    // One of five bytes ends with the object it asks for.
    count: bytes.readUInt16BE(4) < 6 ? bytes.readUInt8(10) : bytes.readUInt16BE(10),
  };
}

function replyTo(query: Query, { image, objects }: Device): Buffer {
  const { transaction, unit, code, start, count } = query;
  if (code === identification.code) return identityReply(query, objects);
  const table = tableOf(code);
  if (!table) return exception(query, 1);
  if (count < 1 || count > (hasWords(table) ? 125 : 2000)) return exception(query, 3);
  const range: Range = { unit, table, start, count };
  const held = start + count > 65536 ? null : image(range);
  if (!held) return exception(query, 2);
  const data = hasWords(table) ? held.flatMap((word) => [word >> 8, word & 0xff]) : packed(held);
  return frame(transaction, unit, [code, data.length, ...data]);
}

/** The whole stream from the object asked for; from the first where there is no such one. */
function identityReply({ transaction, unit, code, start, count: asked }: Query, all: Device["objects"]): Buffer {
  const told = all
    .filter((one) => one.unit === unit)
    .flatMap(({ id, text }) => {
      const now = text();
      return now === null ? [] : [{ id, octets: [...Buffer.from(now).subarray(0, 240)] }];
    })
    .toSorted((a, b) => a.id - b.id);
  if (told.length === 0) return exception({ transaction, unit, code, start, count: asked }, 1);
  const first = told.find(({ id }) => id === asked) ?? told[0];
  const { id = 0, octets = [] } = first ?? {};
  const isLast = told.at(-1) === first;
  const head = [code, identification.type, start & 0xff, 0x83, isLast ? 0 : 0xff, isLast ? 0 : id + 1, 1];
  return frame(transaction, unit, [...head, id, octets.length, ...octets]);
}

const exception = ({ transaction, unit, code }: Query, number: number): Buffer =>
  frame(transaction, unit, [code | exceptionFlag, number]);

function tableOf(code: number): Table | undefined {
  const tables: readonly Table[] = ["coil", "discrete", "holding", "input"];
  return tables.find((table) => functionCodes[table] === code);
}

/** Eight bits to a byte, the first one lowest. */
function packed(bits: readonly number[]): number[] {
  const bytes = new Array<number>(Math.ceil(bits.length / 8)).fill(0);
  for (const [i, bit] of bits.entries()) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (i & 7));
  return bytes;
}

/** In turn: another transaction, a byte count that lies, a length no frame has, a protocol that is not Modbus. */
function rubbishFor({ transaction, unit, code }: Query, turn: number): Buffer {
  const bytes = frame(transaction, unit, [code, 2, 0, 0]);
  if (turn % 4 === 0) bytes.writeUInt16BE(transaction ^ 0xffff, 0);
  else if (turn % 4 === 1) bytes.writeUInt8(0xff, 8);
  else if (turn % 4 === 2) bytes.writeUInt16BE(0xffff, 4);
  else bytes.writeUInt16BE(0xdead, 2);
  return bytes;
}
