import { EventEmitter } from "node:events";
import Client from "node-bacnet";
import type { Env } from "../../agent/env.ts";
import {
  type Answer,
  fault,
  multipleResults,
  type Result,
  type ResultKey,
  refusal,
  refused,
  singleResults,
} from "./answer.ts";
import { abortFrame, withoutSegments } from "./frame.ts";
import type { Line } from "./hub.ts";
import type { Question } from "./question.ts";

/**
 * One request and its answer: the only place that touches node-bacnet, and it does so with a Client of its
 * own for each exchange. What the library keeps between requests (callbacks, invoke ids, half a segmented
 * answer) is what lets it mix them up; a Client that lives for one request has nothing to mix.
 */
export interface Exchange {
  /** Never rejects. */
  readonly answer: Promise<Answer>;
  /** Settles the answer as unreachable. */
  cancel(why: string): void;
}

/** UDP loses datagrams: an unanswered request is sent once more after half its time, with the same invoke id. */
const resendAfter = 0.5;

interface Service {
  ask(client: Client, receiver: Client.Receiver, options: { invokeId: number }, next: Client.Next): void;
  /** What the library made of the answer; undefined where it lacks a part. */
  results(decoded: unknown): ReadonlyMap<ResultKey, Result> | undefined;
}

/** ReadPropertyMultiple. Objects not asked for stay in the results, where nobody looks them up. */
export function readMultiple(env: Env, line: Line, questions: readonly Question[], timeoutMs: number): Exchange {
  const objects = questions.map(({ object, properties }) => ({
    objectId: object,
    properties: properties.map((id) => ({ id })),
  }));
  return exchange(env, line, timeoutMs, {
    ask: (client, receiver, options, next) => client.readPropertyMultiple(receiver, objects, options, next),
    results: multipleResults,
  });
}

/** ReadProperty, for devices that know no other. */
export function readSingle(
  env: Env,
  line: Line,
  object: Client.ObjectId,
  property: number,
  timeoutMs: number,
): Exchange {
  return exchange(env, line, timeoutMs, {
    ask: (client, receiver, options, next) => client.readProperty(receiver, object, property, options, next),
    results: singleResults,
  });
}

function exchange(env: Env, line: Line, timeoutMs: number, service: Service): Exchange {
  let settle: (answer: Answer) => void = () => {};
  const answer = new Promise<Answer>((resolve) => {
    let settled = false;
    const transport = new PeerTransport(line, (error) => settle(fault("unreachable", error.message)));
    const deliver = (datagram: Buffer): void => void transport.emit("message", datagram, line.address);

    const invokeId = line.register((frame, datagram) => {
      if (frame.kind !== "answer") return settle(refusal(frame));
      try {
        deliver(datagram);
      } catch (error) {
        env.report("session.bug", { protocol: "bacnet", error: String(error) });
        settle(fault("bad_reply", `the answer does not decode (${String(error)})`));
      }
    });
    const cancelDeadline = env.after(timeoutMs, () => settle(fault("timeout", `no answer within ${timeoutMs} ms`)));
    const cancelResend = env.after(timeoutMs * resendAfter, () => transport.resend());

    settle = (outcome) => {
      if (settled) return;
      settled = true;
      cancelDeadline();
      cancelResend();
      line.forget(invokeId);
      deliver(abortFrame(invokeId)); // ends the library's own timer, which nothing else can stop
      resolve(outcome);
    };
    // A second longer than our own deadline: the library's must never be the one that counts.
    const client = new Client({ transport, apduTimeout: timeoutMs + 1000 });
    try {
      service.ask(client, { address: line.address }, { invokeId }, (error, decoded) => {
        const results = error ? undefined : service.results(decoded);
        if (error) settle(refused(error));
        else settle(results ? { kind: "results", results } : fault("bad_reply", "the answer lacks a part"));
      });
    } catch (error) {
      env.report("session.bug", { protocol: "bacnet", error: String(error) });
      settle(fault("bad_reply", `the request does not encode (${String(error)})`));
    }
  });
  return { answer, cancel: (why) => settle(fault("unreachable", why)) };
}

/** What the library takes for its socket. It reaches one peer, whatever receiver the library names: it never broadcasts. */
class PeerTransport extends EventEmitter implements Client.Transport {
  readonly #line: Line;
  readonly #failed: (error: Error) => void;
  #sent: Buffer | undefined;

  constructor(line: Line, failed: (error: Error) => void) {
    super();
    this.#line = line;
    this.#failed = failed;
  }

  send(buffer: Buffer, length: number): void {
    this.#sent = withoutSegments(buffer.subarray(0, length));
    this.resend();
  }

  resend(): void {
    if (this.#sent) this.#line.send(this.#sent, this.#failed);
  }

  getMaxPayload(): number {
    return 1482; // BVLC 4 + NPDU 2 + the largest APDU, 1476
  }

  open(): void {}
  close(): void {}
}
