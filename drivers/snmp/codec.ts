import type { BadReason } from "../../agent/core/sample.ts";
import type { Reading, Told } from "../driver.ts";
import { textOf, told, untold } from "../told.ts";
import { type Element, integerOf, oidOf, tags } from "./ber.ts";
import type { Binding } from "./message.ts";
import type { Point } from "./plan.ts";

/** From a variable binding to a reading. Total: whatever a device sends is a value or a fault. */

interface Flaw {
  readonly fault: BadReason;
  readonly detail: string;
}

/** What came of one OID: the binding in its place, or what came instead of an answer. */
export type Found = Binding | Flaw | undefined;
type Asked = Pick<Point, "id" | "address">;

export function readingOf({ id, address }: Asked, found: Found): Reading {
  const binding = bindingIn(address.oid, found);
  const number = "fault" in binding ? binding : numberOf(binding.value);
  return typeof number === "number" ? { point: id, value: number } : { point: id, ...number };
}

/** Text where the device says text or an OID, else the number as text. */
export function toldOf({ id, address }: Asked, found: Found): Told {
  const binding = bindingIn(address.oid, found);
  if ("fault" in binding) return untold(id, binding.fault, binding.detail);
  const { value } = binding;
  if (value.tag === tags.octetString) return told(id, textOf(value.content));
  const oid = oidOf(value);
  if (oid !== undefined) return told(id, oid);
  const number = numberOf(value);
  return typeof number === "number" ? told(id, String(number)) : untold(id, number.fault, number.detail);
}

/** A binding of another OID is never the answer. */
function bindingIn(oid: string, found: Found): Binding | Flaw {
  if (found !== undefined && ("fault" in found || found.oid === oid)) return found;
  return { fault: "bad_reply", detail: `asked ${oid}, the answer holds ${found?.oid ?? "nothing"} in its place` };
}

export function numberOf(value: Element): number | Flaw {
  switch (value.tag) {
    case tags.integer:
      return integer32(value);
    case tags.counter32:
    case tags.gauge32:
    case tags.timeTicks:
      return unsigned(value, 4);
    case tags.counter64:
      return unsigned(value, 8);
    case tags.octetString:
      return numberInText(value.content);
    case tags.opaque:
      return floatInOpaque(value.content);
    case tags.null:
      return { fault: "not_available", detail: "Null" };
    case tags.noSuchObject:
    case tags.noSuchInstance:
    case tags.endOfMibView:
      return { fault: "no_such_point", detail: nameOf(value) };
    default:
      return { fault: "wrong_type", detail: `expected a number, got ${nameOf(value)}` };
  }
}

const names: Readonly<Record<number, string>> = {
  [tags.integer]: "Integer32",
  [tags.oid]: "OBJECT IDENTIFIER",
  [tags.ipAddress]: "IpAddress",
  [tags.counter32]: "Counter32",
  [tags.gauge32]: "Gauge32",
  [tags.timeTicks]: "TimeTicks",
  [tags.counter64]: "Counter64",
  [tags.noSuchObject]: "NoSuchObject",
  [tags.noSuchInstance]: "NoSuchInstance",
  [tags.endOfMibView]: "EndOfMibView",
};
const nameOf = ({ tag }: Element): string => names[tag] ?? `type 0x${tag.toString(16)}`;

const unusable = (value: Element): Flaw => ({
  fault: "bad_reply",
  detail: `${nameOf(value)} of ${value.content.length} octets`,
});

function integer32(value: Element): number | Flaw {
  const number = integerOf(value);
  return number !== undefined && number === (number | 0) ? number : unusable(value);
}

/** Unsigned, also where an agent forgets the leading zero octet that BER demands of a set top bit. */
function unsigned(value: Element, size: 4 | 8): number | Flaw {
  const { content } = value;
  const digits = content.length === size + 1 && content[0] === 0 ? content.subarray(1) : content;
  if (digits.length < 1 || digits.length > size) return unusable(value);
  const number = BigInt(`0x${digits.toString("hex")}`);
  if (number <= 2n ** 53n) return Number(number);
  return { fault: "implausible", detail: `Counter64 ${number} is more than a number holds exactly (2^53)` };
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
