import type Client from "node-bacnet";
import * as z from "zod";
import type { Frame } from "./frame.ts";

/** What came of a request, checked: the library's results are taken for unknown until they have the shape they should. */
export type Answer =
  | { readonly kind: "results"; readonly results: ReadonlyMap<ResultKey, Result> }
  /** The device refused the request as a whole. */
  | { readonly kind: "error"; readonly errorClass: number; readonly errorCode: number }
  | { readonly kind: "abort" | "reject"; readonly reason: number }
  | { readonly kind: "fault"; readonly fault: "timeout" | "unreachable" | "bad_reply"; readonly detail: string };

/** What the device says of one property: application-tagged values, or one value with `errorTag`. */
export type Result = readonly { readonly type: number; readonly value?: unknown }[];
export type ResultKey = `${number}:${number}:${number}`;
export const resultKey = (object: Client.ObjectId, property: number): ResultKey =>
  `${object.type}:${object.instance}:${property}`;

export const fault = (kind: "timeout" | "unreachable" | "bad_reply", detail: string): Answer => ({
  kind: "fault",
  fault: kind,
  detail,
});

/** What an answer says that the library need not decode. */
export const refusal = (frame: Exclude<Frame, { kind: "answer" }>): Answer =>
  frame.kind === "malformed" ? fault("bad_reply", frame.detail) : { kind: frame.kind, reason: frame.reason };

const errorPdu = z.object({ bacnetErrorClass: z.number(), bacnetErrorCode: z.number() });

/** What the library's error says. */
export function refused(error: unknown): Answer {
  const { success, data } = errorPdu.safeParse(error);
  if (!success) return fault("bad_reply", String(error));
  return { kind: "error", errorClass: data.bacnetErrorClass, errorCode: data.bacnetErrorCode };
}

const objectId = z.object({ type: z.number(), instance: z.number() });
const tagged = z.array(z.object({ type: z.number(), value: z.unknown() }));
const wholeProperty = z.literal(0xffff_ffff); // no array index
const multiple = z.object({
  values: z.array(
    z.object({ objectId, values: z.array(z.object({ id: z.number(), index: wholeProperty, value: tagged })) }),
  ),
});
const single = z.object({ objectId, property: z.object({ id: z.number(), index: wholeProperty }), values: tagged });

/** Undefined where the answer lacks a part. */
export function singleResults(decoded: unknown): ReadonlyMap<ResultKey, Result> | undefined {
  const { data } = single.safeParse(decoded);
  return data && new Map([[resultKey(data.objectId, data.property.id), data.values]]);
}

/** The library lets holes through: an object without its list of results leaves an undefined among the values. */
export function multipleResults(decoded: unknown): ReadonlyMap<ResultKey, Result> | undefined {
  const { data } = multiple.safeParse(decoded);
  const entries = data?.values.flatMap(({ objectId, values }) =>
    values.map(({ id, value }): [ResultKey, Result] => [resultKey(objectId, id), value]),
  );
  return entries && new Map(entries);
}
