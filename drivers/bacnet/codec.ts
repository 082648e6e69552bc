import Client from "node-bacnet";
import * as z from "zod";
import type { Fault, Reading, Told } from "../driver.ts";
import { told, untold, visible } from "../told.ts";
import { type Result, type ResultKey, resultKey } from "./answer.ts";
import type { Point } from "./plan.ts";
import { objectOf } from "./question.ts";
import { properties, statusFlags } from "./schema.ts";
import { applicationTag } from "./tags.ts";

/** Turns what a device says of an object into a reading; total: any input gives a number or a fault. */

/** How the library marks a property that could not be read. */
export const errorTag = 105;

export const errorCode = { unknownObject: 31, unknownProperty: 32, unrecognizedService: 67 };

type ValueFault = Pick<Fault, "fault" | "detail">;

export function readingOf(point: Point, results: ReadonlyMap<ResultKey, Result>): Reading {
  const object = objectOf(point);
  const property = properties[point.address.property];
  const result = results.get(resultKey(object, property));
  if (!result) {
    const { address } = point;
    const detail = `the answer lacks ${address.object} ${address.instance} ${address.property}`;
    return { point: point.id, fault: "bad_reply", detail };
  }
  const value = decode(result);
  const flags = property === properties["present-value"] ? results.get(resultKey(object, statusFlags)) : undefined;
  const fault = typeof value === "number" ? flags && statusFault(flags) : value;
  return fault ? { point: point.id, ...fault } : { point: point.id, value: Number(value) };
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

const objectId = z.object({ type: z.number(), instance: z.number() });

/** What the device says of itself: a text as it is, an object by its instance, else the number as text. */
export function toldOf(part: string, result: Result | undefined): Told {
  const [first] = result ?? [];
  if (result === undefined || first === undefined) return untold(part, "bad_reply", "the answer lacks it");
  const { type, value } = first;
  if (result.length === 1 && type === applicationTag.characterString && typeof value === "string")
    return told(part, visible(value));
  const object = type === applicationTag.objectId ? objectId.safeParse(value).data : undefined;
  if (object !== undefined) return told(part, String(object.instance));
  const number = decode(result);
  return typeof number === "number" ? told(part, String(number)) : untold(part, number.fault, number.detail);
}

const wrongType = (detail: string): ValueFault => ({ fault: "wrong_type", detail });

const propertyError = z.object({ errorClass: z.number(), errorCode: z.number() });

function propertyFault(value: unknown): ValueFault {
  const { data } = propertyError.safeParse(value);
  return data
    ? errorFault(data.errorClass, data.errorCode)
    : { fault: "bad_reply", detail: "an error without its code" };
}

export function errorFault(errorClass: number, code: number): ValueFault {
  const { ErrorClassName, ErrorCodeName } = Client.enum;
  const detail = `${name(ErrorClassName, errorClass)}: ${name(ErrorCodeName, code)}`;
  const absent = code === errorCode.unknownObject || code === errorCode.unknownProperty;
  return { fault: absent ? "no_such_point" : "device_error", detail };
}

export function refusalFault(kind: "abort" | "reject", reason: number): ValueFault {
  const names = kind === "abort" ? Client.enum.AbortReasonName : Client.enum.RejectReasonName;
  return { fault: "device_error", detail: `${kind}: ${name(names, reason)}` };
}

/** The name as the standard spells it, with the number, which a maker's own extension may be all there is. */
const name = (names: Readonly<Record<number, string>>, number: number): string =>
  `${names[number]?.toLowerCase().replaceAll("_", "-") ?? "unknown"} (${number})`;

/** As the library gives a bit string: each octet with its bits reversed, so that bit 0 is the first flag. */
const bitString = z.object({
  type: z.literal(applicationTag.bitString),
  value: z.object({ value: z.array(z.number()) }),
});
const faultFlag = 1 << 1;
const outOfServiceFlag = 1 << 3;

/** Why a value cannot be believed. In-alarm and overridden are left alone: the value is what the plant sees. */
function statusFault(flags: Result): ValueFault | undefined {
  const bits = bitString.safeParse(flags[0]).data?.value.value[0] ?? 0;
  if (bits & outOfServiceFlag) return { fault: "out_of_service", detail: "status-flags: out-of-service" };
  if (bits & faultFlag) return { fault: "device_fault", detail: "status-flags: fault" };
  return undefined;
}
