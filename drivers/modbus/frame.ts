import type { Question, Reader } from "./question.ts";

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

/**
 * Steps over the frames of other transactions. What is wrong is told as soon as it shows, before the whole frame is
 * there: a length that lies would be waited for in vain.
 */
export function frameReader(transaction: number, question: Question): Reader {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    // The shortest right frame, an exception, has three bytes after its header.
    while (rest.length >= headerBytes + 3) {
      const [protocol, length] = [rest.readUInt16BE(2), rest.readUInt16BE(4)];
      if (protocol !== 0) return { kind: "flaw", detail: `protocol ${protocol}, not Modbus (0)` };
      if (length < 3 || length > lengthMax) return { kind: "flaw", detail: `frame of length ${length}` };
      const isMine = rest.readUInt16BE(0) === transaction;
      const body = rest.subarray(headerBytes, headerBytes + length);
      const flaw = isMine ? question.flawOf(body, length) : undefined;
      if (flaw !== undefined) return { kind: "flaw", detail: flaw };
      if (body.length < length) return { kind: "more" };
      if (isMine) return { kind: "reply", body };
      rest = rest.subarray(headerBytes + length);
    }
    return { kind: "more" };
  };
}
