import { applicationTag, readTags, type Tag } from "./tags.ts";

/**
 * What kind of APDU came (ASHRAE 135, 20.1): decides which are answers, and to which request, before the library sees an octet of
 * them. Total: whatever the octets are.
 */
export type Answer =
  /** Whole and well formed: the library may decode it. */
  | { readonly kind: "values" | "error"; readonly invokeId: number; readonly service: number }
  /** Done as asked; there is nothing to say. */
  | { readonly kind: "done"; readonly invokeId: number; readonly service: number }
  /** Abort and Reject number their reasons differently; the library reports both as Abort. */
  | { readonly kind: "abort" | "reject"; readonly invokeId: number; readonly reason: number }
  | { readonly kind: "malformed"; readonly invokeId: number; readonly detail: string };

/** What another device asks of us, or tells. */
export type Call =
  | { readonly kind: "confirmed"; readonly invokeId: number; readonly service: number; readonly tags: readonly Tag[] }
  | { readonly kind: "unconfirmed"; readonly service: number; readonly tags: readonly Tag[] }
  /** A confirmed request that does not decode, or has segments. */
  | { readonly kind: "unreadable"; readonly invokeId: number };

/** The type of an APDU, the upper half of its first octet. */
export const pdu = {
  confirmedRequest: 0x00,
  unconfirmedRequest: 0x10,
  simpleAck: 0x20,
  complexAck: 0x30,
  error: 0x50,
  reject: 0x60,
  abort: 0x70,
} as const;
const segmented = 0x08;
const segmentedAnswerAccepted = 0x02;

/** Confirmed services (BACnetConfirmedServiceChoice). */
export const confirmedService = {
  confirmedCovNotification: 1,
  confirmedEventNotification: 2,
  getAlarmSummary: 3,
  subscribeCov: 5,
  readProperty: 12,
  readPropertyMultiple: 14,
  getEventInformation: 29,
} as const;
/** Unconfirmed services (BACnetUnconfirmedServiceChoice). */
export const unconfirmedService = {
  iAm: 0,
  iHave: 1,
  covNotification: 2,
  eventNotification: 3,
  whoHas: 7,
  whoIs: 8,
} as const;

/** Undefined for whatever answers no request: requests, segments' acknowledgements, noise. */
export function readAnswer(apdu: Buffer): Answer | undefined {
  const [head = 0, invokeId, third] = apdu;
  if (invokeId === undefined || third === undefined) return undefined;
  switch (head & 0xf0) {
    case pdu.abort:
      return { kind: "abort", invokeId, reason: third };
    case pdu.reject:
      return { kind: "reject", invokeId, reason: third };
    case pdu.error:
      if (!isError(apdu)) return malformed(invokeId, "an Error that does not decode");
      return { kind: "error", invokeId, service: third };
    case pdu.complexAck:
      if (head & segmented) return malformed(invokeId, "a segmented answer, although none was accepted");
      if (!readTags(payloadOf(apdu))) return malformed(invokeId, "an answer that does not decode");
      return { kind: "values", invokeId, service: third };
    case pdu.simpleAck:
      return { kind: "done", invokeId, service: third };
    default:
      return undefined;
  }
}

/** An answer's own octets: after type, invoke id and service choice. */
export const payloadOf = (apdu: Buffer): Buffer => apdu.subarray(3);

/** Two enumerated: class and code. The library reads 0 and 0 from an empty one, and throws on a short one. */
function isError(apdu: Buffer): boolean {
  const tags = readTags(payloadOf(apdu)) ?? [];
  return (
    tags.length === 2 &&
    tags.every(({ kind, number }) => kind === "application" && number === applicationTag.enumerated)
  );
}

const malformed = (invokeId: number, detail: string): Answer => ({ kind: "malformed", invokeId, detail });

/** Undefined for what is no request. */
export function readCall(apdu: Buffer): Call | undefined {
  const [head = 0xff] = apdu;
  if ((head & 0xf0) === pdu.unconfirmedRequest) {
    const tags = readTags(apdu.subarray(2));
    return tags && { kind: "unconfirmed", service: apdu[1] ?? -1, tags };
  }
  const [, , invokeId, service] = apdu;
  if ((head & 0xf0) !== pdu.confirmedRequest || invokeId === undefined || service === undefined) return undefined;
  const tags = head & segmented ? undefined : readTags(apdu.subarray(4));
  return tags ? { kind: "confirmed", invokeId, service, tags } : { kind: "unreadable", invokeId };
}

/**
 * A copy of a confirmed request that accepts no segmented answer: the library acknowledges segments by
 * broadcast, so none would ever arrive whole. The device then aborts, and is asked for less.
 */
export function withoutSegments(request: Buffer): Buffer {
  const copy = Buffer.from(request);
  copy.writeUInt8(copy.readUInt8(0) & ~segmentedAnswerAccepted, 0);
  copy.writeUInt8(copy.readUInt8(1) & 0x0f, 1); // max segments: unspecified
  return copy;
}

/** An Abort as the device would send it. */
export const abortOf = (invokeId: number): Buffer => Buffer.of(pdu.abort | 0x01, invokeId, 0);
/** Octets 0x05: no segments accepted, APDUs up to 1476 octets. */
export const requestHead = (invokeId: number, service: number): Buffer =>
  Buffer.of(pdu.confirmedRequest, 0x05, invokeId, service);
export const simpleAck = (invokeId: number, service: number): Buffer => Buffer.of(pdu.simpleAck, invokeId, service);
export const rejectOf = (invokeId: number, reason: number): Buffer => Buffer.of(pdu.reject, invokeId, reason);

/** Longest APDU the driver takes, octets: what an Ethernet frame holds. */
export const apduMax = 1476;
