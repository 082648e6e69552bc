import type { Env } from "../../env.ts";
import type { QuietFacts } from "../quiet.ts";
import type { EventRecord } from "../record.ts";
import type {
  BirthFacts,
  Delivery,
  DiagFacts,
  HeartbeatFacts,
  LostEvents,
  Outgoing,
  SinkHooks,
  TelemetryBatch,
} from "../sink.ts";
import type { Intake } from "./intake.ts";
import { type Ack, type Arrival, type Ear, envelopeMax, type Link, type Message } from "./link.ts";
import {
  birthMessageOf,
  contentType,
  type DeathMessage,
  deathMessageOf,
  diagMessageOf,
  eventPayloadOf,
  gapMessageOf,
  heartbeatMessageOf,
  type Speaker,
} from "./messages.ts";
import { type CentreOptions, type Presence, presenceOn } from "./presence.ts";
import { blindMessageOf, silencesMessageOf } from "./quiet.ts";
import { telemetryMessageOf } from "./telemetry.ts";
import { channels, type Topics } from "./topics.ts";

/** A link on which the birth was acknowledged: what the agent says on it. */
export interface Session {
  /** Those of the birth. */
  readonly facts: BirthFacts;
  readonly window: number;
  /** Whether somebody listens, as far as that is known. */
  readonly isHeard: boolean;
  readonly lost: Promise<string>;
  /** Why the broker lets it hear no commands; null: it hears them, or nobody may command. */
  readonly deaf: string | null;
  deliver(outgoing: Outgoing): Promise<Delivered>;
  tellGap(gap: LostEvents): Promise<Delivered>;
  heartbeat(facts: HeartbeatFacts): void;
  diag(facts: DiagFacts): true;
  /** False: not now. */
  telemetry(batch: TelemetryBatch): boolean;
  /** Retains what is silenced and what is not seen, where that is not what it said last. */
  quiet(facts: QuietFacts): void;
  /** Says once more all that is retained; false: it is still at it. */
  snapshot(facts: BirthFacts, quiet: QuietFacts): boolean;
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
  /** Null: nobody may command. */
  readonly intake: Intake | null;
}

/** Of these a refused message is itself the cause: topic name, payload format. */
const poisonous: ReadonlySet<number> = new Set([0x90, 0x99]);

/**
 * The ears first, so that who knows of the birth can command; then birth, then the open incidents as they are now; else what
 * went wrong.
 */
export async function openSession(link: Link, birth: () => BirthFacts, voice: Voice): Promise<Session | Ack> {
  const { env, topics, speaker, intake } = voice;
  const presence = presenceOn(link, voice);
  const forOrders: Ear[] = [];
  if (intake !== null) {
    const hear = (arrival: Arrival): void => intake.take(arrival, link);
    forOrders.push({ filter: topics.commands, wantsKept: false, hear });
  }
  const heard = await link.listen([...presence.ears, ...forOrders]);
  const deaf = heard[presence.ears.length] ?? null;
  const told = birth();
  const canObey = intake !== null && deaf === null;
  const facts = canObey ? { ...told, capabilities: [...(told.capabilities ?? []), "command"] } : told;
  const born = await link.publish(status(topics, birthMessageOf(speaker, facts, env.clock.wall())));
  if (failed(born)) return born;
  const shown = await Promise.all(facts.active.map((event) => link.publish(snapshot(voice, event, env.clock.wall()))));
  return shown.find(failed) ?? sessionOn(link, facts, voice, { presence, deaf });
}

interface Hearing {
  readonly presence: Presence;
  readonly deaf: string | null;
}

function sessionOn(link: Link, facts: BirthFacts, voice: Voice, { presence, deaf }: Hearing): Session {
  const { env, topics, speaker } = voice;
  const pictures = picturesOn(link, facts, voice);
  void forgetOrphans(link, voice, pictures.shown);
  const quiet = quietOn(link, voice);
  return {
    facts,
    window: link.limit,
    get isHeard() {
      return presence.isHere;
    },
    lost: link.lost,
    deaf,
    async deliver(outgoing) {
      const message = incident(voice, outgoing);
      if (sizeOf(message) > link.packetMax) return { delivery: "poison" };
      const told = link.publish(message);
      // The event is on the wire by then.
      await null;
      const shows = pictures.of(outgoing, message);
      const kept = shows && (await link.publish(shows));
      return deliveredBy(await told, kept);
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
    diag(facts) {
      const message = diagMessageOf(speaker, facts);
      void link.publish({ topic: topics.diag, payload: JSON.stringify(message), ...channels.diag.how });
      return true;
    },
    telemetry: (batch) => link.offer(telemetry(voice, batch, link.packetMax)),
    quiet: quiet.tell,
    snapshot(facts, silenced) {
      if (pictures.isTelling()) return false;
      void pictures.tellAnew(facts);
      quiet.forget();
      quiet.tell(silenced);
      return true;
    },
    async death() {
      await link.publish(status(topics, deathMessageOf(speaker, "shutdown")));
    },
    end: link.end,
  };
}

/** What the broker is to keep of open incidents: as the birth has shown it, with what happened since. */
function picturesOn(link: Link, birth: BirthFacts, voice: Voice) {
  const { env, topics } = voice;
  const topicOf = ({ conditionKey }: EventRecord): string => topics.active(conditionKey);
  let facts = birth;
  let active = new Set(facts.active.map(topicOf));
  /** The topics of which something was said. */
  const shown = new Set(active);
  /** Of which something newer was said than is being told anew; null: nothing is. */
  let newer: Set<string> | null = null;
  const isOld = ({ position }: Outgoing): boolean => position <= facts.lastPosition;
  return {
    shown,
    /** What was shown must not go back in time; and what is deleted need not be deleted for each older event anew. */
    of(outgoing: Outgoing, told: Message): Message | null {
      const { event } = outgoing;
      const topic = topicOf(event);
      if (isOld(outgoing) && (event.open || active.has(topic) || shown.has(topic))) return null;
      shown.add(topic);
      newer?.add(topic);
      return retained(topic, event.open, told);
    },
    isTelling: () => newer !== null,
    /** A few at a time, so that events need not wait behind them. */
    async tellAnew(now: BirthFacts): Promise<void> {
      facts = now;
      active = new Set(facts.active.map(topicOf));
      const since = new Set<string>();
      newer = since;
      const over = [...shown].filter((topic) => !active.has(topic));
      for (const topic of active) shown.add(topic);
      const messages = [
        ...facts.active.map((event) => () => snapshot(voice, event, env.clock.wall())),
        ...over.map((topic) => () => ({ topic, payload: "", ...channels.active.how })),
      ];
      for (let i = 0; i < messages.length; i += atOnce) {
        const some = messages.slice(i, i + atOnce).map((make) => make());
        const acks = await Promise.all(some.filter(({ topic }) => !since.has(topic)).map(link.publish));
        if (acks.some(({ kind }) => kind === "lost")) break;
      }
      newer = null;
    },
  };
}

const atOnce = 8;

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

function quietOn(link: Link, { env, topics, speaker }: Voice) {
  const said = new Map<string, string>();
  const retain = async (topic: string, facts: string, message: object): Promise<void> => {
    if (said.get(topic) === facts) return;
    said.set(topic, facts);
    const ack = await link.publish({ topic, payload: JSON.stringify(message), ...channels.silences.how });
    if (failed(ack)) said.delete(topic);
  };
  const tell = (facts: QuietFacts): void => {
    const { silences, modes, blind } = facts;
    const [at, bytesMax] = [env.clock.wall(), link.packetMax - envelopeMax];
    const both = {
      silences: silencesMessageOf(speaker, facts, at, bytesMax),
      blind: blindMessageOf(speaker, facts, at, bytesMax),
    };
    void retain(topics.silences, JSON.stringify({ silences, modes }), both.silences);
    void retain(topics.blind, JSON.stringify(blind), both.blind);
  };
  /** `forget`: what was said, so that it is said again. */
  return { tell, forget: () => said.clear() };
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
