import type { Call } from "./recording.ts";
import { shuffled } from "./seed.ts";

/**
 * A disk with a cache that forgets: what was written and not yet synced may be there after the power failed, or not, or in
 * part, in any order. A sector is all there or not at all.
 */
export interface Disk {
  apply(call: Call): void;
  /** What the power leaves if it fails now, by path. */
  cut(random: () => number): Map<string, Buffer>;
  /** What a reader sees now. */
  live(): Map<string, Buffer>;
}

const sector = 512;

type Change = Extract<Call, { kind: "write" | "truncate" }>;
interface Inode {
  safe: Buffer;
  pending: Change[];
}

export function forgetfulDisk(folder: string): Disk {
  /** Names as the process sees them, and as they are on disk for sure. */
  const names = new Map<string, Inode>();
  let safeNames = new Map<string, Inode>();
  const inode = (file: string): Inode => {
    const found = names.get(file) ?? { safe: Buffer.alloc(0), pending: [] };
    names.set(file, found);
    return found;
  };
  return {
    apply(call) {
      if (call.kind === "create") inode(call.file);
      else if (call.kind === "unlink") names.delete(call.file);
      else if (call.kind === "rename") {
        names.set(call.to, inode(call.file));
        names.delete(call.file);
      } else if (call.kind === "write" || call.kind === "truncate") inode(call.file).pending.push(call);
      else if (call.kind === "sync" && call.file === folder) safeNames = new Map(names);
      else if (call.kind === "sync") {
        const one = inode(call.file);
        Object.assign(one, { safe: changed(one.safe, one.pending), pending: [] });
      }
    },
    cut(random) {
      const left = new Map<string, Buffer>();
      for (const file of new Set([...names.keys(), ...safeNames.keys()])) {
        const [now, safe] = [names.get(file), safeNames.get(file)];
        const one = now === safe || random() < 0.5 ? now : safe;
        if (one !== undefined) left.set(file, changed(one.safe, survivors(one, random)));
      }
      return left;
    },
    live: () => new Map([...names].map(([file, { safe, pending }]) => [file, changed(safe, pending)])),
  };
}

function changed(before: Buffer, changes: readonly Change[]): Buffer {
  const ends = changes.map((one) => (one.kind === "write" ? one.at + one.bytes.length : one.size));
  const after = Buffer.alloc(Math.max(before.length, ...ends));
  before.copy(after);
  let size = before.length;
  for (const one of changes) {
    if (one.kind === "write") {
      one.bytes.copy(after, one.at);
      size = Math.max(size, one.at + one.bytes.length);
    } else {
      after.fill(0, one.size);
      size = one.size;
    }
  }
  return after.subarray(0, size);
}

/** All that was not synced, none of it, or here a sector and there one, in any order. */
function survivors({ pending }: Inode, random: () => number): Change[] {
  const luck = random();
  if (luck < 0.1) return [...pending];
  if (luck < 0.2) return [];
  const share = random();
  return shuffled(pending.flatMap(sectorsOf), random).filter(() => random() < share);
}

function sectorsOf(change: Change): Change[] {
  if (change.kind === "truncate") return [change];
  const parts: Change[] = [];
  const end = change.at + change.bytes.length;
  for (let at = change.at; at < end; ) {
    const next = Math.min(end, (Math.floor(at / sector) + 1) * sector);
    parts.push({ ...change, at, bytes: change.bytes.subarray(at - change.at, next - change.at) });
    at = next;
  }
  return parts;
}
