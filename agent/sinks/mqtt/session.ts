import type { Env } from "../../env.ts";
import type { QuietFacts } from "../quiet.ts";
import type { EventRecord } from "../record.ts";
import type {
  BirthFacts,
  Delivery,
  HeartbeatFacts,
  LostEvents,
  Note,
  Outgoing,
  SinkHooks,
  TelemetryBatch,
} from "../sink.ts";
import type { Ack, Link, Message } from "./link.ts";
import {
  birthMessageOf,
  contentType,
  type DeathMessage,
  deathMessageOf,
  eventPayloadOf,
  gapMessageOf,
  heartbeatMessageOf,
  type Speaker,
} from "./messages.ts";
import { type DiagMessage, telemetryMessageOf } from "./notes.ts";
import { type CentreOptions, hear, type Presence } from "./presence.ts";
import { blindMessageOf, silencesMessageOf } from "./quiet.ts";
import { channels, type Topics } from "./topics.ts";

/** A link on which the birth was acknowledged: what the agent says on it. */
export interface Session {
  readonly window: number;
  /** Whether somebody listens, as far as that is known. */
  readonly isHeard: boolean;
  readonly lost: Promise<string>;
  deliver(outgoing: Outgoing): Promise<Delivered>;
  tellGap(gap: LostEvents): Promise<Delivered>;
  heartbeat(facts: HeartbeatFacts): void;
  note(note: Note): true;
  /** False: not now. */
  telemetry(batch: TelemetryBatch): boolean;
  /** Retains what is silenced and what is not seen, where that is not what it said last. */
  quiet(facts: QuietFacts): void;
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
  readonly hooks: Pick<SinkHooks, "onAck" | "onHeard">;
  readonly options: CentreOptions;
}

/** Of these a refused message is itself the cause: topic name, payload format. */
const poisonous: ReadonlySet<number> = new Set([0x90, 0x99]);
/** More than what stands around a payload in a PUBLISH beside the topic: header, ids, properties. */
const envelopeMax = 256;

/** The ear, then the birth, then the open incidents as they are now; else what went wrong. */
export async function openSession(link: Link, facts: BirthFacts, voice: Voice): Promise<Session | Ack> {
  const { env, topics, speaker } = voice;
  const presence = await hear(link, voice);
  const born = await link.publish(status(topics, birthMessageOf(speaker, facts, env.clock.wall())));
  if (failed(born)) return born;
  const shown = await Promise.all(facts.active.map((event) => link.publish(snapshot(voice, event, env.clock.wall()))));
  return shown.find(failed) ?? sessionOn(link, facts, voice, presence);
}

function sessionOn(link: Link, facts: BirthFacts, voice: Voice, presence: Presence): Session {
  const { env, topics, speaker } = voice;
  const bornActive = new Set(facts.active.map(({ conditionKey }) => conditionKey));
  const shown = new Set(facts.active.map(({ conditionKey }) => topics.active(conditionKey)));
  void forgetOrphans(link, voice, shown);
  /** What the birth has shown must not go back in time; and what is deleted need not be deleted for each older event anew. */
  const picture = (outgoing: Outgoing, told: Message): Message | null => {
    const { conditionKey, open } = outgoing.event;
    const isOlder = outgoing.position <= facts.lastPosition;
    if (isOlder && (open || bornActive.has(conditionKey))) return null;
    const topic = topics.active(conditionKey);
    if (isOlder && shown.has(topic)) return null;
    shown.add(topic);
    return retained(topic, open, told);
  };
  return {
    window: link.limit,
    get isHeard() {
      return presence.isHere;
    },
    lost: link.lost,
    async deliver(outgoing) {
      const message = incident(voice, outgoing);
      if (sizeOf(message) > link.packetMax) return { delivery: "poison" };
      const shows = picture(outgoing, message);
      const [told, kept] = await Promise.all([link.publish(message), shows && link.publish(shows)]);
      return deliveredBy(told, kept);
    },
    async tellGap(gap) {
      const payload = JSON.stringify(gapMessageOf(voice, gap, env.clock.wall()));
      return deliveredBy(
        await link.publish({ topic: topics.event, payload, ...channels.event.how, contentType }),
        null,
      );
    },
    heartbeat(facts) {
      const payload = JSON.stringify(heartbeatMessageOf(speaker, facts, env.clock.wall()));
      void link.publish({ topic: topics.heartbeat, payload, ...channels.heartbeat.how });
    },
    note({ at, ...rest }) {
      const message: DiagMessage = { at: new Date(at).toISOString(), sessionId: speaker.sessionId, ...rest };
      void link.publish({ topic: topics.diag, payload: JSON.stringify(message), ...channels.diag.how });
      return true;
    },
    telemetry: (batch) => link.offer(telemetry(voice, batch, link.packetMax)),
    quiet: quietOn(link, voice),
    async death() {
      await link.publish(status(topics, deathMessageOf(speaker, "shutdown")));
    },
    end: link.end,
  };
}

/**
 * Deletes what the broker keeps of incidents that are not open any more, such as those of a store that was lost. One after
 * the other, so that events need not wait behind them.
 * @param shown the topics of which this session has said how it stands
 */
async function forgetOrphans(link: Link, { env, topics }: Voice, shown: ReadonlySet<string>): Promise<void> {
  let deleted = 0;
  for (const topic of (await link.kept(topics.actives)) ?? []) {
    if (shown.has(topic)) continue;
    if (failed(await link.publish({ topic, payload: "", ...channels.active.how }))) break;
    deleted++;
  }
  if (deleted > 0) env.report("broker.orphans", { deleted });
}

function quietOn(link: Link, { env, topics, speaker }: Voice): Session["quiet"] {
  const said = new Map<string, string>();
  const retain = async (topic: string, facts: string, message: object): Promise<void> => {
    if (said.get(topic) === facts) return;
    said.set(topic, facts);
    const ack = await link.publish({ topic, payload: JSON.stringify(message), ...channels.silences.how });
    if (failed(ack)) said.delete(topic);
  };
  return (facts) => {
    const { silences, modes, blind } = facts;
    const [at, bytesMax] = [env.clock.wall(), link.packetMax - envelopeMax];
    const both = {
      silences: silencesMessageOf(speaker, facts, at, bytesMax),
      blind: blindMessageOf(speaker, facts, at, bytesMax),
    };
    void retain(topics.silences, JSON.stringify({ silences, modes }), both.silences);
    void retain(topics.blind, JSON.stringify(blind), both.blind);
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
  ...channels.status.how,
});

const incident = ({ topics, agent }: Voice, enveloped: Omit<Outgoing, "position">): Message => ({
  topic: enveloped.isLate ? topics.backfill : topics.event,
  payload: eventPayloadOf(agent, enveloped),
  ...channels.event.how,
  contentType,
});

/** In as many messages as the broker's packets need. */
function telemetry({ topics }: Pick<Voice, "topics">, batch: TelemetryBatch, packetMax: number): Message[] {
  const { point, samples } = batch;
  const payload = JSON.stringify(telemetryMessageOf(batch));
  const message = { topic: topics.telemetry(point), payload, ...channels.telemetry.how };
  if (sizeOf(message) <= packetMax) return [message];
  if (samples.length === 1) return [];
  const half = Math.ceil(samples.length / 2);
  const halves = [samples.slice(0, half), samples.slice(half)];
  return halves.flatMap((part) => telemetry({ topics }, { ...batch, samples: part }, packetMax));
}

/** An empty message deletes the retained one. */
const retained = (topic: string, open: boolean, message: Message): Message => ({
  ...message,
  topic,
  ...channels.active.how,
  ...(open ? {} : { payload: "" }),
});

const snapshot = (voice: Voice, event: EventRecord, persistedAt: number): Message =>
  retained(
    voice.topics.active(event.conditionKey),
    event.open,
    incident(voice, { event, json: JSON.stringify(event), persistedAt, isLate: false }),
  );

const sizeOf = ({ topic, payload }: Message): number => Buffer.byteLength(payload) + topic.length + envelopeMax;
