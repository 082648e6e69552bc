import { connect, type IClientOptions, type IConnackPacket, type MqttClient, type Packet } from "mqtt";
import { type Env, within } from "../../env.ts";
import type { Secret } from "../../secret.ts";
import type { Inbound } from "./gate.ts";
import { guard, inboundMax } from "./guard.ts";
import { keptTopics } from "./kept.ts";
import { paceOf } from "./pace.ts";

/**
 * One connection to a broker, from CONNECT to its end. It is never mended: whoever uses it opens another. So the
 * library's own queue, store and reconnection have nothing to do, and nothing waits where a crash would lose it.
 */
export interface Link {
  /** Most publishes that may wait for their acknowledgement; more wait in line. */
  readonly limit: number;
  /** Largest packet that the broker takes, bytes. */
  readonly packetMax: number;
  /** Settles within `publishMs` of being sent, never rejects. No answer in time ends the link. */
  publish(message: Message): Promise<Ack>;
  /** Sends what nobody acknowledges, all of it or, while what was sent so is not known to be read, nothing: false. */
  offer(messages: readonly Message[]): boolean;
  /**
   * Subscribes; what comes is told from then on, with what a former connection had subscribed to and came first. Of each, why
   * it cannot hear; null: it does. Never rejects.
   */
  listen(ears: readonly Ear[]): Promise<readonly (string | null)[]>;
  /** The topics below `filter` that the broker keeps something for; null: it does not let us see. Takes 2 s or more. */
  kept(filter: string): Promise<readonly string[] | null>;
  /** Settles with the reason when it is over. */
  readonly lost: Promise<string>;
  /** `politely`: says DISCONNECT, so that the broker drops the Will. Idempotent, settles within 1 s. */
  end(politely: boolean): Promise<void>;
}

export interface Ear {
  /** A topic, or all below one (…/+). */
  readonly filter: string;
  /** Whether what the broker keeps is wanted with each connection; else it is told as such also where it comes as news. */
  readonly wantsKept: boolean;
  hear(arrival: Arrival): void;
}

export interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** Seconds after which the broker need not pass it on; MQTT 5 only. */
  readonly expiry?: number;
  /** MQTT 5 only. */
  readonly contentType?: string;
  /** MQTT 5 only. */
  readonly correlation?: Uint8Array;
}

/** What comes, on a topic that was subscribed to. */
export interface Arrival extends Inbound {
  /** Where an answer is wanted, and by what it is known there; MQTT 5 only. */
  readonly responseTopic?: string | undefined;
  readonly correlation?: Uint8Array | undefined;
}

/** unheard: the broker took it, but nobody is subscribed (MQTT 5, 0x10). refused: with a reason code of MQTT 5. */
export type Ack =
  | { readonly kind: "acked" | "unheard" | "lost" }
  | { readonly kind: "refused"; readonly code: number; readonly why: string };

export type Opened =
  | { readonly link: Link }
  | { readonly refused: number; readonly why: string }
  | { readonly away: string };

export interface BrokerOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username: string | null;
  readonly password: Secret | null;
  /** PEM texts. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: Secret | null;
}

const connectMs = 10_000;
const publishMs = 10_000;
const endMs = 1000;
/** What is asked of a broker, seconds. The Will is delayed so that a short loss of the line is no death of the agent. */
export const lifetimes = { keepAlive: 30, session: 3600, willDelay: 20 } as const;
/** The agent's own bound; a broker may ask for less. */
const inFlightMax = 20;
/** More than what stands around a payload in a PUBLISH beside its topic and correlation: header, ids, properties. */
export const envelopeMax = 256;

/**
 * Never rejects.
 * @param will published by the broker if the link ends without a word; null: a visitor's link, of which the broker keeps nothing
 * @param abort gives up an attempt that is under way
 */
export function openLink(
  env: Env,
  options: BrokerOptions,
  protocol: 4 | 5,
  will: Message | null,
  abort: AbortSignal,
): Promise<Opened> {
  return new Promise((resolve) => {
    const client = clientOf(options, protocol, will);
    if (typeof client === "string") return resolve({ away: client });
    const giveUp = (): void => void client.end(true);
    abort.addEventListener("abort", giveUp, { once: true });
    const cancelDeadline = env.after(connectMs, giveUp);
    let trouble: string | null = null;
    let lose = (_why: string): void => {};
    const lost = new Promise<string>((settle) => {
      lose = settle;
    });
    /** The first thing that went wrong is the reason; what comes of it is not. */
    const fail = (why: string): void => {
      trouble ??= why;
      client.end(true);
      client.stream.destroy(); // also where it is taking its leave already
    };
    guard(client, inboundMax, fail);
    // A listener must stay for good: an error without one would end the process. After one in what it reads the library
    // would go on in the middle of a packet.
    client.on("error", (error: Error & { code?: unknown }) => {
      const why = error.message || String(error.code ?? "connection failed");
      if (!client.connected && typeof error.code === "number") resolve({ refused: error.code, why });
      fail(why);
    });
    client.on("close", () => {
      abort.removeEventListener("abort", giveUp);
      cancelDeadline();
      const why = trouble ?? "the connection was closed, or there was no answer in time";
      lose(why);
      resolve({ away: why });
      client.end(true);
    });
    client.once("disconnect", ({ reasonCode }) => {
      fail(`the broker ended the connection with reason code ${reasonCode ?? 0}`);
    });
    client.once("connect", (connack) => {
      abort.removeEventListener("abort", giveUp);
      cancelDeadline();
      resolve({ link: linkOf(env, client, connack, lost, fail, () => trouble !== null) });
    });
  });
}

/** Or why there is none: what the library throws at once, such as for a certificate that is none. */
function clientOf(options: BrokerOptions, protocol: 4 | 5, will: Message | null): MqttClient | string {
  try {
    return connect(options.url, clientOptions(options, protocol, will));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function clientOptions(options: BrokerOptions, protocol: 4 | 5, last: Message | null): IClientOptions {
  const { clientId, username, password, ca, cert, key } = options;
  const session = last === null ? 0 : lifetimes.session;
  const v5 = { sessionExpiryInterval: session, receiveMaximum: 32, maximumPacketSize: inboundMax };
  return {
    protocolVersion: protocol,
    clientId,
    clean: last === null,
    keepalive: lifetimes.keepAlive,
    connectTimeout: 2 * connectMs, // the deadline is ours
    reconnectPeriod: 0,
    queueQoSZero: false,
    resubscribe: false,
    ...(protocol === 5 ? { properties: v5 } : {}),
    ...(last === null ? {} : { will: willIn(last, protocol) }),
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password: password.reveal() }),
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key: key.reveal() }),
  };
}

function willIn({ topic, payload, retain }: Message, protocol: 4 | 5): NonNullable<IClientOptions["will"]> {
  const will = { topic, payload: Buffer.from(payload), qos: 1 as const, retain };
  return protocol === 5 ? { ...will, properties: { willDelayInterval: lifetimes.willDelay } } : will;
}

function linkOf(
  env: Env,
  client: MqttClient,
  { properties }: IConnackPacket,
  lost: Promise<string>,
  fail: (why: string) => void,
  hasFailed: () => boolean,
): Link {
  const limit = Math.max(1, Math.min(properties?.receiveMaximum ?? inFlightMax, inFlightMax));
  const unheard = new Set<number>();
  client.on("packetreceive", (packet: Packet) => {
    if (packet.cmd === "puback" && packet.reasonCode === noSubscribers) unheard.add(packet.messageId ?? 0);
  });
  // Not a race of each publish with `lost`: what was raced with a promise is held until that settles.
  const waiting = new Set<(ack: Ack) => void>();
  let isOver = false;
  void lost.then(() => {
    isOver = true;
    for (const settle of waiting) settle({ kind: "lost" });
  });
  let ended: Promise<void> | null = null;
  const end = (politely: boolean): Promise<void> => {
    isOver = true;
    ended ??= within(env, endMs, politely ? client.endAsync(false) : client.endAsync(true), () => {})
      .catch(() => {}) // what is over may refuse to end
      .finally(() => client.stream.destroy()); // the library waits without end for what is not acknowledged
    return ended;
  };
  const send = (message: Message): Promise<Ack> => {
    if (isOver || hasFailed()) return Promise.resolve({ kind: "lost" }); // the library would throw
    const acked = new Promise<Ack>((resolve) => {
      waiting.add(resolve);
      client.publish(message.topic, message.payload, publishOptions(client, message), (error, packet) => {
        waiting.delete(resolve);
        const id = (packet as { messageId?: number } | undefined)?.messageId ?? 0;
        resolve(error ? refusal(error) : { kind: unheard.delete(id) ? "unheard" : "acked" });
      });
    });
    return within(env, publishMs, acked, () => {
      fail("no acknowledgement in time");
      return { kind: "lost" };
    });
  };
  const pace = paceOf(client);
  return {
    limit,
    packetMax: properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    publish: queued(limit, send),
    listen: listening(env, client),
    offer(messages) {
      if (isOver || hasFailed() || !pace.hasRoom()) return false;
      for (const message of messages) {
        client.publish(message.topic, message.payload, publishOptions(client, message), () => {});
        pace.wrote(Buffer.byteLength(message.payload) + message.topic.length);
      }
      return true;
    },
    kept: (filter) => keptTopics(env, client, filter, lost),
    lost,
    end,
  };
}

/** What comes before anybody listens waits: a broker sends what it kept for the session at once. */
const earlyMax = 32;

function listening(env: Env, client: MqttClient): Link["listen"] {
  const early: Arrival[] = [];
  let note = (arrival: Arrival): void => {
    if (early.length < earlyMax) early.push(arrival);
  };
  client.on("message", (topic, payload, { retain, properties }) =>
    note({
      topic,
      payload,
      retain,
      responseTopic: properties?.responseTopic,
      correlation: properties?.correlationData,
    }),
  );
  const subscribed = async ({ filter, wantsKept }: Ear): Promise<string | null> => {
    try {
      await client.subscribeAsync(filter, { qos: 1, nl: true, rap: !wantsKept, rh: wantsKept ? 0 : 1 });
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  };
  return async (ears) => {
    note = (arrival) => ears.find(({ filter }) => isOn(filter, arrival.topic))?.hear(arrival);
    early.splice(0).forEach(note);
    return Promise.all(ears.map((ear) => within(env, publishMs, subscribed(ear), () => "no answer in time")));
  };
}

/** `filter`: a topic, or all below one (…/+). */
const isOn = (filter: string, topic: string): boolean =>
  filter.endsWith("/+") ? topic.startsWith(filter.slice(0, -1)) : topic === filter;

/** "No matching subscribers", MQTT 5. */
const noSubscribers = 0x10;

function refusal(error: Error & { code?: unknown }): Ack {
  return typeof error.code === "number" ? { kind: "refused", code: error.code, why: error.message } : { kind: "lost" }; // the client is closing
}

function publishOptions({ options }: MqttClient, { qos, retain, expiry, contentType, correlation }: Message) {
  if (options.protocolVersion !== 5) return { qos, retain };
  const properties = {
    ...(expiry === undefined ? {} : { messageExpiryInterval: expiry }),
    ...(contentType === undefined ? {} : { contentType, payloadFormatIndicator: true }),
    ...(correlation === undefined ? {} : { correlationData: Buffer.from(correlation) }),
  };
  return { qos, retain, properties };
}

/** The library sends without regard to the broker's receive maximum; beyond `limit` messages wait here, in order. */
function queued(limit: number, send: (message: Message) => Promise<Ack>): Link["publish"] {
  const waiting: (() => void)[] = [];
  let flying = 0;
  return async (message) => {
    if (flying >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else flying++;
    const ack = await send(message);
    const next = waiting.shift();
    if (next === undefined) flying--;
    else next(); // takes over this one's place
    return ack;
  };
}
