import type { Env } from "../../env.ts";
import { budgetOf } from "../budget.ts";
import type { Answer, Orders } from "../orders.ts";
import type { CommandMessage } from "./commands.ts";
import { admit, type Gate, type Refused, type TrustedKeys } from "./gate.ts";
import type { Arrival, Link } from "./link.ts";
import { type Result, replyTo } from "./reply.ts";
import type { Topics } from "./topics.ts";

/**
 * Commands as they come, one after the other with a pause between, so that a flood of them holds up nobody: what finds no
 * room is refused. Outlives the connections.
 */
export interface Intake {
  take(arrival: Arrival, link: Pick<Link, "publish" | "packetMax">): void;
  stop(): void;
}

interface IntakeOptions {
  readonly env: Env;
  readonly topics: Topics;
  readonly site: string;
  readonly agent: string;
  readonly keys: TrustedKeys;
}

/** Commands that wait or whose result is on its way; beyond them all are refused as `busy`. */
export const roomMax = 32;
/** Answers to what is not done that may be on their way; beyond them there is none. */
const refusalsMax = 8;
const pauseMs = 25;
/** So many are looked at, at once and a second: each costs the check of a signature, and measuring goes before. */
const looksMax = 200;
/** What of a result is kept for who asks again. */
const keptMax = 1024;

interface Admitted {
  readonly command: CommandMessage;
  reply(result: Result): Promise<unknown>;
  refuse(detail: string): void;
}

export function intakeOf({ env, topics, keys, ...own }: IntakeOptions, orders: Orders): Intake {
  const waiting: Admitted[] = [];
  let room = roomMax;
  let answering = 0;
  const mayLook = budgetOf(env, looksMax, looksMax);
  let isPausing = false;
  let cancel = (): void => {};

  const memory: Gate["memory"] = {
    find: (cmdId) => (waiting.some(({ command }) => command.cmdId === cmdId) ? unknown : orders.memory.find(cmdId)),
    taker: (nonce) =>
      waiting.find(({ command }) => command.nonce === nonce)?.command.cmdId ?? orders.memory.taker(nonce),
    get forgottenTo() {
      return orders.memory.forgottenTo;
    },
  };
  const next = (): void => {
    const one = waiting.shift();
    isPausing = one !== undefined;
    if (one === undefined) return;
    const answer = answerTo(one.command, orders, env.clock.wall());
    if (answer !== null) void one.reply(answer).finally(() => room++);
    else {
      one.refuse("it could not be remembered: the store takes nothing now, or too many of the last day; send it later");
      room++;
    }
    cancel = env.after(pauseMs, next);
  };
  const enqueue = (one: Admitted): void => {
    room--;
    waiting.push(one);
    if (!isPausing) cancel = env.after(0, next);
    isPausing = true;
  };
  /** Of what costs nothing but an answer, as long as the answers leave. */
  const tell = (work: () => Promise<unknown>): void => {
    if (answering >= refusalsMax) return;
    answering++;
    void work().finally(() => answering--);
  };
  return {
    take(arrival, link) {
      if (!mayLook()) return orders.refused({ ...unread, topic: arrival.topic });
      const decision = admit(arrival, { ...own, keys, now: env.clock.wall(), synced: orders.synced(), memory });
      const reply = (cmdId: string, name: string, result: Result): Promise<unknown> => {
        const how = { at: env.clock.wall(), topics, packetMax: link.packetMax };
        return link.publish(replyTo(arrival, { cmdId, name, ...result }, how));
      };
      const refuse = (refused: Refused): void => {
        const { cmdId, name, code, detail } = refused;
        orders.refused(refused);
        if (cmdId !== null) tell(() => reply(cmdId, name ?? "", { status: "rejected", code, detail }));
      };
      if (decision.is === "refused") return refuse(decision.refused);
      const { command } = decision;
      const { cmdId, name } = command;
      if (decision.is === "duplicate") {
        orders.repeated(command);
        return tell(() => reply(cmdId, name, again(decision.before.result)));
      }
      const turnAway = (detail: string): void =>
        refuse({ code: "busy", detail, topic: arrival.topic, cmdId, name, kid: command.kid, by: command.issuedBy });
      if (room === 0) turnAway(`${roomMax} commands wait already; send it later`);
      else enqueue({ command, reply: (result) => reply(cmdId, name, result), refuse: turnAway });
    },
    stop() {
      cancel();
      waiting.length = 0;
      room = 0;
    },
  };
}

const unread: Omit<Refused, "topic"> = {
  ...{ code: "busy", detail: `more than ${looksMax} a second come, which is no centre's doing` },
  ...{ cmdId: null, name: null, kid: null, by: null },
};

const unknown = { result: null } as const;

/** It is noted before it is done, so that whatever happens it is not done twice; null: that cannot be noted. */
function answerTo(command: CommandMessage, { memory, obey }: Orders, wall: number): Answer | null {
  const { cmdId, nonce, issuedAt, exp } = command;
  const begun = { cmdId, nonce, issuedAt: Date.parse(issuedAt), exp: Date.parse(exp) };
  try {
    if (!memory.begin(begun, wall)) return null;
  } catch {
    return null;
  }
  const answer = obey(command);
  try {
    memory.end(cmdId, kept(answer));
  } catch {
    // It was done: who asks again is told that what came of it is not known.
  }
  return answer;
}

function kept(answer: Answer): string {
  const whole = JSON.stringify(answer);
  const { conditions: _, available: __, lost: ___, ...short } = answer;
  return whole.length <= keptMax ? whole : JSON.stringify({ ...short, detail: short.detail.slice(0, keptMax / 2) });
}

/** The answer to what was begun before. */
function again(result: string | null): Result {
  if (result === null)
    return {
      status: "duplicate",
      detail: "it is under way, or was when the agent stopped: look at the state, and command anew what is missing",
    };
  const { status: first, ...rest } = JSON.parse(result) as Answer;
  return { ...rest, status: "duplicate", first };
}
