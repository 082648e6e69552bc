import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Env } from "../env.ts";
import type { AgentEventCode, Facts } from "../events.ts";
import { failureOf, sayError } from "./failure.ts";
import { type FileOptions, inMemory, openFile, type StoreFile } from "./file.ts";
import { positionOf, standAt, stateToMemory, toDisk, toMemory } from "./handover.ts";
import { type Loss, quarantine } from "./quarantine.ts";
import { type Ballast, ballastBeside, isTight, makeRoom, muchSpareFor, type Room, roomOf } from "./room.ts";
import type { Kept } from "./store.ts";
import { type Seen, type Witness, witnessBeside } from "./witness.ts";

/**
 * Where the store lives: its file, or, while the disk takes nothing, memory. What is asked of it is tried again after what
 * stood in the way was mended: room was made, the file was opened anew, a damaged one set aside. Memory has an epoch of
 * its own, since of what is told from there the disk knows nothing after a crash.
 */
export interface Home {
  readonly kept: Kept;
  readonly file: StoreFile;
  /** Why it is in memory; null: it is on the disk. */
  readonly degraded: string | null;
  /** What was lost with a damaged file since the start; null: nothing. */
  readonly loss: Loss | null;
  /** @throws what no mending helps against */
  on<T>(work: (file: StoreFile) => T): T;
  /** `work` was done, as a commit. `whole`: with all state there is. */
  landed(whole: boolean): void;
  /** Gives up what is worth least, if the quota is nearly used up. */
  keepRoom(file: StoreFile): void;
  /** Tries whether the disk is back; makes the ballast again. */
  heal(): void;
  close(): void;
}

export interface HomeOptions {
  newEpoch(): string;
  /** Most that the store takes of the disk, MiB. */
  readonly quotaMiB: number;
  /** Milliseconds since the Unix epoch. */
  wall(): number;
  report(code: AgentEventCode, facts: Facts): void;
  readonly crashSite: Env["crashSite"];
}

/** What stands in for the disk. */
const memoryMiB = 32;
/** What was lost and nobody was told of yet is noted in the file; empty: all was told. */
export const lossName = "loss";
/** Calls of `heal` between two tries, at most. */
const pausesMax = 11;
/** With room made, without the ballast, in memory, with room made there. */
const triesMax = 5;

interface State {
  file: StoreFile;
  degraded: string | null;
  loss: Loss | null;
  /** What is known to be on the disk. */
  disk: Seen;
  /** Position up to which what waited was taken along into memory. */
  carriedTo: number;
  /** Whether all state there is has been committed to memory. */
  isWhole: boolean;
  /** How often it was tried in vain whether the disk is back, and how many times it is not to be tried now. */
  failures: number;
  pauses: number;
}

interface Place {
  readonly path: string;
  readonly options: HomeOptions;
  readonly room: Room;
  readonly ballast: Ballast;
  readonly witness: Witness;
}

export function openHome(path: string, options: HomeOptions): Home {
  const room = roomOf(options.quotaMiB);
  const place: Place = {
    path,
    options,
    room,
    ballast: ballastBeside(path, room.ballastBytes),
    witness: witnessBeside(path),
  };
  const state: State = {
    file: null as unknown as StoreFile,
    degraded: null,
    loss: null,
    disk: { epoch: "", turn: 0, lastSeq: 0 },
    carriedTo: 0,
    isWhole: false,
    failures: 0,
    pauses: 0,
  };
  const kept = begin(place, state);
  return {
    kept,
    get file() {
      return state.file;
    },
    get degraded() {
      return state.degraded;
    },
    get loss() {
      return state.loss;
    },
    on(work) {
      for (let tries = 0; ; tries++) {
        try {
          return work(state.file);
        } catch (error) {
          if (tries === triesMax || !mend(place, state, error, tries)) throw error;
        }
      }
    },
    landed(whole) {
      if (state.degraded !== null) state.isWhole ||= whole;
      else note(place, state, state.file);
    },
    keepRoom: (file) => trimTo(place, file, pagesOf(place, state)),
    heal() {
      if (state.degraded !== null) recover(place, state);
      else refill(place);
    },
    close() {
      state.pauses = 0;
      if (state.degraded !== null) recover(place, state);
      state.file.close();
      place.witness.close();
    },
  };
}

const pagesOf = ({ room }: Place, { degraded }: State): number =>
  degraded === null ? room.pagesMax : roomOf(memoryMiB).pagesMax;

/** @throws when the path is no good, another agent has it, or a newer version wrote it */
function begin(place: Place, state: State): Kept {
  try {
    settleIn(place, state, openDisk(place, state));
    const why = state.file.meta.get(lossName) ?? "";
    // A kill came before anybody was told.
    if (why !== "") state.loss ??= { why, file: null, unsent: null, config: null };
    return state.file.kept;
  } catch (error) {
    const failure = failureOf(error);
    const isMissing = !existsSync(place.path) && (error as { code?: string }).code === "SQLITE_CANTOPEN";
    if ((failure !== "disk" && failure !== "full") || isMissing) throw error;
    return beginInMemory(place, state, error);
  }
}

/** What can still be read of the file is read from a copy: on a disk that takes nothing it cannot be opened. */
function beginInMemory(place: Place, state: State, error: unknown): Kept {
  const memory = memoryOf(place);
  let { kept } = memory;
  let folder: string | null = null;
  try {
    folder = mkdtempSync(join(tmpdir(), "mepwatch-"));
    const copy = join(folder, "store.db");
    for (const part of ["", "-wal"]) if (existsSync(place.path + part)) copyFileSync(place.path + part, copy + part);
    const disk = openFile(copy, fileOptions(place));
    state.disk = { epoch: disk.kept.epoch, turn: disk.turn, lastSeq: disk.kept.lastSeq };
    state.carriedTo = toMemory(disk, memory, disk.kept.lastSeq);
    stateToMemory(disk, memory);
    kept = { ...disk.kept, epoch: kept.epoch, lastSeq: 0 };
    disk.close();
  } catch (worse) {
    // Nothing of it can be read: all begins anew.
    if (existsSync(place.path))
      tellLoss(place, state, { why: sayError(worse), file: null, unsent: null, config: null });
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
  state.isWhole = true;
  enter(place, state, memory, error);
  return kept;
}

const fileOptions = ({ room, options }: Place): FileOptions => ({
  ...room,
  newEpoch: options.newEpoch,
  crashSite: options.crashSite,
});
const memoryOf = ({ options }: Place): StoreFile =>
  openFile(inMemory, { ...roomOf(memoryMiB), newEpoch: options.newEpoch, crashSite: options.crashSite });

/** The file, or in the place of one that is damaged an empty one; never one that has gone back behind what was committed. */
function openDisk(place: Place, state: State): StoreFile {
  const { path, witness } = place;
  try {
    const file = openFile(path, fileOptions(place));
    const seen = witness.read();
    return seen !== null && isBehind(file, seen) ? renewed(place, state, file, seen) : file;
  } catch (error) {
    if (failureOf(error) !== "damaged") throw error;
    return startOver(place, state, error);
  }
}

/** Also one that is empty where something was. */
const isBehind = ({ kept, turn }: StoreFile, seen: Seen): boolean =>
  kept.epoch === seen.epoch ? turn < seen.turn : turn === 0 && seen.turn > 0;

/** Its newest commits are gone: what it has is good, but its numbers must not be given twice. */
function renewed(place: Place, state: State, file: StoreFile, seen: Seen): StoreFile {
  const { kept, meta, outbox } = file;
  const gone = { epoch: seen.epoch, first: kept.lastSeq + 1, last: seen.lastSeq, count: seen.lastSeq - kept.lastSeq };
  const unsent = gone.count > 0 ? [gone] : [];
  const why = `its newest ${seen.turn - file.turn} commits are missing`;
  file.db.transaction(() => {
    for (const gap of unsent) outbox.lose(gap);
    meta.set("epoch", place.options.newEpoch());
    meta.set("lastSeq", "0");
    overtake(place, file);
    meta.set(lossName, why);
  })();
  file.close();
  tellLoss(place, state, { why, file: null, unsent, config: file.turn === 0 });
  return openFile(place.path, fileOptions(place));
}

function startOver(place: Place, state: State, error: unknown): StoreFile {
  const { path, options } = place;
  place.witness.close();
  const loss = quarantine(path, options.wall(), sayError(error));
  const file = openFile(path, fileOptions(place));
  file.db.transaction(() => {
    for (const gap of loss.unsent ?? []) file.outbox.lose(gap);
    overtake(place, file);
    file.meta.set(lossName, loss.why);
  })();
  tellLoss(place, state, loss);
  return file;
}

/** How many connections there were is not known any more: the next one's number is higher by far. */
function overtake({ options }: Place, { meta }: StoreFile): void {
  meta.set("bdSeq", String(Math.max(Number(meta.get("bdSeq") ?? 0), Math.floor(options.wall() / 1000))));
}

function tellLoss({ options }: Place, state: State, loss: Loss): void {
  state.loss = loss;
  const unsent = loss.unsent === null ? "unknown" : loss.unsent.reduce((sum, { count }) => sum + count, 0);
  const config = loss.config === null ? "unknown" : loss.config;
  options.report("storage.reset", { why: loss.why, file: loss.file, unsent, config });
}

function settleIn(place: Place, state: State, file: StoreFile): void {
  state.file = file;
  state.degraded = null;
  note(place, state, file);
}

/** What is known to be on the disk, and the witness of it. */
function note({ witness }: Place, state: State, { kept, turn, meta }: StoreFile): void {
  state.disk = { epoch: kept.epoch, turn, lastSeq: Number(meta.get("lastSeq") ?? 0) };
  witness.note(state.disk);
}

/** Whether it makes sense to try again. */
function mend(place: Place, state: State, error: unknown, tries: number): boolean {
  const failure = failureOf(error);
  if (failure === null) return false;
  if (state.degraded !== null) {
    const pagesMax = pagesOf(place, state);
    if (failure === "full") trimTo(place, state.file, pagesMax, muchSpareFor(pagesMax));
    return failure === "full";
  }
  try {
    if (failure === "damaged") replace(place, state, error);
    else if (failure === "full" ? !free(place, state) : tries > 0) degrade(place, state, error);
    else if (failure === "disk") reopen(place, state);
  } catch (worse) {
    degrade(place, state, worse);
  }
  return true;
}

function replace(place: Place, state: State, error: unknown): void {
  const position = positionOf(state.file);
  state.file.close();
  const file = startOver(place, state, error);
  standAt(file, position);
  settleIn(place, state, file);
}

/** Room of its own first; what is on the disk beside it only where that does not help. Whether there was anything to free. */
function free(place: Place, { file }: State): boolean {
  const { pagesMax } = place.room;
  const spare = muchSpareFor(pagesMax);
  if (isTight(file, pagesMax, spare)) {
    try {
      trimTo(place, file, pagesMax, spare);
    } catch (error) {
      // On a full disk not even room can be made.
      if (!place.ballast.release()) throw error;
    }
    if (!isTight(file, pagesMax, spare)) return true;
  }
  return place.ballast.release();
}

function trimTo({ options }: Place, file: StoreFile, pagesMax: number, spare?: number): void {
  if (!isTight(file, pagesMax, spare)) return;
  for (const { epoch, first, last, count } of makeRoom(file, pagesMax, spare))
    options.report("storage.gap", { epoch, first, last, count });
}

/**
 * A failed sync leaves open what is on the disk, and to sync again would only seem to help: the system may have forgotten
 * what it could not write. So the file is read anew, and all that its log holds is written anew.
 */
function reopen(place: Place, state: State): void {
  const { disk } = state;
  state.file.close();
  const file = openDisk(place, state);
  state.file = file;
  file.settle();
  const back = isBehind(file, disk) ? renewed(place, state, file, disk) : file;
  standAt(back, positionOf(file));
  settleIn(place, state, back);
}

function degrade(place: Place, state: State, error: unknown): void {
  const { file, disk } = state;
  const memory = memoryOf(place);
  state.carriedTo = file.db.open ? toMemory(file, memory, disk.lastSeq) : 0;
  state.isWhole = false;
  file.close();
  enter(place, state, memory, error);
}

function enter({ options }: Place, state: State, memory: StoreFile, error: unknown): void {
  state.file = memory;
  [state.failures, state.pauses] = [0, 0];
  state.degraded = sayError(error);
  options.report("storage.degraded", { why: state.degraded });
}

function recover(place: Place, state: State): void {
  const { file: memory, disk } = state;
  if (!state.isWhole || state.pauses-- > 0) return;
  let file: StoreFile | null = null;
  try {
    if (!place.ballast.hasRoom()) return;
    file = openDisk(place, state);
    file.settle();
    toDisk(memory, file, state.carriedTo, disk);
    file.settle();
    file.close();
    file = openDisk(place, state);
    memory.close();
    settleIn(place, state, file);
    place.options.report("storage.back", {});
  } catch {
    // It is told already that the disk is away. To look through a large file takes time, in which nothing is judged.
    state.failures++;
    state.pauses = Math.min(pausesMax, 2 ** state.failures - 1);
    file?.close();
  }
}

function refill({ ballast }: Place): void {
  try {
    ballast.restore();
  } catch {
    // Whoever needs it next finds out.
  }
}
