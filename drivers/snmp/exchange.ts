import { createSession, ErrorStatus, RequestFailedError, type Varbind, Version2c } from "net-snmp";
import type { BadReason } from "../../agent/core/sample.ts";
import type { Env } from "../../agent/env.ts";
import { connectTo, guarded, type Peer } from "./peer.ts";

/** What came of one GetRequest. */
export type Answer =
  | { readonly kind: "bindings"; readonly varbinds: readonly Varbind[] }
  /** The device's error-status; `oid` is the binding it blames, if it blames one. */
  | { readonly kind: "refused"; readonly status: number; readonly detail: string; readonly oid: string | undefined }
  | { readonly kind: "fault"; readonly fault: BadReason; readonly detail: string };

export interface Question {
  readonly peer: Peer;
  readonly community: string;
  readonly oids: readonly string[];
  readonly timeoutMs: number;
}

/**
 * One GetRequest on a socket and a net-snmp session of its own, both gone when it is answered: an answer
 * that comes late finds a closed port and can never be taken for the next request's. `answer` never
 * rejects and settles within `timeoutMs`; the request is sent once more at half that time, as UDP loses.
 */
export class Exchange {
  readonly answer: Promise<Answer>;
  #resolve: (answer: Answer) => void = () => {};
  #release: () => void = () => {};
  /** What came instead of an answer; worth more to a technician than "timeout". */
  #garbage: string | undefined;

  constructor(env: Env, question: Question) {
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const socket = connectTo(
      question.peer,
      () => ask(),
      (error) => this.#settle(unreachable(error)),
    );
    const ask = () => this.#ask(socket, question);
    const cancelDeadline = env.after(question.timeoutMs, () => this.#settle(this.#silence()));
    this.#release = () => {
      cancelDeadline();
      socket.close();
    };
  }

  cancel(detail: string): void {
    this.#settle({ kind: "fault", fault: "unreachable", detail });
  }

  #ask(socket: ReturnType<typeof connectTo>, { peer, community, oids, timeoutMs }: Question): void {
    const session = createSession(peer.address, community, {
      version: Version2c,
      port: peer.port,
      timeout: Math.max(1, Math.floor(timeoutMs / 2)), // net-snmp takes 0 for its default of 5 s
      retries: 1,
      dgramModule: guarded(socket, (what) => {
        this.#garbage = what;
      }),
    });
    // A malformed datagram would otherwise end the process; the guard lets none through that we know of.
    session.on("error", (error) => {
      this.#garbage = `what came does not decode: ${error}`;
    });
    // net-snmp calls back from the socket's event: what this throws would be nobody's to catch.
    session.get([...oids], (error, varbinds = []) => {
      this.#settle(error ? this.#failure(error, oids) : { kind: "bindings", varbinds });
    });
  }

  #failure(error: Error, oids: readonly string[]): Answer {
    if (error instanceof RequestFailedError) return refusal(error, oids);
    if (error.name === "RequestTimedOutError") return this.#silence();
    if ("code" in error && typeof error.code === "string") return unreachable(error);
    return { kind: "fault", fault: "bad_reply", detail: String(error.message) };
  }

  #silence(): Answer {
    if (this.#garbage === undefined) return { kind: "fault", fault: "timeout", detail: "no answer, asked twice" };
    return { kind: "fault", fault: "bad_reply", detail: this.#garbage };
  }

  #settle(answer: Answer): void {
    const release = this.#release;
    this.#release = () => {};
    this.#resolve(answer);
    release();
  }
}

const unreachable = (error: Error): Answer => ({ kind: "fault", fault: "unreachable", detail: error.message });

/** net-snmp tells the blamed binding only in its text, "TooBig: 1.3.6…", and mixes up statuses it does not know. */
function refusal({ message, status }: RequestFailedError, oids: readonly string[]): Answer {
  const blamed = /: ([\d.]+)$/.exec(String(message))?.[1];
  const known = typeof status === "number";
  return {
    kind: "refused",
    status: known ? status : ErrorStatus.GeneralError,
    detail: known ? `error-status ${status} (${ErrorStatus[status]})` : "an error-status that SNMPv2c does not have",
    oid: oids.find((oid) => oid === blamed),
  };
}
