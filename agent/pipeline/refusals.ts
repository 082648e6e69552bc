import type { Env } from "../env.ts";

/**
 * What strangers can bring about in any number, for a record that is not to be filled by them: of each kind the first is
 * written, then a line a minute that says how many there were since.
 */
export interface Refusals<T> {
  note(kind: string, one: T): void;
  /** Writes what was only counted. */
  stop(): void;
}

const minuteMs = 60_000;

/** @param count of how many `one` is the newest */
export function refusalsOf<T>(env: Env, write: (one: T, count: number) => void): Refusals<T> {
  const kinds = new Map<string, { newest: T | null; count: number; cancel(): void }>();
  const tell = (kind: string): void => {
    const { newest, count } = kinds.get(kind) ?? { newest: null, count: 0 };
    kinds.delete(kind);
    if (newest === null) return;
    write(newest, count);
    open(kind);
  };
  const open = (kind: string): void => {
    kinds.set(kind, { newest: null, count: 0, cancel: env.after(minuteMs, () => tell(kind)) });
  };
  return {
    note(kind, one) {
      const counted = kinds.get(kind);
      if (counted === undefined) {
        write(one, 1);
        open(kind);
      } else {
        counted.newest = one;
        counted.count++;
      }
    },
    stop() {
      for (const { newest, count, cancel } of kinds.values()) {
        cancel();
        if (newest !== null) write(newest, count);
      }
      kinds.clear();
    },
  };
}
