import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** What an error of SQLite says of the file. */
const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";

/** Whether it is no database, or not one of ours: nothing that passes by itself. */
export const isBroken = (error: unknown): boolean => /^SQLITE_(CORRUPT|NOTADB|ERROR)/.test(codeOf(error));

export const isFull = (error: unknown): boolean => codeOf(error).startsWith("SQLITE_FULL");

/**
 * Renames an expendable file out of the way, and lets go the one that was set aside before it: there is one at most.
 * @returns its new name
 * @throws when the folder does not allow it
 */
export function setAside(path: string, wall: number): string {
  const mark = `${basename(path)}.corrupt-`;
  for (const name of readdirSync(dirname(path))) if (name.startsWith(mark)) rmSync(join(dirname(path), name));
  const to = `${path}.corrupt-${new Date(wall).toISOString().replaceAll(":", "")}`;
  renameSync(path, to);
  for (const also of ["-wal", "-shm"]) if (existsSync(path + also)) rmSync(path + also);
  return to;
}
