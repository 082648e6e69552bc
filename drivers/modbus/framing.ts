import { frame, headerBytes, lengthMax } from "./frame.ts";
import { identification, serverIdCode } from "./identification.ts";
import { functionCodes } from "./question.ts";
import { isSealed, sealed } from "./rtu.ts";
import { type Query, queryIn } from "./served.ts";

/** unit · function · data. */
type Body = readonly number[];

/** A device's side of the frames: questions out of a stream, answers into it, right ones and broken ones. Pure. */
export interface Framing {
  /** The first question in a stream; null: not yet whole. */
  take(stream: Buffer): Taken | null | "lost";
  pack(transaction: number, body: Body): Buffer;
  /** The right answer with one thing wrong, by what that is. */
  readonly wrong: Readonly<Record<string, (transaction: number, body: Body) => Buffer>>;
  /** In order in itself, and the answer to nothing that is ever asked: of unit 248, which is reserved. */
  readonly stray: Buffer;
}

export interface Taken {
  readonly query: Query;
  readonly transaction: number;
  readonly bytes: number;
}

/** A question is unit and function at least; a stream that holds anything shorter or absurd is lost. */
const shortest = 2;

const otherUnit = ([unit = 0, ...rest]: Body): Body => [unit ^ 1, ...rest];
const otherFunction = ([unit = 0, code, ...rest]: Body): Body => {
  const { holding, input } = functionCodes;
  return [unit, code === holding ? input : holding, ...rest];
};
/** A byte count that lies. */
const otherCount = ([unit = 0, code = 0, , ...rest]: Body): Body => [unit, code, 0xff, ...rest];

/** Modbus TCP and UDP. */
export const ofNetwork: Framing = {
  take(stream) {
    if (stream.length < headerBytes) return null;
    const length = stream.readUInt16BE(4);
    if (length < shortest || length > lengthMax) return "lost";
    const bytes = headerBytes + length;
    if (stream.length < bytes) return null;
    return { query: queryIn(stream.subarray(headerBytes, bytes)), transaction: stream.readUInt16BE(0), bytes };
  },
  pack: framed,
  wrong: {
    "wrong-transaction": (transaction, body) => framed(transaction ^ 0xffff, body),
    "wrong-count": (transaction, body) => framed(transaction, otherCount(body)),
    "wrong-length": (transaction, body) => written(framed(transaction, body), 4, 0xffff),
    "wrong-protocol": (transaction, body) => written(framed(transaction, body), 2, 0xdead),
    "wrong-unit": (transaction, body) => framed(transaction, otherUnit(body)),
    "wrong-function": (transaction, body) => framed(transaction, otherFunction(body)),
  },
  stray: framed(0x5555, [248, 3, 2, 0x12, 0x34]),
};

/** RTU: no transactions, but a checksum. */
export const ofLine: Framing = {
  take(stream) {
    if (stream.length < 2) return null;
    const length = stream[1] === identification.code ? 5 : stream[1] === serverIdCode ? 2 : 6;
    if (stream.length < length + 2) return null;
    if (!isSealed(stream, length)) return "lost";
    return { query: queryIn(stream.subarray(0, length)), transaction: 0, bytes: length + 2 };
  },
  pack: (_, body) => lined(body),
  wrong: {
    "wrong-checksum"(_, body) {
      const bytes = lined(body);
      return written(bytes, body.length, bytes.readUInt16BE(body.length) ^ 0xffff);
    },
    "wrong-unit": (_, body) => lined(otherUnit(body)),
    "wrong-length": (_, body) => lined(body).subarray(0, Math.ceil(body.length / 2)),
    noise: (_, body) => Buffer.alloc(body.length + 2, 0x55),
    "wrong-function": (_, body) => lined(otherFunction(body)),
    "wrong-count": (_, body) => lined(otherCount(body)),
  },
  stray: lined([248, 3, 2, 0x12, 0x34]),
};

function framed(transaction: number, [unit = 0, ...pdu]: Body): Buffer {
  return frame(transaction, unit, pdu);
}

function lined(body: Body): Buffer {
  return sealed(Uint8Array.from(body));
}

function written(bytes: Buffer, at: number, word: number): Buffer {
  bytes.writeUInt16BE(word, at);
  return bytes;
}
