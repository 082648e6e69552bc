import { attached } from "./attached.ts";
import { aroundMs, keepEvidence, type ReadPoint } from "./evidence.ts";
import { failureOf } from "./failure.ts";
import type { Gatherer } from "./gatherer.ts";
import type { HistoryOptions, Raise } from "./history.ts";
import type { HistoryFile } from "./history-file.ts";
import { tidy } from "./rollup.ts";
import { pack, packMixed } from "./samples.ts";

const flushMs = 5000;
/** A disk that does not take it is left alone so long: trying may take time. */
const retryMs = 60_000;
/** Samples of a point wait at most so long for a block of their own. */
const stretchMs = 3_600_000;
const blocksAtOnce = 1000;
/** Where room has run out before its time. */
const roomAtOnce = 500;
/** What memory holds while nothing can be written; beyond it the oldest go. */
const chunksMax = 100;
const endedMax = 20_000;
const raisesMax = 10_000;

/** Brings what is gathered into the file, some seconds of it in one transaction, and lives with whatever the disk does. */
export function historyKeeper(options: HistoryOptions, memory: Gatherer, read: ReadPoint) {
  const { env, keepMs, bytesMax } = options;
  const held = attached(options, memory);
  const begun = env.clock.mono();
  const now = (): number => Math.floor(options.now.at + env.clock.mono() - begun) + held.shift;
  const raises = wantedRaises(held.seq);

  const write = (file: HistoryFile): void => {
    const [chunks, ended] = [memory.chunks.length, Math.min(memory.ended.length, blocksAtOnce)];
    file.inOne(() => {
      for (const { place, ...raise } of raises.waiting()) file.want({ ...raise, point: held.idOf(place) });
      file.setMeta("seq", raises.seq());
      keepEvidence(file, now(), bytesMax, read);
      tidy(file, now(), keepMs, ended);
      for (const { serial, stamp, samples } of memory.chunks)
        file.addFresh(serial, Math.round(stamp), packMixed(samples, held.idOf));
      for (const { place, stamp, samples } of memory.ended.slice(0, ended)) {
        const [first, last] = [samples.ats[0] ?? 0, samples.ats[samples.count - 1] ?? 0];
        file.addBlock({ point: held.idOf(place), first, last, stamp: Math.round(stamp), packed: pack(samples, first) });
      }
      file.dropFreshBefore(memory.neededFrom(ended));
    });
    memory.letGo(chunks, ended);
    raises.letGo();
    held.isWell();
  };
  let quietUntil = Number.NEGATIVE_INFINITY;
  const flush = (isLast = false): void => {
    memory.endBefore(now() - stretchMs);
    const file = held.file();
    if (file !== null && (isLast || env.clock.mono() >= quietUntil)) {
      const isWritten = held.guarded(false, () => makingRoom(file, write));
      if (!isWritten) quietUntil = env.clock.mono() + retryMs;
    }
    const chunks = held.file() === null ? 0 : chunksMax;
    memory.letGo(Math.max(0, memory.chunks.length - chunks), Math.max(0, memory.ended.length - endedMax));
  };
  const watch = (place: number | undefined, raised: number): void => {
    if (place !== undefined) memory.watch(place, raised + aroundMs);
  };
  held.guarded(undefined, () => {
    for (const { point, raised } of held.file()?.allWanted() ?? []) watch(held.placeOf(point), raised);
  });
  let cancel = env.after(flushMs, function again() {
    flush();
    cancel = env.after(flushMs, again);
  });
  return {
    held,
    now,
    flush: () => flush(),
    seq: raises.seq,
    want(all: readonly Raise[], seq: number): void {
      for (const { incident, at: raisedAt, points } of all) {
        const raised = raisedAt + held.shift;
        const places = points.flatMap((point) => memory.placeOf(point) ?? []);
        for (const place of places) watch(place, raised);
        if (held.file() !== null) raises.add(places.map((place) => ({ incident, place, raised })));
      }
      raises.until(seq);
    },
    close(): void {
      cancel();
      flush(true);
      held.close();
    },
  };
}

interface Waiting {
  readonly incident: string;
  readonly place: number;
  readonly raised: number;
}

/** Raises that are not written yet. */
function wantedRaises(known: number) {
  let [seq, waiting]: [number, Waiting[]] = [known, []];
  return {
    seq: () => seq,
    waiting: () => waiting,
    add(more: readonly Waiting[]): void {
      waiting = [...waiting, ...more].slice(-raisesMax);
    },
    until(last: number): void {
      seq = Math.max(seq, last);
    },
    letGo(): void {
      waiting = [];
    },
  };
}

/** Where the disk or the quota has no more room, the oldest go at once. */
function makingRoom(file: HistoryFile, write: (file: HistoryFile) => void): true {
  try {
    write(file);
  } catch (error) {
    if (failureOf(error) !== "full") throw error;
    file.inOne(() => void file.dropOldestBlocks(roomAtOnce));
    write(file);
  }
  return true;
}
