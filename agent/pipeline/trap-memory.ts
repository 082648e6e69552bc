import type { Hint } from "../../drivers/driver.ts";
import type { Wall } from "../core/sample.ts";

/**
 * The traps that came, known or not, for people to look at: those that are alike are one, with a count. Bounded, so that no sender
 * can fill it: the oldest go, of a source that has many its own, and those of strangers before those of devices.
 */
export interface TrapMemory {
  note(heard: HeardTrap, at: Wall): void;
  /** The newest first. */
  all(): readonly KeptTrap[];
  /** How many went. */
  readonly forgotten: number;
}

export interface HeardTrap extends Pick<Hint, "source" | "trap" | "by" | "bindings"> {
  /** Its name in the profile of one of `devices`; null: no profile has it. */
  readonly name: string | null;
  /** Ids of the devices that it may be from; none: nobody knows the source. */
  readonly devices: readonly string[];
}

/** The newest of those that are alike: same source, same trap, about the same objects. */
export interface KeptTrap extends HeardTrap {
  readonly count: number;
  readonly firstAt: Wall;
  readonly lastAt: Wall;
}

const keptMax = 300;
const perSourceMax = 60;

export function trapMemory(): TrapMemory {
  /** The oldest first. */
  const kept = new Map<string, KeptTrap>();
  let forgotten = 0;

  const makeRoom = (source: string): void => {
    const all = [...kept];
    const own = all.filter(([, one]) => one.source === source);
    if (own.length < perSourceMax && kept.size < keptMax) return;
    const stranger = all.find(([, { devices }]) => devices.length === 0);
    const [oldest] = own.length >= perSourceMax ? own : [stranger ?? all[0]];
    kept.delete(oldest?.[0] ?? "");
    forgotten++;
  };

  return {
    note(heard, at) {
      const key = [heard.source, heard.trap, heard.by, ...heard.bindings.map(({ name }) => name)].join(" ");
      const before = kept.get(key);
      if (before === undefined) makeRoom(heard.source);
      kept.delete(key);
      kept.set(key, { ...heard, count: (before?.count ?? 0) + 1, firstAt: before?.firstAt ?? at, lastAt: at });
    },
    all: () => [...kept.values()].reverse(),
    get forgotten() {
      return forgotten;
    },
  };
}
