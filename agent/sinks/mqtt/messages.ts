import { createHash } from "node:crypto";
import * as z from "zod";
import type { Severity } from "../../core/severity.ts";
import { clockTrust, type EventRecord, eventRecord } from "../record.ts";
import type { BirthFacts, DiagFacts, HeartbeatFacts, LostEvents, Outgoing } from "../sink.ts";

/** What is said on each topic, and nothing else: the contract with the centre. */
export const timestamp = z.iso.datetime().describe("RFC 3339, UTC, milliseconds.");
export const bdSeq = z
  .int()
  .min(1)
  .describe("Grows with each connection; a death with an older one than the birth's is void.");
export const sessionId = z.uuid().describe("This connection of the agent.");
const activeDigest = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe("Of the open incidents, to compare with the retained ones: see activeDigestOf.");

/** A closed range of sequence numbers. */
export const range = z.tuple([z.int(), z.int()]);

export const birthMessage = z.strictObject({
  online: z.literal(true),
  at: timestamp,
  bdSeq,
  sessionId,
  bootId: z.string().describe("Differs after each start of the machine."),
  agentVersion: z.string(),
  protocol: z.union([z.literal(4), z.literal(5)]).describe("MQTT 3.1.1 or 5."),
  schema: z.string().describe("Version of this contract, major.minor."),
  configHash: z.string(),
  epoch: z.uuid(),
  firstSeq: z.int().describe("Lowest sequence number that can still be had."),
  lastSeq: z.int().describe("Highest sequence number there is."),
  backlog: z.array(range).describe("Ranges of sequence numbers that wait to be sent."),
  activeCount: z.int(),
  activeDigest,
  clock: clockTrust,
  capabilities: z.array(z.string()),
});
export type BirthMessage = z.output<typeof birthMessage>;

export const deathMessage = z.strictObject({
  online: z.literal(false),
  bdSeq,
  sessionId,
  reason: z.enum(["lwt", "shutdown"]).describe("lwt: the broker says it, the agent is lost. shutdown: planned."),
});
export type DeathMessage = z.output<typeof deathMessage>;

export const heartbeatMessage = z.strictObject({
  at: timestamp,
  bdSeq,
  sessionId,
  epoch: z.uuid(),
  lastSeq: z.int(),
  ackedSeq: z.int().describe("Everything up to here was delivered."),
  depth: z.int().describe("Events that wait."),
  oldestAgeMs: z.number().describe("Age of the oldest event that waits; 0: none does."),
  activeCount: z.int(),
  activeDigest,
  pointsExpected: z.int(),
  pointsGood: z.int().describe("Points whose last reading was good."),
  configHash: z.string(),
  clock: clockTrust,
});
export type HeartbeatMessage = z.output<typeof heartbeatMessage>;

/** CloudEvents 1.0 in structured JSON. Duplicates have the same source and id. */
export const eventMessage = z.strictObject({
  specversion: z.literal("1.0"),
  id: z.string().describe("epoch:seq"),
  source: z.string().describe("/mepwatch/SITE/AGENT"),
  type: z.string().describe("mepwatch.incident.raised, .updated, .cleared …"),
  subject: z.string().describe("The condition key."),
  time: timestamp.describe("When it happened."),
  recordedtime: timestamp.describe("When it was safe in the agent's store."),
  datacontenttype: z.literal("application/json"),
  dataschema: z.string(),
  sequence: z.string().describe("seq, zero-padded to 20 digits: ordered as text."),
  severitytext: z.string(),
  severitynumber: z.int().describe("On OpenTelemetry's scale, 1 … 24."),
  data: eventRecord,
});
export type EventMessage = z.output<typeof eventMessage>;

/** On the topic of the events: some of them will never come. */
export const gapMessage = z.strictObject({
  specversion: z.literal("1.0"),
  id: z.string().describe("epoch:gap:last:count"),
  source: z.string().describe("/mepwatch/SITE/AGENT"),
  type: z.literal("mepwatch.gap"),
  time: timestamp,
  datacontenttype: z.literal("application/json"),
  dataschema: z.string(),
  data: z.strictObject({
    epoch: z.string(),
    firstSeq: z.int(),
    lastSeq: z.int(),
    count: z.int().describe("So many events of this range are lost. Retained open incidents are whole all the same."),
    text: z.string(),
  }),
});
type GapMessage = z.output<typeof gapMessage>;

/** Something about the agent itself. */
export const diagMessage = z.strictObject({
  at: timestamp,
  sessionId,
  level: z.enum(["info", "warn", "error"]),
  code: z.string().describe("clock.step, config.rejected, storage.degraded, command.refused, audit …"),
  text: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
export type DiagMessage = z.output<typeof diagMessage>;

export const contractVersion = "1.0";
export const contentType = "application/cloudevents+json; charset=utf-8";

/** OpenTelemetry log data model, SeverityNumber: INFO 9, INFO2 10, WARN 13, ERROR 17, FATAL 21. */
const severityNumbers: Readonly<Record<Severity, number>> = {
  info: 9,
  low: 10,
  medium: 13,
  high: 17,
  critical: 21,
};

const types: Readonly<Record<EventRecord["kind"], string>> = {
  raise: "raised",
  update: "updated",
  clear: "cleared",
  ack: "acked",
  close: "closed",
  shelve: "shelved",
  unshelve: "unshelved",
};

export const eventMessageOf = (agent: string, event: EventRecord, persistedAt: number): EventMessage => ({
  ...envelopeOf(agent, event, persistedAt),
  data: event,
});

function envelopeOf(agent: string, event: EventRecord, persistedAt: number): Omit<EventMessage, "data"> {
  return {
    specversion: "1.0",
    id: `${event.epoch}:${event.seq}`,
    source: `/mepwatch/${event.location.site}/${agent}`,
    type: `mepwatch.incident.${types[event.kind]}`,
    subject: event.conditionKey,
    time: event.at,
    recordedtime: iso(persistedAt),
    datacontenttype: "application/json",
    dataschema: `urn:mepwatch:event:${contractVersion}`,
    sequence: String(event.seq).padStart(20, "0"),
    severitytext: event.severity,
    severitynumber: severityNumbers[event.severity],
  };
}

/** Largest event, bytes. */
export const eventMax = 16 * 1024;
/** What an event can do without, that first which is missed least. */
const dispensable = ["context", "companions", "witnesses", "causeIds"] as const;

/** What of an event an envelope is put around: its JSON is at hand already, and to make it anew costs more than all else. */
type Enveloped = Omit<Outgoing, "position">;

/** As it is sent: where it would be larger than the contract allows, it goes without its evidence rather than not at all. */
export function eventPayloadOf(agent: string, { event, json, persistedAt, isLate }: Enveloped): string {
  const envelope = JSON.stringify(envelopeOf(agent, event, persistedAt)).slice(0, -1);
  // Within a text the quotes would be escaped.
  let payload = `${envelope},"data":${isLate ? json.replace('"historical":false', '"historical":true') : json}}`;
  let rest = isLate ? { ...event, historical: true } : event;
  for (const name of dispensable) {
    if (Buffer.byteLength(payload) <= eventMax) break;
    const { [name]: _, ...less } = rest;
    rest = less;
    payload = `${envelope},"data":${JSON.stringify(rest)}}`;
  }
  return payload;
}

export function gapMessageOf(
  { agent, site }: { readonly agent: string; readonly site: string },
  { epoch, first, last, count }: LostEvents,
  at: number,
): GapMessage {
  return {
    specversion: "1.0",
    id: `${epoch}:gap:${last}:${count}`,
    source: `/mepwatch/${site}/${agent}`,
    type: "mepwatch.gap",
    time: iso(at),
    datacontenttype: "application/json",
    dataschema: `urn:mepwatch:gap:${contractVersion}`,
    data: { epoch, firstSeq: first, lastSeq: last, count, text: `${count} events from ${first} to ${last} are lost.` },
  };
}

/** Who speaks: the connection, and the program behind it. */
export interface Speaker {
  readonly bdSeq: number;
  readonly sessionId: string;
  readonly bootId: string;
  readonly agentVersion: string;
  readonly protocol: 4 | 5;
}

export function birthMessageOf(
  speaker: Speaker,
  { active, lastPosition: _, waitingFrom, capabilities = [], ...facts }: BirthFacts,
  at: number,
): BirthMessage {
  const { lastSeq } = facts;
  return {
    online: true,
    at: iso(at),
    ...speaker,
    schema: contractVersion,
    ...facts,
    backlog: waitingFrom <= lastSeq ? [[waitingFrom, lastSeq]] : [],
    activeDigest: activeDigestOf(active),
    capabilities: ["event", "active", "heartbeat", "silences", "blind", ...capabilities],
  };
}

export const deathMessageOf = ({ bdSeq, sessionId }: Speaker, reason: DeathMessage["reason"]): DeathMessage => ({
  online: false,
  bdSeq,
  sessionId,
  reason,
});

export const heartbeatMessageOf = (
  { bdSeq, sessionId }: Speaker,
  { active, ...facts }: HeartbeatFacts,
  at: number,
): HeartbeatMessage => ({
  ...{ at: iso(at), bdSeq, sessionId, ...facts },
  activeDigest: activeDigestOf(active),
});

export const diagMessageOf = ({ sessionId }: Speaker, { at, ...said }: DiagFacts): DiagMessage => ({
  at: iso(at),
  sessionId,
  ...said,
});

/** First 16 hex digits of the SHA-256 over `conditionKey incidentId rev` lines, sorted, each ended by a newline. */
export function activeDigestOf(active: readonly Pick<EventRecord, "conditionKey" | "incidentId" | "rev">[]): string {
  const lines = active.map(({ conditionKey, incidentId, rev }) => `${conditionKey} ${incidentId} ${rev}\n`).sort();
  return createHash("sha256").update(lines.join("")).digest("hex").slice(0, 16);
}

const iso = (wall: number): string => new Date(wall).toISOString();
