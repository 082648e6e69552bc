import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

/**
 * How far the store had come, in a small file beside it: by it commits are missed that were cut off the end of the
 * write-ahead log, where SQLite sees nothing wrong. Written after each commit and never synced, so it may lag behind after a
 * power cut, but is never ahead of what was on the disk.
 */
export interface Witness {
  note(seen: Seen): void;
  /** Null: nothing believable is there. */
  read(): Seen | null;
  close(): void;
}

export interface Seen {
  readonly epoch: string;
  readonly turn: number;
  readonly lastSeq: number;
}

/** So that a shorter line overwrites a longer one. */
const width = 120;

export function witnessBeside(path: string): Witness {
  const name = `${path}-last`;
  let file: number | null = null;
  const close = (): void => {
    if (file !== null) closeSync(file);
    file = null;
  };
  return {
    note({ epoch, turn, lastSeq }) {
      try {
        file ??= openSync(name, "w");
        const said = `${epoch} ${turn} ${lastSeq}`;
        writeSync(file, `${said} ${crc32(said)}`.padEnd(width), 0);
      } catch {
        // A stale one would accuse a good store of a loss.
        close();
        rmSync(name, { force: true });
      }
    },
    read() {
      try {
        const [, said = "", sum] = /^(.*) (\d+) *$/.exec(readFileSync(name, "utf8")) ?? [];
        const [epoch = "", turn, lastSeq] = said.split(" ");
        return Number(sum) === crc32(said) ? { epoch, turn: Number(turn), lastSeq: Number(lastSeq) } : null;
      } catch {
        return null;
      }
    },
    close,
  };
}
