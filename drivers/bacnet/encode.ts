import { apduStart, bvlc, npduVersion } from "./frame.ts";
import { applicationTag } from "./tags.ts";

/** Writes BACnet octets (ASHRAE 135, 20.2) for the simulator; the driver itself encodes with the library. */

/** A unicast BACnet/IP datagram around an APDU. */
export function datagram(...apdu: readonly (number | Buffer)[]): Buffer {
  const body = Buffer.concat(apdu.map((part) => (typeof part === "number" ? Buffer.of(part) : part)));
  const length = apduStart + body.length;
  return Buffer.concat([Buffer.of(bvlc.bacnetIp, bvlc.unicast, length >> 8, length & 0xff, npduVersion, 0), body]);
}

export const opening = (number: number): Buffer => Buffer.of((number << 4) | 0x0e);
export const closing = (number: number): Buffer => Buffer.of((number << 4) | 0x0f);
export const context = (number: number, body: Buffer): Buffer => tag((number << 4) | 0x08, body);
const application = (number: number, body: Buffer): Buffer => tag(number << 4, body);

function tag(head: number, body: Buffer): Buffer {
  if (body.length < 5) return Buffer.concat([Buffer.of(head | body.length), body]);
  if (body.length < 254) return Buffer.concat([Buffer.of(head | 5, body.length), body]);
  return Buffer.concat([Buffer.of(head | 5, 254, body.length >> 8, body.length & 0xff), body]);
}

/** In as few octets as hold it, at most 6; a value out of range becomes the nearest in range. */
export function unsignedOctets(value: number): Buffer {
  const whole = clamp(Math.trunc(value), 0, 2 ** 48 - 1);
  let length = 1;
  while (whole >= 2 ** (8 * length)) length++;
  const body = Buffer.alloc(length);
  body.writeUIntBE(whole, 0, length);
  return body;
}

function signedOctets(value: number): Buffer {
  const whole = clamp(Math.trunc(value), -(2 ** 47), 2 ** 47 - 1);
  let length = 1;
  while (whole < -(2 ** (8 * length - 1)) || whole >= 2 ** (8 * length - 1)) length++;
  const body = Buffer.alloc(length);
  body.writeIntBE(whole, 0, length);
  return body;
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value || 0));

export function objectIdOctets(type: number, instance: number): Buffer {
  const body = Buffer.alloc(4);
  body.writeUInt32BE(type * 2 ** 22 + instance);
  return body;
}

export const encoders = {
  boolean: (value: number): Buffer => Buffer.of((applicationTag.boolean << 4) | (value ? 1 : 0)),
  unsigned: (value: number): Buffer => application(applicationTag.unsigned, unsignedOctets(value)),
  signed: (value: number): Buffer => application(applicationTag.signed, signedOctets(value)),
  enumerated: (value: number): Buffer => application(applicationTag.enumerated, unsignedOctets(value)),
  real(value: number): Buffer {
    const body = Buffer.alloc(4);
    body.writeFloatBE(value);
    return application(applicationTag.real, body);
  },
  double(value: number): Buffer {
    const body = Buffer.alloc(8);
    body.writeDoubleBE(value);
    return application(applicationTag.double, body);
  },
};
/** How a number is encoded. */
export type Encoding = keyof typeof encoders;

export const objectIdentifier = (type: number, instance: number): Buffer =>
  application(applicationTag.objectId, objectIdOctets(type, instance));

/** The first octet of a character string names its encoding: 0 is UTF-8. */
export const characterString = (text: string): Buffer =>
  application(applicationTag.characterString, Buffer.from(`\0${text}`, "utf8"));

/** `length` bits of which the numbered ones are set; bit 0 is the highest of the first octet. */
export function bitString(length: number, set: readonly number[]): Buffer {
  const octets = Buffer.alloc(Math.ceil(length / 8));
  for (const bit of set) octets.writeUInt8(octets.readUInt8(bit >> 3) | (0x80 >> (bit & 7)), bit >> 3);
  return application(applicationTag.bitString, Buffer.concat([Buffer.of(octets.length * 8 - length), octets]));
}
