/**
 * The outside of a BACnet/IP datagram (ASHRAE 135, annex J and clause 6): the virtual link and the network layer. Total: whatever
 * the octets are.
 */

/** Functions of the virtual link (BVLC). */
export const bvlc = {
  bacnetIp: 0x81,
  result: 0x00,
  forwarded: 0x04,
  registerForeignDevice: 0x05,
  distributeBroadcast: 0x09,
  unicast: 0x0a,
  broadcast: 0x0b,
} as const;
export const npduVersion = 0x01;
const control = { message: 0x80, destination: 0x20, source: 0x08, expectingReply: 0x04 } as const;

/** The number of all networks, in a destination. */
export const everyNetwork = 0xffff;
const hopCount = 255;

/** A place in a network behind a router. */
export interface Station {
  /** 1 … 65534 of a device; `everyNetwork` in a destination. */
  readonly network: number;
  /** Octets in hexadecimal; empty in a destination: all of that network. */
  readonly mac: string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type Datagram =
  | Packet
  /** What became of a request to the virtual link, such as a registration; 0: it was done. */
  | { readonly kind: "result"; readonly code: number }
  /** Between routers; `network`: which network it is about; `reason`: of a rejection. */
  | { readonly kind: "message"; readonly type: number; readonly network: number | null; readonly reason: number | null }
  | { readonly kind: "register"; readonly ttlS: number };

export interface Packet {
  readonly kind: "packet";
  readonly isBroadcast: boolean;
  /** Who sent it before it was forwarded, as who forwarded it says; null: it was not. */
  readonly origin: Address | null;
  /** Null: whoever sent it is the device itself. */
  readonly source: Station | null;
  /** Null: whoever receives it. */
  readonly destination: Station | null;
  readonly apdu: Buffer;
}

/** Null for whatever is none of these. */
export function readDatagram(octets: Buffer): Datagram | null {
  if (octets.length < 4 || octets.length !== octets.readUInt16BE(2) || octets[0] !== bvlc.bacnetIp) return null;
  const body = octets.subarray(4);
  switch (octets[1]) {
    case bvlc.result:
      return body.length === 2 ? { kind: "result", code: body.readUInt16BE(0) } : null;
    case bvlc.registerForeignDevice:
      return body.length === 2 ? { kind: "register", ttlS: body.readUInt16BE(0) } : null;
    case bvlc.forwarded:
      return body.length < 6 ? null : readNetwork(body.subarray(6), true, addressIn(body));
    case bvlc.unicast:
      return readNetwork(body, false, null);
    case bvlc.broadcast:
    case bvlc.distributeBroadcast:
      return readNetwork(body, true, null);
    default:
      return null;
  }
}

/** Six octets: IPv4 address and port. */
const addressIn = (octets: Buffer): Address => ({
  host: octets.subarray(0, 4).join("."),
  port: octets.readUInt16BE(4),
});

function readNetwork(octets: Buffer, isBroadcast: boolean, origin: Address | null): Datagram | null {
  const [version, flags = 0] = octets;
  if (version !== npduVersion || octets.length < 3) return null;
  let at = 2;
  const station = (): Station | null => {
    const length = octets[at + 2];
    if (length === undefined || at + 3 + length > octets.length) return null;
    const network = octets.readUInt16BE(at);
    const mac = octets.toString("hex", at + 3, at + 3 + length);
    at += 3 + length;
    return { network, mac };
  };
  const destination = flags & control.destination ? station() : undefined;
  const source = flags & control.source ? station() : undefined;
  if (destination === null || source === null) return null;
  // A device is somewhere: neither nowhere nor everywhere.
  if (source && (source.mac === "" || source.network === 0 || source.network === everyNetwork)) return null;
  if (destination) at++; // hop count
  const rest = octets.subarray(at);
  if (rest.length === 0) return null;
  if (flags & control.message) {
    // Its type; of most the network comes next, of Reject-Message-To-Network (3) the reason does.
    const [type = 0, reason = null] = rest;
    const isRejection = type === rejectMessage;
    const networkAt = isRejection ? 2 : 1;
    const network = rest.length >= networkAt + 2 ? rest.readUInt16BE(networkAt) : null;
    return { kind: "message", type, network, reason: isRejection ? reason : null };
  }
  return { kind: "packet", isBroadcast, origin, source: source ?? null, destination: destination ?? null, apdu: rest };
}

/** Reject-Message-To-Network: a router knows no way to a network, or cannot use it. */
export const rejectMessage = 3;

const uint16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);

function link(func: number, ...body: readonly Buffer[]): Buffer {
  const length = body.reduce((sum, { length }) => sum + length, 4);
  return Buffer.concat([Buffer.of(bvlc.bacnetIp, func), uint16(length), ...body]);
}

export interface Route {
  readonly destination?: Station | null;
  readonly source?: Station | null;
  readonly isReplyExpected?: boolean;
}

function network(apdu: Buffer, { destination, source, isReplyExpected = false }: Route): Buffer {
  const flags =
    (destination ? control.destination : 0) |
    (source ? control.source : 0) |
    (isReplyExpected ? control.expectingReply : 0);
  const written = ({ network, mac }: Station): Buffer[] => [
    uint16(network),
    Buffer.of(mac.length / 2),
    Buffer.from(mac, "hex"),
  ];
  return Buffer.concat([
    Buffer.of(npduVersion, flags),
    ...(destination ? written(destination) : []),
    ...(source ? written(source) : []),
    ...(destination ? [Buffer.of(hopCount)] : []),
    apdu,
  ]);
}

export const unicast = (apdu: Buffer, route: Route = {}): Buffer => link(bvlc.unicast, network(apdu, route));
export const broadcast = (apdu: Buffer, route: Route = {}): Buffer => link(bvlc.broadcast, network(apdu, route));
/** To a BBMD, which broadcasts it for a foreign device. */
export const distributed = (apdu: Buffer, route: Route = {}): Buffer =>
  link(bvlc.distributeBroadcast, network(apdu, route));
/** As a BBMD sends on what it heard from `origin`. */
export const forwarded = (apdu: Buffer, { host, port }: Address, route: Route = {}): Buffer =>
  link(bvlc.forwarded, Buffer.from(host.split(".").map(Number)), uint16(port), network(apdu, route));
/** As a router says that it does not reach a network; `reason` 1: it knows no way there. */
export const rejection = (reason: number, { network }: Station): Buffer =>
  link(bvlc.unicast, Buffer.of(npduVersion, control.message, rejectMessage, reason), uint16(network));
export const registration = (ttlS: number): Buffer => link(bvlc.registerForeignDevice, uint16(ttlS));
export const linkResult = (code: number): Buffer => link(bvlc.result, uint16(code));
