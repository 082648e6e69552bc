import { accessSync, closeSync, constants, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import type { Env } from "../env.ts";
import { type CommandMemory, openCommands } from "./commands.ts";
import { Damaged, failureOf } from "./failure.ts";
import { type Journal, openJournal } from "./journal.ts";
import { migrations } from "./migrations.ts";
import { encoded, type OutboxTable, openOutbox } from "./outbox.ts";
import type { Cycle, Kept, SavedClock } from "./store.ts";
import { sumOf, sumWith } from "./sum.ts";

/** One SQLite file of the store, or one in memory with the same tables; of disks that fail it knows nothing. */
export interface StoreFile {
  readonly db: Database.Database;
  readonly kept: Kept;
  readonly outbox: OutboxTable;
  readonly journal: Journal;
  readonly meta: Meta;
  readonly commands: CommandMemory;
  /** Who each device was when it was accepted, JSON by device id. */
  pinned(): ReadonlyMap<string, string>;
  pin(device: string, identity: string): void;
  /** Of its newest commit; grows by one with each. */
  readonly turn: number;
  /** One transaction: all of it is on disk when it returns, or none of it and it throws. */
  commit(cycle: Cycle): void;
  /** Everything written so far gets to the disk anew, also what only the system's cache may know. */
  settle(): void;
  /** Idempotent. */
  close(): void;
}

/** Small facts, by name, each with a checksum. */
export interface Meta {
  get(name: string): string | undefined;
  /** Gives back the value it set. */
  set(name: string, value: string): string;
}

export interface FileOptions {
  newEpoch(): string;
  readonly crashSite: Env["crashSite"];
  /** Most pages of the file: `PRAGMA max_page_count`, which SQLite forgets with each connection. */
  readonly pagesMax: number;
  /** Pages in the write-ahead log after which it is moved into the file. */
  readonly checkpointPages: number;
}

export const pageBytes = 4096;
export const inMemory = ":memory:";
/** Up to here the whole file is looked through at the start: some 0.1 s, on a slow card 3 s; beyond it only what is small. */
const wholeCheckBytes = 64 * 2 ** 20;
const smallTables = ["meta", "condition", "incident", "pinned", "tally", "gap", "command"];

/** @throws an error of which `failureOf` knows the meaning; or that tells of another agent on it, or of a newer version */
export function openFile(path: string, options: FileOptions): StoreFile {
  // A folder that cannot be written would make SQLite say anything, from "locked" to "cannot open".
  if (path !== inMemory) accessSync(dirname(path), constants.W_OK);
  const bytes = path === inMemory ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  const db = new Database(path);
  try {
    prepare(db, path, options);
    if (bytes > 0) check(db, bytes);
    migrate(db, path, options);
    options.crashSite("before-epoch");
    return fileOn(db, options);
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepare(db: Database.Database, path: string, { pagesMax, checkpointPages }: FileOptions): void {
  // Two agents on one store would give one sequence number twice.
  db.pragma("locking_mode = EXCLUSIVE");
  if (path !== inMemory) db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  // What this file promises rests on it: a build of SQLite that ignores it must not go unnoticed.
  if (db.pragma("synchronous", { simple: true }) !== 2)
    throw new Error(`${path}: SQLite does not take synchronous=FULL`);
  db.pragma("foreign_keys = ON");
  db.pragma(`max_page_count = ${pagesMax}`);
  db.pragma(`wal_autocheckpoint = ${checkpointPages}`);
  db.pragma(`journal_size_limit = ${checkpointPages * pageBytes}`);
  // Of rows that are read all at once; those that are written or read in great number have theirs from here, which is cheaper.
  db.function("crc", { deterministic: true, varargs: true }, (...parts: unknown[]) =>
    sumWith(parts.slice(0, -1).join("\0"), sumOf(String(parts.at(-1)))),
  );
}

/** @throws Damaged */
function check(db: Database.Database, bytes: number): void {
  const there = new Set(
    db
      .prepare<[], { name: string }>("SELECT name FROM sqlite_schema")
      .all()
      .map(({ name }) => name),
  );
  const parts = bytes > wholeCheckBytes ? smallTables.filter((name) => there.has(name)) : ["1"];
  for (const part of parts) {
    const found = db.pragma(`quick_check(${part})`, { simple: true });
    if (found !== "ok") throw new Damaged(String(found).split("\n").slice(0, 2).join(" "));
  }
}

/** All that is missing in one transaction, so that the file is of use to the older version if it fails. */
function migrate(db: Database.Database, path: string, { crashSite }: FileOptions): void {
  const version = Number(db.pragma("user_version", { simple: true }));
  const said = schemaSaid(db);
  // What its own tables say otherwise is no other version: the number has been damaged.
  if (said === undefined ? version === 0 && hasTables(db) : said !== version)
    throw new Damaged(`it says of itself to be of version ${version} and of version ${said ?? "unknown"}`);
  if (version > migrations.length) {
    throw new Error(
      `${path}: store of a newer version (${version}); expected at most ${migrations.length}. Upgrade mepwatch.`,
    );
  }
  if (version === migrations.length) return;
  if (version > 0) copyAside(db, `${path}.before-${migrations.length}`);
  db.transaction(() => {
    for (const sql of migrations.slice(version)) {
      db.exec(sql);
      crashSite("in-migration");
    }
    db.pragma(`user_version = ${migrations.length}`);
    metaOf(db).set("schema", String(migrations.length));
  })();
}

const hasTables = (db: Database.Database): boolean => db.prepare("SELECT 1 FROM sqlite_schema").get() !== undefined;

/** Undefined: from before it was noted. */
function schemaSaid(db: Database.Database): number | undefined {
  const columns = db.pragma("table_info(meta)") as readonly { name: string }[];
  const said = columns.some(({ name }) => name === "sum") ? metaOf(db).get("schema") : undefined;
  return said === undefined ? undefined : Number(said);
}

/** A copy that is whole, and on the disk, or there is none. Where there is no room for one, it goes on without. */
function copyAside(db: Database.Database, to: string): void {
  const part = `${to}.part`;
  rmSync(part, { force: true });
  try {
    db.prepare("VACUUM INTO ?").run(part);
    synced(part);
    renameSync(part, to);
    synced(dirname(to));
  } catch (error) {
    rmSync(part, { force: true });
    if (failureOf(error) !== "full") throw error;
  }
}

function synced(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function fileOn(db: Database.Database, { newEpoch, crashSite }: FileOptions): StoreFile {
  const meta = metaOf(db);
  const epoch = meta.get("epoch") ?? meta.set("epoch", newEpoch());
  const outbox = openOutbox(db, epoch, crashSite);
  const journal = openJournal(db, epoch);
  const commands = openCommands(db, meta);
  const kept: Kept = {
    epoch,
    lastSeq: Number(meta.get("lastSeq") ?? 0),
    clock: JSON.parse(meta.get("clock") ?? "null") as SavedClock | null,
    calls: meta.get("calls") ?? null,
    plans: meta.get("plans") ?? null,
    conditions: rows(db, "condition", "key", "state"),
    incidents: rows(db, "incident", "key", "record"),
  };
  let turn = Number(meta.get("turn") ?? 0);
  const transaction = committer(db, { meta, outbox, journal, crashSite });
  const pin = db.prepare("INSERT OR REPLACE INTO pinned VALUES (@device, @identity, crc(@device, @identity))");
  return {
    db,
    kept,
    outbox,
    journal,
    meta,
    commands,
    pinned: () => rows(db, "pinned", "device", "identity"),
    pin: (device, identity) => void pin.run({ device, identity }),
    get turn() {
      return turn;
    },
    commit(cycle) {
      transaction(cycle, turn + 1);
      turn++;
    },
    settle() {
      const [{ busy } = { busy: 1 }] = db.pragma("wal_checkpoint(TRUNCATE)") as readonly { busy: number }[];
      if (busy !== 0) throw Object.assign(new Error("checkpoint not done"), { code: "SQLITE_IOERR" });
    },
    close: () => db.close(),
  };
}

function metaOf(db: Database.Database): Meta {
  const select = db.prepare<[string], { value: string; right: number }>(
    "SELECT value, sum = crc(name, value) AS right FROM meta WHERE name = ?",
  );
  const upsert = db.prepare(
    `INSERT INTO meta VALUES (?, ?, ?)
      ON CONFLICT (name) DO UPDATE SET value = excluded.value, sum = excluded.sum`,
  );
  return {
    get(name) {
      const found = select.get(name);
      if (found !== undefined && found.right !== 1) throw new Damaged(`meta "${name}" is not what was written`);
      return found?.value;
    },
    set(name, value) {
      upsert.run(name, value, sumWith(name, sumOf(value)));
      return value;
    },
  };
}

function rows(db: Database.Database, table: string, name: string, column: string): ReadonlyMap<string, string> {
  const all = db
    .prepare<[], { key: string; text: string; right: number }>(
      `SELECT ${name} AS key, ${column} AS text, sum = crc(${name}, ${column}) AS right FROM ${table}`,
    )
    .all();
  const wrong = all.find(({ right }) => right !== 1);
  if (wrong !== undefined) throw new Damaged(`${table} "${wrong.key}" is not what was written`);
  return new Map(all.map(({ key, text }) => [key, text]));
}

interface Written extends Pick<StoreFile, "meta" | "outbox" | "journal"> {
  readonly crashSite: Env["crashSite"];
}

function committer(db: Database.Database, { meta, outbox, journal, crashSite }: Written) {
  const keepCondition = db.prepare("INSERT OR REPLACE INTO condition VALUES (?, ?, ?)");
  const keepIncident = db.prepare("INSERT OR REPLACE INTO incident VALUES (?, CAST(? AS TEXT), ?)");
  const dropIncident = db.prepare("DELETE FROM incident WHERE key = ?");
  return db.transaction(({ clock, calls, plans, conditions, incidents, events }: Cycle, turn: number): void => {
    for (const [key, text] of conditions) keepCondition.run(key, text, sumWith(key, sumOf(text)));
    for (const [key, text] of incidents ?? []) keepIncident.run(key, text, sumWith(key, sumOf(text)));
    crashSite("between-state-and-events");
    let added = 0;
    const those = events.map(encoded);
    for (const event of those) {
      const { key, open, record, sum } = event;
      added += outbox.add(event);
      crashSite("between-event-and-incident");
      if (open) keepIncident.run(key, record, sumWith(key, sum));
      else dropIncident.run(key);
    }
    if (added > 0) outbox.grew(added);
    journal.add(those, clock.wallMs);
    const last = events.at(-1);
    if (last !== undefined) meta.set("lastSeq", String(last.seq));
    meta.set("clock", JSON.stringify(clock));
    if (calls !== undefined) meta.set("calls", calls);
    if (plans !== undefined) meta.set("plans", plans);
    meta.set("turn", String(turn));
    crashSite("before-commit-ends");
  });
}
