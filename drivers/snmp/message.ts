import * as ber from "./ber.ts";

/** The SNMPv2c message (RFC 1901, RFC 3416) as the guard in front of the library and the simulator see it. */

export const pdus = { get: 0xa0, getNext: 0xa1, response: 0xa2, getBulk: 0xa5, report: 0xa8 } as const;
export const errors = { none: 0, tooBig: 1, noSuchName: 2, genErr: 5 } as const;

export interface Message {
  readonly community: string;
  /** One of `pdus`, or what else the sender wrote there. */
  readonly pdu: number;
  readonly requestId: number;
  /** In a GetBulkRequest: how many bindings are asked for once only. */
  readonly errorStatus: number;
  /** Binding the error is about, from 1; 0: none. In a GetBulkRequest: how often to repeat the others. */
  readonly errorIndex: number;
  readonly bindings: readonly Binding[];
}

export interface Binding {
  readonly oid: string;
  readonly value: ber.Element;
}

const version2c = 1;

/** Undefined unless `datagram` is an SNMPv2c message well-formed to the last binding; octets after it are let pass. */
export function decode(datagram: Buffer): Message | undefined {
  const outer = ber.firstElement(datagram)?.element;
  const [version, community, pdu] = inside(outer, ber.tags.sequence);
  const [requestId, errorStatus, errorIndex, list] = inside(pdu, pdu?.tag).map(
    (element) => ber.integerOf(element) ?? element,
  );
  if (ber.integerOf(version) !== version2c || community?.tag !== ber.tags.octetString || pdu === undefined) return;
  if (typeof requestId !== "number" || typeof errorStatus !== "number" || typeof errorIndex !== "number") return;
  const bindings = typeof list === "object" ? bindingsOf(list) : undefined;
  if (bindings === undefined) return;
  return { community: community.content.toString(), pdu: pdu.tag, requestId, errorStatus, errorIndex, bindings };
}

function inside(element: ber.Element | undefined, tag: number | undefined): ber.Element[] {
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
  const bindings = message.bindings.map(({ oid, value }) => ber.constructed(ber.tags.sequence, ber.oid(oid), value));
  const pdu = ber.constructed(
    message.pdu,
    ber.integer(message.requestId),
    ber.integer(message.errorStatus),
    ber.integer(message.errorIndex),
    ber.constructed(ber.tags.sequence, ...bindings),
  );
  return ber.encode(ber.constructed(ber.tags.sequence, ber.integer(version2c), ber.text(message.community), pdu));
}
