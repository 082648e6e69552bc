import type { Env } from "../env.ts";
import { type AgentEventCode, agentEvents, type Facts } from "../events.ts";
import { budgetOf } from "../sinks/budget.ts";
import type { DiagFacts, Sink } from "../sinks/sink.ts";

/** What the agent reports of itself, told to the centre too: all that is a warning or worse, and what people did. */
export interface Diag {
  /** Reports as before, and tells it. */
  readonly env: Env;
  tell(one: Omit<DiagFacts, "at">): void;
  /** Where to tell; what was told before, or while it was away, follows. */
  flush(sink: Pick<Sink, "diag">): void;
}

/** Those that are kept while nobody can be told; the oldest go. */
const keptMax = 100;
/** A site on which everything goes wrong at once is no reason for thousands: as many at once, and one a second. */
const burst = 60;

/** Of the way to the centre itself: when it can be told, it is over. */
const isOfLink = (code: string): boolean => /^(broker|centre)\./.test(code);

export function diagOf(env: Env): Diag {
  let kept: DiagFacts[] = [];
  let left = 0;
  let sink: Pick<Sink, "diag"> = { diag: () => false };
  const budget = budgetOf(env, burst, 1);
  const send = (one: DiagFacts): void => {
    if (sink.diag(one)) return;
    if (kept.push(one) > keptMax) kept.shift();
  };
  const tell: Diag["tell"] = (one) => {
    if (!budget()) {
      left++;
      return;
    }
    const facts = left === 0 ? one.facts : { ...one.facts, leftOut: left };
    left = 0;
    send({ ...one, facts, at: env.clock.wall() });
  };
  const report = (code: AgentEventCode, facts: Facts = {}): void => {
    env.report(code, facts);
    const { level, message } = agentEvents[code];
    if ((level === "warn" || level === "error") && !isOfLink(code)) tell({ level, code, text: message, facts });
  };
  return {
    env: { ...env, report },
    tell,
    flush(to) {
      sink = to;
      const before = kept;
      kept = [];
      before.forEach(send);
    },
  };
}
