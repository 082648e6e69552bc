import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";

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
 * A socket connected to the peer: the system then drops datagrams of anybody else, and says when the peer's
 * port is closed, which an unconnected socket never hears.
 * `lost` is called for each error of the socket, also after it was closed.
 */
export function connectTo(peer: Peer, connected: () => void, lost: (error: Error) => void): Socket {
  const socket = createSocket(peer.family === 6 ? "udp6" : "udp4");
  socket.on("error", lost);
  socket.once("connect", connected);
  socket.connect(peer.port, peer.address);
  return socket;
}
