import Client from "node-bacnet";
import * as z from "zod";
import type { Fault, Reading, Told } from "../driver.ts";
import { told, untold, visible } from "../told.ts";
import type { Answer, Result, Results } from "./answer.ts";
import { flagsKeyOf, isPresentValue, keyOf, type ObjectId, type ObjectPoint } from "./question.ts";
import { applicationTag } from "./wire/tags.ts";

/** Turns what a device says of an object into a reading; total: any input gives a number or a fault. */

/** How the library marks a property that could not be read. */
export const errorTag = 105;

export const errorCode = {
  unknownObject: 31,
  unknownProperty: 32,
  invalidArrayIndex: 42,
  notAnArray: 50,
  unrecognizedService: 67,
};
const absent: ReadonlySet<number> = new Set([
  errorCode.unknownObject,
  errorCode.unknownProperty,
  errorCode.invalidArrayIndex,
  errorCode.notAnArray,
]);

export type ValueFault = Pick<Fault, "fault" | "detail">;

export function readingOf(point: ObjectPoint, results: Results): Reading {
  const result = results.get(keyOf(point));
  if (!result) return { point: point.id, fault: "bad_reply", detail: `the answer lacks ${sayAddress(point)}` };
  const value = decode(result);
  if (typeof value !== "number") return { point: point.id, ...value };
  const flags = isPresentValue(point.address) ? results.get(flagsKeyOf(point)) : undefined;
  const fault = flags && statusFault(flags);
  return fault ? { point: point.id, ...fault } : { point: point.id, value };
}

const sayAddress = ({ address: { object, instance, property, index } }: ObjectPoint): string =>
  `${object} ${instance} ${property}${index === undefined ? "" : `[${index}]`}`;

/** Reliability by number (ASHRAE 135, BACnetReliability; 64 and above are makers' own). */
const reliabilities: readonly (string | undefined)[] = [
  "no-fault-detected",
  "no-sensor",
  "over-range",
  "under-range",
  "open-loop",
  "shorted-loop",
  "no-output",
  "unreliable-other",
  "process-error",
  "multi-state-fault",
  "configuration-error",
  undefined,
  "communication-failure",
  "member-fault",
  "monitored-object-fault",
  "tripped",
  "lamp-failure",
  "activation-failure",
  "renew-dhcp-failure",
  "renew-fd-registration-failure",
  "restart-auto-negotiation-failure",
  "restart-failure",
  "proprietary-command-failure",
  "faults-listed",
  "referenced-object-fault",
  "multi-state-out-of-range",
];

/** Why an object whose status flags say fault is not to be believed, as its reliability tells; undefined: that tells nothing. */
export function reliabilityDetail(result: Result | undefined): string | undefined {
  const number = result === undefined ? undefined : decode(result);
  if (typeof number !== "number" || number === 0) return undefined;
  return `reliability: ${reliabilities[number] ?? "of the maker's own"} (${number})`;
}

/** A number as the device sent it; a boolean is 0 or 1. */
export function decode(result: Result): number | ValueFault {
  const [first] = result;
  if (!first || result.length !== 1) return wrongType(`${result.length} values where one is expected`);
  const { type, value } = first;
  switch (type) {
    case applicationTag.null:
      return { fault: "not_available", detail: "the device has no value (null)" };
    case applicationTag.boolean:
      return typeof value === "boolean" ? Number(value) : wrongType("boolean");
    case applicationTag.unsigned:
    case applicationTag.signed:
    case applicationTag.enumerated:
    case applicationTag.real:
    case applicationTag.double:
      if (typeof value !== "number") return wrongType(`application tag ${type}`);
      return Number.isFinite(value) ? value : { fault: "not_finite", detail: String(value) };
    case errorTag:
      return propertyFault(value);
    default:
      return wrongType(`application tag ${type} is not a number`);
  }
}

const objectId: z.ZodType<ObjectId> = z.object({ type: z.number(), instance: z.number() });

/** The instance of the object that a property names; undefined: it names none. */
export function instanceOf(result: Result | undefined): number | undefined {
  const [first] = result ?? [];
  return first?.type === applicationTag.objectId ? objectId.safeParse(first.value).data?.instance : undefined;
}

/** The texts of a property, an array's in their order; null: it is something else. */
export function textsIn(result: Result): readonly string[] | null {
  const texts = result.map(({ type, value }) => (type === applicationTag.characterString ? value : null));
  return texts.every((text) => typeof text === "string") ? texts.map(visible) : null;
}

/** The object identifiers of a property; null: it is something else. */
export function objectsIn(result: Result): readonly ObjectId[] | null {
  const found = result.map(({ type, value }) =>
    type === applicationTag.objectId ? objectId.safeParse(value).data : undefined,
  );
  return found.every((one) => one !== undefined) ? found : null;
}

/** What the device says of itself: a text as it is, an object by its instance, else the number as text. */
export function toldOf(part: string, result: Result | undefined): Told {
  const [first] = result ?? [];
  if (result === undefined || first === undefined) return untold(part, "bad_reply", "the answer lacks it");
  const { type, value } = first;
  if (result.length === 1 && type === applicationTag.characterString && typeof value === "string")
    return told(part, visible(value));
  const instance = instanceOf(result);
  if (instance !== undefined) return told(part, String(instance));
  const number = decode(result);
  return typeof number === "number" ? told(part, String(number)) : untold(part, number.fault, number.detail);
}

const wrongType = (detail: string): ValueFault => ({ fault: "wrong_type", detail });

const propertyError = z.object({ errorClass: z.number(), errorCode: z.number() });

/** Whether the device says that it has no object of this type and instance. */
export const isUnknownObject = ([first]: Result = []): boolean =>
  first?.type === errorTag && propertyError.safeParse(first.value).data?.errorCode === errorCode.unknownObject;

function propertyFault(value: unknown): ValueFault {
  const { data } = propertyError.safeParse(value);
  return data
    ? errorFault(data.errorClass, data.errorCode)
    : { fault: "bad_reply", detail: "an error without its code" };
}

function errorFault(errorClass: number, code: number): ValueFault {
  const { ErrorClassName, ErrorCodeName } = Client.enum;
  const detail = `${name(ErrorClassName, errorClass)}: ${name(ErrorCodeName, code)}`;
  return { fault: absent.has(code) ? "no_such_point" : "device_error", detail };
}

function refusalFault(kind: "abort" | "reject", reason: number): ValueFault {
  const names = kind === "abort" ? Client.enum.AbortReasonName : Client.enum.RejectReasonName;
  return { fault: "device_error", detail: `${kind}: ${name(names, reason)}` };
}

/** What an answer without values comes to. */
export function flawOf(answer: Exclude<Answer, { kind: "results" }>): ValueFault {
  if (answer.kind === "fault") return { fault: answer.fault, detail: answer.detail };
  return answer.kind === "error"
    ? errorFault(answer.errorClass, answer.errorCode)
    : refusalFault(answer.kind, answer.reason);
}

/** The name as the standard spells it, with the number, which a maker's own extension may be all there is. */
const name = (names: Readonly<Record<number, string>>, number: number): string =>
  `${names[number]?.toLowerCase().replaceAll("_", "-") ?? "unknown"} (${number})`;

const faultFlag = 1 << 1;
const outOfServiceFlag = 1 << 3;

/** Why a value cannot be believed. In-alarm and overridden are left alone: the value is what the plant sees. */
function statusFault(flags: Result): ValueFault | undefined {
  const bits = firstOctet(flags);
  if (bits & outOfServiceFlag) return { fault: "out_of_service", detail: "status-flags: out-of-service" };
  if (bits & faultFlag) return { fault: "device_fault", detail: faultDetail };
  return undefined;
}

export const faultDetail = "status-flags: fault";

export const isSet = (flags: Result, bit: number): boolean => (firstOctet(flags) & (1 << bit)) !== 0;

/** Of a bit string, with its bits reversed as the library has them, so that bit 0 is the first flag; 0 of anything else. */
function firstOctet([flags]: Result): number {
  const bits = flags?.type === applicationTag.bitString ? (flags.value as { value?: unknown } | undefined) : undefined;
  const octet: unknown = Array.isArray(bits?.value) ? bits.value[0] : 0;
  return typeof octet === "number" ? octet : 0;
}
