import { forgottenName } from "./commands.ts";
import type { StoreFile } from "./file.ts";

/**
 * Between a disk that fails and the memory that stands in for it: there with what waits, so that it is sent in its order;
 * back with everything, so that the disk goes on as if it had been there all the time.
 */
/** What was told past the centre: told again from memory, people would be called twice. */
export const secondPathName = "secondPath";
/** Senders of informs know our engine by it. */
export const listenerName = "listener";
const carriedBytes = 8 * 2 ** 20;
const pageRows = 200;

interface Row {
  readonly [column: string]: string | number;
}

/** @param until sequence number of the newest event of the disk's epoch that is known to have landed; @returns the position up to which what waits was taken along */
export function toMemory(disk: StoreFile, memory: StoreFile, until: number): number {
  const waiting = carried(disk, until);
  memory.db.transaction(() => {
    for (const row of waiting) insertInto(memory, "outbox", row);
    memory.outbox.recount();
    for (const row of attempt(() => all(disk, "SELECT * FROM gap"))) insertInto(memory, "gap", row);
    for (const row of attempt(() => all(disk, "SELECT * FROM command"))) insertInto(memory, "command", row);
    for (const name of ["bdSeq", "config", secondPathName, listenerName, forgottenName]) {
      const [value] = attempt(() => [disk.meta.get(name)]);
      if (value !== undefined) memory.meta.set(name, value);
    }
    standAt(memory, positionOf(disk));
  })();
  return Number(waiting.at(-1)?.position ?? 0);
}

/** Also state, where no engine holds it yet. */
export function stateToMemory(disk: StoreFile, memory: StoreFile): void {
  memory.db.transaction(() => {
    for (const table of ["condition", "incident", "pinned"])
      for (const row of all(disk, `SELECT * FROM ${table}`)) insertInto(memory, table, row);
    for (const { name, value } of facts(disk)) if (!ofFile.has(name)) memory.meta.set(name, value);
  })();
}

/** @param carriedTo what `toMemory` gave @param landed of which epoch, up to which number events are known to be on the disk: those behind it were told from memory under another id */
export function toDisk(
  memory: StoreFile,
  disk: StoreFile,
  carriedTo: number,
  landed: { readonly epoch: string; readonly lastSeq: number },
): void {
  const { db } = disk;
  db.transaction(() => {
    db.prepare("DELETE FROM outbox WHERE position <= ?").run(carriedTo);
    for (const table of ["outbox", "journal"])
      db.prepare(`DELETE FROM ${table} WHERE epoch = ? AND seq > ?`).run(landed.epoch, landed.lastSeq);
    db.exec("DELETE FROM condition; DELETE FROM incident; DELETE FROM gap");
    for (const table of ["condition", "incident", "gap", "outbox"])
      for (const row of all(memory, `SELECT * FROM ${table}`)) insertInto(disk, table, row);
    for (const [table, key] of [
      ["pinned", "device"],
      ["command", "cmd_id"],
    ] as const)
      for (const row of all(memory, `SELECT * FROM ${table}`)) {
        db.prepare(`DELETE FROM ${table} WHERE ${key} = ?`).run(row[key]);
        insertInto(disk, table, row);
      }
    for (const row of all(memory, "SELECT * FROM parked ORDER BY rowid")) insertInto(disk, "parked", row);
    for (const row of all(memory, "SELECT * FROM journal ORDER BY rowid")) insertInto(disk, "journal", row);
    disk.outbox.recount();
    standAt(disk, memory.outbox.lastPosition);
    const bdSeq = Math.max(...[memory, disk].map(({ meta }) => Number(meta.get("bdSeq") ?? 0)));
    for (const { name, value } of facts(memory)) disk.meta.set(name, value);
    disk.meta.set("bdSeq", String(bdSeq));
  })();
}

/** What waits, oldest first, as much as memory may take, as far as it can be read. */
function carried({ db, kept }: StoreFile, until: number): Row[] {
  const rows: Row[] = [];
  let bytes = 0;
  try {
    const page = db.prepare<[string, number, number, number], Row>(
      "SELECT * FROM outbox WHERE NOT (epoch = ? AND seq > ?) AND position > ? ORDER BY position LIMIT ?",
    );
    while (bytes < carriedBytes) {
      const next = page.all(kept.epoch, until, Number(rows.at(-1)?.position ?? 0), pageRows);
      if (next.length === 0) break;
      rows.push(...next);
      bytes += next.reduce((sum, { record }) => sum + String(record).length, 0);
    }
  } catch {
    // What cannot be read now may be there again when the disk is.
  }
  return rows;
}

/** They count within one file. */
const ofFile: ReadonlySet<string> = new Set(["epoch", "lastSeq", "turn"]);

const facts = ({ db }: StoreFile): { name: string; value: string }[] =>
  db.prepare<[], { name: string; value: string }>("SELECT name, value FROM meta").all();

const all = ({ db }: StoreFile, question: string): Row[] => db.prepare<[], Row>(question).all();

function attempt<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch {
    return [];
  }
}

function insertInto({ db }: StoreFile, table: string, row: Row): void {
  const columns = Object.keys(row);
  db.prepare(
    `INSERT OR IGNORE INTO ${table} (${columns.join(", ")}) VALUES (${columns.map((one) => `@${one}`).join(", ")})`,
  ).run(row);
}

/** The highest position ever given, 0 where that cannot be read. */
export const positionOf = ({ outbox }: StoreFile): number => attempt(() => [outbox.lastPosition])[0] ?? 0;

/** Positions go on from there. */
export function standAt({ db }: StoreFile, position: number): void {
  db.prepare("DELETE FROM sqlite_sequence WHERE name = 'outbox' AND seq < ?").run(position);
  db.prepare(
    "INSERT INTO sqlite_sequence SELECT 'outbox', ? WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'outbox')",
  ).run(position);
}
