import type { Env } from "../../env.ts";
import type { TrustedKeys } from "./gate.ts";
import { type BrokerOptions, type Link, openLink } from "./link.ts";
import type { Speaker } from "./messages.ts";
import type { CentreOptions } from "./presence.ts";
import { willOf } from "./session.ts";
import type { Tell } from "./tell.ts";
import { type Address, topicsOf } from "./topics.ts";

export interface MqttOptions extends Omit<BrokerOptions, "url">, Address, CentreOptions {
  /** Of brokers of which one is enough: tried in this order, from the first anew after each loss. */
  readonly urls: readonly string[];
  readonly agentVersion: string;
  /** Whose commands count; absent or none: nobody's. */
  readonly keys?: TrustedKeys;
}

export interface Reached {
  readonly url: string;
  readonly link: Link;
  readonly speaker: Speaker;
}

/**
 * For each broker, in order, what opens a link to it, in MQTT 5 or else 3.1.1; null: it cannot be had now, and that was told.
 * @param signal gives up an attempt that is under way
 */
export function brokersOf(
  options: MqttOptions,
  env: Env,
  tell: Tell,
  nextBdSeq: () => number,
  signal: AbortSignal,
): readonly (() => Promise<Reached | null>)[] {
  const topics = topicsOf(options);
  const bdSeq = growing(nextBdSeq);
  const brokers = options.urls.map((url) => ({ url, wanted: protocolChoice(env) }));
  const reach = async (one: (typeof brokers)[number]): Promise<Reached | null> => {
    const { url, wanted } = one;
    const speaker = speakerOf(options, env, wanted.protocol(), bdSeq());
    const will = willOf(topics, speaker);
    const opened = await openLink(env, { ...options, url }, speaker.protocol, will, signal);
    if ("link" in opened) return { url, link: opened.link, speaker };
    if (signal.aborted) return null;
    if ("away" in opened) tell("broker.away", url, opened.away);
    else if (wanted.fallBack(opened.refused)) return reach(one);
    else tell("broker.refused", url, opened.why);
    return null;
  };
  return brokers.map((one) => () => reach(one));
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

/** "Unsupported protocol version" in MQTT 5, "unacceptable protocol version" in 3.1.1. */
const wrongVersion: ReadonlySet<number> = new Set([0x84, 0x01]);
/** How long a broker is remembered as one that knows 3.1.1 only; then it is asked again. */
const rememberMs = 24 * 3600 * 1000;

/** MQTT 5, or 3.1.1 for a day where the broker was found to speak no other. */
export function protocolChoice(env: Env) {
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
