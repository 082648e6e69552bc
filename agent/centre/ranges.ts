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

export const unionOf = (one: Ranges, other: Ranges): Ranges => other.reduce(united, one);

/** What of `from` to `to` is in none of them. */
export function holesIn(ranges: Ranges, [from, to]: Range): Ranges {
  const holes: Range[] = [];
  let next = from;
  for (const [start, end] of ranges) {
    if (end < next) continue;
    if (start > to) break;
    if (start > next) holes.push([next, start - 1]);
    next = end + 1;
  }
  if (next <= to) holes.push([next, to]);
  return holes;
}

export const without = (ranges: Ranges, taken: Ranges): Ranges => ranges.flatMap((one) => holesIn(taken, one));

/** What of them is in `from` to `to`. */
export const clipped = (ranges: Ranges, [from, to]: Range): Ranges =>
  ranges
    .filter(([start, end]) => end >= from && start <= to)
    .map(([start, end]) => [Math.max(start, from), Math.min(end, to)]);

export const has = (ranges: Ranges, one: number): boolean => ranges.some(([from, to]) => from <= one && one <= to);

export const countOf = (ranges: Ranges): number => ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
