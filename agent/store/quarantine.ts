import Database from "better-sqlite3";
import type { Gap } from "./outbox.ts";
import { setAside } from "./set-aside.ts";

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
const keptMax = 3;

/** Sets the store's file aside, with all that belongs to it, and tells what was in it. */
export function quarantine(path: string, wall: number, why: string): Loss {
  const known = lossOf(path);
  return { why, file: setAside(path, wall, parts, keptMax), ...known };
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
