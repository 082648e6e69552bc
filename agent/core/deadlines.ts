import type { Mono } from "./sample.ts";

/**
 * The wake-ups of all rules in one heap. A deadline that moves later (each good sample moves that of a stale rule)
 * costs nothing until the old one comes up: a rule has one entry, re-queued then.
 */
export interface Deadlines {
  set(rule: number, at: Mono | null): void;
  /** Earliest wake-up, or null. */
  next(): Mono | null;
  /** Takes out every rule due at `now` or before, in rule order. */
  due(now: Mono): number[];
}

interface Entry {
  readonly at: Mono;
  readonly rule: number;
}

export function deadlines(): Deadlines {
  const wanted = new Map<number, Mono>();
  const queued = new Map<number, Mono>();
  const heap: Entry[] = [];
  const enqueue = (entry: Entry): void => {
    queued.set(entry.rule, entry.at);
    push(heap, entry);
  };
  /** Brings a true deadline to the top. */
  const settle = (): Entry | undefined => {
    for (let top = heap[0]; top !== undefined; top = heap[0]) {
      const at = wanted.get(top.rule);
      const isNewest = queued.get(top.rule) === top.at;
      if (isNewest && at === top.at) return top;
      pop(heap);
      if (!isNewest) continue;
      queued.delete(top.rule);
      if (at !== undefined) enqueue({ at, rule: top.rule });
    }
    return undefined;
  };
  return {
    set(rule, at) {
      if (at === null) {
        wanted.delete(rule);
        return;
      }
      wanted.set(rule, at);
      const before = queued.get(rule);
      if (before === undefined || at < before) enqueue({ at, rule });
    },
    next: () => settle()?.at ?? null,
    due(now) {
      const rules: number[] = [];
      for (let top = settle(); top !== undefined && top.at <= now; top = settle()) {
        pop(heap);
        wanted.delete(top.rule);
        queued.delete(top.rule);
        rules.push(top.rule);
      }
      return rules.sort((a, b) => a - b);
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
