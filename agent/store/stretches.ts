import { bad, type Mark, type Samples } from "./samples.ts";

/** Samples of one point that follow each other, up to `depth` of them; stamped by one difference of clocks. */
export interface Stretch {
  /** Of its point, in the list of points. */
  readonly place: number;
  readonly stamp: number;
  /** Of the chunk with its first sample. */
  readonly serial: number;
  readonly samples: Samples;
}

/** The wall clock and engine time drift apart; further than this is a step. */
export const stepMs = 1000;
const depth = 64;
/** What one call of `endBefore` ends at most. */
const endsAtOnce = 500;

/** The stretch of each point that goes on, as numbers in slots that are used again; and those that are over. */
export function stretches(points: number) {
  const [ats, values] = [new Float64Array(points * depth), new Float64Array(points * depth)];
  const [marks, counts] = [new Uint8Array(points * depth), new Uint8Array(points)];
  const [stamps, serials] = [new Float64Array(points), new Float64Array(points)];
  const ended: Stretch[] = [];
  let turn = 0;

  const stretchOf = (place: number): Stretch => {
    const [from, count] = [place * depth, counts[place] ?? 0];
    const samples = {
      count,
      ats: ats.slice(from, from + count),
      values: values.slice(from, from + count),
      marks: marks.slice(from, from + count),
    };
    return { place, stamp: stamps[place] ?? 0, serial: serials[place] ?? 0, samples };
  };
  const end = (place: number): void => {
    if (counts[place] !== 0) ended.push(stretchOf(place));
    counts[place] = 0;
  };
  return {
    ended,
    add(place: number, at: number, value: number, mark: Mark, stamp: number, serial: number): void {
      const first = place * depth;
      if (counts[place] === depth || Math.abs(stamp - (stamps[place] ?? 0)) > stepMs) end(place);
      const slot = first + (counts[place] ?? 0);
      if (slot === first) {
        stamps[place] = stamp;
        serials[place] = serial;
      }
      ats[slot] = at;
      values[slot] = value;
      marks[slot] = mark;
      counts[place] = slot - first + 1;
    },
    of: (place: number): readonly Stretch[] => [...ended.filter((one) => one.place === place), stretchOf(place)],
    endBefore(at: number): void {
      for (let [i, left] = [0, endsAtOnce]; i < points && left > 0; i++, turn++) {
        const place = turn % points;
        if (counts[place] === 0 || (ats[place * depth] ?? at) >= at) continue;
        end(place);
        left--;
      }
    },
    /** Of what goes on, and of what is over but for the first `written`. */
    oldestSerial(written: number): number {
      let oldest = Number.POSITIVE_INFINITY;
      for (let place = 0; place < points; place++) {
        if (counts[place] !== 0) oldest = Math.min(oldest, serials[place] ?? 0);
      }
      for (let i = written; i < ended.length; i++) oldest = Math.min(oldest, ended[i]?.serial ?? oldest);
      return oldest;
    },
  };
}

/** Samples one after the other, of those that lie within. */
export function joined(parts: Iterable<Samples>, from: number, to: number): Samples {
  const found: { at: number; value: number; mark: Mark }[] = [];
  for (const { count, ats, values, marks } of parts) {
    for (let i = 0; i < count; i++) {
      const at = ats[i] ?? 0;
      if (at >= from && at <= to) found.push({ at, value: values[i] ?? Number.NaN, mark: marks[i] ?? bad });
    }
  }
  return {
    count: found.length,
    ats: Float64Array.from(found, ({ at }) => at),
    values: Float64Array.from(found, ({ value }) => value),
    marks: Uint8Array.from(found, ({ mark }) => mark),
  };
}
