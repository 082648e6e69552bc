import type { Socket } from "node:dgram";
import type { Env } from "../../agent/env.ts";
import type { Answer, Turn } from "./dialect.ts";
import { connectTo, type Peer } from "./peer.ts";

/**
 * One GetRequest on a socket of its own, which is gone when it is answered: an answer that comes late finds a
 * closed port and can never be taken for the next request's. `answer` never rejects and settles within
 * `timeoutMs`; what was sent is sent once more at half the time that was left, as UDP loses.
 */
export class Exchange {
  readonly answer: Promise<Answer>;
  readonly #env: Env;
  readonly #turn: Turn;
  readonly #socket: Socket;
  readonly #deadline: number;
  #resolve: (answer: Answer) => void = () => {};
  #cancelDeadline: () => void;
  #cancelResend: () => void = () => {};
  #settled = false;
  /** What came instead of an answer; worth more to a technician than "timeout". */
  #garbage: string | undefined;

  constructor(env: Env, { peer, turn, timeoutMs }: { peer: Peer; turn: Turn; timeoutMs: number }) {
    this.#env = env;
    this.#turn = turn;
    this.#deadline = env.clock.mono() + timeoutMs;
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#cancelDeadline = env.after(timeoutMs, () => this.#settle(this.#silence()));
    this.#socket = connectTo(
      peer,
      () => this.#ask(),
      (error) => this.#settle({ kind: "fault", fault: "unreachable", detail: error.message }),
    );
    this.#socket.on("message", (datagram) => this.#hear(datagram));
  }

  cancel(detail: string): void {
    this.#settle({ kind: "fault", fault: "unreachable", detail });
  }

  #ask(): void {
    if (this.#settled) return;
    this.#send();
    this.#cancelResend();
    const leftMs = this.#deadline - this.#env.clock.mono();
    this.#cancelResend = this.#env.after(Math.max(0, leftMs / 2), () => this.#send());
  }

  #send(): void {
    if (this.#settled) return;
    try {
      this.#socket.send(this.#turn.next()); // errors of sending are those of the socket
    } catch (error) {
      // A system that allows approved cryptography only has no MD5 and no DES.
      this.#settle({ kind: "fault", fault: "unreachable", detail: `this machine cannot ask so: ${error}` });
    }
  }

  #hear(datagram: Buffer): void {
    if (this.#settled) return;
    const heard = this.#turn.hear(datagram);
    if (heard.kind === "garbage") this.#garbage = heard.what;
    else if (heard.kind === "again") this.#ask();
    else if (heard.kind !== "other") this.#settle(heard);
  }

  #silence(): Answer {
    if (this.#garbage !== undefined) return { kind: "fault", fault: "bad_reply", detail: this.#garbage };
    return { kind: "fault", fault: "timeout", detail: `no answer, asked twice${this.#turn.hint()}` };
  }

  #settle(answer: Answer): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#cancelDeadline();
    this.#cancelResend();
    this.#socket.close();
    this.#turn.end?.();
    this.#resolve(answer);
  }
}
