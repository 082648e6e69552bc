import type { Table } from "./schema.ts";

/**
 * Modbus TCP frames (MODBUS Messaging on TCP/IP V1.0b, 3.1.3), 16-bit fields high byte first:
 * transaction 2 · protocol 2 (always 0) · length 2 (of what follows) · unit 1 · function 1 · data.
 */
export const headerBytes = 6;
/** Unit, function and at most 252 bytes of data. */
export const lengthMax = 254;

export const functionCodes: Readonly<Record<Table, number>> = { coil: 1, discrete: 2, holding: 3, input: 4 };
/** Set in the function code of an exception. */
export const exceptionFlag = 0x80;

export function frame(transaction: number, unit: number, pdu: readonly number[]): Buffer {
  const bytes = Buffer.alloc(headerBytes + 1 + pdu.length);
  bytes.writeUInt16BE(transaction, 0);
  bytes.writeUInt16BE(1 + pdu.length, 4);
  bytes.set([unit, ...pdu], headerBytes);
  return bytes;
}

/** Encapsulated interface transport, Read Device Identification. */
export const identification = { code: 0x2b, type: 0x0e } as const;

/** What a right reply to a read looks like, apart from its transaction. */
export interface Expected {
  readonly unit: number;
  readonly code: number;
  /** Bytes of register or coil data. */
  readonly bytes: number;
}

/**
 * Judges all that arrives after one request, chunk by chunk: what is wrong with it, or undefined as long as it may
 * be right. It checks what the library does not: protocol id, absurd lengths, the unit of an exception, the byte
 * count. The transaction is left to the library, which steps over the frames of other ones.
 */
export function guard(expected: Expected): (chunk: Buffer) => string | undefined {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    // The shortest right frame, an exception, has three bytes after its header.
    while (rest.length >= headerBytes + 3) {
      const flaw = flawOf(rest, expected);
      if (flaw) return flaw;
      const whole = headerBytes + rest.readUInt16BE(4);
      if (rest.length < whole) return undefined;
      rest = rest.subarray(whole);
    }
    return undefined;
  };
}

function flawOf(bytes: Buffer, expected: Expected): string | undefined {
  const [protocol, length] = [bytes.readUInt16BE(2), bytes.readUInt16BE(4)];
  const [unit, code, count] = [bytes.readUInt8(6), bytes.readUInt8(7), bytes.readUInt8(8)];
  if (protocol !== 0) return `protocol ${protocol}, not Modbus (0)`;
  if (length < 3 || length > lengthMax) return `frame of length ${length}`;
  if (unit !== expected.unit) return `reply of unit ${unit}, asked ${expected.unit}`;
  if (code === (expected.code | exceptionFlag)) return length === 3 ? undefined : `exception of length ${length}`;
  if (code !== expected.code) return `reply to function ${code}, asked ${expected.code}`;
  if (count !== expected.bytes) return `${count} bytes of data, asked ${expected.bytes}`;
  return length === 3 + count ? undefined : `${count} bytes of data in a frame of length ${length}`;
}

/** Ids from here on are ours: the library numbers its own transactions 0 to 255, and steps over any other. */
const ownTransaction = 0x4d57;

/** Asks for one object by the stream that it is in (V1.1b3, 6.21): basic, regular or extended. */
export function identificationRequest(unit: number, object: number): Buffer {
  const stream = object <= 2 ? 1 : object <= 6 ? 2 : 3;
  return frame(ownTransaction, unit, [identification.code, identification.type, stream, object]);
}

export type Identified =
  | { readonly kind: "more" }
  | { readonly kind: "flaw"; readonly detail: string }
  | { readonly kind: "exception"; readonly number: number }
  /** `octets` undefined: the device has no such object. */
  | { readonly kind: "object"; readonly octets: Buffer | undefined };

/** Reads the reply, chunk by chunk. Total: the library's own reading of it ends the process on a bad one. */
export function identified(unit: number, object: number): (chunk: Buffer) => Identified {
  let all: Buffer = Buffer.alloc(0);
  return (chunk) => {
    all = Buffer.concat([all, chunk]);
    if (all.length < headerBytes + 3) return { kind: "more" };
    const [transaction, protocol, length] = [all.readUInt16BE(0), all.readUInt16BE(2), all.readUInt16BE(4)];
    if (transaction !== ownTransaction) return { kind: "flaw", detail: `reply to transaction ${transaction}` };
    if (protocol !== 0) return { kind: "flaw", detail: `protocol ${protocol}, not Modbus (0)` };
    if (length < 3 || length > lengthMax) return { kind: "flaw", detail: `frame of length ${length}` };
    if (all.length < headerBytes + length) return { kind: "more" };
    if (all.length > headerBytes + length) return { kind: "flaw", detail: "more than one reply" };
    return objectIn(all.subarray(headerBytes), unit, object);
  };
}

/** unit · function · type · stream · conformity · more follows · next object · count · (id · length · octets) … */
function objectIn(body: Buffer, unit: number, object: number): Identified {
  const [from, code, type, , , , , count = 0] = body;
  if (from !== unit) return { kind: "flaw", detail: `reply of unit ${from}, asked ${unit}` };
  if (code === (identification.code | exceptionFlag) && body.length === 3)
    return { kind: "exception", number: body.readUInt8(2) };
  if (code !== identification.code || type !== identification.type || body.length < 8)
    return { kind: "flaw", detail: `reply to function ${code}, asked ${identification.code}/${identification.type}` };
  let at = 8;
  let octets: Buffer | undefined;
  for (let nth = 0; nth < count; nth++) {
    const [id, length] = [body[at], body[at + 1]];
    if (id === undefined || length === undefined || at + 2 + length > body.length)
      return { kind: "flaw", detail: `${count} objects in ${body.length} bytes` };
    if (id === object) octets ??= body.subarray(at + 2, at + 2 + length);
    at += 2 + length;
  }
  return at === body.length ? { kind: "object", octets } : { kind: "flaw", detail: "bytes after the last object" };
}
