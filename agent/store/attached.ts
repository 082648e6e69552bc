import { rmSync } from "node:fs";
import { failureOf } from "./failure.ts";
import type { Gatherer } from "./gatherer.ts";
import type { HistoryOptions } from "./history.ts";
import { type HistoryFile, openHistoryFile } from "./history-file.ts";
import { unpackMixed } from "./samples.ts";
import { setAside } from "./set-aside.ts";

/** The file of the history as long as there is one: a broken one is set aside and another begun, else there is none. */
export interface Attached {
  file(): HistoryFile | null;
  /** What the file calls the point at this place in the list. */
  idOf(place: number): number;
  placeOf(id: number): number | undefined;
  /** From engine time to the file's. */
  readonly shift: number;
  /** Up to which event raises were told when it was opened. */
  readonly seq: number;
  /** Gives `otherwise` where it throws, which is reported. */
  guarded<T>(otherwise: T, work: () => T): T;
  /** What was reported is over: it will be again. */
  isWell(): void;
  close(): void;
}

/** One is enough to look into; what was not yet in the file itself is of no use. */
function letOut(path: string, wall: number): string {
  for (const part of ["-wal", "-shm"]) rmSync(path + part, { force: true });
  return setAside(path, wall, [""], 1);
}

/** Also one that is no history: nothing that passes by itself. */
const isBroken = (error: unknown): boolean =>
  failureOf(error) === "damaged" || (error as { readonly code?: unknown } | null)?.code === "SQLITE_ERROR";

const gapMax = 30 * 86_400_000;

export function attached(options: HistoryOptions, memory: Gatherer): Attached {
  const { env, path, points, bytesMax, epoch } = options;
  let file: HistoryFile | null = null;
  // Without a file, numbers that none has.
  let ids: readonly number[] = points.map((_, place) => -1 - place);
  let places = placesOf(ids);
  let before = { shift: 0, seq: options.lastSeq };
  let isTold = false;

  const open = (): HistoryFile => {
    file = openHistoryFile(path, bytesMax);
    ids = file.ids(points.map(({ id }) => id));
    places = placesOf(ids);
    return file;
  };
  const begin = (): void => {
    const opened = open();
    refill(opened, memory, places);
    before = goOn(opened, memory.newest, options);
  };
  const report = (error: unknown): void => {
    if (!isTold) env.report("history.failed", { file: path, error: messageOf(error) });
    isTold = true;
  };
  const letGo = (): void => {
    const old = file;
    file = null;
    old?.close();
  };
  const trying = (work: () => void, failed: (error: unknown) => void): void => {
    try {
      work();
    } catch (error) {
      failed(error);
    }
  };
  /** A broken file is set aside and another begun; where that cannot be, there is none from then on. */
  const replace = (error: unknown, again: () => void): void =>
    trying(
      () => {
        letGo();
        env.report("history.set_aside", { file: letOut(path, env.clock.wall()), error: messageOf(error) });
        again();
      },
      (also) => {
        report(also);
        trying(letGo, () => {});
      },
    );
  const guarded = <T>(otherwise: T, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (isBroken(error)) replace(error, () => keepMeta(open(), { epoch, ...before }));
      else report(error);
      return otherwise;
    }
  };
  trying(begin, (error) => {
    if (isBroken(error)) return replace(error, begin);
    report(error);
    trying(letGo, () => {});
  });
  return {
    file: () => file,
    idOf: (place) => ids[place] ?? 0,
    placeOf: (id) => places.get(id),
    ...before,
    guarded,
    isWell: () => {
      isTold = false;
    },
    close: () => trying(letGo, report),
  };
}

const placesOf = (ids: readonly number[]): ReadonlyMap<number, number> => new Map(ids.map((id, place) => [id, place]));

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What had no block of its own yet when the last run ended, however it did. */
function refill(file: HistoryFile, memory: Gatherer, places: ReadonlyMap<number, number>): void {
  const blocked = new Map<number, number>();
  const isBlocked = (id: number, at: number): boolean => {
    const until = blocked.get(id) ?? file.lastOf(id);
    blocked.set(id, until);
    return at <= until;
  };
  for (const { id: serial, stamp, packed } of file.fresh()) {
    memory.numberFrom(serial + 1);
    const placeOf = (id: number, at: number) => (isBlocked(id, at) ? undefined : places.get(id));
    memory.restore(serial, stamp, unpackMixed(packed), placeOf);
  }
}

/** Engine time that begins anew, or goes back, is shifted behind what the file has; by the wall clock, if that is believable. */
function goOn(file: HistoryFile, newest: number, { epoch, lastSeq, now }: HistoryOptions) {
  const isSame = file.meta("epoch") === epoch;
  const seq = isSame ? Number(file.meta("seq") ?? lastSeq) : lastSeq;
  const last = Math.max(newest, file.newestBlock());
  let shift = isSame ? Number(file.meta("shift") ?? 0) : 0;
  if (last > Number.NEGATIVE_INFINITY && (!isSame || now.at + shift < last)) {
    const away = now.wall - (last + file.newestStamp());
    shift = last + (away > 0 && away <= gapMax ? away : 1) - now.at;
  }
  keepMeta(file, { epoch, shift, seq });
  return { shift, seq };
}

function keepMeta(
  file: HistoryFile,
  meta: { readonly epoch: string; readonly shift: number; readonly seq: number },
): void {
  for (const [name, value] of Object.entries(meta)) file.setMeta(name, value);
}
