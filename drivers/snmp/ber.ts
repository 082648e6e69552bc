/**
 * The Basic Encoding Rules (X.690) as far as SNMP uses them: tags of one octet, definite lengths.
 * Decoding is total: octets that are not BER give undefined, none throw.
 */

export interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

export const tags = {
  integer: 0x02,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  ipAddress: 0x40,
  counter32: 0x41,
  gauge32: 0x42,
  timeTicks: 0x43,
  opaque: 0x44,
  counter64: 0x46,
  noSuchObject: 0x80,
  noSuchInstance: 0x81,
  endOfMibView: 0x82,
  sequence: 0x30,
} as const;

/** The elements that fill `octets` exactly. */
export function elements(octets: Buffer): Element[] | undefined {
  const found: Element[] = [];
  for (let rest = octets; rest.length > 0; ) {
    const head = firstElement(rest);
    if (head === undefined) return undefined;
    found.push(head.element);
    rest = head.rest;
  }
  return found;
}

/** The element at the start of `octets`, and what follows it. */
export function firstElement(octets: Buffer): { element: Element; rest: Buffer } | undefined {
  const [tag, short] = octets;
  if (tag === undefined || short === undefined) return undefined;
  const lengthOctets = short < 0x80 ? 0 : short & 0x7f;
  const start = 2 + lengthOctets;
  if (short === 0x80 || lengthOctets > 6 || octets.length < start) return undefined;
  const length = lengthOctets === 0 ? short : octets.readUIntBE(2, lengthOctets);
  const end = start + length;
  if (octets.length < end) return undefined;
  return { element: { tag, content: octets.subarray(start, end) }, rest: octets.subarray(end) };
}

/** A signed integer of at most 48 bits: more than any field of a message needs. */
export function integerOf(element: Element | undefined): number | undefined {
  if (element?.tag !== tags.integer) return undefined;
  const { content } = element;
  return content.length < 1 || content.length > 6 ? undefined : content.readIntBE(0, content.length);
}

export function oidOf(element: Element | undefined): string | undefined {
  if (element?.tag !== tags.oid) return undefined;
  const arcs: number[] = [];
  let arc = 0;
  let whole = true;
  for (const octet of element.content) {
    arc = arc * 128 + (octet & 0x7f);
    whole = octet < 0x80;
    if (arc >= 2 ** 32) return undefined;
    if (whole) arcs.push(arc);
    if (whole) arc = 0;
  }
  const [packed, ...others] = arcs;
  if (packed === undefined || !whole) return undefined;
  const first = Math.min(2, Math.floor(packed / 40));
  return [first, packed - first * 40, ...others].join(".");
}

export function encode({ tag, content }: Element): Buffer {
  return Buffer.concat([Buffer.of(tag, ...lengthOctets(content.length)), content]);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  return length < 0x10000
    ? [0x82, length >> 8, length & 0xff]
    : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
}

export const constructed = (tag: number, ...parts: readonly Element[]): Element => ({
  tag,
  content: Buffer.concat(parts.map(encode)),
});

/** Two's complement in as few octets as hold it; `value` within 48 bits. */
export function integer(value: number, tag: number = tags.integer): Element {
  let size = 1;
  while (value < -(2 ** (8 * size - 1)) || value >= 2 ** (8 * size - 1)) size++;
  const content = Buffer.alloc(size);
  content.writeIntBE(value, 0, size);
  return { tag, content };
}

export const octets = (content: Buffer): Element => ({ tag: tags.octetString, content });
export const text = (value: string): Element => octets(Buffer.from(value));

/** `value` as the schema validates it. */
export function oid(value: string): Element {
  const [first = 0, second = 0, ...others] = value.split(".").map(Number);
  return { tag: tags.oid, content: Buffer.from([first * 40 + second, ...others].flatMap(base128)) };
}

function base128(arc: number): number[] {
  const octets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift(0x80 | (rest % 128));
  return octets;
}
