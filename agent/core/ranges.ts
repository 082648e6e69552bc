/** Sets of sequence numbers as closed ranges: sorted, apart from each other, as few as possible. */
export type Range = readonly [from: number, to: number];
export type Ranges = readonly Range[];

export function united(ranges: Ranges, [from, to]: Range): Ranges {
  if (from > to) return ranges;
  const before = ranges.filter(([, end]) => end < from - 1);
  const after = ranges.filter(([start]) => start > to + 1);
  const met = ranges.slice(before.length, ranges.length - after.length);
  return [...before, [Math.min(from, met[0]?.[0] ?? from), Math.max(to, met.at(-1)?.[1] ?? to)], ...after];
}

/** Of ranges in any order, which may overlap. */
export function normal(ranges: Ranges): Ranges {
  const merged: [number, number][] = [];
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else if (from <= to) merged.push([from, to]);
  }
  return merged;
}

export const unionOf = (one: Ranges, other: Ranges): Ranges =>
  other.length === 0 ? one : one.length === 0 ? other : normal([...one, ...other]);

export function without(ranges: Ranges, taken: Ranges): Ranges {
  const rest: Range[] = [];
  let passed = 0;
  for (const [from, to] of ranges) {
    while ((taken[passed]?.[1] ?? to) < from) passed++;
    let next = from;
    for (let i = passed; i < taken.length; i++) {
      const [start, end] = taken[i] as Range;
      if (start > to) break;
      if (start > next) rest.push([next, start - 1]);
      next = end + 1;
    }
    if (next <= to) rest.push([next, to]);
  }
  return rest;
}

/** What of `from` to `to` is in none of them. */
export const holesIn = (ranges: Ranges, whole: Range): Ranges => without([whole], ranges);

/** What of them is in `from` to `to`. */
export const clipped = (ranges: Ranges, [from, to]: Range): Ranges =>
  ranges
    .filter(([start, end]) => end >= from && start <= to)
    .map(([start, end]) => [Math.max(start, from), Math.min(end, to)]);

export const has = (ranges: Ranges, one: number): boolean => ranges.some(([from, to]) => from <= one && one <= to);

export const countOf = (ranges: Ranges): number => ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
