import * as ber from "./ber.ts";

/** The messages of SNMPv1 (RFC 1157) and SNMPv2c (RFC 1901), and the PDU they have in common with SNMPv3 (RFC 3416). */

export const versions = { v1: 0, v2c: 1, v3: 3 } as const;
export const pdus = { get: 0xa0, getNext: 0xa1, response: 0xa2, getBulk: 0xa5, inform: 0xa6, report: 0xa8 } as const;
export const errors = { none: 0, tooBig: 1, noSuchName: 2, genErr: 5 } as const;

export interface Pdu {
  /** One of `pdus`, or what else the sender wrote there. */
  readonly pdu: number;
  readonly requestId: number;
  /** In a GetBulkRequest: how many bindings are asked for once only. */
  readonly errorStatus: number;
  /** Binding the error is about, from 1; 0: none. In a GetBulkRequest: how often to repeat the others. */
  readonly errorIndex: number;
  readonly bindings: readonly Binding[];
}

export interface Message extends Pdu {
  readonly version: typeof versions.v1 | typeof versions.v2c;
  readonly community: string;
}

export interface Binding {
  readonly oid: string;
  readonly value: ber.Element;
}

/** Undefined unless `datagram` is a message of v1 or v2c, well-formed to the last binding; octets after it are let pass. */
export function decode(datagram: Buffer): Message | undefined {
  const [number, community, body] = inside(ber.firstElement(datagram)?.element, ber.tags.sequence);
  const version = ber.integerOf(number);
  if (version !== versions.v1 && version !== versions.v2c) return undefined;
  const pdu = decodePdu(body);
  if (community?.tag !== ber.tags.octetString || pdu === undefined) return undefined;
  return { version, community: community.content.toString(), ...pdu };
}

export function decodePdu(element: ber.Element | undefined): Pdu | undefined {
  const [requestId, errorStatus, errorIndex, list] = inside(element, element?.tag).map(
    (part) => ber.integerOf(part) ?? part,
  );
  if (typeof requestId !== "number" || typeof errorStatus !== "number" || typeof errorIndex !== "number") return;
  const bindings = typeof list === "object" ? bindingsOf(list) : undefined;
  if (element === undefined || bindings === undefined) return undefined;
  return { pdu: element.tag, requestId, errorStatus, errorIndex, bindings };
}

/** What an element of the expected tag is made of; nothing if it is another or not made of elements. */
export function inside(element: ber.Element | undefined, tag: number | undefined): ber.Element[] {
  return (element && element.tag === tag && ber.elements(element.content)) || [];
}

function bindingsOf(list: ber.Element): Binding[] | undefined {
  if (list.tag !== ber.tags.sequence) return undefined;
  const bindings = ber.elements(list.content)?.map((element) => {
    const [name, value] = inside(element, ber.tags.sequence);
    const oid = ber.oidOf(name);
    return oid === undefined || value === undefined ? undefined : { oid, value };
  });
  return bindings?.every((binding) => binding !== undefined) ? bindings : undefined;
}

export function encode(message: Message): Buffer {
  const { version, community } = message;
  return ber.encode(ber.constructed(ber.tags.sequence, ber.integer(version), ber.text(community), pduElement(message)));
}

export function pduElement({ pdu, requestId, errorStatus, errorIndex, bindings }: Pdu): ber.Element {
  const list = bindings.map(({ oid, value }) => ber.constructed(ber.tags.sequence, ber.oid(oid), value));
  const head = [requestId, errorStatus, errorIndex].map((number) => ber.integer(number));
  return ber.constructed(pdu, ...head, ber.constructed(ber.tags.sequence, ...list));
}

const nothing: ber.Element = { tag: ber.tags.null, content: Buffer.alloc(0) };

/** @param repetitions a GetBulkRequest for what comes after each OID, as often as this; 0: a GetRequest for themselves */
export const requestOf = (requestId: number, oids: readonly string[], repetitions = 0): Pdu => ({
  pdu: repetitions > 0 ? pdus.getBulk : pdus.get,
  requestId,
  errorStatus: errors.none,
  errorIndex: repetitions,
  bindings: oids.map((oid) => ({ oid, value: nothing })),
});
