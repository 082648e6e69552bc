import type { Env } from "../../../agent/env.ts";
import type { Closable } from "../../driver.ts";
import type { Network } from "../schema.ts";
import { readAnswer } from "./apdu.ts";
import { type Attendant, attendantOf, type EventEars } from "./attendant.ts";
import { type Foreign, foreignDevice } from "./foreign.ts";
import { keyOfPeer, type Line, lineTo, type Peer, type PeerKey } from "./line.ts";
import {
  type Address,
  broadcast,
  distributed,
  everyNetwork,
  type Packet,
  readDatagram,
  rejectMessage,
  unicast,
} from "./packet.ts";
import { type Sockets, socketsOf, type Way } from "./sockets.ts";
import { type Directory, directory, type IAm, type IHave } from "./whois.ts";

/**
 * All BACnet of an agent, through one socket: an answer is given to the line to the peer that sent it, and to no other; the rest
 * to the attendant. Whatever comes, nothing is thrown.
 */
export interface Hub extends Closable, Pick<Attendant, "subscribe" | "onIAm"> {
  /** The same line for the same peer, always: a rebuilt session goes on with the invoke ids of the one before. */
  line(peer: Peer): Line;
  readonly directory: Directory;
  /** How the network is reached and heard, from now on; without ears for events, those are refused. */
  join(network: Way, told: NetworkEars | Pick<NetworkEars, "registration">): NetworkStatus;
  /** An unconfirmed request to all of the network, or to one address and what is behind it. */
  call(apdu: Buffer, to: Address | null, failed: (error: Error) => void): void;
  /** Hears whoever introduces itself or says that it has an object, until the function returned is called. */
  onFound(hear: Finder): () => void;
}

export type Finder = (told: IAm | IHave, from: Peer) => void;

export interface NetworkEars extends EventEars {
  /** The registration at the BBMD: null, it is there; else why it is not. */
  registration(lost: string | null): void;
}

export interface NetworkStatus {
  /** Address and port; null: not open. */
  at(): string | null;
  trouble(): string | null;
  /** Null: nowhere that it has to be. */
  isRegistered(): boolean | null;
  readonly counts: Attendant["counts"];
}

export function hubOf(env: Env): Hub {
  const lines = new Map<PeerKey, Line>();
  let network: Way | null = null;
  const finders = new Set<Finder>();
  let foreign: Foreign | undefined;

  const sockets: Sockets = socketsOf(
    env,
    () => network,
    (datagram, { address, port }) => receive(datagram, { host: address, port }),
  );
  const send = (apdu: Buffer, { host, port, station }: Peer, isReplyExpected: boolean, failed: Failed): void =>
    sockets.send(unicast(apdu, { destination: station, isReplyExpected }), { host, port }, failed);
  const sendToAll = (apdu: Buffer, failed: Failed): void => {
    for (const [datagram, to] of network === null ? [] : broadcasts(apdu, network)) sockets.send(datagram, to, failed);
  };
  const known = directory(env, (apdu) => sendToAll(apdu, ignore));
  const attendant = attendantOf({
    env,
    isKnown: (peer) => lines.has(peer),
    present(told, from) {
      if (told.kind === "i-am") known.heard(told, from);
      for (const hear of finders) hear(told, from);
    },
    send: (apdu, to) => send(apdu, to, false, ignore),
  });

  const receive = (datagram: Buffer, from: Address): void => {
    const read = readDatagram(datagram);
    if (read?.kind === "packet") heard(read, from);
    else if (read?.kind === "result") {
      const { bbmd } = network ?? {};
      if (bbmd?.host === from.host && bbmd.port === from.port) foreign?.result(read.code);
    } else if (read?.kind === "message" && read.type === rejectMessage) {
      for (const line of lines.values()) if (isBehind(line.peer, from, read.network)) line.unrouted(read.reason);
    }
  };
  const heard = ({ apdu, origin, source: station, isBroadcast, destination }: Packet, from: Address): void => {
    if (readAnswer(apdu)) {
      // What was broadcast, or is said to come from elsewhere, answers nothing.
      if (origin === null && !isBroadcast) lines.get(keyOfPeer({ ...from, station }))?.receive(apdu);
    } else if (destination === null || destination.network === everyNetwork) {
      attendant.hear(apdu, { ...(origin ?? from), station }, from);
    }
  };

  return {
    line(peer) {
      const key = keyOfPeer(peer);
      const line = lines.get(key) ?? lineTo(env, peer, (apdu, failed) => send(apdu, peer, true, failed));
      lines.delete(key);
      lines.set(key, line);
      if (lines.size > linesMax) lines.delete(lines.keys().next().value ?? "");
      return line;
    },
    directory: known,
    ...{ subscribe: attendant.subscribe, onIAm: attendant.onIAm },
    join(joined, told) {
      network = joined;
      if ("event" in told) attendant.attend(told, joined.instance);
      sockets.stayOpen();
      const registered = (lost: string | null): void => {
        told.registration(lost);
        // Who restarted meanwhile has told nobody here.
        if (lost === null) attendant.greetAll();
      };
      if (joined.bbmd) foreign = foreignDevice(env, joined.bbmd, sockets.send, registered);
      return {
        ...{ at: sockets.at, trouble: () => sockets.trouble() ?? foreign?.trouble() ?? null },
        ...{ isRegistered: () => foreign?.isRegistered() ?? null, counts: attendant.counts },
      };
    },
    call(apdu, to, failed) {
      if (to === null) sendToAll(apdu, failed);
      else sockets.send(unicast(apdu, everywhere), to, failed);
    },
    onFound(hear) {
      finders.add(hear);
      return () => void finders.delete(hear);
    },
    close() {
      foreign?.close();
      known.close();
      return sockets.close();
    },
  };
}

/** More than a site has devices: who forges I-Am could else make one at each address. Those asked longest ago go. */
const linesMax = 10_000;

type Failed = (error: Error) => void;
const ignore: Failed = () => {};

/** To all networks; a foreign device's BBMD broadcasts it in its own. */
function broadcasts(apdu: Buffer, { broadcast: host, port, bbmd }: Network): (readonly [Buffer, Address])[] {
  const here = [broadcast(apdu, everywhere), { host, port }] as const;
  return bbmd ? [here, [distributed(apdu, everywhere), bbmd]] : [here];
}

const everywhere = { destination: { network: everyNetwork, mac: "" } };

const isBehind = ({ host, port, station }: Peer, router: Address, network: number | null): boolean =>
  host === router.host && port === router.port && station !== null && station.network === network;
