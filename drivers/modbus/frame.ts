import type { Question } from "./question.ts";

/**
 * Frames of Modbus TCP and UDP (MODBUS Messaging on TCP/IP V1.0b, 3.1.3), 16-bit fields high byte first:
 * transaction 2 · protocol 2 (always 0) · length 2 (of what follows) · unit 1 · function 1 · data.
 */
export const headerBytes = 6;
/** Unit, function and at most 252 bytes of data. */
export const lengthMax = 254;

export function frame(transaction: number, unit: number, pdu: Iterable<number>): Buffer {
  const body = [unit, ...pdu];
  const bytes = Buffer.alloc(headerBytes + body.length);
  bytes.writeUInt16BE(transaction, 0);
  bytes.writeUInt16BE(body.length, 4);
  bytes.set(body, headerBytes);
  return bytes;
}

export interface Reply {
  readonly transaction: number;
  readonly body: Buffer;
}

/**
 * Takes a stream to pieces, chunk by chunk: the right replies in it, and what is wrong with it, after which nothing more can be
 * made of it. Steps over the frames of transactions that are not under way. What is wrong is told as soon as it shows, before
 * the whole frame is there: a length that lies would be waited for in vain.
 */
export function frameSplitter(
  underWay: (transaction: number) => Question | undefined,
): (chunk: Buffer) => { readonly replies: readonly Reply[]; readonly flaw: string | undefined } {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const replies: Reply[] = [];
    const answered = new Set<number>();
    // The shortest right frame, an exception, has three bytes after its header.
    while (rest.length >= headerBytes + 3) {
      const [transaction, protocol, length] = [rest.readUInt16BE(0), rest.readUInt16BE(2), rest.readUInt16BE(4)];
      if (protocol !== 0) return { replies, flaw: `protocol ${protocol}, not Modbus (0)` };
      if (length < 3 || length > lengthMax) return { replies, flaw: `frame of length ${length}` };
      const question = answered.has(transaction) ? undefined : underWay(transaction);
      const body = rest.subarray(headerBytes, headerBytes + length);
      const flaw = question?.flawOf(body, length);
      if (flaw !== undefined) return { replies, flaw };
      if (body.length < length) break;
      rest = rest.subarray(headerBytes + length);
      if (question === undefined) continue;
      replies.push({ transaction, body });
      answered.add(transaction);
    }
    return { replies, flaw: undefined };
  };
}
