import * as z from "zod";
import type { BadReason } from "../../agent/core/sample.ts";
import type { ObjectId } from "./question.ts";

/** What came of a request, checked: the library's results are taken for unknown until they have the shape they should. */
export type Answer =
  | { readonly kind: "results"; readonly results: Results }
  | Refusal
  | { readonly kind: "fault"; readonly fault: Silence; readonly detail: string };

/** The device refused the request as a whole. */
export type Refusal =
  | { readonly kind: "error"; readonly errorClass: number; readonly errorCode: number }
  | { readonly kind: "abort" | "reject"; readonly reason: number };

export type Silence = Extract<BadReason, "timeout" | "unreachable" | "bad_reply">;

/** What the device says of one property: application-tagged values, or one value with `errorTag`. */
export type Result = readonly { readonly type: number; readonly value?: unknown }[];
export type Results = ReadonlyMap<ResultKey, Result>;
export type ResultKey = `${number}:${number}:${number}:${number}`;

/** As the index of a whole property. */
export const wholeProperty = 0xffff_ffff;
export const resultKey = (object: ObjectId, property: number, index: number = wholeProperty): ResultKey =>
  `${object.type}:${object.instance}:${property}:${index}`;

export const fault = (kind: Silence, detail: string): Extract<Answer, { kind: "fault" }> => ({
  kind: "fault",
  fault: kind,
  detail,
});

const errorPdu = z.object({ bacnetErrorClass: z.number(), bacnetErrorCode: z.number() });

/** What the library's error says. */
export function refused(error: unknown): Answer {
  const { success, data } = errorPdu.safeParse(error);
  if (!success) return fault("bad_reply", String(error));
  return { kind: "error", errorClass: data.bacnetErrorClass, errorCode: data.bacnetErrorCode };
}

/*
 * Plain checks, not schemas: this is done for each property of each poll.
 */
interface Decoded {
  readonly [name: string]: unknown;
}
const isObject = (value: unknown): value is Decoded => typeof value === "object" && value !== null;

function objectIn(value: unknown): ObjectId | undefined {
  if (!isObject(value)) return undefined;
  const { type, instance } = value;
  return typeof type === "number" && typeof instance === "number" ? { type, instance } : undefined;
}

const isTagged = (value: unknown): value is Result =>
  Array.isArray(value) && value.every((one) => isObject(one) && typeof one.type === "number");

/** Undefined where the answer lacks a part. */
export function singleResults(decoded: unknown): Results | undefined {
  if (!isObject(decoded)) return undefined;
  const { objectId, property, values } = decoded;
  const object = objectIn(objectId);
  if (object === undefined || !isObject(property) || !isTagged(values)) return undefined;
  const { id, index } = property;
  if (typeof id !== "number" || typeof index !== "number") return undefined;
  return new Map([[resultKey(object, id, index), values]]);
}

/** The library lets holes through: an object without its list of results leaves an undefined among the values. */
export function multipleResults(decoded: unknown): Results | undefined {
  if (!isObject(decoded) || !Array.isArray(decoded.values)) return undefined;
  const results = new Map<ResultKey, Result>();
  for (const one of decoded.values) {
    const object = isObject(one) ? objectIn(one.objectId) : undefined;
    if (object === undefined || !Array.isArray(one.values)) return undefined;
    for (const result of one.values) {
      if (!isObject(result) || !isTagged(result.value)) return undefined;
      const { id, index, value } = result;
      if (typeof id !== "number" || typeof index !== "number") return undefined;
      results.set(resultKey(object, id, index), value);
    }
  }
  return results;
}
