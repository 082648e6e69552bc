import { address } from "./address.ts";
import * as ber from "./ber.ts";
import type { Objects } from "./served.ts";

/** Recordings of devices as snmpsim keeps them: a line an object, `OID|tag|value`; the tag is BER's, with "x" for hexadecimal. */

/** What is wrong with a line, for people: a recording is made by them or by a tool of theirs. */
export interface Flaw {
  readonly line: number;
  readonly cause: string;
}

const whole = /^-?\d{1,20}$/;
const hexadecimal = /^([0-9a-fA-F]{2})*$/;
const dotted = /^\d{1,3}(\.\d{1,3}){3}$/;

/** Total: what cannot be read is told, and nothing is made of it. */
export function readSnmprec(text: string): { readonly objects: Objects; readonly flaws: readonly Flaw[] } {
  const objects = new Map<string, () => ber.Element>();
  const flaws: Flaw[] = [];
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const [oid = "", tag = "", ...rest] = line.split("|");
    const element = address.safeParse({ oid }).success ? elementOf(tag, rest.join("|")) : "the OID is not one";
    if (typeof element === "string") flaws.push({ line: at + 1, cause: element });
    else if (!objects.has(oid)) objects.set(oid, () => element);
  }
  return { objects, flaws };
}

/** A text: what is wrong. */
function elementOf(written: string, value: string): ber.Element | string {
  const [, number, hex] = /^(\d{1,3})(x?)$/.exec(written) ?? [];
  const tag = Number(number);
  const read = readers[tag];
  if (number === undefined || read === undefined) return `tag ${JSON.stringify(written)} is none that a device sends`;
  if (hex === "") return read(value, tag) ?? `the value is none of tag ${tag}`;
  return hexadecimal.test(value) ? { tag, content: Buffer.from(value, "hex") } : "the value is not hexadecimal";
}

type Read = (value: string, tag: number) => ber.Element | undefined;

const numberWithin =
  (low: bigint, high: bigint): Read =>
  (value, tag) => {
    if (!whole.test(value) || BigInt(value) < low || BigInt(value) > high) return undefined;
    return { tag, content: twosComplement(BigInt(value)) };
  };
const plain: Read = (value, tag) => ({ tag, content: Buffer.from(value) });
const unsigned32 = numberWithin(0n, 2n ** 32n - 1n);

const readers: Readonly<Record<number, Read>> = {
  [ber.tags.integer]: numberWithin(-(2n ** 31n), 2n ** 31n - 1n),
  [ber.tags.octetString]: plain,
  [ber.tags.null]: (_, tag) => ({ tag, content: Buffer.alloc(0) }),
  [ber.tags.oid]: (value) => {
    const oid = value.replace(/^\./, "");
    return oid === "0.0" || address.safeParse({ oid }).success ? ber.oid(oid) : undefined;
  },
  [ber.tags.ipAddress]: (value, tag) =>
    dotted.test(value) ? { tag, content: Buffer.from(value.split(".").map(Number)) } : undefined,
  [ber.tags.counter32]: unsigned32,
  [ber.tags.gauge32]: unsigned32,
  [ber.tags.timeTicks]: unsigned32,
  [ber.tags.opaque]: plain,
  [ber.tags.counter64]: numberWithin(0n, 2n ** 64n - 1n),
};

/** In as few octets as hold it, as BER wants it. */
function twosComplement(value: bigint): Buffer {
  let octets = 1;
  while (BigInt.asIntN(8 * octets, value) !== value) octets++;
  const hex = BigInt.asUintN(8 * octets, value).toString(16);
  return Buffer.from(hex.padStart(2 * octets, "0"), "hex");
}
