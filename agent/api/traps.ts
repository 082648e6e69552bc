import type { Agent } from "../pipeline/agent.ts";
import type { TrapsStatus } from "../pipeline/traps.ts";

/** What `mepwatch traps` shows, as data. Counts since the start of the agent. */
export interface TrapsSnapshot extends TrapCounts {
  readonly refusedBy: readonly {
    readonly why: string;
    readonly count: number;
    /** Of the last one. */
    readonly source: string;
    readonly at: string;
  }[];
  /** Those that were taken, the newest first; those that are alike are one. */
  readonly traps: readonly TrapSnapshot[];
  /** How many of those had to make room for newer ones. */
  readonly forgotten: number;
}

export interface TrapCounts {
  /** Address and port. */
  readonly at: string;
  /** What senders of informs may have to be told of us. */
  readonly known: string;
  /** Why nothing is heard; null: it is. */
  readonly trouble: string | null;
  readonly received: number;
  readonly taken: number;
  /** Senders that asked for our engine first. */
  readonly answered: number;
  readonly refused: number;
  readonly dropped: number;
  readonly isStorm: boolean;
}

export interface TrapSnapshot {
  readonly source: string;
  /** Ids; none: no device of the site is at this address. */
  readonly devices: readonly string[];
  readonly trap: string;
  /** In the device's profile; null: it does not have this one. */
  readonly name: string | null;
  readonly by: string;
  readonly bindings: readonly { readonly name: string; readonly text: string }[];
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

const iso = (wall: number): string => new Date(wall).toISOString();

export function trapCounts({ listener, taken, isStorm }: TrapsStatus): TrapCounts {
  const { at, known, trouble, received, answered, dropped } = listener;
  const refused = listener.refused.reduce((sum, { count }) => sum + count, 0);
  return { at, known, trouble, received, taken, answered, refused, dropped, isStorm };
}

/** Null: the site has no `traps`. */
export function trapsSnapshot(agent: Pick<Agent, "traps">): TrapsSnapshot | null {
  const status = agent.traps();
  if (status === null) return null;
  return {
    ...trapCounts(status),
    refusedBy: status.listener.refused.map((one) => ({ ...one, at: iso(one.at) })),
    traps: status.kept.map((one) => ({ ...one, firstAt: iso(one.firstAt), lastAt: iso(one.lastAt) })),
    forgotten: status.forgotten,
  };
}
