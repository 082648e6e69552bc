import type { Sample } from "../core/sample.ts";

/** Samples as the history keeps them: columns of numbers, packed into a few bytes each. */
export const qualities = ["good", "uncertain", "bad"] as const satisfies readonly Sample["quality"][];
/** Quality as its place in `qualities`: the higher, the worse. */
export type Mark = number;
export const bad: Mark = 2;

export interface Samples {
  readonly count: number;
  /** Ascending, ms. */
  readonly ats: Float64Array;
  /** NaN where it is bad. */
  readonly values: Float64Array;
  readonly marks: Uint8Array;
}

/** 13 bytes a sample: value, ms after `at0` (49 days at most), quality. Little-endian, as is every machine it runs on. */
const bytes = 13;

export function pack({ count, ats, values, marks }: Samples, at0: number): Uint8Array {
  const blob = new ArrayBuffer(count * bytes);
  new Float64Array(blob, 0, count).set(values.subarray(0, count));
  const after = new Uint32Array(blob, count * 8, count);
  for (let i = 0; i < count; i++) after[i] = (ats[i] ?? at0) - at0;
  new Uint8Array(blob, count * 12, count).set(marks.subarray(0, count));
  return new Uint8Array(blob);
}

/** What was torn is read as far as it goes. */
export function unpack(packed: Uint8Array, at0: number): Samples {
  const count = Math.floor(packed.length / bytes);
  // What SQLite gives does not begin where numbers may begin.
  const blob = new Uint8Array(packed).buffer;
  const ats = Float64Array.from(new Uint32Array(blob, count * 8, count), (after) => at0 + after);
  return { count, ats, values: new Float64Array(blob, 0, count), marks: new Uint8Array(blob, count * 12, count) };
}

/** The same of many points, in the order in which they came: 21 bytes each. */
export interface Mixed extends Samples {
  count: number;
  readonly points: Uint32Array;
}

/** Empty. */
export function mixed(room: number): Mixed {
  return {
    count: 0,
    ats: new Float64Array(room),
    values: new Float64Array(room),
    points: new Uint32Array(room),
    marks: new Uint8Array(room),
  };
}

/** @param idOf what a point is called where it is kept */
export function packMixed({ count, ats, values, points, marks }: Mixed, idOf: (point: number) => number): Uint8Array {
  const blob = new ArrayBuffer(count * 21);
  new Float64Array(blob, 0, count).set(ats.subarray(0, count));
  new Float64Array(blob, count * 8, count).set(values.subarray(0, count));
  const ids = new Uint32Array(blob, count * 16, count);
  for (let i = 0; i < count; i++) ids[i] = idOf(points[i] ?? 0);
  new Uint8Array(blob, count * 20, count).set(marks.subarray(0, count));
  return new Uint8Array(blob);
}

export function unpackMixed(packed: Uint8Array): Mixed {
  const count = Math.floor(packed.length / 21);
  const blob = new Uint8Array(packed).buffer;
  return {
    count,
    ats: new Float64Array(blob, 0, count),
    values: new Float64Array(blob, count * 8, count),
    points: new Uint32Array(blob, count * 16, count),
    marks: new Uint8Array(blob, count * 20, count),
  };
}
