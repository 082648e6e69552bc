import type { PointId } from "../core/sample.ts";
import { aroundMs, keepEvidence, type ReadPoint } from "./evidence.ts";
import type { Gatherer } from "./gatherer.ts";
import type { HistoryOptions, Raise } from "./history.ts";
import { type HistoryFile, openHistoryFile } from "./history-file.ts";
import { tidy } from "./rollup.ts";
import { isBroken, isFull, setAside } from "./set-aside.ts";
import { pack, packMixed, unpackMixed } from "./samples.ts";

const flushMs = 5000;
/** Samples of a point wait at most so long for a block of their own. */
const stretchMs = 3_600_000;
const blocksAtOnce = 2000;
/** Where room has run out before its time. */
const roomAtOnce = 500;
/** What memory holds while nothing can be written; beyond it the oldest go. */
const chunksMax = 100;
const endedMax = 20_000;
const gapMax = 30 * 86_400_000;

/** Brings what is gathered into the file, some seconds of it in one transaction, and lives with whatever the disk does. */
export function historyKeeper(options: HistoryOptions, memory: Gatherer, read: ReadPoint) {
  const { env, path, points, keepMs, bytesMax } = options;
  const begun = env.clock.mono();
  let file: HistoryFile | null = null;
  /** Without a file, numbers that none has. */
  let ids: readonly number[] = points.map((_, place) => -1 - place);
  let places = placesOf(ids);
  let { shift, seq } = { shift: 0, seq: options.lastSeq };
  let raises: { readonly incident: string; readonly place: number; readonly raised: number }[] = [];
  let isTold = false;

  const now = (): number => Math.floor(options.now.at + env.clock.mono() - begun) + shift;
  const attach = (): HistoryFile => {
    const opened = openHistoryFile(path, bytesMax);
    ids = opened.ids(points.map(({ id }) => id));
    places = placesOf(ids);
    return opened;
  };
  const begin = (): void => {
    file = attach();
    refill(file, memory, places);
    ({ shift, seq } = goOn(file, memory.newest, options));
    for (const { point, raised } of file.wanted(Number.MAX_SAFE_INTEGER, points.length))
      memory.watch(file.nameOf(point) ?? "", raised + aroundMs);
  };
  const giveUp = (error: unknown): void => {
    if (!isTold) env.report("history.failed", { file: path, error: messageOf(error) });
    isTold = true;
  };
  /** A broken file goes out of the way, and another is begun by `again`; all else may pass by itself. */
  const mend = (error: unknown, again: () => void): void => {
    if (!isBroken(error)) return giveUp(error);
    try {
      file?.close();
      file = null;
      const to = setAside(path, env.clock.wall());
      env.report("history.set_aside", { file: to, error: messageOf(error) });
      again();
    } catch (also) {
      file = null;
      giveUp(also);
    }
  };

  const write = (to: HistoryFile): void => {
    const [chunks, ended] = [memory.chunks.length, Math.min(memory.ended.length, blocksAtOnce)];
    to.inOne(() => {
      for (const { place, ...raise } of raises) to.want({ ...raise, point: ids[place] ?? 0 });
      to.setMeta("seq", seq);
      keepEvidence(to, now(), bytesMax, read);
      tidy(to, now(), keepMs, ended);
      for (const { serial, stamp, samples } of memory.chunks)
        to.addFresh(serial, Math.round(stamp), packMixed(samples, (place) => ids[place] ?? 0));
      for (const { place, stamp, samples } of memory.ended.slice(0, ended)) {
        const [first, last] = [samples.ats[0] ?? 0, samples.ats[samples.count - 1] ?? 0];
        to.addBlock({ point: ids[place] ?? 0, first, last, stamp: Math.round(stamp), packed: pack(samples, first) });
      }
      to.dropFreshBefore(memory.neededFrom(ended));
    });
    memory.letGo(chunks, ended);
    raises = [];
    isTold = false;
  };
  const flush = (): void => {
    memory.endBefore(now() - stretchMs);
    try {
      if (file !== null) makingRoom(file, write);
    } catch (error) {
      mend(error, () => {
        file = attach();
        keepMeta(file, options.epoch, shift, seq);
      });
    }
    const kept = file === null ? 0 : chunksMax;
    memory.letGo(Math.max(0, memory.chunks.length - kept), Math.max(0, memory.ended.length - endedMax));
  };

  try {
    begin();
  } catch (error) {
    mend(error, begin);
  }
  let cancel = env.after(flushMs, function again() {
    flush();
    cancel = env.after(flushMs, again);
  });
  const guarded = <T>(otherwise: T, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      mend(error, () => {
        file = attach();
        keepMeta(file, options.epoch, shift, seq);
      });
      return otherwise;
    }
  };
  return {
    file: () => file,
    placeOf: (id: number) => places.get(id),
    shift: () => shift,
    seq: () => seq,
    now,
    flush,
    guarded,
    /** `work` is given the number of a point. */
    asked<T>(point: PointId, otherwise: T, work: (id: number) => T): T {
      const id = ids[memory.placeOf(point) ?? -1];
      return id === undefined ? otherwise : guarded(otherwise, () => work(id));
    },
    want(all: readonly Raise[], until: number): void {
      seq = Math.max(seq, until);
      for (const { incident, at, points: wanted } of all) {
        for (const point of wanted) {
          const place = memory.placeOf(point);
          if (place === undefined || file === null) continue;
          raises.push({ incident, place, raised: at + shift });
          memory.watch(point, at + shift + aroundMs);
        }
      }
    },
    close(): void {
      cancel();
      flush();
      try {
        file?.close();
      } catch (error) {
        giveUp(error);
      }
      file = null;
    },
  };
}

const placesOf = (ids: readonly number[]): ReadonlyMap<number, number> => new Map(ids.map((id, place) => [id, place]));

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Where the disk or the quota has no more room, the oldest go at once. */
function makingRoom(file: HistoryFile, write: (file: HistoryFile) => void): void {
  try {
    write(file);
  } catch (error) {
    if (!isFull(error)) throw error;
    file.inOne(() => void file.dropOldestBlocks(roomAtOnce));
    write(file);
  }
}

/** What had no block of its own yet when the last run ended, however it did. */
function refill(file: HistoryFile, memory: Gatherer, places: ReadonlyMap<number, number>): void {
  const blockedUntil = new Map<number, number>();
  const isBlocked = (id: number, at: number): boolean => {
    const until = blockedUntil.get(id) ?? file.lastOf(id);
    blockedUntil.set(id, until);
    return at <= until;
  };
  for (const { id: serial, stamp, packed } of file.fresh()) {
    memory.numberFrom(serial + 1);
    const samples = unpackMixed(packed);
    memory.restore(serial, stamp, samples, (id, at) => (isBlocked(id, at) ? undefined : places.get(id)));
  }
}

/** By how much engine time is shifted, and up to which event raises are known. */
function goOn(file: HistoryFile, newest: number, { epoch, lastSeq, now }: HistoryOptions) {
  const isSame = file.meta("epoch") === epoch;
  const seq = isSame ? Number(file.meta("seq") ?? lastSeq) : lastSeq;
  const block = file.newestBlock();
  const last = Math.max(newest, block?.last ?? newest);
  let shift = isSame ? Number(file.meta("shift") ?? 0) : 0;
  if (Number.isFinite(last) && (!isSame || now.at + shift <= last)) {
    const away = now.wall - (last + file.newestStamp());
    shift = last + (away > 0 && away <= gapMax ? away : 1) - now.at;
  }
  keepMeta(file, epoch, shift, seq);
  return { shift, seq };
}

function keepMeta(file: HistoryFile, epoch: string, shift: number, seq: number): void {
  for (const [name, value] of Object.entries({ epoch, shift, seq })) file.setMeta(name, value);
}
