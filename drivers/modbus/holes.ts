import type { Mono } from "../../agent/core/sample.ts";
import type { Reading } from "../driver.ts";
import { isMissing } from "./failure.ts";
import { joinAll, type Request, split } from "./plan.ts";
import type { Answer } from "./question.ts";

/**
 * What a device has refused of one request. It is asked around that from then on: between what it does not have, a hole, and
 * across what it does not read over, a cut, values still come with as few reads as there can be.
 */
export interface Holes {
  /** Value by value, in the order of the request. */
  readonly values: readonly Request[];
  /** By the value's number, and when it is asked for again. */
  readonly holes: Map<number, { readonly answer: Answer; readonly until: Mono }>;
  /** Numbers of values that are not read together with the one before. */
  readonly cuts: Set<number>;
}

export const noHoles = (request: Request): Holes => ({ values: split(request), holes: new Map(), cuts: new Set() });

/** A device may be given what it lacks, such as by a new firmware. */
const againMs = 60_000;

export interface Asking {
  /** Whatever `ask` comes to; undefined: the link is in order, so that the next one can be asked. */
  lost(): Answer | undefined;
  ask(request: Request): Promise<Answer>;
  now(): Mono;
  readingsOf(value: Request, answer: Answer): Reading[];
}

/**
 * Reads all values, halving what is refused until what is missing is found. Once the link is lost the rest fails alike, for
 * each would wait as long. What is not asked, being known to be missing, is told as missing only if the device answered at all.
 */
export async function readAround(known: Holes, { ask, lost, now, readingsOf }: Asking): Promise<Reading[]> {
  const { values, holes, cuts } = known;
  const readings = new Map<number, Reading[]>();

  /** Whether the device gave all of it. */
  async function read(from: number, to: number): Promise<boolean> {
    const request = joinAll(values.slice(from, to));
    const answer = lost() ?? (await ask(request));
    const refused = "fault" in answer && isMissing(answer);
    if (refused && to - from > 1) {
      const middle = (from + to) >> 1;
      const isWhole = [await read(from, middle), await read(middle, to)].every(Boolean);
      // Each half by itself was given: it is what lies between them that is refused.
      if (isWhole) cuts.add(middle);
      return false;
    }
    if (refused) holes.set(from, { answer, until: now() + againMs });
    else if (to - from === 1 && !("fault" in answer)) holes.delete(from);
    for (let nth = from; nth < to; nth++) {
      const value = values[nth];
      if (value !== undefined) readings.set(nth, readingsOf(value, partOf(answer, request, value)));
    }
    return !("fault" in answer);
  }

  for (const [from, to] of runsOf(known, now())) await read(from, to);
  return values.flatMap((value, nth) => {
    const missing = holes.get(nth)?.answer ?? { data: [] };
    return readings.get(nth) ?? readingsOf(value, lost() ?? missing);
  });
}

/** What to read: from one number to before another. One at least, or nobody would know whether the device still answers. */
function runsOf({ values, holes, cuts }: Holes, now: Mono): (readonly [number, number])[] {
  const runs: [number, number][] = [];
  for (const nth of values.keys()) {
    const hole = holes.get(nth);
    if (hole !== undefined && now < hole.until) continue;
    const last = runs.at(-1);
    const isNext = last !== undefined && last[1] === nth && !cuts.has(nth) && hole === undefined && !holes.has(nth - 1);
    if (isNext) last[1] = nth + 1;
    else runs.push([nth, nth + 1]);
  }
  return runs.length > 0 ? runs : [[0, 1]];
}

/** The part of an answer to a wide read that is about one value. */
const partOf = (answer: Answer, wide: Request, { start, count }: Request): Answer =>
  "fault" in answer ? answer : { data: answer.data.slice(start - wide.start, start - wide.start + count) };
