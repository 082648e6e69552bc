import Database from "better-sqlite3";
import type { Env } from "../env.ts";
import { type Journal, type Lookback, openJournal } from "./journal.ts";
import { migrations } from "./migrations.ts";
import { type Outbox, openOutbox } from "./outbox.ts";

/**
 * What must not be lost: conditions, open incidents and events on their way, in one SQLite file; and, for
 * looking back, a journal. `commit` is one
 * transaction with synchronous=FULL: all of it is on disk when it returns, or none of it and it throws. A commit
 * that threw may have landed all the same, so a cycle is repeated as it was, and repeating changes nothing.
 */
export interface Store {
  readonly kept: Kept;
  readonly outbox: Outbox;
  readonly journal: Lookback;
  commit(cycle: Cycle): void;
  /** The configuration that was last accepted, as its files; null before the first. */
  acceptedConfig(): Readonly<Record<string, string>> | null;
  acceptConfig(files: Readonly<Record<string, string>>): void;
  /** Who each device was when it was accepted, JSON by device id. */
  pinned(): ReadonlyMap<string, string>;
  /** On disk when it returns; throws where it is not. */
  pin(device: string, identity: string): void;
  /** 1, 2, …: a new number for each call, also after a restart. */
  nextBdSeq(): number;
  /** Idempotent. */
  close(): void;
}

/** What was there when the store was opened. */
export interface Kept {
  /** Made with the file: sequence numbers of different epochs are not related. */
  readonly epoch: string;
  readonly lastSeq: number;
  readonly clock: SavedClock | null;
  /** What the pipeline keeps of calls, JSON. */
  readonly calls: string | null;
  /** What it keeps of modes and the calendar, JSON. */
  readonly plans: string | null;
  /** JSON by condition key. */
  readonly conditions: ReadonlyMap<string, string>;
  readonly incidents: ReadonlyMap<string, string>;
}

/** All clocks at one instant, to go on from after a restart. */
export interface SavedClock {
  readonly engineMs: number;
  readonly wallMs: number;
  readonly monoMs: number;
  readonly bootId: string;
}

export interface Cycle {
  readonly clock: SavedClock;
  /** What the pipeline keeps of calls, JSON; absent: as it was. */
  readonly calls?: string;
  /** Likewise of modes and the calendar. */
  readonly plans?: string;
  /** State of each condition that changed, JSON, by key. */
  readonly conditions: ReadonlyMap<string, string>;
  readonly events: readonly OutboundEvent[];
}

export interface OutboundEvent {
  readonly seq: number;
  /** When it happened, ms since the Unix epoch. */
  readonly at: number;
  readonly incident: string;
  /** Condition key of the incident it belongs to. */
  readonly key: string;
  /** Whether the incident is open after this event. */
  readonly open: boolean;
  readonly persistedAt: number;
  readonly record: string;
}

/**
 * @param crashSite see `Env`
 * @throws when the file cannot be opened or is no store of this version or an older one.
 */
export function openStore(path: string, newEpoch: () => string, crashSite: Env["crashSite"] = () => {}): Store {
  // SQLite's names for a database that is gone with the process.
  if (path === "" || path === ":memory:") throw new Error("this is no file, so nothing would be kept");
  const db = new Database(path);
  // Two agents on one store would give one sequence number twice.
  db.pragma("locking_mode = EXCLUSIVE");
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  // What this file promises rests on it: a build of SQLite that ignores it must not go unnoticed.
  if (db.pragma("synchronous", { simple: true }) !== 2)
    throw new Error(`${path}: SQLite does not take synchronous=FULL`);
  db.pragma("foreign_keys = ON");
  migrate(db, path, crashSite);
  crashSite("before-epoch");
  const meta = metaOf(db);
  const epoch = meta.get("epoch") ?? meta.set("epoch", newEpoch());
  const outbox = openOutbox(db, epoch, crashSite);
  const journal = openJournal(db, epoch);
  const pin = db.prepare("INSERT OR REPLACE INTO pinned VALUES (?, ?)");
  const kept: Kept = {
    epoch,
    lastSeq: Number(meta.get("lastSeq") ?? 0),
    clock: JSON.parse(meta.get("clock") ?? "null") as SavedClock | null,
    calls: meta.get("calls") ?? null,
    plans: meta.get("plans") ?? null,
    conditions: rows(db, "SELECT key, state AS text FROM condition"),
    incidents: rows(db, "SELECT key, record AS text FROM incident"),
  };
  return {
    kept,
    outbox,
    journal,
    commit: committer(db, { meta, outbox, journal, crashSite }),
    acceptedConfig: () => JSON.parse(meta.get("config") ?? "null") as Readonly<Record<string, string>> | null,
    acceptConfig(files) {
      crashSite("before-accept");
      meta.set("config", JSON.stringify(files));
      crashSite("after-accept");
    },
    pinned: () => rows(db, "SELECT device AS key, identity AS text FROM pinned"),
    pin: (device, identity) => void pin.run(device, identity),
    nextBdSeq: () => Number(meta.set("bdSeq", String(Number(meta.get("bdSeq") ?? 0) + 1))),
    close: () => db.close(),
  };
}

function migrate(db: Database.Database, path: string, crashSite: Env["crashSite"]): void {
  const version = Number(db.pragma("user_version", { simple: true }));
  if (version > migrations.length) {
    throw new Error(
      `${path}: store of a newer version (${version}); expected at most ${migrations.length}. Upgrade mepwatch.`,
    );
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    db.transaction(() => {
      db.exec(sql);
      crashSite("in-migration");
      db.pragma(`user_version = ${index + 1}`);
    })();
  }
}

interface Meta {
  get(name: string): string | undefined;
  /** Gives back the value it set. */
  set(name: string, value: string): string;
}

function metaOf(db: Database.Database): Meta {
  const select = db.prepare<[string], { value: string }>("SELECT value FROM meta WHERE name = ?");
  const upsert = db.prepare("INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
  return {
    get: (name) => select.get(name)?.value,
    set(name, value) {
      upsert.run(name, value);
      return value;
    },
  };
}

function rows(db: Database.Database, sql: string): ReadonlyMap<string, string> {
  const all = db.prepare<[], { key: string; text: string }>(sql).all();
  return new Map(all.map(({ key, text }) => [key, text]));
}

interface Parts {
  readonly meta: Meta;
  readonly outbox: Outbox;
  readonly journal: Journal;
  readonly crashSite: Env["crashSite"];
}

function committer(db: Database.Database, { meta, outbox, journal, crashSite }: Parts): (cycle: Cycle) => void {
  const keepCondition = db.prepare("INSERT OR REPLACE INTO condition VALUES (?, ?)");
  const keepIncident = db.prepare("INSERT OR REPLACE INTO incident VALUES (?, ?)");
  const dropIncident = db.prepare("DELETE FROM incident WHERE key = ?");
  return db.transaction(({ clock, calls, plans, conditions, events }: Cycle): void => {
    for (const [key, state] of conditions) keepCondition.run(key, state);
    crashSite("between-state-and-events");
    for (const event of events) {
      outbox.add(event);
      crashSite("between-event-and-incident");
      if (event.open) keepIncident.run(event.key, event.record);
      else dropIncident.run(event.key);
    }
    journal.add(events, clock.wallMs);
    const last = events.at(-1);
    if (last !== undefined) meta.set("lastSeq", String(last.seq));
    meta.set("clock", JSON.stringify(clock));
    if (calls !== undefined) meta.set("calls", calls);
    if (plans !== undefined) meta.set("plans", plans);
    crashSite("before-commit-ends");
  });
}
