import type { Mono } from "../../agent/core/sample.ts";
import type { Env } from "../../agent/env.ts";
import type { Failure } from "./failure.ts";
import { frame, frameReader } from "./frame.ts";
import type { Answer, Question, Reader } from "./question.ts";
import { hexOf, rtuReader, sealed, silenceMs } from "./rtu.ts";
import { type Bus, isRtu, placeOfBus } from "./schema.ts";
import { wireTo } from "./wire.ts";

/**
 * One way to a bus, one question at a time: many devices drop or mix up a second one. Whatever leaves in doubt to which
 * question the next bytes belong, a timeout first of all, ends the link: a late reply then finds nobody.
 */
export interface Link {
  /** False once ended, by either side; make another. */
  readonly usable: boolean;
  /** Asks, not before that time, once it is open. Settles within `ms`, never rejects. */
  ask(question: Question, ms: number, notBefore: Mono): Promise<Answer>;
  /** Fails the question under way with this and lets go of the wire. */
  end(failure: Failure): void;
  /** Settles when the bus may be opened again. */
  readonly gone: Promise<void>;
}

interface Exchange {
  hear(chunk: Buffer): void;
  /** Once the wire is open. */
  start(): void;
  settle(answer: Answer): void;
}

/** Starts to open. `ask` has the only timeout, on the clock of the agent. */
export function dial(bus: Bus, env: Env, before: Promise<void> = Promise.resolve()): Link {
  const rtu = isRtu(bus);
  const quietMs = bus.transport === "rtu" ? silenceMs(bus.baud) : 0;
  let exchange: Exchange | undefined;
  let transaction = Math.floor(env.random() * 0x10000);
  let heardAt: Mono = 0;

  function end(failure: Failure): void {
    wire.destroy();
    exchange?.settle(failure);
  }

  function hear(chunk: Buffer): void {
    heardAt = env.clock.mono();
    if (exchange !== undefined) exchange.hear(chunk);
    // A line has noise, and replies that come late; a connection has neither.
    else if (!rtu) end({ fault: "bad_reply", detail: "a reply that nobody asked for" });
  }

  const wire = wireTo(bus, { opened: () => exchange?.start(), bytes: hear, over: end }, before);

  function late(heard: readonly Buffer[], ms: number): Failure {
    const within = `within ${Math.round(ms)} ms`;
    if (!wire.isOpen) return { fault: "timeout", detail: `no connection to ${placeOfBus(bus)} ${within}` };
    if (!rtu || heard.length === 0) return { fault: "timeout", detail: `no answer ${within}` };
    return { fault: "bad_reply", detail: `no right answer ${within}, but ${hexOf(Buffer.concat(heard))}` };
  }

  return {
    get usable() {
      return wire.usable;
    },
    ask: (question, ms, notBefore) =>
      new Promise((resolve) => {
        transaction = (transaction + 1) & 0xffff;
        const heard: Buffer[] = [];
        // None before it is asked: what comes until then answers nothing of this.
        let read: Reader | undefined;
        let cancelWait = (): void => {};
        const cancel = env.after(ms, () => end(late(heard, ms)));
        const mine: Exchange = {
          start() {
            const waitMs = Math.max(notBefore, heardAt + quietMs) - env.clock.mono();
            if (waitMs > 0) {
              cancelWait = env.after(waitMs, mine.start);
              return;
            }
            read = rtu ? rtuReader(question) : frameReader(transaction, question);
            wire.write(rtu ? sealed(question.body) : frame(transaction, question.unit, question.body.subarray(1)));
          },
          hear(chunk) {
            if (read === undefined) return;
            // Told of on a line only; elsewhere it would be without bounds.
            if (rtu) heard.push(chunk);
            const outcome = read(chunk);
            if (outcome.kind === "flaw") end({ fault: "bad_reply", detail: outcome.detail });
            if (outcome.kind !== "reply") return;
            const answer = question.read(outcome.body);
            if ("fault" in answer && answer.exception === undefined) end(answer);
            else mine.settle(answer);
          },
          settle(answer) {
            exchange = undefined;
            cancel();
            cancelWait();
            resolve(answer);
          },
        };
        exchange = mine;
        if (wire.isOpen) mine.start();
      }),
    end,
    gone: wire.gone,
  };
}
