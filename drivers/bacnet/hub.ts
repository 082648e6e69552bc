import { createSocket, type Socket } from "node:dgram";
import type { Env } from "../../agent/env.ts";
import type { Closable } from "../driver.ts";
import { type Frame, readFrame } from "./frame.ts";

/** Called with each answer to the request that bears the invoke id, until forgotten. */
type OnAnswer = (frame: Frame, datagram: Buffer) => void;

/**
 * The one UDP socket of all BACnet sessions. A BACnet answer names its request by one octet only, and the
 * library would take any sender's; here an answer reaches a request only if it comes from the very address
 * and port the request went to, and bears the invoke id of a request still open there.
 */
export class Hub implements Closable {
  readonly #env: Env;
  /** Kept for the life of the hub, so that a rebuilt session goes on with the invoke ids of the one before. */
  readonly #lines = new Map<string, Line>();
  #socket: Socket | undefined;
  #closed = false;

  constructor(env: Env) {
    this.#env = env;
  }

  /** The same line for the same peer, always. */
  line(host: string, port: number): Line {
    const key = `${host}:${port}`;
    const line = this.#lines.get(key) ?? new Line(this, host, port, Math.floor(this.#env.random() * 255));
    this.#lines.set(key, line);
    return line;
  }

  /** `failed` is told when the system refuses to send, such as without a route. */
  send(datagram: Buffer, port: number, host: string, failed: (error: Error) => void): void {
    if (this.#closed) {
      // Later, as the system does: a caller is not ready for it within its own call.
      queueMicrotask(() => failed(new Error("the hub is closed")));
      return;
    }
    this.#socket ??= this.#open();
    this.#socket.send(datagram, port, host, (error) => {
      if (error) failed(error);
    });
  }

  #open(): Socket {
    // Not shared with another process: with reuseAddr the system would hand it a part of our answers.
    const socket = createSocket({ type: "udp4", reuseAddr: false });
    socket.on("message", (datagram, from) => this.#receive(datagram, `${from.address}:${from.port}`));
    socket.on("error", () => {
      // The requests under way run into their deadlines; the next one opens a new socket.
      if (this.#socket === socket) this.#socket = undefined;
      socket.close();
    });
    socket.bind({ port: 0, address: "0.0.0.0", exclusive: true });
    return socket;
  }

  #receive(datagram: Buffer, from: string): void {
    const line = this.#lines.get(from);
    const frame = line && readFrame(datagram);
    if (frame) line.receive(frame, datagram);
  }

  close(): Promise<void> {
    this.#closed = true;
    const socket = this.#socket;
    this.#socket = undefined;
    return new Promise((resolve) => (socket ? socket.close(() => resolve()) : resolve()));
  }
}

/** One peer, as seen through the hub: sends to it alone and hears it alone. */
export class Line {
  readonly #hub: Hub;
  readonly #host: string;
  readonly #port: number;
  readonly #open = new Map<number, OnAnswer>();
  #lastId: number;

  constructor(hub: Hub, host: string, port: number, lastId: number) {
    this.#hub = hub;
    this.#host = host;
    this.#port = port;
    this.#lastId = lastId;
  }

  get address(): string {
    return `${this.#host}:${this.#port}`;
  }

  /**
   * An invoke id for a new request, 1..255 (the library takes 0 for none). It comes round again only after
   * 255 requests, so that the late answer to a request given up finds nobody waiting.
   */
  register(onAnswer: OnAnswer): number {
    this.#lastId = (this.#lastId % 255) + 1;
    this.#open.set(this.#lastId, onAnswer);
    return this.#lastId;
  }

  forget(invokeId: number): void {
    this.#open.delete(invokeId);
  }

  send(datagram: Buffer, failed: (error: Error) => void): void {
    this.#hub.send(datagram, this.#port, this.#host, failed);
  }

  receive(frame: Frame, datagram: Buffer): void {
    this.#open.get(frame.invokeId)?.(frame, datagram);
  }
}
