import type { Address } from "../../../drivers/bacnet/wire/packet.ts";

/** A datagram on its way. */
export interface Captured {
  readonly octets: Buffer;
  readonly from: Address;
  readonly to: Address;
}

/** A file of libpcap: raw IPv4 (link type 101), a UDP datagram each, without checksums. */
export function capture(datagrams: readonly Captured[]): Buffer {
  const header = Buffer.from("d4c3b2a1020004000000000000000000ffff000065000000", "hex");
  return Buffer.concat([header, ...datagrams.flatMap((one, nth) => [recordHead(one, nth), ipv4(one)])]);
}

const headOctets = 28; // IPv4 and UDP

function recordHead({ octets }: Captured, nth: number): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(nth); // s: each its own, so that the order is seen
  head.writeUInt32LE(octets.length + headOctets, 8);
  head.writeUInt32LE(octets.length + headOctets, 12);
  return head;
}

function ipv4({ octets, from, to }: Captured): Buffer {
  const head = Buffer.alloc(headOctets);
  head.set([0x45, 0]);
  head.writeUInt16BE(octets.length + headOctets, 2);
  head.set([64, 17], 8); // time to live, UDP
  head.set(from.host.split(".").map(Number), 12);
  head.set(to.host.split(".").map(Number), 16);
  head.writeUInt16BE(from.port, 20);
  head.writeUInt16BE(to.port, 22);
  head.writeUInt16BE(octets.length + 8, 24);
  return Buffer.concat([head, octets]);
}
