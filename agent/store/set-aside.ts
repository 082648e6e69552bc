import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * Renames a damaged file, and the parts of it that have names of their own, out of the way; of those that stand there
 * already only the newest stay, since a disk that damages one file after the other must not be filled with them.
 *
 * @param parts what the names of its parts end in, "" among them
 * @returns its new name
 * @throws when the folder does not allow it
 */
export function setAside(path: string, wall: number, parts: readonly string[], keptMax: number): string {
  const named = `${path}.corrupt-${stampOf(wall)}`;
  const isFree = (name: string): boolean => parts.every((part) => !existsSync(name + part));
  let file = named;
  for (let n = 2; !isFree(file); n++) file = `${named}-${n}`;
  for (const part of parts) if (existsSync(path + part)) renameSync(path + part, file + part);
  dropOldest(path, parts, keptMax);
  return file;
}

function dropOldest(path: string, parts: readonly string[], keptMax: number): void {
  const prefix = `${basename(path)}.corrupt-`;
  const those = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix));
  const files = those.filter((name) => !parts.some((part) => part !== "" && name.endsWith(part))).sort();
  for (const old of files.slice(0, -keptMax))
    for (const part of parts) rmSync(join(dirname(path), old + part), { force: true });
}

/** 20260101T120000Z */
const stampOf = (wall: number): string => new Date(wall).toISOString().replace(/[-:]|\.\d+/g, "");
