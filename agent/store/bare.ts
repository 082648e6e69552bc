import Database from "better-sqlite3";
import type { Cycle } from "./store.ts";

/**
 * The rows of a commit by better-sqlite3 and nothing else, as durable as the store's: what its speed is measured against.
 * No index but the primary keys, nothing trimmed, no sequence kept, no repetition allowed for.
 */
export interface Bare {
  commit(cycle: Cycle): void;
  close(): void;
}

export function openBare(path: string): Bare {
  const db = new Database(path);
  db.pragma("locking_mode = EXCLUSIVE");
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec(`
    CREATE TABLE condition (key TEXT PRIMARY KEY, state TEXT NOT NULL);
    CREATE TABLE incident (key TEXT PRIMARY KEY, record TEXT NOT NULL);
    CREATE TABLE outbox (seq INTEGER PRIMARY KEY, persisted_at INTEGER NOT NULL, record TEXT NOT NULL);
    CREATE TABLE journal (seq INTEGER PRIMARY KEY, at INTEGER, key TEXT, incident TEXT, record TEXT NOT NULL);
  `);
  const condition = db.prepare("INSERT OR REPLACE INTO condition VALUES (?, ?)");
  const incident = db.prepare("INSERT OR REPLACE INTO incident VALUES (?, ?)");
  const over = db.prepare("DELETE FROM incident WHERE key = ?");
  const outbox = db.prepare("INSERT INTO outbox VALUES (?, ?, ?)");
  const journal = db.prepare("INSERT INTO journal VALUES (?, ?, ?, ?, ?)");
  return {
    commit: db.transaction(({ conditions, events }: Cycle): void => {
      for (const [key, state] of conditions) condition.run(key, state);
      for (const { seq, at, key, incident: id, open, persistedAt, record } of events) {
        outbox.run(seq, persistedAt, record);
        journal.run(seq, at, key, id, record);
        if (open) incident.run(key, record);
        else over.run(key);
      }
    }),
    close: () => db.close(),
  };
}
