import type { Mono } from "../../agent/core/sample.ts";
import type { Env } from "../../agent/env.ts";
import type { Failure } from "./failure.ts";
import { frame, frameSplitter } from "./frame.ts";
import type { Answer, Question, Reader } from "./question.ts";
import { hexOf, rtuReader, sealed, silenceMs } from "./rtu.ts";
import { type Bus, isRtu, placeOfBus } from "./schema.ts";
import { wireTo } from "./wire.ts";

/**
 * One way to a bus. On it are as many questions at a time as its window has, one if nothing else is said: many devices drop or
 * mix up a second one. Whatever leaves in doubt to which question the next bytes belong, a timeout first of all, ends the
 * link: a late reply then finds nobody.
 */
export interface Link {
  /** False once ended, by either side; make another. */
  readonly usable: boolean;
  /** Asks, not before that time, once it is open. Settles within `ms`, never rejects. */
  ask(question: Question, ms: number, notBefore: Mono): Promise<Answer>;
  /** Fails the questions under way with this and lets go of the wire. */
  end(failure: Failure): void;
  /** Settles when the bus may be opened again. */
  readonly gone: Promise<void>;
}

interface Exchange {
  readonly question: Question;
  /** Once the wire is open. */
  start(): void;
  /** Of a right reply, its body; RTU hands on what came. */
  hear(bytes: Buffer): void;
  settle(answer: Answer): void;
}

/** Starts to open. `ask` has the only timeout, on the clock of the agent. */
export function dial(bus: Bus, env: Env, before: Promise<void> = Promise.resolve()): Link {
  const rtu = isRtu(bus);
  const quietMs = (bus.transport === "rtu" ? silenceMs(bus.baud) : 0) + bus.turnaround;
  /** By transaction. On a serial line there is one, and its number is not sent. */
  const exchanges = new Map<number, Exchange>();
  const splitter = () => frameSplitter((transaction) => exchanges.get(transaction)?.question);
  let split = splitter();
  let transaction = Math.floor(env.random() * 0x10000);
  let heardAt: Mono = Number.NEGATIVE_INFINITY;
  let answeredAt: Mono = Number.NEGATIVE_INFINITY;

  function end(failure: Failure): void {
    wire.destroy();
    for (const exchange of [...exchanges.values()]) exchange.settle(failure);
  }

  function hear(chunk: Buffer): void {
    heardAt = env.clock.mono();
    // A line has noise, and replies that come late; a connection has neither.
    if (exchanges.size === 0) {
      if (!rtu) end({ fault: "bad_reply", detail: "a reply that nobody asked for" });
      return;
    }
    if (rtu) {
      for (const exchange of exchanges.values()) exchange.hear(chunk);
      return;
    }
    const { replies, flaw } = split(chunk);
    for (const reply of replies) exchanges.get(reply.transaction)?.hear(reply.body);
    if (flaw !== undefined) end({ fault: "bad_reply", detail: flaw });
    // What comes behind the last reply is nobody's.
    if (exchanges.size === 0) split = splitter();
  }

  const opened = (): void => {
    for (const exchange of exchanges.values()) exchange.start();
  };
  const wire = wireTo(bus, { opened, bytes: hear, over: end }, before);

  /** What a question comes to whose time is over, and whether the next bytes may still be told from its reply. */
  function expire(heard: readonly Buffer[], began: Mono, ms: number, settle: (answer: Answer) => void): void {
    const within = `within ${Math.round(ms)} ms`;
    const failure = ((): Failure => {
      if (!wire.isOpen) return { fault: "timeout", detail: `no connection to ${placeOfBus(bus)} ${within}` };
      if (heard.length === 0) return { fault: "timeout", detail: `no answer ${within}` };
      return { fault: "bad_reply", detail: `no right answer ${within}, but ${hexOf(Buffer.concat(heard))}` };
    })();
    // Others were answered meanwhile: the way is good, it is this unit that is not, and by its number a late reply is known.
    if (bus.window > 1 && answeredAt > began) settle(failure);
    else end(failure);
  }

  return {
    get usable() {
      return wire.usable;
    },
    ask: (question, ms, notBefore) =>
      new Promise((resolve) => {
        const began = env.clock.mono();
        transaction = (transaction + 1) & 0xffff;
        const mine = transaction;
        const heard: Buffer[] = [];
        // None before it is asked: what comes until then answers nothing of this.
        let read: Reader | undefined;
        let cancelWait = (): void => {};
        const settle = (answer: Answer): void => {
          if (!exchanges.delete(mine)) return;
          cancel();
          cancelWait();
          resolve(answer);
        };
        const cancel = env.after(ms, () => expire(heard, began, ms, settle));
        const answered = (body: Buffer): void => {
          const answer = question.read(body);
          if ("fault" in answer && answer.exception === undefined) return end(answer);
          answeredAt = env.clock.mono();
          settle(answer);
        };
        const exchange: Exchange = {
          question,
          start() {
            const waitMs = Math.max(notBefore, heardAt + quietMs) - env.clock.mono();
            if (waitMs > 0) {
              cancelWait = env.after(waitMs, exchange.start);
              return;
            }
            if (rtu) read = rtuReader(question);
            wire.write(rtu ? sealed(question.body) : frame(mine, question.unit, question.body.subarray(1)));
          },
          hear(bytes) {
            if (!rtu) return answered(bytes);
            if (read === undefined) return;
            heard.push(bytes);
            const outcome = read(bytes);
            if (outcome.kind === "flaw") end({ fault: "bad_reply", detail: outcome.detail });
            if (outcome.kind === "reply") answered(outcome.body);
          },
          settle,
        };
        exchanges.set(mine, exchange);
        if (wire.isOpen) exchange.start();
      }),
    end,
    gone: wire.gone,
  };
}
