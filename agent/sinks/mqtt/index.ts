import { type Env, within } from "../../env.ts";
import type { Delivery, Sink, SinkHooks } from "../sink.ts";
import { backoffMs, stableMs } from "./backoff.ts";
import { brokersOf, type MqttOptions, type Reached } from "./brokers.ts";
import { intakeOf } from "./intake.ts";
import { type Delivered, openSession, type Session } from "./session.ts";
import { teller, tellTrouble } from "./tell.ts";
import { topicsOf } from "./topics.ts";

const goodByeMs = 1500;
const settleMs = 1200;

/**
 * Incidents to a broker: MQTT 5, or 3.1.1 where the broker speaks no other. Keeps one link, opens another when it
 * ends, at growing random spacing; reports once, not each time, that a broker is away or refuses.
 *
 * @param nextBdSeq a number that grows with each call, also across restarts
 */
export function openMqttSink(options: MqttOptions, env: Env, hooks: SinkHooks, nextBdSeq: () => number): Sink {
  const voice = voiceOf(options, env, hooks);
  const tell = teller(env);
  const stop = new AbortController();
  const brokers = brokersOf(options, env, tell, nextBdSeq, stop.signal);
  let session: Session | null = null;
  let broker = "";
  const tellDeaf = deafness(env);

  /** For how long it held, ms; null: there was no session. */
  const serve = async ({ url, link, speaker }: Reached): Promise<number | null> => {
    const opened = await openSession(link, hooks.birth, { ...voice, speaker });
    if ("kind" in opened) {
      await link.end(false);
      if (opened.kind === "lost") tell("broker.away", url, await link.lost);
      else tellTrouble(tell, url, opened);
      return null;
    }
    if (stop.signal.aborted) {
      await sayGoodBye(env, opened);
      return null;
    }
    const began = env.clock.mono();
    session = opened;
    broker = url;
    opened.quiet(hooks.quiet());
    tellDeaf(url, opened.deaf);
    tell("broker.connected", url, `MQTT ${speaker.protocol === 5 ? "5" : "3.1.1"}`);
    hooks.onConnected(opened.facts);
    const why = await opened.lost;
    session = null;
    hooks.onLost();
    if (!stop.signal.aborted) tell("broker.away", url, why);
    return env.clock.mono() - began;
  };

  const running = oneAfterAnother(env, brokers, serve, stop.signal);
  const close = async (): Promise<void> => {
    const last = session;
    stop.abort();
    voice.intake?.stop();
    if (last !== null) await sayGoodBye(env, last);
    await within(env, settleMs, running, () => {});
  };
  let closed: Promise<void> | null = null;
  const sent = async (send: (session: Session) => Promise<Delivered>): Promise<Delivery> => {
    if (session === null) return "retry";
    const { delivery, trouble } = await send(session);
    if (trouble !== undefined) tellTrouble(tell, broker, trouble);
    else if (delivery === "delivered") tell("broker.connected", broker, "");
    return delivery;
  };
  return {
    get connected() {
      return session !== null;
    },
    get isHeard() {
      return session?.isHeard ?? false;
    },
    get trouble() {
      return tell.trouble() ?? (session?.isHeard === false ? `the centre ${options.centre} is away` : null);
    },
    get window() {
      return session?.window ?? 1;
    },
    deliver: (outgoing) => sent((one) => one.deliver(outgoing)),
    tellGap: (gap) => sent((one) => one.tellGap(gap)),
    heartbeat: (facts) => session?.heartbeat(facts),
    diag: (facts) => session?.diag(facts) ?? false,
    telemetry: (batch) => session?.telemetry(batch) ?? false,
    snapshot: () => session?.snapshot(hooks.birth(), hooks.quiet()) === true,
    quietChanged: () => session?.quiet(hooks.quiet()),
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** Serves one connection after the other; `serve` says for how long one held, ms, or null where there was none. */
async function oneAfterAnother(
  env: Env,
  brokers: readonly (() => Promise<Reached | null>)[],
  serve: (reached: Reached) => Promise<number | null>,
  stop: AbortSignal,
): Promise<void> {
  for (let failed = 0; !stop.aborted; ) {
    let held: number | null = null;
    for (const reach of brokers) {
      const reached = held === null && !stop.aborted ? await reach() : null;
      if (reached !== null) held = await serve(reached);
    }
    failed = (held ?? 0) >= stableMs ? 1 : failed + 1;
    await pause(env, backoffMs(failed, env.random()), stop);
  }
}

function voiceOf(options: MqttOptions, env: Env, hooks: SinkHooks) {
  const { orders } = hooks;
  const { site, agent, keys = new Map() } = options;
  const topics = topicsOf(options);
  const intake = orders && keys.size > 0 ? intakeOf({ env, topics, site, agent, keys }, orders) : null;
  return { env, topics, site, agent, intake, hooks, options };
}

/** Reports once, not with each connection, that a broker lets it hear no commands. */
function deafness(env: Env): (broker: string, why: string | null) => void {
  const deaf = new Set<string>();
  return (broker, why) => {
    if (why === null) deaf.delete(broker);
    else if (!deaf.has(broker)) {
      deaf.add(broker);
      env.report("commands.deaf", { broker, why });
    }
  };
}

async function sayGoodBye(env: Env, session: Session): Promise<void> {
  await within(env, goodByeMs, session.death(), () => {});
  await session.end(true);
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
