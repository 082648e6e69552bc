import type { Mono } from "../../agent/core/sample.ts";
import type { Env } from "../../agent/env.ts";
import type { Failure } from "./failure.ts";
import { frame, frameSplitter } from "./frame.ts";
import type { Answer, Question, Reader } from "./question.ts";
import { hexOf, rtuReader, sealed, silenceMs } from "./rtu.ts";
import { type Bus, isRtu, placeOfBus } from "./schema.ts";
import { type Wire, wireTo } from "./wire.ts";

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
  /** Of a network, the body of a right reply; of a serial line, what came. */
  hear(bytes: Buffer): void;
  settle(answer: Answer): void;
}

/** A link as its exchanges see it. */
interface Ground {
  readonly bus: Bus;
  readonly env: Env;
  readonly wire: Wire;
  /** By transaction. On a serial line there is one, and its number is not sent. */
  readonly exchanges: Map<number, Exchange>;
  heardAt: Mono;
  answeredAt: Mono;
  end(failure: Failure): void;
}

const never: Mono = Number.NEGATIVE_INFINITY;

/** Starts to open. `ask` has the only timeout, on the clock of the agent. */
export function dial(bus: Bus, env: Env, before: Promise<void> = Promise.resolve()): Link {
  const exchanges = new Map<number, Exchange>();
  const hearReplies = replying(exchanges);
  let transaction = Math.floor(env.random() * 0x10000);

  function end(failure: Failure): void {
    wire.destroy();
    for (const exchange of [...exchanges.values()]) exchange.settle(failure);
  }

  function hear(chunk: Buffer): void {
    ground.heardAt = env.clock.mono();
    if (isRtu(bus)) {
      // None is under way: a line has noise, and replies that come late.
      for (const exchange of exchanges.values()) exchange.hear(chunk);
      return;
    }
    const flaw = exchanges.size === 0 ? "a reply that nobody asked for" : hearReplies(chunk);
    if (flaw !== undefined) end({ fault: "bad_reply", detail: flaw });
  }

  const opened = (): void => {
    for (const exchange of exchanges.values()) exchange.start();
  };
  const wire = wireTo(bus, { opened, bytes: hear, over: end }, before);
  const ground: Ground = { bus, env, wire, exchanges, heardAt: never, answeredAt: never, end };

  return {
    get usable() {
      return wire.usable;
    },
    ask: (question, ms, notBefore) =>
      new Promise((resolve) => {
        transaction = (transaction + 1) & 0xffff;
        const exchange = exchangeOn(ground, transaction, question, { ms, notBefore }, resolve);
        exchanges.set(transaction, exchange);
        if (wire.isOpen) exchange.start();
      }),
    end,
    gone: wire.gone,
  };
}

/** Hands the replies in a stream to whom they answer; tells what is wrong with it. */
function replying(exchanges: ReadonlyMap<number, Exchange>): (chunk: Buffer) => string | undefined {
  const splitter = () => frameSplitter((transaction) => exchanges.get(transaction)?.question);
  let split = splitter();
  return (chunk) => {
    const { replies, flaw } = split(chunk);
    for (const { transaction, body } of replies) exchanges.get(transaction)?.hear(body);
    // What comes behind the last reply is nobody's.
    if (exchanges.size === 0) split = splitter();
    return flaw;
  };
}

function exchangeOn(
  ground: Ground,
  transaction: number,
  question: Question,
  { ms, notBefore }: { readonly ms: number; readonly notBefore: Mono },
  resolve: (answer: Answer) => void,
): Exchange {
  const { bus, env, wire, exchanges, end } = ground;
  const rtu = isRtu(bus);
  const quietMs = (bus.transport === "rtu" ? silenceMs(bus.baud) : 0) + bus.turnaround;
  const began = env.clock.mono();
  const heard: Buffer[] = [];
  // None before it is asked: what comes until then answers nothing of this.
  let read: Reader | undefined;
  let cancelWait = (): void => {};
  const cancel = env.after(ms, () => {
    const failure = expired(ground, heard, ms);
    // Others were answered meanwhile: the way is good, it is this unit that is not, and by its number a late reply is known.
    if (bus.window > 1 && ground.answeredAt > began) exchange.settle(failure);
    else end(failure);
  });
  const answered = (body: Buffer): void => {
    const answer = question.read(body);
    if ("fault" in answer && answer.exception === undefined) {
      end(answer);
      return;
    }
    ground.answeredAt = env.clock.mono();
    exchange.settle(answer);
  };
  const exchange: Exchange = {
    question,
    start() {
      const waitMs = Math.max(notBefore, ground.heardAt + quietMs) - env.clock.mono();
      if (waitMs > 0) {
        cancelWait = env.after(waitMs, exchange.start);
        return;
      }
      if (rtu) read = rtuReader(question);
      wire.write(rtu ? sealed(question.body) : frame(transaction, question.unit, question.body.subarray(1)));
    },
    hear(bytes) {
      if (!rtu) answered(bytes);
      if (read === undefined) return;
      heard.push(bytes);
      const outcome = read(bytes);
      if (outcome.kind === "flaw") end({ fault: "bad_reply", detail: outcome.detail });
      if (outcome.kind === "reply") answered(outcome.body);
    },
    settle(answer) {
      if (!exchanges.delete(transaction)) return;
      cancel();
      cancelWait();
      resolve(answer);
    },
  };
  return exchange;
}

function expired({ bus, wire }: Ground, heard: readonly Buffer[], ms: number): Failure {
  const within = `within ${Math.round(ms)} ms`;
  if (!wire.isOpen) return { fault: "timeout", detail: `no connection to ${placeOfBus(bus)} ${within}` };
  if (heard.length === 0) return { fault: "timeout", detail: `no answer ${within}` };
  return { fault: "bad_reply", detail: `no right answer ${within}, but ${hexOf(Buffer.concat(heard))}` };
}
