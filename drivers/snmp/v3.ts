import * as ber from "./ber.ts";
import { decodePdu, inside, type Pdu, pduElement, versions } from "./message.ts";

/** The SNMPv3 message (RFC 3412) with the parameters of the user-based security model (RFC 3414). No cryptography here. */

export const flags = { auth: 1, priv: 2, reportable: 4 } as const;
/** What of the flags is the level of security. */
export const levelMask = flags.auth | flags.priv;

export interface MessageV3 {
  readonly msgId: number;
  /** Of `flags`. */
  readonly flags: number;
  /** Of the authoritative engine, which is the device's; no octets: not known yet. */
  readonly engineId: Buffer;
  readonly boots: number;
  readonly time: number;
  readonly user: string;
  /** The digest; in a decoded message a view of the datagram, so that it can be filled in. */
  readonly digest: Buffer;
  /** What the key's initialisation vector is made of. */
  readonly salt: Buffer;
  /** A sequence: the scoped PDU; an OCTET STRING: the scoped PDU, encrypted. */
  readonly data: ber.Element;
}

export interface ScopedPdu {
  readonly contextEngineId: Buffer;
  readonly contextName: string;
  readonly pdu: Pdu;
}

const userBased = 3;
/** Octets that we take in one datagram; the most there is over IPv4. */
const maxSize = 65_507;

export function encodeV3(message: MessageV3): Buffer {
  const header = ber.constructed(
    ber.tags.sequence,
    ber.integer(message.msgId),
    ber.integer(maxSize),
    ber.octets(Buffer.of(message.flags)),
    ber.integer(userBased),
  );
  const security = ber.constructed(
    ber.tags.sequence,
    ber.octets(message.engineId),
    ber.integer(message.boots),
    ber.integer(message.time),
    ber.text(message.user),
    ber.octets(message.digest),
    ber.octets(message.salt),
  );
  const parameters = ber.octets(ber.encode(security));
  return ber.encode(ber.constructed(ber.tags.sequence, ber.integer(versions.v3), header, parameters, message.data));
}

export interface DecodedV3 {
  readonly message: MessageV3;
  /** The datagram without octets after the message. */
  readonly whole: Buffer;
}

/** Undefined unless `datagram` is such a message. */
export function decodeV3(datagram: Buffer): DecodedV3 | undefined {
  const first = ber.firstElement(datagram);
  const [version, header, parameters, data] = inside(first?.element, ber.tags.sequence);
  const [msgId, , bits, model] = inside(header, ber.tags.sequence);
  const security = parameters?.tag === ber.tags.octetString ? ber.firstElement(parameters.content)?.element : undefined;
  const [engine, boots, time, user, digest, salt] = inside(security, ber.tags.sequence);
  const numbers = [msgId, boots, time].map((element) => ber.integerOf(element));
  const texts = [bits, engine, user, digest, salt].map((element) => contentOf(element));
  if (ber.integerOf(version) !== versions.v3 || ber.integerOf(model) !== userBased) return undefined;
  if (first === undefined || data === undefined || !numbers.every(isSome) || !texts.every(isSome)) return undefined;
  const [id = 0, engineBoots = 0, engineTime = 0] = numbers;
  const [flagOctet, engineId, name, mac, privacy] = texts;
  if (engineBoots < 0 || engineTime < 0 || engineBoots >= 2 ** 31 || engineTime >= 2 ** 31) return undefined;
  if (!(flagOctet && engineId && name && mac && privacy) || flagOctet.length !== 1) return undefined;
  return {
    whole: datagram.subarray(0, datagram.length - first.rest.length),
    message: {
      msgId: id,
      flags: flagOctet.readUInt8(),
      ...{ engineId, boots: engineBoots, time: engineTime, user: name.toString(), digest: mac, salt: privacy, data },
    },
  };
}

const isSome = <T>(value: T | undefined): value is T => value !== undefined;

const contentOf = (element: ber.Element | undefined): Buffer | undefined =>
  element?.tag === ber.tags.octetString ? element.content : undefined;

export const scopedElement = ({ contextEngineId, contextName, pdu }: ScopedPdu): ber.Element =>
  ber.constructed(ber.tags.sequence, ber.octets(contextEngineId), ber.text(contextName), pduElement(pdu));

export function decodeScoped(element: ber.Element): ScopedPdu | undefined {
  const [engine, name, body] = inside(element, ber.tags.sequence);
  const pdu = decodePdu(body);
  const [contextEngineId, contextName] = [contentOf(engine), contentOf(name)];
  if (contextEngineId === undefined || contextName === undefined || pdu === undefined) return undefined;
  return { contextEngineId, contextName: contextName.toString(), pdu };
}
