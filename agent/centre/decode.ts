import * as z from "zod";
import { changeKinds } from "../core/incident.ts";
import type { Range } from "../core/ranges.ts";
import { severities } from "../core/severity.ts";
import { ackMessage, resultMessage } from "../sinks/mqtt/commands.ts";
import { birthMessage, deathMessage, gapMessage, heartbeatMessage } from "../sinks/mqtt/messages.ts";
import { blindMessage, silencesMessage } from "../sinks/mqtt/quiet.ts";
import { eventRecord, incidentStates } from "../sinks/record.ts";

/**
 * From the wire to what was said, total. As the contract asks of a consumer: fields that it does not know are ignored, or
 * passed on with an event; words that it does not know stand for their default (kind: update, severity: high).
 */
const known = <const T extends string>(words: readonly T[], fallback: T) =>
  z.string().transform((word): T => (words as readonly string[]).find((one): one is T => one === word) ?? fallback);
const flag = z.boolean();
/** What is shown to people may not steer their terminal. */
export const plain = (text: string): string => text.replace(/\p{Cc}/gu, " ");
const short = z.string().transform((text) => plain(text.slice(0, 500)));
const level = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const ranges = z.array(z.tuple([z.int().min(0), z.int().min(0)])).transform((all): Range[] => {
  return all.filter(([from, to]) => from <= to).slice(0, 1000);
});

const { shape } = eventRecord;
/** What older versions of the agent did not say has a default, as far as there is a sensible one. */
const told = z
  .looseObject({
    epoch: shape.epoch,
    seq: shape.seq,
    kind: known(changeKinds, "update"),
    incidentId: z.string().max(100).default(""),
    conditionKey: z
      .string()
      .min(1)
      .max(1000)
      .refine((one) => plain(one) === one, "a name has no control characters"),
    rev: shape.rev.default(1),
    severity: known(severities, "high"),
    state: known(incidentStates, "active-unacked").default("active-unacked"),
    open: flag,
    active: flag.default(true),
    acked: flag.default(false),
    ackedBy: short.optional(),
    flapping: flag.default(false),
    annunciate: flag.default(true),
    silencedBy: short.optional(),
    silencedUntil: shape.silencedUntil,
    onsetAt: shape.onsetAt.optional(),
    raisedAt: shape.raisedAt.optional(),
    at: shape.at,
    location: z.looseObject({ site: z.string() }),
    text: short.default(""),
  })
  .transform(({ onsetAt, raisedAt, ...one }) => {
    return { ...one, raisedAt: raisedAt ?? one.at, onsetAt: onsetAt ?? raisedAt ?? one.at };
  });
/** An event as it came, with whatever a newer version of the contract says in it. */
export type ToldEvent = z.output<typeof told>;

const cloudEvent = z.object({ id: z.string(), source: z.string(), data: told });

const pick = <S extends z.ZodRawShape>(one: z.ZodObject<S>): z.ZodObject<S> => z.object(one.shape);
const birth = pick(
  birthMessage.pick({
    ...{ online: true, at: true, bdSeq: true, sessionId: true, agentVersion: true, configHash: true, epoch: true },
    ...{ firstSeq: true, lastSeq: true },
  }),
).extend({ agentVersion: short, backlog: ranges, protocol: z.literal([4, 5]).catch(5) });
const death = pick(deathMessage.pick({ online: true, bdSeq: true, sessionId: true })).extend({
  reason: known(["lwt", "shutdown"], "lwt"),
});
const heartbeat = pick(heartbeatMessage.omit({ clock: true }));
const { data: lostEvents } = gapMessage.shape;
const gap = z.object({ type: gapMessage.shape.type, source: z.string(), data: pick(lostEvents) });
const silences = pick(silencesMessage.pick({ at: true, count: true, left: true })).extend({
  silences: z.array(
    z.object({
      ...{ how: short, by: short, reason: short, until: z.iso.datetime().nullable(), count: z.int() },
      ...{ mode: short.optional(), conditions: z.array(short) },
    }),
  ),
  modes: z.array(
    z.object({
      ...{ mode: short, target: short, by: short, reason: short, overdue: flag },
      ...{ beganAt: z.iso.datetime(), until: z.iso.datetime() },
    }),
  ),
});
export type Silences = z.output<typeof silences>;
const blind = pick(blindMessage.pick({ at: true, pointsExpected: true, count: true, left: true })).extend({
  blind: z.array(
    z.object({
      ...{ device: short, why: short, since: z.iso.datetime(), count: z.int() },
      ...{ points: z.array(short).optional() },
    }),
  ),
});
export type Blind = z.output<typeof blind>;
const result = pick(resultMessage.pick({ cmdId: true, name: true })).extend({
  detail: short,
  status: known(["ok", "accepted", "rejected", "duplicate"], "rejected"),
  code: short.optional(),
  lost: ranges.optional(),
});
const ack = pick(ackMessage.pick({ epoch: true, upTo: true })).extend({ except: ranges });
const diag = z.object({
  code: short,
  level: known(["info", "warn", "error"], "warn"),
  text: short,
});

/** What stands on each topic. */
const kinds = {
  status: z.union([birth, death]),
  event: z.union([gap, cloudEvent]),
  backfill: cloudEvent,
  active: cloudEvent,
  heartbeat,
  silences,
  blind,
  reply: result,
  ack,
  diag,
} as const;
type Kind = keyof typeof kinds;

export type Birth = z.output<typeof birth>;
export type Death = z.output<typeof death>;
export type Heartbeat = z.output<typeof heartbeat>;
export type LostEvents = z.output<typeof lostEvents>;
export type Result = z.output<typeof result>;
export type Ack = z.output<typeof ack>;
export type Diag = z.output<typeof diag>;

export type Said = { readonly site: string; readonly agent: string } & (
  | { readonly what: "birth"; readonly birth: Birth }
  | { readonly what: "death"; readonly death: Death }
  | { readonly what: "event" | "backfill" | "active"; readonly event: ToldEvent }
  | { readonly what: "gap"; readonly gap: LostEvents }
  /** The retained event of this topic was deleted. */
  | { readonly what: "over"; readonly h: string }
  | { readonly what: "heartbeat"; readonly heartbeat: Heartbeat }
  | { readonly what: "silences"; readonly silences: Silences }
  | { readonly what: "blind"; readonly blind: Blind }
  | { readonly what: "result"; readonly result: Result }
  | { readonly what: "ack"; readonly ack: Ack }
  | { readonly what: "diag"; readonly diag: Diag }
);
export interface Invalid {
  readonly what: "invalid";
  readonly why: string;
}

/** Nothing of the contract is larger, bytes. */
const payloadMax = 160 * 1024;

/** Null: nothing that concerns a consumer. */
export function decode(prefix: string, topic: string, payload: Uint8Array): Said | Invalid | null {
  const start = `${prefix}/v1/`;
  if (!topic.startsWith(start)) return null;
  const [site = "", agent = "", kind = "", last = "", ...more] = topic.slice(start.length).split("/");
  if (!Object.hasOwn(kinds, kind) || more.length > 0) return null;
  if (!level.safeParse(site).success || !level.safeParse(agent).success)
    return invalid("no site or agent has that name");
  const who = { site, agent };
  if (payload.length === 0) return kind === "active" ? { ...who, what: "over", h: last } : null;
  if (payload.length > payloadMax) return invalid(`${payload.length} bytes, at most ${payloadMax} are expected`);
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(payload).toString("utf8"));
  } catch {
    return invalid("no JSON");
  }
  return read(kind as Kind, json, who);
}

function read(kind: Kind, json: unknown, who: { site: string; agent: string }): Said | Invalid {
  const parsed = kinds[kind].safeParse(json);
  if (!parsed.success) return invalid(whyNot(parsed.error));
  const message = parsed.data;
  if ("source" in message && message.source !== `/mepwatch/${who.site}/${who.agent}`)
    return invalid(`of ${message.source.slice(0, 140)}, on the topic of another`);
  if ("type" in message) return { ...who, what: "gap", gap: message.data };
  if ("data" in message) {
    const { id, data: event } = message;
    if (id !== `${event.epoch}:${event.seq}`) return invalid(`id ${id.slice(0, 100)} is not that of its event`);
    return { ...who, what: kind as "event", event };
  }
  if ("online" in message)
    return message.online ? { ...who, what: "birth", birth: message } : { ...who, what: "death", death: message };
  const what = kind === "reply" ? "result" : kind;
  return { ...who, what, [what]: message } as unknown as Said;
}

/** The first thing that is wrong, and where. */
function whyNot({ issues }: z.ZodError): string {
  const inner = issues.flatMap((one) => (one.code === "invalid_union" ? (one.errors.at(-1) ?? []) : [one]));
  const [{ path, message } = { path: [], message: "not understood" }] = inner;
  return `${path.join(".") || "message"}: ${message}`;
}

const invalid = (why: string): Invalid => ({ what: "invalid", why: plain(why.slice(0, 300)) });
