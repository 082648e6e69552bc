import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Env } from "../../../agent/env.ts";
import type { Network } from "../schema.ts";
import type { Address } from "./packet.ts";

/** How the network is reached, and from which port of this machine if not from the network's own (0: any). */
export interface Way extends Network {
  readonly ownPort?: number;
}

/** The UDP sockets of all BACnet sessions of an agent. */
export interface Sockets {
  /** `failed` is told when the system refuses to send, such as without a route. */
  send(datagram: Buffer, to: Address, failed: (error: Error) => void): void;
  /** Opens them now, and again where that fails: from now on, what comes unasked is heard. */
  stayOpen(): void;
  /** Address and port; null: not open. */
  at(): string | null;
  /** Why nothing is heard; null: it is. */
  trouble(): string | null;
  close(): Promise<void>;
}

const againMs = 30_000;

export function socketsOf(
  env: Env,
  network: () => Way | null,
  receive: (datagram: Buffer, from: RemoteInfo) => void,
): Sockets {
  let main: Socket | undefined;
  /** Linux hands a socket that is bound to one address no broadcasts. */
  let ear: Socket | undefined;
  let boundTo: string | null = null;
  let trouble: string | null = null;
  let isKept = false;
  let isClosed = false;
  let cancel = (): void => {};

  const fail = (broken: Socket, error: Error): void => {
    // The requests under way run into their deadlines; the next one opens a new socket.
    if (broken === main) [main, boundTo] = [undefined, null];
    else if (broken === ear) ear = undefined;
    else return;
    broken.close();
    if (!isKept || isClosed) return;
    if (trouble === null) env.report("bacnet.deaf", { at: sayAt(network()), error: error.message });
    trouble = error.message;
    cancel();
    cancel = env.after(againMs, open);
  };
  const opened = (address: string, port: number, isShared: boolean, then: (socket: Socket) => void): Socket => {
    // Not shared with another process: with reuseAddr the system would hand it a part of our answers.
    const socket = createSocket({ type: "udp4", reuseAddr: isShared });
    socket.on("message", receive);
    socket.on("error", (error) => fail(socket, error));
    socket.once("listening", () => then(socket));
    socket.bind({ port, address, exclusive: true });
    return socket;
  };
  const open = (): void => {
    const { address = "0.0.0.0", port = 0, ownPort = port, broadcast = "" } = network() ?? {};
    main ??= opened(address, ownPort, false, (socket) => {
      // Without a network there is nobody to broadcast to: a broadcast address as that of a device is a mistake.
      if (network() !== null) socket.setBroadcast(true);
      boundTo = `${socket.address().address}:${socket.address().port}`;
      trouble = null;
    });
    // A broadcast reaches each socket that shares its address.
    if (isKept && address !== "0.0.0.0" && broadcast !== anybody) ear ??= opened(broadcast, port, true, () => {});
  };

  return {
    send(datagram, to, failed) {
      if (isClosed) {
        // Later, as the system does: a caller is not ready for it within its own call.
        queueMicrotask(() => failed(new Error("the hub is closed")));
        return;
      }
      open();
      try {
        main?.send(datagram, to.port, to.host, (error) => {
          if (error) failed(error);
        });
      } catch (error) {
        // What claims to come from port 0 can be heard, and Node throws where it is answered.
        queueMicrotask(() => failed(error as Error));
      }
    },
    stayOpen() {
      isKept = true;
      open();
    },
    at: () => boundTo,
    trouble: () => trouble,
    close() {
      isClosed = true;
      cancel();
      const all = [main, ear].filter((socket) => socket !== undefined);
      [main, ear] = [undefined, undefined];
      return Promise.all(all.map((socket) => new Promise<void>((done) => socket.close(done)))).then(() => {});
    },
  };
}

/** 255.255.255.255 can be bound to as well, but other hosts' broadcasts of their own network do not come there. */
const anybody = "255.255.255.255";

const sayAt = (network: Network | null): string =>
  network === null ? "any port" : `${network.address}:${network.port}`;
