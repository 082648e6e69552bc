import type { Site } from "../config/resolved.ts";
import type { Memory } from "../core/memory.ts";
import type { Env } from "../env.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { Cycle, OutboundEvent, Store } from "../store/store.ts";
import type { IncidentBook } from "./book.ts";
import type { EngineClock } from "./clock.ts";
import { allConditions } from "./judge.ts";

/** A cycle to commit, and what follows when it is; both with its records as they are numbered then. */
export interface Pending {
  readonly records: readonly EventRecord[];
  /** `isWhole`: with all state there is. */
  cycle(records: readonly EventRecord[], isWhole: boolean): Cycle;
  land(records: readonly EventRecord[]): void;
}

/** What a cycle comes to. */
export interface Judged extends Pick<Pending, "records" | "land"> {
  readonly conditions: ReadonlyMap<string, string>;
  /** What else is to be committed with it; `isWhole`: with all state there is. */
  rest?(isWhole: boolean, hasEvents: boolean): Partial<Cycle>;
}

interface Stamped {
  readonly env: Env;
  readonly site: Site;
  readonly clock: EngineClock;
}

/** Stamped with the clocks of now, whenever it lands. */
export const pendings =
  ({ env, site, clock }: Stamped, memory: Memory, book: IncidentBook) =>
  ({ records, conditions, rest, land }: Judged): Pending => {
    const saved = clock.save();
    const cycle = (told: readonly EventRecord[], isWhole: boolean): Cycle => ({
      clock: saved,
      conditions: isWhole ? new Map([...allConditions(site, memory), ...conditions]) : conditions,
      events: told.map(outbound(env)),
      ...(isWhole ? { incidents: book.kept() } : {}),
      ...rest?.(isWhole, told.length > 0),
    });
    return { records, cycle, land };
  };

/** More would be no disk that fails but a store that is wrong. */
const movesMax = 5;

/** Commits cycles in order: one whose commit failed stands before all others until it has landed. */
export function committer(env: Env, store: Store, book: IncidentBook) {
  let failed: Pending | null = null;
  const put = ({ records, cycle }: Pending): readonly EventRecord[] => {
    for (let moves = 0; moves < movesMax; moves++) {
      const { epoch } = store;
      const told = book.numbered(records, epoch);
      store.commit(cycle(told, epoch !== book.epoch()));
      if (store.epoch !== epoch) continue;
      book.move(epoch);
      return told;
    }
    throw new Error(`bug: the store has moved ${movesMax} times`);
  };
  const commit = (pending: Pending): void => {
    failed = pending;
    let told: readonly EventRecord[];
    try {
      env.crashSite("before-commit");
      told = put(pending);
    } catch (error) {
      env.report("commit.failed", { error: error instanceof Error ? error.message : String(error) });
      return;
    }
    failed = null;
    env.crashSite("after-commit");
    pending.land(told);
  };
  /** Tries the one that failed once more; whether none is left. */
  const again = (): boolean => {
    if (failed !== null) commit(failed);
    return failed === null;
  };
  return { commit, again: Object.assign(again, { isNeeded: () => failed !== null }) };
}

const outbound =
  (env: Env) =>
  (record: EventRecord): OutboundEvent => ({
    seq: record.seq,
    at: Date.parse(record.at),
    incident: record.incidentId,
    key: record.conditionKey,
    open: record.open,
    persistedAt: Math.round(env.clock.wall()),
    record: JSON.stringify(record),
  });
