import * as z from "zod";

/**
 * The notation of a series in a test: what a point says, entry by entry.
 *
 *     28  bad  _        a number; a bad sample; nothing was read
 *     28*3  bad*3  _*3  exactly three of it
 *     20+0.5*10         ten entries: 20, 20.5, 21 …
 *     30-1*5            five entries: 30, 29 …
 */
export type Series = readonly Run[];

/** Entries that follow one rule. They stay unwritten until they are needed: a short text can mean very many. */
interface Run {
  /** null: nothing was read. */
  readonly first: number | "bad" | null;
  readonly step: number;
  readonly count: number;
}

/** Entries of all series of a test together. */
export const entriesMax = 100_000;

export const lengthOf = (series: Series): number => series.reduce((sum, { count }) => sum + count, 0);

export function* entriesOf(series: Series): Generator<number | "bad" | null> {
  for (const { first, step, count } of series) {
    // Rounded as a scaled value is, so that 20+0.1*4 ends with 20.3 to every limit.
    for (let i = 0; i < count; i++)
      yield typeof first === "number" ? Number((first + i * step).toPrecision(12)) : first;
  }
}

export const series = z
  .union([z.string(), z.number()], 'expected entries such as "20 20.5 bad 21*3"')
  .transform((written, context): Series => {
    const entries = String(written).split(/\s+/).filter(Boolean);
    if (entries.length === 0) context.addIssue('no entry; expected some, such as "20 20.5 bad 21*3"');
    return entries.flatMap((text, i) => {
      const run = runOf(text);
      if (typeof run !== "string") return [run];
      context.addIssue(`entry ${i + 1}, "${text.slice(0, 30)}": ${run}`);
      return [];
    });
  });

const number = String.raw`-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const pattern = new RegExp(String.raw`^(?:(bad|_)|(${number})(?:([+-])(\d+(?:\.\d+)?))?)(?:\*(\d+))?$`);
const promtool = /^(.+)x(\d+)$/;

/** A run, or what is wrong with it. */
function runOf(text: string): Run | string {
  const [, word, from, sign = "+", by, times] = pattern.exec(text) ?? [];
  if (word === undefined && from === undefined) {
    const [, what, count] = promtool.exec(text) ?? [];
    return what === undefined
      ? "expected a number, bad or _, each also as 28*3, 20+0.5*10 or 30-1*5, with blanks between entries only"
      : `x is promtool's and gives one entry more than it says; expected ${what}*${count} for exactly ${count}`;
  }
  const count = Number(times ?? 1);
  if (by !== undefined && times === undefined) return `steps how often? expected a count, such as ${text}*10`;
  if (count < 1) return "expected at least 1 entry";
  if (count > entriesMax) return `expected at most ${entriesMax} entries`;
  const step = Number(by ?? 0) * (sign === "-" ? -1 : 1);
  if (word !== undefined) return { first: word === "bad" ? "bad" : null, step: 0, count };
  return Number.isFinite(Number(from))
    ? { first: Number(from), step, count }
    : "expected a number that is not so large";
}
