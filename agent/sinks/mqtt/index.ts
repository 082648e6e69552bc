import { type Env, within } from "../../env.ts";
import type { AgentEventCode } from "../../events.ts";
import type { Delivery, Sink, SinkHooks } from "../sink.ts";
import { backoffMs, stableMs } from "./backoff.ts";
import { type Ack, type BrokerOptions, type Link, openLink } from "./link.ts";
import type { Speaker } from "./messages.ts";
import { type Delivered, openSession, type Session, willOf } from "./session.ts";
import { type Address, topicsOf } from "./topics.ts";

export interface MqttOptions extends BrokerOptions, Address {
  readonly agentVersion: string;
}

const goodByeMs = 1500;
const settleMs = 1200;

/**
 * Incidents to a broker: MQTT 5, or 3.1.1 where the broker speaks no other. Keeps one link, opens another when it
 * ends, at growing random spacing; reports once, not each time, that the broker is away or refuses.
 *
 * @param nextBdSeq a number that grows with each call, also across restarts
 */
export function openMqttSink(options: MqttOptions, env: Env, hooks: SinkHooks, nextBdSeq: () => number): Sink {
  const voice = { env, topics: topicsOf(options), site: options.site, agent: options.agent };
  const tell = teller(env, options.url);
  const wanted = protocolChoice(env);
  const bdSeq = growing(nextBdSeq);
  const stop = new AbortController();
  let session: Session | null = null;

  const serve = async (link: Link, speaker: Speaker): Promise<void> => {
    const opened = await openSession(link, hooks.birth(), { ...voice, speaker });
    if ("kind" in opened) {
      tellTrouble(tell, opened);
      return link.end(false);
    }
    if (stop.signal.aborted) return sayGoodBye(env, opened);
    session = opened;
    tell("broker.connected", `MQTT ${speaker.protocol === 5 ? "5" : "3.1.1"}`);
    hooks.onConnected();
    const why = await opened.lost;
    session = null;
    hooks.onLost();
    if (!stop.signal.aborted) tell("broker.away", why);
  };

  const live = async (): Promise<void> => {
    for (let failed = 0; !stop.signal.aborted; ) {
      const began = env.clock.mono();
      const speaker = speakerOf(options, env, wanted.protocol(), bdSeq());
      const opened = await openLink(env, options, speaker.protocol, willOf(voice.topics, speaker), stop.signal);
      if ("link" in opened) await serve(opened.link, speaker);
      else if (stop.signal.aborted) return;
      else if ("away" in opened) tell("broker.away", opened.away);
      else if (wanted.fallBack(opened.refused)) continue;
      else tell("broker.refused", opened.why);
      failed = env.clock.mono() - began >= stableMs ? 1 : failed + 1;
      await pause(env, backoffMs(failed, env.random()), stop.signal);
    }
  };

  const running = live();
  const close = async (): Promise<void> => {
    const last = session;
    stop.abort();
    if (last !== null) await sayGoodBye(env, last);
    await within(env, settleMs, running, () => {});
  };
  let closed: Promise<void> | null = null;
  const sent = async (send: (session: Session) => Promise<Delivered>): Promise<Delivery> => {
    if (session === null) return "retry";
    const { delivery, trouble } = await send(session);
    if (trouble !== undefined) tellTrouble(tell, trouble);
    else if (delivery === "delivered") tell("broker.connected", "");
    return delivery;
  };
  return {
    get connected() {
      return session !== null;
    },
    get trouble() {
      return tell.trouble();
    },
    get window() {
      return session?.window ?? 1;
    },
    deliver: (event, persistedAt) => sent((one) => one.deliver(event, persistedAt)),
    tellGap: (gap) => sent((one) => one.tellGap(gap)),
    heartbeat: (facts) => session?.heartbeat(facts),
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** A store that cannot write is no reason not to tell what happens. */
function growing(next: () => number): () => number {
  let last = 0;
  return () => {
    try {
      last = next();
    } catch {
      last++;
    }
    return last;
  };
}

function speakerOf({ agentVersion }: MqttOptions, env: Env, protocol: 4 | 5, bdSeq: number): Speaker {
  return { bdSeq, sessionId: env.uuid(), bootId: env.bootId, agentVersion, protocol };
}

async function sayGoodBye(env: Env, session: Session): Promise<void> {
  await within(env, goodByeMs, session.death(), () => {});
  await session.end(true);
}

interface Tell {
  (code: AgentEventCode, why: string): void;
  /** What was told last, unless all is well. */
  trouble(): string | null;
}

/** Reports a state when it is another than the last. */
function teller(env: Env, broker: string): Tell {
  let last: AgentEventCode | null = null;
  let trouble: string | null = "not connected yet";
  const tell = (code: AgentEventCode, why: string): void => {
    if (code === last) return;
    last = code;
    trouble = code === "broker.connected" ? null : why;
    env.report(code, why === "" ? { broker } : { broker, why });
  };
  return Object.assign(tell, { trouble: () => trouble });
}

function tellTrouble(tell: Tell, trouble: Exclude<Ack, { kind: "acked" }> | Ack): void {
  if (trouble.kind === "refused") tell("broker.refused", trouble.why);
  else if (trouble.kind === "unheard") tell("broker.unheard", "nobody is subscribed to the events");
  else tell("broker.away", "no acknowledgement in time");
}

/** "Unsupported protocol version" in MQTT 5, "unacceptable protocol version" in 3.1.1. */
const wrongVersion: ReadonlySet<number> = new Set([0x84, 0x01]);
/** How long a broker is remembered as one that knows 3.1.1 only; then it is asked again. */
const rememberMs = 24 * 3600 * 1000;

function protocolChoice(env: Env) {
  let fellBack: number | null = null;
  return {
    protocol(): 4 | 5 {
      if (fellBack !== null && env.clock.mono() - fellBack > rememberMs) fellBack = null;
      return fellBack === null ? 5 : 4;
    },
    /** Whether this refusal is a reason to try at once with the older protocol. */
    fallBack(code: number): boolean {
      const was = fellBack;
      if (!wrongVersion.has(code)) return false;
      fellBack = was === null ? env.clock.mono() : null;
      return was === null;
    },
  };
}

/** Ends early when `signal` is aborted. */
function pause(env: Env, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const cancel = env.after(ms, () => {
      signal.removeEventListener("abort", early);
      resolve();
    });
    const early = (): void => {
      cancel();
      resolve();
    };
    signal.addEventListener("abort", early, { once: true });
  });
}
