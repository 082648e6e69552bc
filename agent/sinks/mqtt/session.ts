import type { Env } from "../../env.ts";
import type { EventRecord } from "../record.ts";
import type { BirthFacts, Delivery, HeartbeatFacts, LostEvents } from "../sink.ts";
import type { Ack, Link, Message } from "./link.ts";
import {
  birthMessageOf,
  contentType,
  type DeathMessage,
  deathMessageOf,
  eventMessageOf,
  gapMessageOf,
  heartbeatMessageOf,
  type Speaker,
} from "./messages.ts";
import type { Topics } from "./topics.ts";

/** A link on which the birth was acknowledged: what the agent says on it. */
export interface Session {
  readonly window: number;
  readonly lost: Promise<string>;
  deliver(event: EventRecord, persistedAt: number): Promise<Delivered>;
  tellGap(gap: LostEvents): Promise<Delivered>;
  heartbeat(facts: HeartbeatFacts): void;
  /** The planned good-bye; settles when it was acknowledged, or the link is over. */
  death(): Promise<void>;
  end(politely: boolean): Promise<void>;
}

/** `trouble`: what the broker said against it, for the operator. */
export interface Delivered {
  readonly delivery: Delivery;
  readonly trouble?: Extract<Ack, { kind: "refused" }> | { readonly kind: "unheard" };
}

export interface Voice {
  readonly env: Env;
  readonly topics: Topics;
  readonly site: string;
  readonly agent: string;
  readonly speaker: Speaker;
}

/** Of these a refused message is itself the cause: topic name, payload format. */
const poisonous: ReadonlySet<number> = new Set([0x90, 0x99]);
const heartbeatExpirySeconds = 90;
/** More than what stands around a payload in a PUBLISH beside the topic: header, ids, properties. */
const envelopeMax = 256;

/** Birth first, then the open incidents as they are now; else what went wrong. */
export async function openSession(link: Link, facts: BirthFacts, voice: Voice): Promise<Session | Ack> {
  const { env, topics, speaker } = voice;
  const born = await link.publish(status(topics, birthMessageOf(speaker, facts, env.clock.wall())));
  if (failed(born)) return born;
  const shown = await Promise.all(facts.active.map((event) => link.publish(snapshot(voice, event, env.clock.wall()))));
  return shown.find(failed) ?? sessionOn(link, facts, voice);
}

function sessionOn(link: Link, facts: BirthFacts, voice: Voice): Session {
  const { env, topics, speaker } = voice;
  const bornActive = new Set(facts.active.map(({ conditionKey }) => conditionKey));
  /** What the birth has already shown would go back in time if an older event of the same condition followed it. */
  const outdated = (event: EventRecord): boolean =>
    event.epoch === facts.epoch && event.seq <= facts.lastSeq && (event.open || bornActive.has(event.conditionKey));
  return {
    window: link.limit,
    lost: link.lost,
    async deliver(event, persistedAt) {
      const message = incident(voice, event, persistedAt);
      if (sizeOf(message) > link.packetMax) return { delivery: "poison" };
      const [told, shown] = await Promise.all([
        link.publish(message),
        outdated(event) ? null : link.publish(retained(voice, event, message)),
      ]);
      return deliveredBy(told, shown);
    },
    async tellGap(gap) {
      const payload = JSON.stringify(gapMessageOf(voice, gap, env.clock.wall()));
      return deliveredBy(
        await link.publish({ topic: topics.event, payload, qos: 1, retain: false, contentType }),
        null,
      );
    },
    heartbeat(facts) {
      const payload = JSON.stringify(heartbeatMessageOf(speaker, facts, env.clock.wall()));
      void link.publish({ topic: topics.heartbeat, payload, qos: 0, retain: false, expiry: heartbeatExpirySeconds });
    },
    async death() {
      await link.publish(status(topics, deathMessageOf(speaker, "shutdown")));
    },
    end: link.end,
  };
}

function deliveredBy(told: Ack, shown: Ack | null): Delivered {
  if (told.kind === "refused") return { delivery: poisonous.has(told.code) ? "poison" : "retry", trouble: told };
  if (told.kind === "unheard") return { delivery: "retry", trouble: { kind: "unheard" } };
  return { delivery: told.kind === "lost" || shown?.kind === "lost" ? "retry" : "delivered" };
}

const failed = ({ kind }: Ack): boolean => kind === "refused" || kind === "lost";

/** What the broker says in the agent's stead when the link ends without a word. */
export const willOf = (topics: Topics, speaker: Speaker): Message => status(topics, deathMessageOf(speaker, "lwt"));

const status = ({ status: topic }: Topics, message: object | DeathMessage): Message => ({
  topic,
  payload: JSON.stringify(message),
  qos: 1,
  retain: true,
});

const incident = ({ topics, agent }: Voice, event: EventRecord, persistedAt: number): Message => ({
  topic: topics.event,
  payload: JSON.stringify(eventMessageOf(agent, event, persistedAt)),
  qos: 1,
  retain: false,
  contentType,
});

/** An empty message deletes the retained one. */
const retained = ({ topics }: Voice, event: EventRecord, message: Message): Message => ({
  ...message,
  topic: topics.active(event.conditionKey),
  retain: true,
  ...(event.open ? {} : { payload: "" }),
});

const snapshot = (voice: Voice, event: EventRecord, persistedAt: number): Message =>
  retained(voice, event, incident(voice, event, persistedAt));

const sizeOf = ({ topic, payload }: Message): number => Buffer.byteLength(payload) + topic.length + envelopeMax;
