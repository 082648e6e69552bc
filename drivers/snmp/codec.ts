import type { PlannedPoint, Reading, Told } from "../driver.ts";
import { textOf, told, untold } from "../told.ts";
import { type Address, oidsOf } from "./address.ts";
import { type Element, integerOf, oidOf, tags } from "./ber.ts";
import { epochOf } from "./date-and-time.ts";
import type { Flaw, Found } from "./getter.ts";
import type { Binding } from "./message.ts";

/** From a variable binding to a reading. Total: whatever a device sends is a value or a fault. */

type Point = Pick<PlannedPoint<unknown, Address>, "id" | "address">;

/** @param index of its row, where that was looked for */
export function readingOf({ id, address }: Point, found: Found | undefined, index?: string): Reading {
  const [oid = ""] = oidsOf(address, index);
  const binding = bindingIn(oid, found);
  const raw =
    "fault" in binding ? binding : address.as === undefined ? numberOf(binding.value) : epochOf(binding.value);
  const scale = typeof raw === "number" ? scaleOf(address, index, found) : 1;
  if (typeof raw !== "number") return { point: id, ...raw };
  if (typeof scale !== "number") return { point: id, ...scale };
  return scale === 1 ? { point: id, value: raw } : { point: id, value: raw, scale };
}

/** What the raw number is to be multiplied by, as other columns of its row say. */
function scaleOf(
  { digits, divisor, row }: Address,
  index: string | undefined,
  found: Found | undefined,
): number | Flaw {
  const column = digits ?? divisor;
  if (column === undefined) return 1;
  const oid = `${column}.${row ?? index}`;
  const binding = bindingIn(oid, found);
  const said = "fault" in binding ? binding : numberOf(binding.value);
  if (typeof said !== "number") return { fault: said.fault, detail: `its scale in ${oid}: ${said.detail}` };
  const scale = digits === undefined ? 1 / said : 10 ** -said;
  if (Math.abs(said) <= (digits === undefined ? 2 ** 31 : digitsMax) && Number.isFinite(scale)) return scale;
  return { fault: "implausible", detail: `its scale in ${oid} is ${said}` };
}

/** More are no decimal places of anything that is measured. */
const digitsMax = 12;

/** Text where the device says text or an OID, else the number as text. */
export function toldOf(id: string, oid: string, found: Found | undefined): Told {
  const binding = bindingIn(oid, found);
  if ("fault" in binding) return untold(id, binding.fault, binding.detail);
  const text = wordOf(binding.value);
  return typeof text === "string" ? told(id, text) : untold(id, text.fault, text.detail);
}

/** What an object holds, as text; such as a row's label, or an OID that names it. */
export function wordOf(value: Element): string | Flaw {
  if (value.tag === tags.octetString) return textOf(value.content);
  const oid = oidOf(value);
  if (oid !== undefined) return oid;
  const number = numberOf(value);
  return typeof number === "number" ? String(number) : number;
}

/** A binding of another OID is never the answer. */
export function bindingIn(oid: string, found: Found | undefined): Binding | Flaw {
  if (found !== undefined && "fault" in found) return found;
  const binding = found?.get(oid);
  if (binding?.oid === oid) return binding;
  return { fault: "bad_reply", detail: `asked ${oid}, the answer holds ${binding?.oid ?? "nothing"} in its place` };
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

/** What devices write where they have no value, beside nothing at all. */
const absent =
  /^(n\/?a|not[ _-]?(available|applicable|supported|present|installed)|unavailable|none|null|nan|-+|\?+)?$/i;

/** Many devices send measured values as DisplayString, such as "23.4", padded with blanks or NULs. */
function numberInText(octets: Buffer): number | Flaw {
  const text = octets.toString("latin1").replace(/^[\s\0]+|[\s\0]+$/g, "");
  if (absent.test(text)) return { fault: "not_available", detail: `the text ${JSON.stringify(text)}` };
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
