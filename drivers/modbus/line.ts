import type { Mono } from "../../agent/core/sample.ts";
import { type Env, within } from "../../agent/env.ts";
import { dial, type Link } from "./link.ts";
import type { Answer, Question } from "./question.ts";
import { type Bus, isRtu } from "./schema.ts";

/** A bus that is always there to be asked: one link at a time, and another one when that has ended. */
export interface Line {
  /** Settles by `until`, never rejects; the unit is left alone for `pauseMs` after it. */
  ask(question: Question, pauseMs: number, until: Mono): Promise<Answer>;
  /** Whether what was asked last has left the link in order. */
  usable(): boolean;
  /** How many replies a unit gave so far. */
  replies(unit: number): number;
  /** Idempotent; settles within 1 s. */
  close(): Promise<void>;
}

const closeMs = 900;

export function openLine(bus: Bus, env: Env): Line {
  let link: Link | undefined;
  let closed = false;
  /** Until when a unit may still answer what was given up. RTU frames do not say what they answer. */
  const doubted = new Map<number, Mono>();
  /** Until when a unit is to have its pause. */
  const resting = new Map<number, Mono>();
  const replies = new Map<number, number>();
  return {
    async ask(question, pauseMs, until) {
      const { unit } = question;
      const now = env.clock.mono();
      const left = until - now;
      if (closed) return { fault: "unreachable", detail: "session closed" };
      if (left <= 0) return { fault: "timeout", detail: "no time left in this read" };
      if (!link?.usable) link = dial(bus, env, link?.gone);
      // Half of its time at most: the unit may be well again.
      const notBefore = Math.min(Math.max(doubted.get(unit) ?? 0, resting.get(unit) ?? 0), now + left / 2);
      const mine = link;
      const answer = await mine.ask(question, left, notBefore);
      if (isRtu(bus) && !mine.usable) doubted.set(unit, env.clock.mono() + left);
      if (pauseMs > 0) resting.set(unit, env.clock.mono() + pauseMs);
      if (!("fault" in answer) || answer.exception !== undefined) replies.set(unit, (replies.get(unit) ?? 0) + 1);
      return answer;
    },
    usable: () => link?.usable === true,
    replies: (unit) => replies.get(unit) ?? 0,
    async close() {
      closed = true;
      link?.end({ fault: "unreachable", detail: "session closed" });
      // A serial port takes its time, and may take for ever.
      if (link) await within(env, closeMs, link.gone, () => undefined);
    },
  };
}
