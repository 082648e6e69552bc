import type { HistoryFile } from "./history-file.ts";
import { qualities, unpack } from "./samples.ts";
import { type Bucket, holdMs, trace } from "./trace.ts";

/** What is older than samples are kept: 15-minute figures. A row has two hours of them, of one point. */
const slotMs = 900_000;
const slots = 8;
const rowMs = slots * slotMs;
export const rolledForMs = 35 * 86_400_000;

/** 32 bytes for each run of slots that are the same, as those of a line at rest are. */
const bytes = 32;

export function packSlots(all: readonly Bucket[]): Uint8Array {
  const runs: { slot: Bucket; times: number }[] = [];
  for (const slot of all) {
    const last = runs.at(-1);
    if (last !== undefined && isSame(last.slot, slot)) last.times++;
    else runs.push({ slot, times: 1 });
  }
  const packed = Buffer.alloc(runs.length * bytes);
  for (const [i, { slot, times }] of runs.entries()) {
    const { min, mean, max, count, knownMs, worst } = slot;
    const at = i * bytes;
    for (const [k, value] of [min, mean, max].entries()) packed.writeDoubleLE(value ?? Number.NaN, at + k * 8);
    packed.writeUInt32LE(knownMs, at + 24);
    packed.writeUInt16LE(Math.min(count, 0xffff), at + 28);
    packed.writeInt8(worst === null ? -1 : qualities.indexOf(worst), at + 30);
    packed.writeUInt8(times, at + 31);
  }
  return packed;
}

const isSame = (a: Bucket, b: Bucket): boolean =>
  a.min === b.min &&
  a.mean === b.mean &&
  a.max === b.max &&
  a.count === b.count &&
  a.knownMs === b.knownMs &&
  a.worst === b.worst;

/** @returns the slots from `first` on, with the width of each */
export function unpackSlots(blob: Uint8Array, first: number): { readonly width: number; readonly slots: Bucket[] } {
  const packed = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  const all: Bucket[] = [];
  for (let at = 0; at + bytes <= packed.length; at += bytes) {
    const [min, mean, max] = [0, 8, 16].map((k) => orNull(packed.readDoubleLE(at + k)));
    for (let times = packed.readUInt8(at + 31); times > 0 && all.length < slots; times--) {
      all.push({
        from: first + all.length * slotMs,
        min: min ?? null,
        mean: mean ?? null,
        max: max ?? null,
        count: packed.readUInt16LE(at + 28),
        knownMs: packed.readUInt32LE(at + 24),
        worst: qualities[packed.readInt8(at + 30)] ?? null,
      });
    }
  }
  return { width: slotMs, slots: all };
}

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** Work that one commit may bring: enough to keep up with 30,000 points, too little to be felt. */
const rowsAtOnce = 8;
const blocksAtOnce = 500;
/** Of the room there is: from here on the oldest goes before its time. */
const fullShare = 0.9;
/** Where room is short, samples of this time are given up last. */
const dearMs = 86_400_000;

/**
 * Makes 15-minute figures of samples older than `keepMs` and lets go what is too old, a little at a time; inside a
 * transaction. `added`: blocks that it brings.
 */
export function tidy(file: HistoryFile, now: number, keepMs: number, added: number): void {
  const isFull = file.usedShare() > fullShare;
  let gone = 0;
  for (let rows = 0; rows < rowsAtOnce && gone < blocksAtOnce; rows++) {
    const oldest = file.oldestBlock();
    if (oldest === null) break;
    const until = rowEnd(oldest.last + holdMs);
    const isDue = until <= now - keepMs || (isFull && until <= now - Math.min(keepMs, dearMs));
    if (!isDue) break;
    gone += rollUp(file, oldest.point, until);
  }
  file.dropOldestRolls(50, isFull && gone === 0 ? Number.MAX_SAFE_INTEGER : now - rolledForMs);
  if (isFull && gone === 0 && file.usedShare() > fullShare) file.dropOldestBlocks(added + 50);
}

const rowEnd = (at: number): number => (Math.floor(at / rowMs) + 1) * rowMs;

/** Gives how many blocks went; those that hold into what follows stay. */
function rollUp(file: HistoryFile, point: number, until: number): number {
  const oldest = file.firstOf(point) ?? until;
  for (let from = Math.max(file.rolledUntil(point), rowEnd(oldest) - rowMs); from < until; from += rowMs) {
    const one = trace(from, from + rowMs, slots);
    for (const { first, last: _, packed } of file.blocksOf(point, from - holdMs)) {
      if (first > from + rowMs) break;
      one.addAll(unpack(packed, first));
    }
    const found = one.buckets(from + rowMs);
    if (found.some(({ worst }) => worst !== null))
      file.addRoll({ point, first: from, last: from + rowMs, packed: packSlots(found) });
  }
  return file.dropBlocks(point, until - holdMs);
}
