import type { BadReason, Mono, PointId, Sample, Wall } from "../core/sample.ts";

/**
 * The newest samples of each point that was judged; the engine keeps none, and who asks why wants to see them. Every
 * sample passes here: they are numbers in slots that are used again, so that keeping them makes no garbage.
 */
export interface Newest {
  of(point: PointId): Sample | undefined;
  note(samples: readonly Sample[]): void;
  /** The last ones of a point up to `until`, oldest first, as if `coming` had been noted too. */
  before(point: PointId, until: Mono, coming: readonly Sample[]): readonly Seen[];
  /** Whether what was seen at `at` was the first after a start, or after the point had been lost: so it may have been before. */
  begins(point: PointId, at: Mono, coming: readonly Sample[]): boolean;
}

/** Time, value (null where it is bad), quality. */
export type Seen = readonly [at: Mono, value: number | null, quality: Sample["quality"]];

/** Samples kept of each point. */
export const depth = 20;
/** So many bad samples in a row, and a point is lost: a single one leaves no time in which much could happen unseen. */
const lostAfter = 3;
/** Beginnings that are remembered: a condition may wait long to be told, while its point is lost again. */
const beginningsMax = 4;
const qualities = ["good", "uncertain", "bad"] as const;

interface Place {
  /** Of the newest sample, what its slot has not. */
  wall: Wall;
  reason: BadReason | null;
  sourceAt: Wall | undefined;
  /** Source time of the newest sample that said one. */
  source: Wall;
  /** Of its slots. */
  readonly first: number;
  /** Samples ever noted. */
  count: number;
  /** Bad ones since the last that was not; Infinity: there was none since the start. */
  bad: number;
  /** When it was seen again, or first. */
  beginnings: readonly Mono[];
}

export function newestSamples(): Newest {
  const places = new Map<PointId, Place>();
  let times = new Float64Array(depth * 64);
  let values = new Float64Array(depth * 64);
  let marks = new Uint8Array(depth * 64);

  const placeOf = (point: PointId): Place => {
    const first = places.size * depth;
    if (first === times.length) {
      times = twice(times, new Float64Array(2 * first));
      values = twice(values, new Float64Array(2 * first));
      marks = twice(marks, new Uint8Array(2 * first));
    }
    const place: Place = {
      wall: Number.NEGATIVE_INFINITY,
      reason: null,
      sourceAt: undefined,
      source: Number.NEGATIVE_INFINITY,
      first,
      count: 0,
      bad: Number.POSITIVE_INFINITY,
      beginnings: [],
    };
    places.set(point, place);
    return place;
  };
  const seenAt = (slot: number): Seen => {
    const quality = qualities[marks[slot] ?? 2] ?? "bad";
    return [times[slot] ?? 0, quality === "bad" ? null : (values[slot] ?? null), quality];
  };
  const newestIn = (point: PointId, { first, count, wall, reason, sourceAt }: Place): Sample => {
    const [at, value, quality] = seenAt(first + ((count - 1) % depth));
    const told = { at, wall, point, ...(sourceAt === undefined ? {} : { sourceAt }) };
    if (value === null) return { ...told, quality: "bad", reason: reason ?? "timeout" };
    if (quality === "uncertain") return { ...told, quality, value, reason: reason ?? "timeout" };
    return { ...told, quality: "good", value };
  };
  return {
    of(point) {
      const place = places.get(point);
      return place && newestIn(point, place);
    },
    note(samples) {
      for (const sample of samples) {
        const place = places.get(sample.point) ?? placeOf(sample.point);
        if (!isNews(sample, place.source)) continue;
        if (sample.sourceAt !== undefined) place.source = sample.sourceAt;
        place.wall = sample.wall;
        place.reason = sample.quality === "good" ? null : sample.reason;
        place.sourceAt = sample.sourceAt;
        const slot = place.first + (place.count++ % depth);
        times[slot] = sample.at;
        values[slot] = sample.quality === "bad" ? 0 : sample.value;
        marks[slot] = qualities.indexOf(sample.quality);
        if (isBeginning(place.bad, sample)) place.beginnings = [...place.beginnings, sample.at].slice(-beginningsMax);
        place.bad = badAfter(place.bad, sample);
      }
    },
    before(point, until, coming) {
      const seen: Seen[] = [];
      const place = places.get(point);
      const { first = 0, count = 0 } = place ?? {};
      for (let i = Math.max(0, count - depth); i < count; i++) seen.push(seenAt(first + (i % depth)));
      let source = place?.source ?? Number.NEGATIVE_INFINITY;
      for (const sample of coming) {
        if (sample.point !== point || !isNews(sample, source)) continue;
        source = sample.sourceAt ?? source;
        seen.push([sample.at, sample.quality === "bad" ? null : sample.value, sample.quality]);
      }
      return seen.filter(([at]) => at <= until).slice(-depth);
    },
    begins(point, at, coming) {
      const { bad = Number.POSITIVE_INFINITY, beginnings = [] } = places.get(point) ?? {};
      if (beginnings.includes(at)) return true;
      let before = bad;
      for (const sample of coming) {
        if (sample.point !== point) continue;
        if (sample.at === at && isBeginning(before, sample)) return true;
        before = badAfter(before, sample);
      }
      return false;
    },
  };
}

const isBeginning = (bad: number, { quality }: Sample): boolean => quality !== "bad" && bad >= lostAfter;
const badAfter = (bad: number, { quality }: Sample): number => (quality === "bad" ? bad + 1 : 0);

/** As the engine has it: what the device observed no later than what it told before is no news. */
const isNews = ({ sourceAt }: Sample, source: Wall): boolean => sourceAt === undefined || sourceAt > source;

function twice<Slots extends Float64Array | Uint8Array>(old: Slots, bigger: Slots): Slots {
  bigger.set(old);
  return bigger;
}
