import type Database from "better-sqlite3";
import type { Ranges } from "../core/ranges.ts";
import type { Encoded } from "./outbox.ts";

/**
 * Events of the last days, for people to look back. Expendable: nothing is judged or sent by it, and what is too old or
 * too much goes a few rows a commit, so that no commit waits for it.
 */
export interface Journal extends Lookback {
  /** Inside the transaction of `Store.commit`; the same event twice is there once. `wall`: now, ms since the Unix epoch. */
  add(events: readonly Encoded[], wall: number): void;
}

/** Records are as they were sent, in the order in which they happened, through all epochs. */
export interface Lookback {
  /** All events of these incidents that are still kept. Looks through the names of all, so better asked once than for each. */
  ofIncidents(incidents: readonly string[]): readonly string[];
  /** The incident, open or over, of the newest event of these conditions that is still kept; null: there is none. */
  newestOf(keys: readonly string[]): string | null;
  /** Of one epoch, those numbered `from` to `to` that are still kept, or wait to be sent. */
  between(epoch: string, from: number, to: number): readonly Told[];
  /** The lowest number of an epoch that is still kept; null: none is. */
  firstOf(epoch: string): number | null;
  /** Which numbers those are. */
  rangesOf(epoch: string, from: number, to: number): Ranges;
  /** Events that happened at `wall` or later (ms since the Unix epoch), after `seq` of `epoch` (default: the present one), at most `limit`. */
  since(wall: number, seq: number, limit: number, epoch?: string): readonly string[];
}

export interface Told {
  readonly seq: number;
  readonly at: number;
  readonly record: string;
}

export const journalMax = 50_000;
export const journalMs = 14 * 86_400_000;
/** Rows beyond what a commit adds that it may take away: enough to catch up, too few to be felt. */
const trimStep = 50;

interface Row {
  readonly record: string;
}

export function openJournal(db: Database.Database, epoch: string): Journal {
  const insert = db.prepare("INSERT OR IGNORE INTO journal VALUES (?, ?, ?, ?, ?, CAST(? AS TEXT))");
  const drop = (those: string) =>
    db.prepare(`DELETE FROM journal WHERE rowid IN (SELECT rowid FROM journal WHERE ${those} LIMIT @atMost)`);
  const dropBelow = drop("rowid <= (SELECT max(rowid) FROM journal) - @max ORDER BY rowid");
  const dropBefore = drop("at < @least ORDER BY at");
  const found = (which: string, name: "key" | "incident") =>
    `SELECT ${which} FROM journal INDEXED BY journal_at WHERE ${name} IN (SELECT value FROM json_each(?))`;
  const ofIncidents = db.prepare<[string], Row>(
    `SELECT record FROM journal WHERE rowid IN (${found("rowid", "incident")}) ORDER BY rowid`,
  );
  const newestOf = db.prepare<[string], { incident: string }>(
    `SELECT incident FROM journal WHERE rowid = (${found("max(rowid)", "key")})`,
  );
  // The wall clock may have been stepped: from the first that is late enough, each is looked at, in its order.
  const since = db.prepare<[Readonly<Record<string, string | number>>], Row>(
    `SELECT record FROM journal WHERE +at >= @wall
      AND rowid > coalesce((SELECT rowid FROM journal WHERE epoch = @epoch AND seq <= @seq ORDER BY seq DESC LIMIT 1), 0)
      AND rowid >= (SELECT min(rowid) FROM journal WHERE at >= @wall) ORDER BY rowid LIMIT @limit`,
  );
  const meant = "WHERE epoch = @epoch AND seq BETWEEN @from AND @to";
  const between = db.prepare<[object], Told>(
    `SELECT seq, max(at) AS at, record FROM (SELECT seq, at, record FROM journal ${meant}
      UNION ALL SELECT seq, persisted_at, record FROM outbox ${meant}) GROUP BY seq ORDER BY seq`,
  );
  const first = db.prepare<[string], { seq: number | null }>("SELECT min(seq) AS seq FROM journal WHERE epoch = ?");
  // What follows without a hole has the same distance from its place in the order.
  const ranges = db.prepare<[object], { first: number; last: number }>(
    `SELECT min(seq) AS first, max(seq) AS last FROM (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run FROM
      (SELECT seq FROM journal ${meant} UNION SELECT seq FROM outbox ${meant})) GROUP BY run ORDER BY first`,
  );
  const ends = db.prepare<[], { row: number | null; at: number | null }>(
    "SELECT (SELECT min(rowid) FROM journal) AS row, (SELECT min(at) FROM journal) AS at",
  );
  /** Null: to be asked; what a commit takes back makes it lower than it is, which costs a look. */
  let oldest: { row: number; at: number } | null = null;
  return {
    between: (of, from, to) => between.all({ epoch: of, from, to }),
    firstOf: (of) => first.get(of)?.seq ?? null,
    rangesOf: (of, from, to) => ranges.all({ epoch: of, from, to }).map(({ first, last }) => [first, last]),
    add(events, wall) {
      if (events.length === 0) return;
      let newest = 0;
      for (const { seq, at, key, incident, record } of events) {
        newest = Number(insert.run(epoch, seq, at, key, incident, record).lastInsertRowid);
        if (oldest !== null && at < oldest.at) oldest = { ...oldest, at };
      }
      const { row, at } = oldest ?? ends.get() ?? {};
      oldest = { row: row ?? newest, at: at ?? wall };
      const least = wall - journalMs;
      if (newest - oldest.row < journalMax && oldest.at >= least) return;
      const atMost = events.length + trimStep;
      dropBelow.run({ max: journalMax, atMost });
      dropBefore.run({ least, atMost });
      oldest = null;
    },
    ofIncidents: (incidents) => ofIncidents.all(JSON.stringify(incidents)).map(({ record }) => record),
    newestOf: (keys) => newestOf.get(JSON.stringify(keys))?.incident ?? null,
    since: (wall, seq, limit, of = epoch) => since.all({ epoch: of, wall, seq, limit }).map(({ record }) => record),
  };
}
