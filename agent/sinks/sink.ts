import type { Orders } from "./orders.ts";
import type { QuietFacts } from "./quiet.ts";
import type { ClockTrust, EventRecord } from "./record.ts";

/**
 * Where incidents go. The outbox is the only truth: a sink holds nothing back, queues nothing while it is
 * away, and says of each event whether it arrived. test/agent/sinks/ is the contract, executable.
 */
export interface Sink {
  /** Whether `deliver` makes sense now. */
  readonly connected: boolean;
  /** What keeps events from being delivered now, for people; null: nothing. */
  readonly trouble: string | null;
  /** How many deliveries may be under way at once; asked anew for each. */
  readonly window: number;
  /**
   * Settles within the sink's own deadline, never rejects. "delivered": the other side has acknowledged it.
   * "retry": unknown or not delivered, send it again later under the same id. "poison": it can never be
   * delivered, going on with the next one is right.
   */
  deliver(outgoing: Outgoing): Promise<Delivery>;
  /** As `deliver`, of events that were given up before they could be sent. */
  tellGap(gap: LostEvents): Promise<Delivery>;
  /** The agent is alive and this is how it does; lost ones are not repeated. */
  heartbeat(facts: HeartbeatFacts): void;
  /** What `quiet` answers has changed: a sink that keeps retained state asks for it anew. */
  quietChanged(): void;
  /** Says once more how it stands with all that it retains; false: it cannot now. */
  snapshot(): boolean;
  /** Says a planned good-bye if it can, then disconnects; idempotent, settles within 3 s. */
  close(): Promise<void>;
}

/** An event that waits in the outbox. */
export interface Outgoing {
  readonly event: EventRecord;
  /** The event as it stands in the outbox. */
  readonly json: string;
  /** Its place in the outbox: grows from event to event, also from one epoch to the next. */
  readonly position: number;
  /** When it was safe, ms since the Unix epoch. */
  readonly persistedAt: number;
}

/** `count` events of an epoch, from `first` to `last`; the others of that range were delivered, or still wait. */
export interface LostEvents {
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

export type Delivery = "delivered" | "retry" | "poison";

/** What a sink asks of and tells its agent. */
export interface SinkHooks {
  /** Called for each connection, for the birth message. */
  birth(): BirthFacts;
  /** Called for each connection, and after `quietChanged`. */
  quiet(): QuietFacts;
  /** Absent: it obeys nobody. */
  readonly orders?: Orders;
  /** The birth was acknowledged: deliver now. */
  onConnected(): void;
  /** Once for each connection that ends. */
  onLost(): void;
}

export interface BirthFacts {
  readonly epoch: string;
  /** Lowest and highest sequence number not yet trimmed; first > last: nothing waits. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Of the newest event in the outbox, of whichever epoch. */
  readonly lastPosition: number;
  readonly activeCount: number;
  readonly configHash: string;
  readonly clock: ClockTrust;
  /** The open incidents, latest record each: a sink that keeps retained state publishes them anew. */
  readonly active: readonly EventRecord[];
}

export interface HeartbeatFacts {
  readonly epoch: string;
  readonly lastSeq: number;
  /** Highest sequence number below which everything was delivered. */
  readonly ackedSeq: number;
  readonly depth: number;
  /** Age of the oldest event that waits, ms; 0 if none does. */
  readonly oldestAgeMs: number;
  readonly activeCount: number;
  readonly active: readonly EventRecord[];
  readonly pointsExpected: number;
  readonly pointsGood: number;
  readonly configHash: string;
  readonly clock: ClockTrust;
}
