import { isVarbindError, ObjectType, type Varbind } from "net-snmp";
import type { BadReason } from "../../agent/core/sample.ts";
import type { Reading, Told } from "../driver.ts";
import { textOf, told, untold } from "../told.ts";
import type { Point } from "./plan.ts";

/** From a variable binding, as net-snmp decodes it, to a reading. Total: whatever a device sends is a value or a fault. */

interface Flaw {
  readonly fault: BadReason;
  readonly detail: string;
}

/** What came of one OID: the binding in its place, or what came instead of an answer. */
export type Found = Varbind | Flaw | undefined;
type Asked = Pick<Point, "id" | "address">;

export function readingOf({ id, address }: Asked, found: Found): Reading {
  const varbind = bindingIn(address.oid, found);
  const number = "fault" in varbind ? varbind : numberOf(varbind);
  return typeof number === "number" ? { point: id, value: number } : { point: id, ...number };
}

/** Text where the device says text or an OID, else the number as text. */
export function toldOf({ id, address }: Asked, found: Found): Told {
  const varbind = bindingIn(address.oid, found);
  if ("fault" in varbind) return untold(id, varbind.fault, varbind.detail);
  const { type, value } = varbind;
  if (type === ObjectType.OctetString && Buffer.isBuffer(value)) return told(id, textOf(value));
  if (type === ObjectType.OID && typeof value === "string") return told(id, value);
  const number = numberOf(varbind);
  return typeof number === "number" ? told(id, String(number)) : untold(id, number.fault, number.detail);
}

/** A binding of another OID is never the answer. */
function bindingIn(oid: string, found: Found): Varbind | Flaw {
  if (found !== undefined && ("fault" in found || found.oid === oid)) return found;
  return { fault: "bad_reply", detail: `asked ${oid}, the answer holds ${found?.oid ?? "nothing"} in its place` };
}

export function numberOf(varbind: Varbind): number | Flaw {
  const { type, value } = varbind;
  if (isVarbindError(varbind)) return { fault: "no_such_point", detail: nameOf(type) };
  switch (type) {
    case ObjectType.Integer:
    case ObjectType.Counter:
    case ObjectType.Gauge:
    case ObjectType.TimeTicks:
      return typeof value === "number" ? value : unusable(type);
    case ObjectType.Counter64:
      return Buffer.isBuffer(value) ? counter64(value) : unusable(type);
    case ObjectType.OctetString:
      return Buffer.isBuffer(value) ? numberInText(value) : unusable(type);
    case ObjectType.Opaque:
      return Buffer.isBuffer(value) ? floatInOpaque(value) : unusable(type);
    case ObjectType.Null:
      return { fault: "not_available", detail: "Null" };
    default:
      return { fault: "wrong_type", detail: `expected a number, got ${nameOf(type)}` };
  }
}

const nameOf = (type: Varbind["type"]): string => (type !== undefined && ObjectType[type]) || `type ${type}`;

const unusable = (type: Varbind["type"]): Flaw => ({
  fault: "bad_reply",
  detail: `${nameOf(type)} without a usable content`,
});

/** Unsigned, also where an agent forgets the leading zero octet that BER demands of a set top bit. */
function counter64(octets: Buffer): number | Flaw {
  const digits = octets.length === 9 && octets[0] === 0 ? octets.subarray(1) : octets;
  if (digits.length < 1 || digits.length > 8) return unusable(ObjectType.Counter64);
  const value = BigInt(`0x${digits.toString("hex")}`);
  if (value <= 2n ** 53n) return Number(value);
  return { fault: "implausible", detail: `Counter64 ${value} is more than a number holds exactly (2^53)` };
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const shownMax = 40;

/** Many devices send measured values as DisplayString, such as "23.4", padded with blanks or NULs. */
function numberInText(octets: Buffer): number | Flaw {
  const text = octets.toString("latin1").replace(/^[\s\0]+|[\s\0]+$/g, "");
  if (!decimal.test(text)) {
    return { fault: "wrong_type", detail: `expected a number, got text ${JSON.stringify(text.slice(0, shownMax))}` };
  }
  return finite(Number(text));
}

/** Net-SNMP's convention, not in any RFC: tag 9f78 float or 9f79 double, its length, then IEEE 754 big endian. */
function floatInOpaque(octets: Buffer): number | Flaw {
  const head = octets.subarray(0, 3).toString("hex");
  if (head === "9f7804" && octets.length === 7) return finite(octets.readFloatBE(3));
  if (head === "9f7908" && octets.length === 11) return finite(octets.readDoubleBE(3));
  return { fault: "wrong_type", detail: "expected a number, got Opaque that holds no float" };
}

const finite = (value: number): number | Flaw =>
  Number.isFinite(value) ? value : { fault: "not_finite", detail: String(value) };
