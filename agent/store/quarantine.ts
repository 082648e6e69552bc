import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import type { Gap } from "./outbox.ts";

/** What was lost with a file, as far as that can be told. */
export interface Loss {
  /** What was wrong. */
  readonly why: string;
  /** Where the damaged file is now; null: it stayed where it is. */
  readonly file: string | null;
  /** Events that waited in it unsent, as far as it can still be read; null: that is not known. */
  readonly unsent: readonly Gap[] | null;
  /** Whether the last accepted configuration was in it; null: that is not known. */
  readonly config: boolean | null;
}

const parts = ["", "-wal", "-shm", "-last"];

/** A disk that damages one file after the other must not be filled with them. */
const keptMax = 3;

/** Renames the file and what belongs to it; only the oldest of those that stand there already go. @param stamp what the names end in, such as 20260101T120000Z */
export function setAside(path: string, stamp: string, why: string): Loss {
  const known = lossOf(path);
  const free = (name: string): boolean => parts.every((part) => !existsSync(name + part));
  let file = `${path}.corrupt-${stamp}`;
  for (let n = 2; !free(file); n++) file = `${path}.corrupt-${stamp}-${n}`;
  for (const part of parts) if (existsSync(path + part)) renameSync(path + part, file + part);
  dropOldest(path);
  return { why, file, ...known };
}

function dropOldest(path: string): void {
  const prefix = `${basename(path)}.corrupt-`;
  const those = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix));
  const stores = those.filter((name) => !parts.some((part) => part !== "" && name.endsWith(part))).sort();
  for (const old of stores.slice(0, -keptMax))
    for (const part of parts) rmSync(join(dirname(path), old + part), { force: true });
}

/** What is damaged elsewhere may still tell of this. */
function lossOf(path: string): Pick<Loss, "unsent" | "config"> {
  return {
    unsent:
      ask<Gap>(
        path,
        "SELECT epoch, min(seq) AS first, max(seq) AS last, count(*) AS count FROM outbox GROUP BY epoch",
      )?.filter(isLikely) ?? null,
    config: ask(path, "SELECT 1 FROM meta WHERE name = 'config'")?.length === 1 ? true : null,
  };
}

function ask<T>(path: string, question: string): T[] | null {
  let db: Database.Database | null = null;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    return db.prepare<[], T>(question).all();
  } catch {
    return null;
  } finally {
    db?.close();
  }
}

const isLikely = ({ epoch, first, last, count }: Gap): boolean =>
  /^[\da-f-]{36}$/.test(epoch) && first >= 1 && last - first + 1 >= count && Number.isSafeInteger(last);

/** 20260101T120000Z */
export const stampOf = (wall: number): string => new Date(wall).toISOString().replace(/[-:]|\.\d+/g, "");
