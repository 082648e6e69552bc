import type { Ranges } from "../core/ranges.ts";
import type { Orders } from "./orders.ts";
import type { QuietFacts } from "./quiet.ts";
import type { ClockTrust, EventRecord } from "./record.ts";

/**
 * Where incidents go. The outbox is the only truth: a sink holds nothing back, queues nothing while it is
 * away, and says of each event whether it arrived. test/agent/sinks/ is the contract, executable.
 */
export interface Sink {
  readonly connected: boolean;
  /** Whether anybody listens, as far as that is known: `deliver` makes sense then. */
  readonly isHeard: boolean;
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
  /** Something about the agent itself; whether it was taken, which is not until it has connected. */
  diag(facts: DiagFacts): boolean;
  /** What points said; lost ones are not repeated. False: not now, it would be in the way. Absent: nobody wants it. */
  telemetry?(batch: TelemetryBatch): boolean;
  /** What `quiet` answers has changed: a sink that keeps retained state asks for it anew. */
  quietChanged(): void;
  /** Says once more how it stands with all that it retains; false: it cannot now. */
  snapshot(): boolean;
  /** Says a planned good-bye if it can, then disconnects; idempotent, settles within 3 s. */
  close(): Promise<void>;
}

export interface DiagFacts {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly level: "info" | "warn" | "error";
  readonly code: string;
  readonly text: string;
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
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
  /** Told after newer ones, or once more. */
  readonly isLate: boolean;
}

/** Of an epoch, all events up to `upTo` but for the closed ranges of `except`. */
export interface Arrived {
  readonly epoch: string;
  readonly upTo: number;
  readonly except: Ranges;
}

/** What one point said, oldest first, at most 500: each holds until the next. Null where it is bad. */
export interface TelemetryBatch {
  /** DEVICE/POINT. */
  readonly point: string;
  /** UCUM. */
  readonly unit: string;
  readonly samples: readonly (readonly [wall: number, value: number | null, quality: "good" | "uncertain" | "bad"])[];
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
  /** The birth, with these facts, was acknowledged: deliver now. */
  onConnected(facts: BirthFacts): void;
  /** Somebody listens again. */
  onHeard(): void;
  /** The centre says what has arrived. */
  onAck(arrived: Arrived): void;
  /** Absent: it obeys nobody. */
  readonly orders?: Orders;
  /** Once for each connection that ends. */
  onLost(): void;
}

export interface BirthFacts {
  readonly epoch: string;
  /** Lowest sequence number that can still be had, and highest there is; first > last: none. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Lowest that waits; above `lastSeq`: none does. */
  readonly waitingFrom: number;
  /** Place in the outbox of the newest event that these facts know: what stands before it is told late. */
  readonly lastPosition: number;
  readonly activeCount: number;
  readonly configHash: string;
  readonly clock: ClockTrust;
  /** The open incidents, latest record each: a sink that keeps retained state publishes them anew. */
  readonly active: readonly EventRecord[];
  /** What it says beside that which every agent does. */
  readonly capabilities?: readonly string[];
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
