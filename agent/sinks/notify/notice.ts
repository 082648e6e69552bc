import * as z from "zod";
import { severities } from "../../core/severity.ts";

/**
 * What is told past the centre while the uplink is down, as the webhook's body has it; mail and inform carry the same.
 * `config/schema/webhook.schema.json` is made from here.
 */
const timestamp = z.iso.datetime().describe("RFC 3339, UTC, milliseconds.");

export const noticeKinds = ["raise", "clear", "uplink_down", "uplink_back", "digest", "test"] as const;

export const notice = z
  .strictObject({
    site: z.string(),
    agent: z.string(),
    kind: z
      .enum(noticeKinds)
      .describe(
        "raise: also of an incident that got worse; digest: of incidents that are too many to be told one by one.",
      ),
    incidentId: z.uuid().optional().describe("As the centre will know it; absent where it is of no single incident."),
    conditionKey: z.string().optional(),
    severity: z.enum(severities),
    text: z.string().describe("For people, in the site's language."),
    raisedAt: timestamp.optional(),
    at: timestamp.describe("When it was decided to tell it, which may be long before it arrives."),
  })
  .describe("The same notice may come more than once, with the same header Idempotency-Key.");
export type Notice = z.output<typeof notice>;

/** Who tells it. */
export type Speaker = Pick<Notice, "site" | "agent">;

/** A notice before anybody in particular tells it. `key`: the same for the same news, however often it is sent. */
export interface News extends Omit<Notice, "site" | "agent"> {
  readonly key: string;
}

export interface Answer {
  readonly delivered: boolean;
  /** What the other side, or the network, said, for people; never a secret, and never what could contain one. */
  readonly said: string;
}

/** A channel past the uplink. */
export interface Notifier {
  readonly channel: "webhook" | "smtp" | "trap";
  /** Settles within 30 s, never rejects. Delivered: the other side has said that it has it. */
  send(news: News): Promise<Answer>;
}

/** Unique among agents; an incident's id already is. */
export const keyOf = ({ site, agent }: Speaker, { key, incidentId }: News): string =>
  incidentId === undefined ? `${site}/${agent}/${key}` : key;

export function noticeOf({ site, agent }: Speaker, { key: _, ...told }: News): Notice {
  return { site, agent, ...told };
}
