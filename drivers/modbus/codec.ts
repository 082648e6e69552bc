import type { BadReason } from "../../agent/core/sample.ts";
import { type Address, hasWords, type Order, type TextAddress, widthOf } from "./schema.ts";

/** Registers to number and back. Pure and total: no input throws, and no number is silently another one. */

export type Decoded = { readonly value: number } | { readonly fault: BadReason; readonly detail: string };

/**
 * The number that lies in the registers (coil, discrete: in one bit) of an address, which begin at `at` of these.
 *
 * Faults: `not_finite` for the NaN and infinities of a float; `implausible` for an integer beyond ±(2^53 - 1), which a
 * number does not hold exactly (rounded, a counter would stand still and then jump), and for decimals with a digit that
 * is none; `bad_reply` for fewer registers than the value takes.
 */
export function decode(address: Address, registers: readonly number[], at = 0): Decoded {
  const width = widthOf(address);
  const first = registers[at];
  if (first === undefined || registers.length < at + width) {
    return { fault: "bad_reply", detail: `${Math.max(0, registers.length - at)} of ${width} registers` };
  }
  if (!hasWords(address.table)) return { value: first === 0 ? 0 : 1 };
  const value = numberIn(inOrder(registers, at, width, address.order), address.type);
  if (typeof value === "bigint") {
    if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) {
      return { fault: "implausible", detail: `${value} is beyond 2^53` };
    }
    return { value: Number(value) };
  }
  if (value === null) {
    return { fault: "implausible", detail: `${address.type} with a digit above 9: ${hexOf(scratch, width)}` };
  }
  if (!Number.isFinite(value)) return { fault: "not_finite", detail: `${address.type} ${value}` };
  return { value: address.bit === undefined ? value : (value >> address.bit) & maskOf(address) };
}

/** One for all: it is read before anything else is written to it. */
const scratch = new DataView(new ArrayBuffer(8));

/** The registers of a value, in the order of the standard. */
function inOrder(registers: readonly number[], at: number, width: number, order: Order): DataView {
  const lowWordFirst = order === "CDAB" || order === "DCBA";
  const lowByteFirst = order === "BADC" || order === "DCBA";
  for (let i = 0; i < width; i++) {
    const word = registers[at + (lowWordFirst ? width - 1 - i : i)] ?? 0;
    scratch.setUint16(2 * i, word, lowByteFirst);
  }
  return scratch;
}

/** The octets of a text that lies in registers, in the order of its characters. */
export function octetsOf(
  { length, order }: Omit<TextAddress, "table" | "register">,
  registers: readonly number[],
): Buffer {
  const octets = reorder(registers, order).flatMap((word) => [word >> 8, word & 0xff]);
  return Buffer.from(octets.slice(0, length));
}

/** The registers of which `octetsOf` makes this text; what is too long is cut, what is short filled with NULs. */
export function registersOf({ length, order }: Omit<TextAddress, "table" | "register">, text: string): number[] {
  const octets = Buffer.alloc(2 * Math.ceil(length / 2));
  octets.write(text, 0, length);
  const words = Array.from({ length: octets.length / 2 }, (_, i) => octets.readUInt16BE(2 * i));
  return reorder(words, order);
}

/**
 * The registers that `decode` turns into the number. What does not fit a type becomes the nearest that does: an
 * integer is rounded and kept in its range, NaN is 0. Bits keep the other bits of the registers `held`.
 */
export function encode(address: Address, value: number, held: readonly number[] = []): number[] {
  if (!hasWords(address.table)) return [value === 0 ? 0 : 1];
  const view = new DataView(new ArrayBuffer(widthOf(address) * 2));
  if (address.bit !== undefined) {
    const mask = maskOf(address);
    const [word = 0] = reorder(held, address.order);
    const field = Number(clamp(value, 0n, BigInt(mask)));
    view.setUint16(0, (word & ~(mask << address.bit)) | (field << address.bit));
  } else if (address.type === "f32") view.setFloat32(0, value);
  else if (address.type === "f64") view.setFloat64(0, value);
  else if (isDecimal(address.type)) writeDecimal(view, value);
  else writeInteger(view, value, address.type.startsWith("s"));
  return reorder(wordsOf(view), address.order);
}

/** Its own inverse, hence the same for both ways. */
function reorder(words: readonly number[], order: Order): number[] {
  const lowWordFirst = order === "CDAB" || order === "DCBA";
  const lowByteFirst = order === "BADC" || order === "DCBA";
  const inOrder = lowWordFirst ? words.toReversed() : [...words];
  return lowByteFirst ? inOrder.map((word) => ((word & 0xff) << 8) | (word >> 8)) : inOrder;
}

/** The bits of a field, shifted to the lowest; a single bit if it is not said how many. */
const maskOf = ({ bits = 1 }: Address): number => (1 << bits) - 1;

/** Null: decimals that are none. */
function numberIn(view: DataView, type: Address["type"]): number | bigint | null {
  switch (type) {
    case "u16":
      return view.getUint16(0);
    case "s16":
      return view.getInt16(0);
    case "u32":
      return view.getUint32(0);
    case "s32":
      return view.getInt32(0);
    case "u64":
      return view.getBigUint64(0);
    case "s64":
      return view.getBigInt64(0);
    case "f32":
      return view.getFloat32(0);
    case "f64":
      return view.getFloat64(0);
    case "bcd16":
    case "bcd32":
      // A digit is four bits, so that the hexadecimal digits are the decimal ones.
      return decimalIn(hexOf(view, Number(type.slice(3)) / 16));
  }
}

const isDecimal = (type: Address["type"]): boolean => type.startsWith("bcd");

const decimalIn = (digits: string): number | null => (/^\d+$/.test(digits) ? Number(digits) : null);

const hexOf = (view: DataView, words: number): string =>
  Array.from({ length: words }, (_, i) =>
    view
      .getUint16(i * 2)
      .toString(16)
      .padStart(4, "0"),
  ).join("");

function writeDecimal(view: DataView, value: number): void {
  const digits = view.byteLength * 2;
  const nearest = clamp(value, 0n, 10n ** BigInt(digits) - 1n);
  writeInteger(view, Number.parseInt(String(nearest), 16), false);
}

function writeInteger(view: DataView, value: number, signed: boolean): void {
  const bits = BigInt(view.byteLength * 8);
  const lowest = signed ? -(2n ** (bits - 1n)) : 0n;
  const highest = lowest + 2n ** bits - 1n;
  const nearest = clamp(value, lowest, highest);
  for (let at = view.byteLength - 2, left = nearest; at >= 0; at -= 2, left >>= 16n) {
    view.setUint16(at, Number(left & 0xffffn));
  }
}

function clamp(value: number, lowest: bigint, highest: bigint): bigint {
  if (Number.isNaN(value)) return 0n;
  // Compared before the conversion, which would throw for the infinities.
  if (value >= highest) return highest;
  if (value <= lowest) return lowest;
  return BigInt(Math.round(value));
}

function wordsOf(view: DataView): number[] {
  return Array.from({ length: view.byteLength / 2 }, (_, i) => view.getUint16(i * 2));
}
