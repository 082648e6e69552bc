import type Database from "better-sqlite3";
import type { Env } from "../env.ts";
import type { OutboundEvent } from "./store.ts";
import { eventName, sumOf, sumWith } from "./sum.ts";

/** Events on their way, in the order in which they happened, through all epochs. Depth and age are known without counting. */
export interface Outbox {
  /** The next events after `position`, oldest first. */
  after(position: number, limit: number): readonly Waiting[];
  /** Delivered: drops these for good, in one transaction. */
  trim(positions: readonly number[]): void;
  /** Undeliverable: sets one aside and lets the others pass. */
  park(position: number): void;
  /** Whether that event is still to be delivered. */
  waits(epoch: string, seq: number): boolean;
  /** Events that were given up and that nobody was told of; null: none were. */
  readonly gap: Gap | null;
  /** The centre knows of this gap; if it has grown since, it is to be told of again. */
  toldOf(gap: Gap): void;
  /** Lowest sequence number of the present epoch that waits; null: none does. */
  readonly first: number | null;
  /** The highest position ever given. */
  readonly lastPosition: number;
  readonly depth: number;
  /** When the oldest that waits was persisted, ms since the Unix epoch. */
  readonly oldestAt: number | null;
}

export interface Waiting {
  /** Grows from event to event, also from one epoch to the next. */
  readonly position: number;
  readonly seq: number;
  readonly persistedAt: number;
  /** Empty where it is not what was written. */
  readonly record: string;
}

/** `count` events from `first` to `last`; others of that range may have been delivered, or still wait. */
export interface Gap {
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

/** The outbox of one file, with what is done to it inside the transaction of `Store.commit`. */
export interface OutboxTable extends Outbox {
  /** The same event twice is there once. How many were added, which `grew` is to be told. */
  add(event: Encoded): number;
  /** So many more wait, in the same transaction: kept, so that nobody counts them. */
  grew(by: number): void;
  /** After many rows were moved. */
  recount(): void;
  /** Adds to what was given up. */
  lose(gap: Gap): void;
}

/** An event whose record goes into several rows: put into UTF-8 once, which costs more than to store it. */
export interface Encoded extends Omit<OutboundEvent, "record"> {
  readonly record: Buffer;
  /** `sumOf` the record. */
  readonly sum: number;
}

export const encoded = (event: OutboundEvent): Encoded => {
  const record = Buffer.from(event.record);
  return { ...event, record, sum: sumOf(record) };
};

export function openOutbox(db: Database.Database, epoch: string, crashSite: Env["crashSite"]): OutboxTable {
  const insert = db.prepare(
    "INSERT OR IGNORE INTO outbox (epoch, seq, persisted_at, key, record, sum) VALUES (?, ?, ?, ?, CAST(? AS TEXT), ?)",
  );
  const next = db.prepare<[number, number], Waiting & { readonly epoch: string; readonly sum: number }>(
    `SELECT position, epoch, seq, persisted_at AS persistedAt, record, sum
      FROM outbox WHERE position > ? ORDER BY position LIMIT ?`,
  );
  const after = (position: number, limit: number): readonly Waiting[] =>
    next.all(position, limit).map(({ epoch: of, sum, ...row }) => {
      const isRight = sumWith(eventName(of, row.seq, row.persistedAt), sumOf(row.record)) === sum;
      return isRight ? row : { ...row, record: "" };
    });
  const remove = db.prepare("DELETE FROM outbox WHERE position = ?");
  const copy = db.prepare("INSERT OR IGNORE INTO parked SELECT epoch, seq, record FROM outbox WHERE position = ?");
  const first = db.prepare<[string], { seq: number }>("SELECT seq FROM outbox WHERE epoch = ? ORDER BY seq LIMIT 1");
  const one = db.prepare<[string, number], object>("SELECT 1 FROM outbox WHERE epoch = ? AND seq = ?");
  const tally = db.prepare<[], { waiting: number }>("SELECT waiting FROM tally");
  const more = db.prepare("UPDATE tally SET waiting = waiting + ?");
  const anew = db.prepare("UPDATE tally SET waiting = (SELECT count(*) FROM outbox)");
  const gap = db.prepare<[], Gap>("SELECT epoch, first, last, count FROM gap LIMIT 1");
  const forget = db.prepare("DELETE FROM gap WHERE epoch = @epoch AND count = @count AND last = @last");
  const widen = db.prepare(
    `INSERT INTO gap VALUES (@epoch, @first, @last, @count) ON CONFLICT (epoch) DO UPDATE
      SET first = min(first, excluded.first), last = max(last, excluded.last), count = count + excluded.count`,
  );
  const sequence = db.prepare<[], { seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'");
  let lastPosition = sequence.get()?.seq ?? 0;
  return {
    add({ seq, persistedAt, key, record, sum }) {
      const named = sumWith(eventName(epoch, seq, persistedAt), sum);
      const { changes, lastInsertRowid } = insert.run(epoch, seq, persistedAt, key, record, named);
      if (changes > 0) lastPosition = Number(lastInsertRowid);
      return changes;
    },
    grew: (by) => void more.run(by),
    recount: () => void anew.run(),
    after,
    trim: db.transaction((positions: readonly number[]): void => {
      let gone = 0;
      for (const position of positions) {
        gone += remove.run(position).changes;
        crashSite("in-trim");
      }
      more.run(-gone);
    }),
    park: db.transaction((position: number): void => {
      copy.run(position);
      crashSite("in-park");
      more.run(-remove.run(position).changes);
    }),
    waits: (of, seq) => one.get(of, seq) !== undefined,
    get gap() {
      return gap.get() ?? null;
    },
    toldOf: (told) => void forget.run(told),
    lose: (lost) => void widen.run(lost),
    get lastPosition() {
      return Math.max(lastPosition, db.open ? (sequence.get()?.seq ?? 0) : 0);
    },
    get first() {
      return first.get(epoch)?.seq ?? null;
    },
    get depth() {
      return tally.get()?.waiting ?? 0;
    },
    get oldestAt() {
      return after(0, 1)[0]?.persistedAt ?? null;
    },
  };
}
