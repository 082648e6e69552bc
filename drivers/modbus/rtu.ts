import type { Question, Reader } from "./question.ts";

/**
 * RTU frames (MODBUS over Serial Line V1.02, 2.5.1): unit 1 · function 1 · data · CRC 2, low byte first. Nothing tells which
 * request a frame answers, nor where it begins: the one that is due is looked for in all that came.
 */
export function sealed(body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(body.length + 2);
  bytes.set(body);
  bytes.writeUInt16LE(crcOf(body), body.length);
  return bytes;
}

/** CRC-16 with the polynomial 0xA001, reflected, from 0xFFFF (V1.02, 6.2.2), a byte at a time. */
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) crc = (crc >> 8) ^ (ofByte[(crc ^ byte) & 0xff] ?? 0);
  return crc;
}

const ofByte = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

/** Whether the first `length` bytes are followed by their checksum. */
export const isSealed = (bytes: Buffer, length: number): boolean =>
  bytes.length >= length + 2 && crcOf(bytes.subarray(0, length)) === bytes.readUInt16LE(length);

/** Milliseconds that a line is silent between two frames: 3.5 characters of 11 bits, 1.75 ms above 19200 baud (V1.02, 2.5.1.1). */
export const silenceMs = (baud: number): number => (baud > 19200 ? 1.75 : (3.5 * 11 * 1000) / baud);

/** As much as several frames; whoever sends more never stops. */
const bytesMax = 1024;

/**
 * Steps over noise, an echo of the request and frames that others were meant to have, such as the late reply of another
 * unit. A frame of just the right length whose checksum is wrong is not waited upon any longer.
 */
export function rtuReader(question: Question): Reader {
  let all: Buffer = Buffer.alloc(0);
  return (chunk) => {
    all = Buffer.concat([all, chunk]);
    for (let at = 0; at + 5 <= all.length; at++) {
      const here = all.subarray(at);
      const length = question.lengthOf(here);
      if (length === null || here.length < length + 2) continue;
      const isRight = question.flawOf(here, length) === undefined;
      if (isRight && isSealed(here, length)) return { kind: "reply", body: here.subarray(0, length) };
      if (isRight && all.length === length + 2)
        return { kind: "flaw", detail: `wrong checksum (CRC) in ${hexOf(all)}` };
    }
    return all.length > bytesMax ? { kind: "flaw", detail: `${all.length} bytes without a reply` } : { kind: "more" };
  };
}

/** The first bytes, for people: what a wrong baud rate or another device on the line looks like. */
export const hexOf = (bytes: Buffer): string =>
  bytes
    .subarray(0, 16)
    .toString("hex")
    .replace(/(..)(?=.)/g, "$1 ") + (bytes.length > 16 ? " …" : "");
