import type { Mono } from "./sample.ts";

/**
 * The wake-ups of all rules in one heap. A deadline that moves later (each good sample moves that of a stale rule)
 * costs nothing until the old one comes up: a rule has one entry, re-queued then.
 */
export interface Deadlines {
  set(rule: number, at: Mono | null): void;
  /** No later than the earliest wake-up, and later than what `due` was last asked for; null: there is none. */
  next(): Mono | null;
  /** Takes out every rule due at `now` or before, in rule order. */
  due(now: Mono): number[];
}

interface Entry {
  readonly at: Mono;
  readonly rule: number;
}

const never = Number.POSITIVE_INFINITY;

/** @param rules how many there are: they are known by their numbers, from 0 */
export function deadlines(rules: number): Deadlines {
  const wanted = new Float64Array(rules).fill(never);
  const queued = new Float64Array(rules).fill(never);
  const heap: Entry[] = [];
  const enqueue = (entry: Entry): void => {
    queued[entry.rule] = entry.at;
    push(heap, entry);
  };
  return {
    set(rule, at) {
      wanted[rule] = at ?? never;
      if (at !== null && at < (queued[rule] as number)) enqueue({ at, rule });
    },
    next: () => heap[0]?.at ?? null,
    due(now) {
      const found: number[] = [];
      for (let top = heap[0]; top !== undefined && top.at <= now; top = heap[0]) {
        pop(heap);
        // An earlier one took its place.
        if (queued[top.rule] !== top.at) continue;
        queued[top.rule] = never;
        const at = wanted[top.rule] as number;
        if (at > now) {
          if (at !== never) enqueue({ at, rule: top.rule });
          continue;
        }
        wanted[top.rule] = never;
        found.push(top.rule);
      }
      return found.sort((a, b) => a - b);
    },
  };
}

function push(heap: Entry[], entry: Entry): void {
  let i = heap.length;
  heap.push(entry);
  while (i > 0) {
    const parent = (i - 1) >> 1;
    const above = heap[parent] as Entry;
    if (above.at <= entry.at) break;
    heap[i] = above;
    i = parent;
  }
  heap[i] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let i = 0;
  for (;;) {
    const left = 2 * i + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const child = right < heap.length && (heap[right] as Entry).at < (heap[left] as Entry).at ? right : left;
    if ((heap[child] as Entry).at >= last.at) break;
    heap[i] = heap[child] as Entry;
    i = child;
  }
  heap[i] = last;
}
