import type { Ranges } from "../core/ranges.ts";
import type { Blind, Diag, Silences, ToldEvent } from "./decode.ts";
import type { Incident } from "./picture.ts";

/** What a consumer has to tell, each once: the lines of `mepwatch centre --json`, with `at` (RFC 3339) before them. */
export type Notice =
  | ({ readonly site: string; readonly agent: string } & AgentNotice)
  /** A message that is none of the contract; it is counted and left alone. */
  | { readonly kind: "invalid"; readonly topic: string; readonly why: string };

export type AgentNotice =
  /**
   * Each event once, however often and in whatever order it came. `overtaken`: a newer one of its condition came before.
   * `late`: it came as backfill.
   */
  | { readonly kind: "event"; readonly late: boolean; readonly overtaken: boolean; readonly event: ToldEvent }
  /** Open, as the broker retains it: what it says is newer than all events that have come. */
  | { readonly kind: "open"; readonly event: ToldEvent }
  /** No longer open, though no event said so. deleted: by the agent. unconfirmed: it is not among those that the agent counts. */
  | {
      readonly kind: "gone";
      readonly why: "deleted" | "unconfirmed";
      readonly conditionKey: string;
      readonly incidentId: string;
    }
  | { readonly kind: "silences"; readonly silences: Silences }
  | { readonly kind: "blind"; readonly blind: Blind }
  | { readonly kind: "online" | "stopped" }
  /** The centre's own incident, raised (`open`) and cleared: until it is, all that the agent said is stale. */
  | { readonly kind: "agent_lost"; readonly incident: AgentLost }
  /** The agent's store was replaced, or it tells from memory: numbers begin anew. `former`: null where this is the first. */
  | { readonly kind: "epoch"; readonly epoch: string; readonly former: string | null }
  /** Missing for 5 s, and not announced as backlog. */
  | { readonly kind: "gap"; readonly epoch: string; readonly ranges: Ranges }
  /** The agent has not got them any more. */
  | { readonly kind: "lost"; readonly epoch: string; readonly ranges: Ranges }
  /** What is open here is not what is open there, twice in a row. */
  | { readonly kind: "differs"; readonly expected: number; readonly found: number }
  | { readonly kind: "refused"; readonly command: string; readonly code: string; readonly detail: string }
  | { readonly kind: "diag"; readonly diag: Diag }
  /** More than is kept of one agent: the oldest of it was forgotten. */
  | { readonly kind: "limit"; readonly what: "open incidents" | "epochs"; readonly most: number };

/** Of an agent that is lost. Instants are RFC 3339. */
export interface AgentLost extends Pick<Incident, "conditionKey" | "severity" | "text"> {
  readonly open: boolean;
  /** When it was last heard. */
  readonly onsetAt: string;
  readonly raisedAt: string;
  readonly clearedAt?: string;
}

/** What is to be done for it. */
export type Effect = { readonly site: string; readonly agent: string } & (
  | { readonly kind: "ack"; readonly epoch: string; readonly upTo: number; readonly except: Ranges }
  /** As a signed command; what it was sent as comes back as the input `sent`. */
  | { readonly kind: "replay"; readonly epoch: string; readonly from: number; readonly to: number }
  | { readonly kind: "snapshot" }
);
