import { holesIn, type Ranges } from "../core/ranges.ts";
import type { Env } from "../env.ts";
import type { Lookback } from "../store/journal.ts";
import type { Outbox, Waiting } from "../store/outbox.ts";

/** In what order events leave: those of now before those that waited, those before what is asked for once more. */
export interface Lanes {
  /** What is to be sent next; undefined: nothing now, and if something waits for its turn, `onFree` follows. */
  next(): Flight | undefined;
  /** There may be more than there was. */
  grown(): void;
  /** What stands in the outbox up to there waited, and all of it is still to be sent. */
  begin(lastPosition: number): void;
  /** From the first of these on, all is sent again. */
  rewind(flights: readonly Flight[]): void;
  /** Events of the last days once more; null: too much is asked for already. */
  replay(epoch: string, from: number, to: number): Replay | null;
  stop(): void;
}

/** An event on its way. */
export interface Flight {
  readonly row: Waiting;
  readonly isLate: boolean;
  /** Of the journal: it has no place in the outbox. */
  readonly isReplay: boolean;
}

/** @param rate events a second of those that are late; 0: as many as go */
export function lanesOf(env: Env, outbox: Outbox, journal: Lookback, rate: number, onFree: () => void): Lanes {
  const pace = pacer(env, rate, onFree);
  const again = replays(journal);
  let now = stretch(outbox, outbox.lastPosition, Number.POSITIVE_INFINITY);
  let late = stretch(outbox, 0, outbox.lastPosition);
  return {
    next() {
      const row = now.next();
      if (row !== undefined) return { row, isLate: false, isReplay: false };
      if (!pace.isFree()) return undefined;
      const waited = late.next();
      const old = waited ?? again.next();
      if (old === undefined) return undefined;
      pace.use();
      return { row: old, isLate: true, isReplay: waited === undefined };
    },
    grown: () => now.grown(),
    begin(lastPosition) {
      now = stretch(outbox, lastPosition, Number.POSITIVE_INFINITY);
      late = stretch(outbox, 0, lastPosition);
    },
    rewind(flights) {
      for (const [lane, isOfIt] of [
        [now, false],
        [late, true],
      ] as const) {
        const mine = flights.filter(({ isLate, isReplay }) => !isReplay && isLate === isOfIt);
        if (mine.length > 0) lane.rewind(Math.min(...mine.map(({ row }) => row.position)) - 1);
      }
    },
    replay: again.ask,
    stop: pace.stop,
  };
}

/** Rows read at once. */
const batch = 50;

/** What stands in the outbox behind `from`, up to `until`. */
function stretch(outbox: Outbox, from: number, until: number) {
  let sent = from;
  let ahead: Waiting[] = [];
  let isOver = false;
  return {
    next(): Waiting | undefined {
      if (ahead.length === 0 && !isOver) ahead = [...outbox.after(sent, batch)];
      const row = ahead.shift();
      isOver = row === undefined || row.position > until;
      if (isOver || row === undefined) return undefined;
      sent = row.position;
      return row;
    },
    grown(): void {
      isOver = false;
    },
    /** Everything after this position is sent again. */
    rewind(to: number): void {
      [sent, ahead, isOver] = [Math.min(sent, to), [], false];
    },
  };
}

/** More would be a centre that asks in circles. */
const replaysMax = 20;

/** What will be told once more, and what is gone. */
export interface Replay {
  readonly available: Ranges;
  readonly lost: Ranges;
}

function replays(journal: Lookback) {
  const asked: { epoch: string; from: number; to: number }[] = [];
  let ahead: Waiting[] = [];
  return {
    next(): Waiting | undefined {
      for (let [first] = asked; ahead.length === 0 && first !== undefined; [first] = asked) {
        const { epoch, from, to } = first;
        const end = Math.min(to, from + batch - 1);
        const told = journal.between(epoch, from, end);
        ahead = told.map(({ seq, at, record }) => ({ position: 0, seq, persistedAt: at, record }));
        first.from = end + 1;
        if (end === to) asked.shift();
      }
      return ahead.shift();
    },
    ask(epoch: string, from: number, to: number): Replay | null {
      const available = journal.rangesOf(epoch, from, to);
      if (asked.length + available.length > replaysMax) return null;
      asked.push(...available.map(([first, last]) => ({ epoch, from: first, to: last })));
      return { available, lost: holesIn(available, [from, to]) };
    },
  };
}

/** Lets one pass each 1/`rate` s; `rate` 0: all. */
function pacer(env: Env, rate: number, onFree: () => void) {
  let freeAt = 0;
  let cancel: (() => void) | null = null;
  const leftMs = (): number => freeAt - env.clock.mono();
  return {
    /** If not, `onFree` follows. */
    isFree(): boolean {
      if (rate === 0 || leftMs() <= 0) return true;
      cancel ??= env.after(leftMs(), () => {
        cancel = null;
        onFree();
      });
      return false;
    },
    use(): void {
      if (rate > 0) freeAt = env.clock.mono() + 1000 / rate;
    },
    stop: () => cancel?.(),
  };
}
