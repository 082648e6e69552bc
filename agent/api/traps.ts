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
  readonly listeners: readonly ListenerCounts[];
  readonly taken: number;
  readonly isStorm: boolean;
}

export interface ListenerCounts {
  /** Of the site file, which has its options. */
  readonly section: string;
  /** Address and port. */
  readonly at: string;
  /** What senders of informs may have to be told of us. */
  readonly known: string;
  /** Why nothing is heard; null: it is. */
  readonly trouble: string | null;
  readonly received: number;
  /** Senders that asked for our engine first. */
  readonly answered: number;
  readonly refused: number;
  readonly dropped: number;
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

export function trapCounts({ listeners, taken, isStorm }: TrapsStatus): TrapCounts {
  const counts = [...listeners].map(([section, { refused, ...one }]) => ({
    ...{ section, ...one },
    refused: refused.reduce((sum, { count }) => sum + count, 0),
  }));
  return { listeners: counts, taken, isStorm };
}

/** Null: the site listens to nobody. */
export function trapsSnapshot(agent: Pick<Agent, "traps">): TrapsSnapshot | null {
  const status = agent.traps();
  if (status === null) return null;
  return {
    ...trapCounts(status),
    refusedBy: [...status.listeners.values()].flatMap(({ refused }) =>
      refused.map((one) => ({ ...one, at: iso(one.at) })),
    ),
    traps: status.kept.map((one) => ({ ...one, firstAt: iso(one.firstAt), lastAt: iso(one.lastAt) })),
    forgotten: status.forgotten,
  };
}
