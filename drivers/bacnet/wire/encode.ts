import { unicast } from "./packet.ts";
import { applicationTag } from "./tags.ts";

/** Writes BACnet octets (ASHRAE 135, 20.2): all that simulated devices say, and what the driver asks beside what the library encodes. */

/** One after the other; a number is an octet. */
export const octets = (...parts: readonly (number | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.of(part) : part)));

/** A unicast BACnet/IP datagram around an APDU, without a route. */
export const datagram = (...apdu: readonly (number | Buffer)[]): Buffer => unicast(octets(...apdu));

export const opening = (number: number): Buffer => head(number, 0x0e);
export const closing = (number: number): Buffer => head(number, 0x0f);
export const enclosed = (number: number, ...parts: readonly Buffer[]): Buffer =>
  Buffer.concat([opening(number), ...parts, closing(number)]);

/** From 15 on a tag's number has an octet of its own. */
function head(number: number, low: number): Buffer {
  return number < 15 ? Buffer.of((number << 4) | low) : Buffer.of(0xf0 | low, number);
}

const contextClass = 0x08;
export const context = (number: number, body: Buffer): Buffer => tag(number, contextClass, body);
const application = (number: number, body: Buffer): Buffer => tag(number, 0, body);

function tag(number: number, tagClass: number, body: Buffer): Buffer {
  const { length } = body;
  if (length < 5) return octets(head(number, tagClass | length), body);
  if (length < 254) return octets(head(number, tagClass | 5), length, body);
  return octets(head(number, tagClass | 5), 254, length >> 8, length & 0xff, body);
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

function realOctets(value: number): Buffer {
  const body = Buffer.alloc(4);
  body.writeFloatBE(value);
  return body;
}

function doubleOctets(value: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeDoubleBE(value);
  return body;
}

export function objectIdOctets(type: number, instance: number): Buffer {
  const body = Buffer.alloc(4);
  body.writeUInt32BE(type * 2 ** 22 + instance);
  return body;
}

/** The octets of a number without their tag, as a tag of the context has them too. */
export const contents = {
  boolean: (value: number): Buffer => Buffer.of(value ? 1 : 0),
  unsigned: unsignedOctets,
  signed: signedOctets,
  enumerated: unsignedOctets,
  real: realOctets,
  double: doubleOctets,
};
/** How a number is encoded. */
export type Encoding = keyof typeof contents;

const numbered =
  (encoding: Exclude<Encoding, "boolean">) =>
  (value: number): Buffer =>
    application(applicationTag[encoding], contents[encoding](value));

export const encoders = {
  // The one type whose value stands in the tag itself.
  boolean: (value: number): Buffer => head(applicationTag.boolean, value ? 1 : 0),
  unsigned: numbered("unsigned"),
  signed: numbered("signed"),
  enumerated: numbered("enumerated"),
  real: numbered("real"),
  double: numbered("double"),
} satisfies Record<Encoding, unknown>;

export const nothing = application(applicationTag.null, Buffer.alloc(0));

export const objectIdentifier = (type: number, instance: number): Buffer =>
  application(applicationTag.objectId, objectIdOctets(type, instance));

/** The first octet of a character string names its encoding: 0 is UTF-8. */
export const textOctets = (text: string): Buffer => Buffer.from(`\0${text}`, "utf8");
export const characterString = (text: string): Buffer => application(applicationTag.characterString, textOctets(text));

/** `length` bits of which the numbered ones are set; bit 0 is the highest of the first octet, which follows the count of unused ones. */
export function bitOctets(length: number, set: readonly number[]): Buffer {
  const bits = Buffer.alloc(Math.ceil(length / 8));
  for (const bit of set) bits.writeUInt8(bits.readUInt8(bit >> 3) | (0x80 >> (bit & 7)), bit >> 3);
  return octets(bits.length * 8 - length, bits);
}

export const bitString = (length: number, set: readonly number[]): Buffer =>
  application(applicationTag.bitString, bitOctets(length, set));

/** Date and time in UTC; null: unspecified. `wall`: ms since 1970. */
export function dateAndTime(wall: number | null): Buffer {
  const at = new Date(wall ?? 0);
  const day = [at.getUTCFullYear() - 1900, at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCDay() || 7];
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds(), Math.floor(at.getUTCMilliseconds() / 10)];
  const told = (parts: number[]): Buffer => Buffer.from(wall === null ? [0xff, 0xff, 0xff, 0xff] : parts);
  return Buffer.concat([application(applicationTag.date, told(day)), application(applicationTag.time, told(time))]);
}
