import type { PointId, Sample } from "../core/sample.ts";
import { newsOf } from "./news.ts";
import { type Mark, type Mixed, mixed, qualities } from "./samples.ts";
import { type Stretch, stepMs, stretches } from "./stretches.ts";
import { beatMs } from "./trace.ts";

/**
 * The part of the history that is in memory: thins out what comes, and gathers it twice – in the order in which it came,
 * to be on disk soon, and in stretches of one point, to be found again.
 */
export interface Gatherer {
  /** @param shift from engine time to the file's */
  note(samples: readonly Sample[], shift: number): void;
  /** Takes back what was on disk in the order in which it came only; what has no place is left out. */
  restore(serial: number, stamp: number, samples: Mixed, placeOf: (id: number, at: number) => number | undefined): void;
  /** Until then every sample of a point is kept. */
  watch(place: number, until: number): void;
  placeOf(point: PointId): number | undefined;
  /** What is here of a point, oldest first. */
  of(place: number): readonly Stretch[];
  /** Ends stretches that began before, some at a time, so that chunks from then on need not be kept. */
  endBefore(at: number): void;
  /** What is to be written, the oldest first. */
  readonly chunks: readonly Chunk[];
  readonly ended: readonly Stretch[];
  /** Chunks from this one on are needed when `written` of the ended stretches are. */
  neededFrom(written: number): number;
  /** Lets go the first ones, which were written or are too many. */
  letGo(chunks: number, ended: number): void;
  /** Chunks are numbered from here on. */
  numberFrom(serial: number): void;
  /** The newest time that was seen. */
  readonly newest: number;
}

/** A point that is kept. */
export interface Watched {
  readonly id: PointId;
  /** What has not moved further than this from the last value that was kept is thinned out. */
  readonly deadband: number;
}

export interface Chunk {
  readonly serial: number;
  /** What makes wall time of its times, ms. */
  readonly stamp: number;
  /** `points` are places in the list of points. */
  readonly samples: Mixed;
}

export function gatherer(points: readonly Watched[]): Gatherer {
  const places = new Map(points.map(({ id }, place) => [id, place]));
  const news = newsOf(
    points.map(({ deadband }) => deadband),
    beatMs,
  );
  const watched = new Float64Array(points.length).fill(Number.NEGATIVE_INFINITY);
  const own = stretches(points.length);
  const all = chunker();
  let newest = Number.NEGATIVE_INFINITY;

  const keep = (place: number, at: number, value: number, mark: Mark, stamp: number, serial: number): void => {
    own.add(place, at, value, mark, stamp, serial);
    news.take(place, at, value, mark);
    if (at > newest) newest = at;
  };
  return {
    note(samples, shift) {
      for (const sample of samples) {
        const place = places.get(sample.point);
        if (place === undefined) continue;
        const at = sample.at + shift;
        const value = sample.quality === "bad" ? Number.NaN : sample.value;
        const mark = sample.quality === "good" ? 0 : qualities.indexOf(sample.quality);
        if (at > newest) newest = at;
        if (!news.isNews(place, at, value, mark, at <= (watched[place] ?? 0))) continue;
        const stamp = sample.wall - at;
        keep(place, at, value, mark, stamp, all.add(place, at, value, mark, stamp));
      }
    },
    restore(serial, stamp, { count, ats, values, points: ids, marks }, placeOf) {
      for (let i = 0; i < count; i++) {
        const at = ats[i] ?? 0;
        const place = placeOf(ids[i] ?? 0, at);
        if (place !== undefined) keep(place, at, values[i] ?? 0, marks[i] ?? 0, stamp, serial);
      }
    },
    watch(place, until) {
      watched[place] = Math.max(watched[place] ?? until, until);
    },
    placeOf: (point) => places.get(point),
    of: own.of,
    endBefore: own.endBefore,
    chunks: all.chunks,
    ended: own.ended,
    neededFrom: (written) => Math.min(own.oldestSerial(written), all.next()),
    letGo(chunks, ended) {
      all.letGo(chunks);
      own.ended.splice(0, ended);
    },
    numberFrom: all.numberFrom,
    get newest() {
      return newest;
    },
  };
}

const chunkSize = 1024;

function chunker() {
  const chunks: Chunk[] = [];
  let serial = 1;
  let stamp = 0;
  let open: Mixed | null = null;
  return {
    chunks,
    /** Gives the number of the chunk that it is in. */
    add(place: number, at: number, value: number, mark: Mark, stampNow: number): number {
      if (open === null || open.count === chunkSize || Math.abs(stampNow - stamp) > stepMs) {
        open = mixed(chunkSize);
        stamp = stampNow;
        chunks.push({ serial: serial++, stamp, samples: open });
      }
      open.ats[open.count] = at;
      open.values[open.count] = value;
      open.points[open.count] = place;
      open.marks[open.count++] = mark;
      return serial - 1;
    },
    letGo(count: number): void {
      chunks.splice(0, count);
      if (chunks.length === 0) open = null;
    },
    next: () => serial,
    numberFrom(first: number): void {
      serial = Math.max(serial, first);
    },
  };
}
