import { join, parse } from "node:path";
import type { Instant, Mono, PointId, Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import { evidenceIn, type Found, type ReadPoint } from "./evidence.ts";
import { gatherer, type Watched } from "./gatherer.ts";
import type { HistoryFile } from "./history-file.ts";
import { historyKeeper } from "./history-keeper.ts";
import { unpackSlots } from "./rollup.ts";
import { bad, qualities, type Samples, unpack } from "./samples.ts";
import { joined } from "./stretches.ts";
import { type Bucket, holdMs, trace } from "./trace.ts";

/**
 * The samples of every point, for people to look back: in a file of its own beside the store, expendable. Nothing is judged
 * or sent by it, and none of its functions throws: a file that cannot be used is set aside, and while none can be
 * written, what memory holds is answered.
 *
 * Samples are ordered by engine time, which goes on across restarts; wall time only stamps them. Where engine time
 * begins anew (another store) or goes back (a reboot with a wrong clock), it is shifted behind what the file has.
 */
export interface History {
  /** Takes those of the site's points; what has not moved since the last one that was kept is thinned out. */
  note(samples: readonly Sample[]): void;
  /** Kept samples of a point with `from` ≤ time ≤ `to`, oldest first, at most `limit`. */
  samples(point: PointId, from: Mono, to: Mono, limit: number): readonly KeptSample[];
  /** What a point said from `from` to before `to`, in `count` buckets of one width; none for an empty span. */
  buckets(point: PointId, from: Mono, to: Mono, count: number): readonly Bucket[];
  /** Has the samples around raises kept. `seq`: of the event up to which raises were told. */
  want(raises: readonly Raise[], seq: number): void;
  readonly seq: number;
  evidenceOf(incident: string): readonly Evidence[];
  /** Writes what is not written yet; idempotent. */
  close(): void;
}

export interface KeptSample extends Instant {
  /** Null where it is bad. */
  readonly value: number | null;
  readonly quality: Sample["quality"];
}

export interface Raise {
  readonly incident: string;
  readonly at: Mono;
  readonly points: readonly PointId[];
}

/** Of one point around a raise. */
export interface Evidence {
  readonly point: PointId;
  /** False while its time is not over. */
  readonly isWhole: boolean;
  /** Ms since the raise, negative before it; the first may be older than the span, and hold into it. */
  readonly samples: readonly (readonly [afterMs: number, value: number | null, quality: Sample["quality"]])[];
}

export interface HistoryOptions {
  readonly env: Pick<Env, "after" | "report"> & { readonly clock: Pick<Env["clock"], "mono" | "wall"> };
  readonly path: string;
  readonly points: readonly Watched[];
  /** Of the store that it is beside. */
  readonly epoch: string;
  readonly lastSeq: number;
  /** How long samples are kept before they become 15-minute figures, ms. */
  readonly keepMs: number;
  /** Room on the disk. */
  readonly bytesMax: number;
  readonly now: Instant;
}

/** Its file, by the name of the store: `store-history.db` beside `store.db`. */
export function historyBeside(store: string): string {
  const { dir, name, ext } = parse(store);
  return join(dir, `${name}-history${ext}`);
}

/** Chunks that wait are written at once, without waiting for the timer. */
const chunksMax = 16;

export function openHistory(options: HistoryOptions): History {
  const memory = gatherer(options.points);
  const readPoint: ReadPoint = (point, from, to) => joined(read(point, from, to), from, to);
  const keeper = historyKeeper(options, memory, readPoint);
  const { held } = keeper;
  const asked = <T>(point: PointId, work: (id: number) => readonly T[]): readonly T[] => {
    const place = memory.placeOf(point);
    return place === undefined ? [] : held.guarded([], () => work(held.idOf(place)));
  };

  /** Of a point by its number in the file: blocks that reach into the time and what memory has. */
  function* read(id: number, from: number, to: number): Generator<Samples & { readonly stamp: number }> {
    for (const { first, stamp, packed } of held.file()?.blocksOf(id, from) ?? []) {
      if (first > to) break;
      yield { ...unpack(packed, first), stamp };
    }
    const place = held.placeOf(id);
    if (place !== undefined) for (const { samples, stamp } of memory.of(place)) yield { ...samples, stamp };
  }

  const figures = (id: number, from: number, to: number, count: number): Bucket[] => {
    const sum = trace(from, to, count);
    const file = held.file();
    const seam = file?.rolledUntil(id) ?? Number.NEGATIVE_INFINITY;
    if (file !== null && from < seam) {
      for (const { first, packed } of file.rollsOf(id, from)) {
        if (first > to) break;
        const { slots, width } = unpackSlots(packed, first);
        for (const slot of slots) sum.addBucket(slot, width);
      }
    }
    sum.startAt(seam);
    for (const part of read(id, Math.max(from, seam) - holdMs, to)) sum.addAll(part);
    return sum.buckets(Math.min(to, keeper.now()));
  };

  return {
    note(samples) {
      memory.note(samples, held.shift);
      if (memory.chunks.length > chunksMax) keeper.flush();
    },
    samples(point, from, to, limit) {
      const shift = held.shift;
      return asked(point, (id) => {
        const found: KeptSample[] = [];
        for (const { count, ats, values, marks, stamp } of read(id, from + shift, to + shift)) {
          for (let i = 0; i < count && found.length < limit; i++) {
            const at = (ats[i] ?? 0) - shift;
            if (at < from || at > to) continue;
            found.push({ at, wall: at + shift + stamp, ...said(values[i], marks[i]) });
          }
          if (found.length >= limit) break;
        }
        return found;
      });
    },
    buckets(point, from, to, count) {
      if (!(from < to) || !(count >= 1)) return [];
      const shift = held.shift;
      return asked(point, (id) =>
        figures(id, from + shift, to + shift, Math.floor(count)).map((one) => ({ ...one, from: one.from - shift })),
      );
    },
    want: keeper.want,
    get seq() {
      return keeper.seq();
    },
    evidenceOf(incident) {
      keeper.flush();
      const file = held.file();
      if (file === null) return [];
      return held.guarded([], () => evidenceIn(file, incident, readPoint).map((one) => evidence(one, file)));
    },
    close: keeper.close,
  };
}

function said(value = Number.NaN, mark = bad): Pick<KeptSample, "value" | "quality"> {
  return { value: mark === bad ? null : value, quality: qualities[mark] ?? "bad" };
}

function evidence({ wanted: { point, raised }, isWhole, samples }: Found, file: HistoryFile): Evidence {
  const { ats, values, marks } = samples;
  return {
    point: file.nameOf(point) ?? "",
    isWhole,
    samples: [...ats].map((at, i) => {
      const { value, quality } = said(values[i], marks[i]);
      return [at - raised, value, quality] as const;
    }),
  };
}
