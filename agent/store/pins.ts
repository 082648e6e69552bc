import { readFileSync, statSync } from "node:fs";
import Database from "better-sqlite3";

/** Beyond it, reading it all would take the memory of a small gateway. */
const bytesMax = 256 * 2 ** 20;

/**
 * Who each device was when it was accepted, by device, as the store at this path has it, for who looks while no agent runs. The
 * file is read, never opened: SQLite would leave files beside it, of another user maybe, on which the agent then fails. What still
 * stands in a log beside it is not seen. Empty where there is no store, or none that can be read.
 */
export function pinsIn(path: string): ReadonlyMap<string, string> {
  try {
    if (statSync(path).size > bytesMax) return new Map();
    const bytes = readFileSync(path);
    // As the header says, the file has a write-ahead log, which a copy in memory has not: as of one without (file format, 1.3.3).
    bytes.fill(1, 18, 20);
    const db = new Database(bytes, { readonly: true });
    try {
      const rows = db.prepare<[], { device: string; identity: string }>("SELECT device, identity FROM pinned").all();
      return new Map(rows.filter(isWhole).map(({ device, identity }) => [device, identity]));
    } finally {
      db.close();
    }
  } catch {
    return new Map();
  }
}

/** @throws where it is no JSON, which no store writes */
function isWhole({ identity }: { identity: string }): boolean {
  const { parts } = JSON.parse(identity);
  return typeof parts === "object" && parts !== null;
}
