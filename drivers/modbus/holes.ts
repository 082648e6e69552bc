import type { Mono } from "../../agent/core/sample.ts";
import type { Reading } from "../driver.ts";
import { isMissing } from "./failure.ts";
import { joinAll, type Request, split } from "./plan.ts";
import type { Answer } from "./question.ts";

/**
 * What a device has refused of one request. It is asked around that from then on: between what it does not have, a hole, and
 * across what it does not read over, a cut, values still come with as few reads as there can be.
 *
 * Some devices do not refuse but keep silent. One that was silent to the same read three times, and answered others between,
 * is asked for halves of it, a half a poll, until the value is found that it is silent about.
 */
export interface Holes {
  /** Value by value, in the order of the request. */
  readonly values: readonly Request[];
  /** By the value's number, and when it is asked for again. */
  readonly holes: Map<number, { readonly answer: Answer; readonly until: Mono }>;
  /** Numbers of values that are not read together with the one before. */
  readonly cuts: Set<number>;
  /** Those of them that are only there to find what the device is silent about. */
  readonly trials: Set<number>;
  /** By the first value of a read that met silence: how often in a row, and how much the device had answered by then. */
  readonly silences: Map<number, { readonly count: number; readonly answers: number }>;
}

export const noHoles = (request: Request): Holes => ({
  ...{ values: split(request), holes: new Map(), cuts: new Set() },
  ...{ trials: new Set(), silences: new Map() },
});

/** A device may be given what it lacks, such as by a new firmware; but asked for what it is silent about, it costs a timeout. */
const againMs = (answer: Answer): number => (answer === mute ? 3_600_000 : 60_000);

export const holeOf = (answer: Answer, now: Mono) => ({ answer, until: now + againMs(answer) });

const oddSilences = 3;

export const mute: Answer = {
  fault: "no_such_point",
  detail: "no answer, again and again, while all else is answered",
};

export interface Asking {
  /** Whatever `ask` comes to; undefined: the link is in order, so that the next one can be asked. */
  lost(): Answer | undefined;
  ask(request: Request): Promise<Answer>;
  now(): Mono;
  /** How much the device has answered so far. */
  answers(): number;
  readingsOf(value: Request, answer: Answer): Reading[];
}

/**
 * Reads all values, halving what is refused until what is missing is found. Once the link is lost the rest fails alike, for
 * each would wait as long. What is not asked, being known to be missing, is told as missing only if the device answered at all.
 */
export async function readAround(known: Holes, asking: Asking): Promise<Reading[]> {
  const { values, holes, cuts } = known;
  const { ask, lost, now, readingsOf } = asking;
  const readings = new Map<number, Reading[]>();

  /** Whether the device gave all of it. */
  async function read(from: number, to: number): Promise<boolean> {
    const request = joinAll(values.slice(from, to));
    const isAsked = lost() === undefined;
    const answer = lost() ?? (await ask(request));
    const refused = "fault" in answer && isMissing(answer);
    if (refused && to - from > 1) {
      const middle = (from + to) >> 1;
      const isWhole = [await read(from, middle), await read(middle, to)].every(Boolean);
      // Each half by itself was given: it is what lies between them that is refused.
      if (isWhole) cuts.add(middle);
      return false;
    }
    if (refused) holes.set(from, holeOf(answer, now()));
    else if (to - from === 1 && !("fault" in answer)) holes.delete(from);
    if (isAsked) noteSilence(known, from, to, answer, asking);
    for (let nth = from; nth < to; nth++) {
      const value = values[nth];
      if (value !== undefined) readings.set(nth, readingsOf(value, partOf(answer, request, value)));
    }
    return !("fault" in answer);
  }

  for (const [from, to] of runsOf(known, now())) await read(from, to);
  // Every part was answered: it is the whole that the device is silent to.
  if (lost() === undefined) known.trials.clear();
  return values.flatMap((value, nth) => {
    const missing = holes.get(nth)?.answer ?? { data: [] };
    return readings.get(nth) ?? readingsOf(value, lost() ?? missing);
  });
}

function noteSilence(known: Holes, from: number, to: number, answer: Answer, { answers, now }: Asking): void {
  const { holes, cuts, trials, silences } = known;
  if (!("fault" in answer && answer.fault === "timeout" && answer.exception === undefined)) {
    silences.delete(from);
    return;
  }
  const before = silences.get(from);
  const isOdd = before !== undefined && answers() > before.answers;
  const count = isOdd ? before.count + 1 : 1;
  silences.set(from, { count, answers: answers() });
  // What it was silent about before needs no new proof.
  if (count < oddSilences && holes.get(from)?.answer !== mute) return;
  if (to - from === 1) {
    holes.set(from, holeOf(mute, now()));
    silences.clear();
    for (const trial of trials) cuts.delete(trial);
    trials.clear();
    return;
  }
  const middle = (from + to) >> 1;
  cuts.add(middle);
  trials.add(middle);
  // One more is enough, now that it is known what to look for; of a single value, two.
  for (const [half, end] of [
    [from, middle],
    [middle, to],
  ] as const)
    silences.set(half, { count: oddSilences - (end - half === 1 ? 2 : 1), answers: answers() });
}

/**
 * What to read: from one number to before another. One at least, or nobody would know whether the device still answers. What
 * may meet silence comes last, so that the rest has been read by then.
 */
function runsOf({ values, holes, cuts, silences }: Holes, now: Mono): (readonly [number, number])[] {
  const runs: [number, number][] = [];
  for (const nth of values.keys()) {
    const hole = holes.get(nth);
    if (hole !== undefined && now < hole.until) continue;
    const last = runs.at(-1);
    const isNext = last !== undefined && last[1] === nth && !cuts.has(nth) && hole === undefined && !holes.has(nth - 1);
    if (isNext) last[1] = nth + 1;
    else runs.push([nth, nth + 1]);
  }
  // Of the doubted, that whose turn was longest ago: one of them may be well.
  const doubt = ([from]: readonly [number, number]): number =>
    holes.get(from)?.answer === mute ? Number.POSITIVE_INFINITY : (silences.get(from)?.answers ?? -1);
  return runs.length > 0 ? runs.toSorted((a, b) => Math.sign(doubt(a) - doubt(b)) || a[0] - b[0]) : [[0, 1]];
}

/** The part of an answer to a wide read that is about one value. */
const partOf = (answer: Answer, wide: Request, { start, count }: Request): Answer =>
  "fault" in answer ? answer : { data: answer.data.slice(start - wide.start, start - wide.start + count) };
