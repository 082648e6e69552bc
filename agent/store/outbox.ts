import type Database from "better-sqlite3";
import type { Env } from "../env.ts";
import type { OutboundEvent } from "./store.ts";

/** Events on their way, in the order of their sequence numbers. However many wait, opening it reads none of them. */
export interface Outbox {
  /** Inside the transaction of `Store.commit`; the same event twice is there once. */
  add(event: OutboundEvent): void;
  /** The next events after `seq`, oldest first. */
  after(seq: number, limit: number): readonly Waiting[];
  /** Delivered: drops these for good, in one transaction. */
  trim(seqs: readonly number[]): void;
  /** Undeliverable: sets one aside and lets the others pass. */
  park(seq: number): void;
  /** Lowest and highest sequence number that waits; null: none does. */
  readonly first: number | null;
  /** How many wait, from the first to the last: what was delivered between them counts until the first has gone, too. */
  readonly depth: number;
  /** When the oldest that waits was persisted, ms since the Unix epoch. */
  readonly oldestAt: number | null;
}

export interface Waiting {
  readonly seq: number;
  readonly persistedAt: number;
  readonly record: string;
}

export function openOutbox(db: Database.Database, epoch: string, crashSite: Env["crashSite"]): Outbox {
  const insert = db.prepare("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?)");
  const next = db.prepare<[string, number, number], Waiting>(
    "SELECT seq, persisted_at AS persistedAt, record FROM outbox WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?",
  );
  const remove = db.prepare("DELETE FROM outbox WHERE epoch = ? AND seq = ?");
  const copy = db.prepare(
    "INSERT OR IGNORE INTO parked SELECT epoch, seq, record FROM outbox WHERE epoch = ? AND seq = ?",
  );
  const last = db.prepare<[string], { seq: number }>(
    "SELECT seq FROM outbox WHERE epoch = ? ORDER BY seq DESC LIMIT 1",
  );
  const oldest = (): Waiting | undefined => next.get(epoch, 0, 1);
  return {
    add: ({ seq, persistedAt, record }) => void insert.run(epoch, seq, persistedAt, record),
    after: (seq, limit) => next.all(epoch, seq, limit),
    trim: db.transaction((seqs: readonly number[]): void => {
      for (const seq of seqs) {
        remove.run(epoch, seq);
        crashSite("in-trim");
      }
    }),
    park: db.transaction((seq: number): void => {
      copy.run(epoch, seq);
      crashSite("in-park");
      remove.run(epoch, seq);
    }),
    get first() {
      return oldest()?.seq ?? null;
    },
    get depth() {
      const first = oldest();
      // Sequence numbers are contiguous, and leave from the front.
      return first === undefined ? 0 : (last.get(epoch)?.seq ?? first.seq) - first.seq + 1;
    },
    get oldestAt() {
      return oldest()?.persistedAt ?? null;
    },
  };
}
