import type { Result } from "../answer.ts";
import type { ObjectId } from "../question.ts";
import { applicationTag, type Tag } from "./tags.ts";

/** What single tags hold. Total: null for what is something else. */

/** An unsigned or enumerated number of at most 6 octets, tagged or in its place. */
export function numberOf(tag: Tag | undefined): number | null {
  if (tag?.kind !== "context" && tag?.kind !== "application") return null;
  const { number, kind, body } = tag;
  if (kind === "application" && number !== applicationTag.unsigned && number !== applicationTag.enumerated) return null;
  return body.length >= 1 && body.length <= 6 ? body.readUIntBE(0, body.length) : null;
}

export function objectOf(tag: Tag | undefined): ObjectId | null {
  if (tag?.kind !== "context" && tag?.kind !== "application") return null;
  if (tag.body.length !== 4 || (tag.kind === "application" && tag.number !== applicationTag.objectId)) return null;
  const bits = tag.body.readUInt32BE();
  return { type: bits >>> 22, instance: bits & 0x3f_ffff };
}

/** The first octet names the encoding: 0 is UTF-8, 4 UCS-2, 5 ISO 8859-1 (ASHRAE 135, 20.2.9). */
const encodings = new Map<number, (body: Buffer) => string>([
  [0, (body) => body.toString("utf8")],
  [4, (body) => new TextDecoder("utf-16be").decode(body)],
  [5, (body) => body.toString("latin1")],
]);

export function characters(tag: Tag | undefined): string | null {
  if (tag?.kind !== "context" && tag?.kind !== "application") return null;
  if (tag.kind === "application" && tag.number !== applicationTag.characterString) return null;
  const [encoding = -1] = tag.body;
  return encodings.get(encoding)?.(tag.body.subarray(1)) ?? null;
}

/** Bit 0 is the highest of the first octet; the first octet of the body says how many of the last are unused. */
export const bitOf = (tag: Tag | undefined, bit: number): boolean | null => {
  if (tag?.kind !== "context" && tag?.kind !== "application") return null;
  const octet = tag.body[1 + (bit >> 3)];
  return octet === undefined ? null : (octet & (0x80 >> (bit & 7))) !== 0;
};

/** As the library gives the values of a property; null where that has a form that no number here has. */
export function resultOf(tags: readonly Tag[]): Result | null {
  const values = tags.map(plain);
  return values.some((value) => value === null) ? null : (values as Result);
}

function plain(tag: Tag): Result[number] | null {
  if (tag.kind !== "application") return null;
  const { number: type, body } = tag;
  switch (type) {
    case applicationTag.null:
      return { type, value: null };
    case applicationTag.boolean:
      return { type, value: tag.isTrue };
    case applicationTag.unsigned:
    case applicationTag.enumerated:
      return { type, value: body.readUIntBE(0, body.length) };
    case applicationTag.signed:
      return { type, value: body.readIntBE(0, body.length) };
    case applicationTag.real:
      return { type, value: body.readFloatBE(0) };
    case applicationTag.double:
      return { type, value: body.readDoubleBE(0) };
    case applicationTag.bitString:
      return { type, value: { value: [...body.subarray(1)].map(reversed) } };
    default:
      return { type };
  }
}

/** As the library has the octets of a bit string. */
const reversed = (octet: number): number => {
  let made = 0;
  for (let bit = 0; bit < 8; bit++) if (octet & (0x80 >> bit)) made |= 1 << bit;
  return made;
};
