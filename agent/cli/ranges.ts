import { InvalidArgumentError } from "commander";
import type { Range } from "../../drivers/driver.ts";

/** "1-10,17" as ranges in this order, each number once; for an option whose numbers go up to `most`. */
export const rangesUpTo =
  (most: number) =>
  (text: string): readonly Range[] => {
    const all: Range[] = [];
    for (const part of text.split(",")) {
      const [, first, last = first] = /^\s*(\d{1,7})(?:\s*-\s*(\d{1,7}))?\s*$/.exec(part) ?? [];
      const [from, to] = [Number(first), Number(last)];
      if (!(from <= to && to <= most))
        throw new InvalidArgumentError(`expected numbers from 0 to ${most}, such as 1-10,17`);
      all.push(...without({ from, to }, all));
    }
    return all;
  };

/** What of a range is in none of the others. */
const without = (range: Range, others: readonly Range[]): Range[] =>
  others.reduce(
    (left, { from, to }) =>
      left.flatMap((one) =>
        [
          { from: one.from, to: Math.min(one.to, from - 1) },
          { from: Math.max(one.from, to + 1), to: one.to },
        ].filter((part) => part.from <= part.to),
      ),
    [range],
  );

export const sizeOf = (ranges: readonly Range[]): number =>
  ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);

export const sayRange = ({ from, to }: Range): string => `${from}-${to}`;
