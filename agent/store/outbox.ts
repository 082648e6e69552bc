import type Database from "better-sqlite3";
import type { OutboundEvent } from "./store.ts";

/** Events on their way, in the order of their sequence numbers. Depth and age are known without counting. */
export interface Outbox {
  /** Inside the transaction of `Store.commit`; the same event twice is there once. Gives 1 or 0. */
  add(event: OutboundEvent): number;
  /** After that transaction: by how many events; null when it failed, and may have landed all the same. */
  grew(by: number | null): void;
  /** The next events after `seq`, oldest first. */
  after(seq: number, limit: number): readonly Waiting[];
  /** Delivered: drops these for good, in one transaction. */
  trim(seqs: readonly number[]): void;
  /** Undeliverable: sets one aside and lets the others pass. */
  park(seq: number): void;
  /** Lowest and highest sequence number that waits; null: none does. */
  readonly first: number | null;
  readonly depth: number;
  /** When the oldest that waits was persisted, ms since the Unix epoch. */
  readonly oldestAt: number | null;
}

export interface Waiting {
  readonly seq: number;
  readonly persistedAt: number;
  readonly record: string;
}

export function openOutbox(db: Database.Database, epoch: string): Outbox {
  const insert = db.prepare("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?)");
  const next = db.prepare<[string, number, number], Waiting>(
    "SELECT seq, persisted_at AS persistedAt, record FROM outbox WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?",
  );
  const remove = db.prepare("DELETE FROM outbox WHERE epoch = ? AND seq = ?");
  const copy = db.prepare(
    "INSERT OR IGNORE INTO parked SELECT epoch, seq, record FROM outbox WHERE epoch = ? AND seq = ?",
  );
  const count = db.prepare<[string], { n: number }>("SELECT count(*) AS n FROM outbox WHERE epoch = ?");
  let depth = count.get(epoch)?.n ?? 0;
  const trim = db.transaction((seqs: readonly number[]): number =>
    seqs.reduce((gone, seq) => gone + remove.run(epoch, seq).changes, 0),
  );
  const park = db.transaction((seq: number): number => {
    copy.run(epoch, seq);
    return remove.run(epoch, seq).changes;
  });
  const oldest = (): Waiting | undefined => next.get(epoch, 0, 1);
  return {
    add: ({ seq, persistedAt, record }) => insert.run(epoch, seq, persistedAt, record).changes,
    grew(by) {
      depth = by === null ? (count.get(epoch)?.n ?? 0) : depth + by;
    },
    after: (seq, limit) => next.all(epoch, seq, limit),
    trim(seqs) {
      depth -= trim(seqs);
    },
    park(seq) {
      depth -= park(seq);
    },
    get first() {
      return oldest()?.seq ?? null;
    },
    get depth() {
      return depth;
    },
    get oldestAt() {
      return oldest()?.persistedAt ?? null;
    },
  };
}
