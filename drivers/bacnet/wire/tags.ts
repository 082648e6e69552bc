/**
 * Reads the tags of a BACnet service (ASHRAE 135, 20.2.1) without trusting a byte of them.
 * The library reads past the end of a short packet and takes a REAL of the wrong length for 0, so nothing
 * reaches it that does not pass here first; the simulator reads its requests with the same function.
 */
export type Tag =
  | { readonly kind: "opening" | "closing"; readonly number: number }
  | { readonly kind: "context"; readonly number: number; readonly body: Buffer }
  /** A boolean has its value in its head, and no body. */
  | { readonly kind: "application"; readonly number: number; readonly body: Buffer; readonly isTrue: boolean };

export const applicationTag = {
  null: 0,
  boolean: 1,
  unsigned: 2,
  signed: 3,
  real: 4,
  double: 5,
  characterString: 7,
  bitString: 8,
  enumerated: 9,
  date: 10,
  time: 11,
  objectId: 12,
} as const;

/** All tags in order; undefined if one is cut off, of an impossible length, or not properly nested. */
export function readTags(bytes: Buffer): Tag[] | undefined {
  const tags: Tag[] = [];
  const open: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const head = readHead(bytes, at);
    if (!head) return undefined;
    const { number, kind } = head;
    at = head.end + head.length;
    if (at > bytes.length) return undefined;
    if (kind === "opening") open.push(number);
    if (kind === "closing" && open.pop() !== number) return undefined;
    if (kind === "opening" || kind === "closing") {
      tags.push({ kind, number });
      continue;
    }
    if (kind === "application" && !possible(number, head.length)) return undefined;
    const body = bytes.subarray(head.end, at);
    tags.push(kind === "context" ? { kind, number, body } : { kind, number, body, isTrue: head.code === 1 });
  }
  return open.length === 0 ? tags : undefined;
}

interface Head {
  readonly kind: Tag["kind"];
  readonly number: number;
  /** The length as the first octet has it; of a boolean its value. */
  readonly code: number;
  /** Octets of content. */
  readonly length: number;
  /** Where the content starts. */
  readonly end: number;
}

function readHead(bytes: Buffer, start: number): Head | undefined {
  let at = start;
  const first = bytes[at++] ?? 0;
  const context = (first & 0x08) !== 0;
  let number: number | undefined = first >> 4;
  if (number === 15) number = bytes[at++];
  if (number === undefined) return undefined;

  const code = first & 0x07;
  if (code > 5)
    return context ? { kind: code === 6 ? "opening" : "closing", number, code, length: 0, end: at } : undefined;
  if (!context && number === applicationTag.boolean) {
    return code <= 1 ? { kind: "application", number, code, length: 0, end: at } : undefined;
  }

  let length: number | undefined = code;
  if (code === 5) length = bytes[at++];
  // 254 and 255 announce a longer length; no value read here is that long, and the library misreads them.
  if (length === undefined || length >= 254) return undefined;
  return { kind: context ? "context" : "application", number, code, length, end: at };
}

/** Lengths the library turns into the value sent; with others it throws or makes up a 0. */
function possible(number: number, length: number): boolean {
  switch (number) {
    case applicationTag.null:
      return length === 0;
    case applicationTag.unsigned:
    case applicationTag.signed:
    case applicationTag.enumerated:
      return length >= 1 && length <= 6;
    case applicationTag.real:
    case applicationTag.objectId:
      return length === 4;
    case applicationTag.double:
      return length === 8;
    case applicationTag.characterString:
    case applicationTag.bitString:
      return length >= 1;
    default:
      return true;
  }
}
