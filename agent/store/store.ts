import type { Env } from "../env.ts";
import type { AgentEventCode, Facts } from "../events.ts";
import type { CommandMemory } from "./commands.ts";
import { secondPathName } from "./handover.ts";
import { type Home, lossName, openHome } from "./home.ts";
import type { Lookback } from "./journal.ts";
import type { Outbox } from "./outbox.ts";
import type { Loss } from "./quarantine.ts";

/**
 * What must not be lost: conditions, open incidents and events on their way, in one SQLite file; and, for
 * looking back, a journal. `commit` is one
 * transaction with synchronous=FULL: all of it is on disk when it returns, or none of it and it throws. A commit
 * that threw may have landed all the same, so a cycle is repeated as it was, and repeating changes nothing.
 *
 * A disk that fails is no reason not to tell what happens: then the store goes on in memory, in an epoch of its own, until
 * the disk is back (home.ts).
 */
export interface Store {
  /** As it was found. */
  readonly kept: Kept;
  readonly epoch: string;
  readonly health: Health;
  readonly outbox: Outbox;
  readonly journal: Lookback;
  /**
   * If `epoch` is another after it than before, nothing of the cycle was kept, nor anything before it: it is to be numbered
   * anew and committed with all state there is (`incidents`).
   */
  commit(cycle: Cycle): void;
  /** The configuration that was last accepted, as its files; null before the first. */
  acceptedConfig(): Readonly<Record<string, string>> | null;
  acceptConfig(files: Readonly<Record<string, string>>): void;
  /** Who each device was when it was accepted, JSON by device id. */
  pinned(): ReadonlyMap<string, string>;
  /** On disk when it returns, unless the store is in memory; throws where it is not kept. */
  pin(device: string, identity: string): void;
  /** What was told past the centre, JSON; null: nothing ever was. */
  secondPath(): string | null;
  /** On disk when it returns, unless the store is in memory; throws where it is not kept. */
  keepSecondPath(json: string): void;
  /** What was learnt of the devices of a bus, JSON; null: nothing yet. */
  learnt(bus: string): string | null;
  /** On disk when it returns, unless the store is in memory; throws where it is not kept. */
  keepLearnt(bus: string, json: string): void;
  /** What the centre has commanded. */
  readonly commands: CommandMemory;
  /** 1, 2, …: a new number for each call, also after a restart. */
  nextBdSeq(): number;
  /** The loss in `health` is told: the next start need not tell it. */
  lossTold(): void;
  /** Tries whether a disk that failed is back, and makes the room anew that was given up for it. Takes up to a second. */
  heal(): void;
  /** Idempotent. */
  close(): void;
}

export interface Health {
  /** Why nothing is kept on the disk; null: all is. */
  readonly degraded: string | null;
  /** What was lost with a damaged file since the store was opened; null: nothing. */
  readonly loss: Loss | null;
}

/** What was there when the store was opened. */
export interface Kept {
  /** Made with the file: sequence numbers of different epochs are not related. */
  readonly epoch: string;
  readonly lastSeq: number;
  readonly clock: SavedClock | null;
  /** What the pipeline keeps of calls, JSON. */
  readonly calls: string | null;
  /** What it keeps of modes and the calendar, JSON. */
  readonly plans: string | null;
  /** JSON by condition key. */
  readonly conditions: ReadonlyMap<string, string>;
  readonly incidents: ReadonlyMap<string, string>;
}

/** All clocks at one instant, to go on from after a restart. */
export interface SavedClock {
  readonly engineMs: number;
  readonly wallMs: number;
  readonly monoMs: number;
  readonly bootId: string;
}

export interface Cycle {
  readonly clock: SavedClock;
  /** What the pipeline keeps of calls, JSON; absent: as it was. */
  readonly calls?: string;
  /** Likewise of modes and the calendar. */
  readonly plans?: string;
  /** State of each condition that changed, JSON, by key. */
  readonly conditions: ReadonlyMap<string, string>;
  /** Newest record of each incident that was open before it, by key, where the store has them not; absent: it has. */
  readonly incidents?: ReadonlyMap<string, string>;
  readonly events: readonly OutboundEvent[];
}

export interface OutboundEvent {
  readonly seq: number;
  /** When it happened, ms since the Unix epoch. */
  readonly at: number;
  readonly incident: string;
  /** Condition key of the incident it belongs to. */
  readonly key: string;
  /** Whether the incident is open after this event. */
  readonly open: boolean;
  readonly persistedAt: number;
  readonly record: string;
}

/** @param quotaMiB most that it takes of the disk; @param wall ms since the Unix epoch; @param report what an operator should know of; @param crashSite see `Env` */
export interface StoreOptions {
  readonly quotaMiB?: number;
  readonly crashSite?: Env["crashSite"];
  wall?(): number;
  report?(code: AgentEventCode, facts: Facts): void;
}

export const quotaMiB = 256;

const learntName = (bus: string): string => `learnt ${bus}`;

const defaults = { quotaMiB, wall: () => 0, report: () => {}, crashSite: () => {} } as const;

/** @throws when the file cannot be opened by fault of nobody's disk, or is no store of this version or an older one. */
export function openStore(path: string, newEpoch: () => string, options: StoreOptions = {}): Store {
  // SQLite's names for a database that is gone with the process.
  if (path === "" || path === ":memory:") throw new Error("this is no file, so nothing would be kept");
  const home = openHome(path, { newEpoch, ...defaults, ...options });
  const { on } = home;
  const { crashSite } = { ...defaults, ...options };
  let bdSeq = 0;
  return {
    kept: home.kept,
    get epoch() {
      return home.file.kept.epoch;
    },
    get health() {
      return { degraded: home.degraded, loss: home.loss };
    },
    outbox: outboxOf(home),
    journal: {
      ofIncidents: (incidents) => on(({ journal }) => journal.ofIncidents(incidents)),
      newestOf: (keys) => on(({ journal }) => journal.newestOf(keys)),
      between: (...asked) => on(({ journal }) => journal.between(...asked)),
      firstOf: (of) => on(({ journal }) => journal.firstOf(of)),
      rangesOf: (...asked) => on(({ journal }) => journal.rangesOf(...asked)),
      since: (...asked) => on(({ journal }) => journal.since(...asked)),
    },
    commit(cycle) {
      const { epoch } = home.file.kept;
      let isKept = false;
      on((file) => {
        if (file.kept.epoch !== epoch) return;
        home.keepRoom(file);
        file.commit(cycle);
        isKept = true;
      });
      if (isKept) home.landed(cycle.incidents !== undefined);
    },
    acceptedConfig: () =>
      on(({ meta }) => JSON.parse(meta.get("config") ?? "null") as Readonly<Record<string, string>> | null),
    acceptConfig(files) {
      crashSite("before-accept");
      on(({ meta }) => meta.set("config", JSON.stringify(files)));
      crashSite("after-accept");
    },
    pinned: () => on((file) => file.pinned()),
    pin: (device, identity) => on((file) => file.pin(device, identity)),
    secondPath: () => on(({ meta }) => meta.get(secondPathName) ?? null),
    keepSecondPath: (json) => void on(({ meta }) => meta.set(secondPathName, json)),
    learnt: (bus) => on(({ meta }) => meta.get(learntName(bus)) ?? null),
    keepLearnt: (bus, json) => void on(({ meta }) => meta.set(learntName(bus), json)),
    commands: {
      find: (cmdId) => on(({ commands }) => commands.find(cmdId)),
      taker: (nonce) => on(({ commands }) => commands.taker(nonce)),
      begin: (command, now) => on(({ commands }) => commands.begin(command, now)),
      end: (cmdId, result) => on(({ commands }) => commands.end(cmdId, result)),
      get forgottenTo() {
        return on(({ commands }) => commands.forgottenTo);
      },
    },
    nextBdSeq() {
      bdSeq = on(({ meta }) => Number(meta.set("bdSeq", String(Math.max(bdSeq, Number(meta.get("bdSeq") ?? 0)) + 1))));
      return bdSeq;
    },
    lossTold: () => void on(({ meta }) => meta.set(lossName, "")),
    heal: home.heal,
    close: home.close,
  };
}

function outboxOf({ on }: Home): Outbox {
  return {
    after: (position, limit) => on(({ outbox }) => outbox.after(position, limit)),
    trim: (positions) => on(({ outbox }) => outbox.trim(positions)),
    park: (position) => on(({ outbox }) => outbox.park(position)),
    toldOf: (gap) => on(({ outbox }) => outbox.toldOf(gap)),
    waits: (epoch, seq) => on(({ outbox }) => outbox.waits(epoch, seq)),
    get gap() {
      return on(({ outbox }) => outbox.gap);
    },
    get first() {
      return on(({ outbox }) => outbox.first);
    },
    get lastPosition() {
      return on(({ outbox }) => outbox.lastPosition);
    },
    get depth() {
      return on(({ outbox }) => outbox.depth);
    },
    get oldestAt() {
      return on(({ outbox }) => outbox.oldestAt);
    },
  };
}
