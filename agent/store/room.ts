import { closeSync, fstatSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { StoreFile } from "./file.ts";
import { pageBytes } from "./file.ts";
import type { Gap } from "./outbox.ts";

/** How the room on the disk is divided: the file, its write-ahead log, and a ballast that is given up when the disk is full. */
export interface Room {
  readonly pagesMax: number;
  readonly checkpointPages: number;
  readonly ballastBytes: number;
}

/** Of 256 MiB: the file 224, the log 4 as a rule, the ballast 8; the rest is for a log that grows while a lot is moved. */
export function roomOf(quotaMiB: number): Room {
  const pages = (quotaMiB * 2 ** 20) / pageBytes;
  return {
    pagesMax: Math.floor((pages * 7) / 8),
    checkpointPages: Math.floor(pages / 64),
    ballastBytes: (quotaMiB * 2 ** 20) / 32,
  };
}

/** Pages that a commit may need; below it something is given up first, so that the commit finds them. */
const spareFor = (pagesMax: number): number => Math.max(256, Math.floor(pagesMax / 32));
/** For one that found too few all the same. */
export const muchSpareFor = (pagesMax: number): number => Math.floor(pagesMax / 8);
const chunk = 200;
const roundsMax = 100;

/** Whether the file is about to reach its quota. */
export function isTight({ db }: StoreFile, pagesMax: number, spare = spareFor(pagesMax)): boolean {
  const pages = Number(db.pragma("page_count", { simple: true }));
  if (pages + spare < pagesMax) return false;
  return pages - Number(db.pragma("freelist_count", { simple: true })) + spare >= pagesMax;
}

/** Gives up what is worth least until there is room; what of the outbox it gave up, if it came to that. */
export function makeRoom(file: StoreFile, pagesMax: number, spare = spareFor(pagesMax)): readonly Gap[] {
  const lost: Gap[] = [];
  for (let round = 0; round < roundsMax && isTight(file, pagesMax, spare); round++) {
    const given = giveUp(file);
    if (given === null) break;
    lost.push(...given);
  }
  return lost;
}

/** What can be given up, worth least first; never the newest event of an open incident. */
const expendable = [
  // What nobody could ever be sent.
  "parked WHERE rowid IN (SELECT rowid FROM parked ORDER BY rowid LIMIT @chunk)",
  // What people look back at, with the evidence in it.
  "journal WHERE rowid IN (SELECT rowid FROM journal ORDER BY rowid LIMIT @chunk)",
];
/** Incidents that are over before the history of those that go on, as far as a look at the oldest tells. */
const unsent = [
  `SELECT position FROM (SELECT position, key FROM outbox ORDER BY position LIMIT 2000) AS old
    WHERE NOT EXISTS (SELECT 1 FROM incident WHERE incident.key = old.key) ORDER BY position LIMIT @chunk`,
  `SELECT position FROM outbox WHERE NOT EXISTS
    (SELECT 1 FROM incident WHERE incident.key = outbox.key AND incident.record = outbox.record)
    ORDER BY position LIMIT @chunk`,
];

/** Null: nothing can be. */
function giveUp({ db, outbox }: StoreFile): readonly Gap[] | null {
  return db.transaction((): readonly Gap[] | null => {
    for (const those of expendable) if (db.prepare(`DELETE FROM ${those}`).run({ chunk }).changes > 0) return [];
    for (const those of unsent) {
      const gaps = db
        .prepare<[{ chunk: number }], Gap>(
          `SELECT epoch, min(seq) AS first, max(seq) AS last, count(*) AS count FROM outbox
            WHERE position IN (${those}) GROUP BY epoch`,
        )
        .all({ chunk });
      if (gaps.length === 0) continue;
      const { changes } = db.prepare(`DELETE FROM outbox WHERE position IN (${those})`).run({ chunk });
      outbox.grew(-changes);
      for (const gap of gaps) outbox.lose(gap);
      return gaps;
    }
    return null;
  })();
}

/** A file of no use but its size: given up when the disk is full, made again when there is room. */
export interface Ballast {
  /** Whether there was one to give up. */
  release(): boolean;
  /** Makes it, if it is missing and would leave as much free as it takes. */
  restore(): void;
  /** Whether as much is free on the disk as the ballast would take. */
  hasRoom(): boolean;
}

export function ballastBeside(path: string, bytes: number): Ballast {
  const name = `${path}-ballast`;
  const free = (): number => {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  };
  return {
    release() {
      const there = statSync(name, { throwIfNoEntry: false }) !== undefined;
      rmSync(name, { force: true });
      return there;
    },
    restore() {
      if (statSync(name, { throwIfNoEntry: false })?.size === bytes || free() < 2 * bytes) return;
      try {
        fill(name, bytes);
      } catch {
        rmSync(name, { force: true });
      }
    },
    hasRoom: () => free() >= bytes,
  };
}

/** Written, not only made so long: a file with holes takes no room. */
function fill(name: string, bytes: number): void {
  const piece = Buffer.alloc(2 ** 16, "mepwatch ballast ");
  const file = openSync(name, "w");
  try {
    while (fstatSync(file).size < bytes) writeSync(file, piece);
  } finally {
    closeSync(file);
  }
}
