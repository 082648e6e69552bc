import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { decode, pdus } from "./message.ts";

/** Where a device is, looked up: a name that moves must not move within an exchange. */
export interface Peer {
  readonly address: string;
  readonly family: number;
  readonly port: number;
}

/** Rejects when `host` is a name nobody knows. */
export async function findPeer(host: string, port: number): Promise<Peer> {
  return { ...(await lookup(host)), port };
}

/**
 * A socket connected to the peer: the system then drops datagrams of anybody else, which net-snmp would
 * take for the device's, and says when the peer's port is closed, which an unconnected socket never hears.
 * `lost` is called for each error of the socket, also after it was closed.
 */
export function connectTo(peer: Peer, connected: () => void, lost: (error: Error) => void): Socket {
  const socket = createSocket(peer.family === 6 ? "udp6" : "udp4");
  socket.on("error", lost);
  socket.once("connect", connected);
  socket.connect(peer.port, peer.address);
  return socket;
}

/**
 * What net-snmp gets for a dgram module: the one socket, guarded. Only a well-formed SNMPv2c Response gets
 * through, for the library reads truncated values as null, and throws from the socket's event on a Report;
 * should it throw on a Response all the same, that is garbage like any other.
 */
export function guarded(socket: Socket, garbage: (what: string) => void) {
  const receive = (listener: (datagram: Buffer) => void) => (datagram: Buffer) => {
    if (decode(datagram)?.pdu !== pdus.response) return garbage("what came is no SNMPv2c Response");
    try {
      listener(datagram);
    } catch (error) {
      garbage(`what came does not decode: ${error}`);
    }
  };
  return {
    createSocket: () => ({
      on(event: string, listener: (datagram: Buffer) => void) {
        if (event === "message") socket.on("message", receive(listener));
        if (event === "close") socket.on("close", listener);
        // "error" is for `lost`: net-snmp would emit it under the error's text as its name, to nobody.
      },
      // A connected socket refuses to be told an address.
      send(datagram: Buffer, offset: number, length: number, _port: number, _host: string, sent: () => void) {
        socket.send(datagram, offset, length, sent);
      },
      ref: () => socket.ref(),
      unref: () => socket.unref(),
      close: () => socket.close(),
    }),
  };
}
