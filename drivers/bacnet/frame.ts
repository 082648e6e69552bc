import { applicationTag, readTags } from "./tags.ts";

/**
 * The outside of a BACnet/IP datagram: BVLC, NPDU and the first octets of the APDU.
 * Decides which datagrams are answers, and to which request, before the library sees a byte of them.
 */
export type Frame =
  /** Whole and well formed: the library may decode it. */
  | { readonly kind: "answer"; readonly invokeId: number }
  /** Abort and Reject number their reasons differently; the library reports both as Abort. */
  | { readonly kind: "abort" | "reject"; readonly invokeId: number; readonly reason: number }
  | { readonly kind: "malformed"; readonly invokeId: number; readonly detail: string };

export const bvlc = { bacnetIp: 0x81, unicast: 0x0a, broadcast: 0x0b } as const;
export const npduVersion = 0x01;

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
/** BVLC 4 + NPDU 2: no NPDU here carries an address, since no bus reaches through a router. */
export const apduStart = 6;

/** Undefined for whatever answers no request: other functions, routed and network messages, requests, noise. */
export function readFrame(datagram: Buffer): Frame | undefined {
  if (datagram.length <= apduStart + 2 || datagram.length !== datagram.readUInt16BE(2)) return undefined;
  const [type, func, , , version, control = 0, head = 0, invokeId = 0, third = 0] = datagram;
  if (type !== bvlc.bacnetIp || func !== bvlc.unicast) return undefined;
  // Network-layer messages (0x80) and answers with a source or destination network (0x28) are not from the device asked.
  if (version !== npduVersion || (control & 0xa8) !== 0) return undefined;

  switch (head & 0xf0) {
    case pdu.abort:
      return { kind: "abort", invokeId, reason: third };
    case pdu.reject:
      return { kind: "reject", invokeId, reason: third };
    case pdu.error:
      return isError(datagram) ? { kind: "answer", invokeId } : malformed(invokeId, "an Error that does not decode");
    case pdu.complexAck:
      if (head & segmented) return malformed(invokeId, "a segmented answer, although none was accepted");
      if (!readTags(payload(datagram))) return malformed(invokeId, "an answer that does not decode");
      return { kind: "answer", invokeId };
    case pdu.simpleAck:
      return malformed(invokeId, "an acknowledgement without a value");
    default:
      return undefined;
  }
}

/** The service's own octets: after type, invoke id and service choice. */
const payload = (datagram: Buffer): Buffer => datagram.subarray(apduStart + 3);

/** Two enumerated: class and code. The library reads 0 and 0 from an empty one, and throws on a short one. */
function isError(datagram: Buffer): boolean {
  const tags = readTags(payload(datagram)) ?? [];
  return (
    tags.length === 2 &&
    tags.every(({ kind, number }) => kind === "application" && number === applicationTag.enumerated)
  );
}

const malformed = (invokeId: number, detail: string): Frame => ({ kind: "malformed", invokeId, detail });

/**
 * A copy of a confirmed request that accepts no segmented answer: the library acknowledges segments by
 * broadcast, so none would ever arrive whole. The device then aborts, and is asked for less.
 */
export function withoutSegments(request: Buffer): Buffer {
  const copy = Buffer.from(request);
  copy.writeUInt8(copy.readUInt8(apduStart) & ~segmentedAnswerAccepted, apduStart);
  copy.writeUInt8(copy.readUInt8(apduStart + 1) & 0x0f, apduStart + 1); // max segments: unspecified
  return copy;
}

/** An Abort as the device would send it. */
export const abortFrame = (invokeId: number): Buffer =>
  Buffer.from([bvlc.bacnetIp, bvlc.unicast, 0, 9, npduVersion, 0, pdu.abort | 0x01, invokeId, 0]);
