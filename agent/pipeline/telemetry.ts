import type { Site } from "../config/resolved.ts";
import type { Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { Sink, TelemetryBatch } from "../sinks/sink.ts";
import type { Watched } from "../store/gatherer.ts";
import { newsOf } from "../store/news.ts";
import { qualities } from "../store/samples.ts";
import { watchedPoints } from "./keeping.ts";

/** The values of points, for whoever wants to see them: of use while they are new, never in front of an incident. */
export interface Telemetry {
  note(samples: readonly Sample[]): void;
  /** What the birth says of it. */
  readonly capabilities: readonly string[];
  stop(): void;
}

export interface TelemetryOptions {
  /** How often what is new is sent, ms. */
  readonly everyMs: number;
  /** A value that stays is said again this often, ms. */
  readonly beatMs: number;
}

/** While the sink is busy with what was sent. */
const againMs = 100;

/** @param how null: nobody wants them */
export function telemetryOf(env: Env, site: Site, how: TelemetryOptions | null, sink: () => Sink): Telemetry {
  if (how === null) return { note() {}, capabilities: [], stop() {} };
  const { everyMs, beatMs } = how;
  const units = new Map(site.devices.flatMap(({ points }) => points.map(({ id, unit }) => [id, unit])));
  const batches = batcher(
    watchedPoints(site).map((point) => ({ ...point, unit: units.get(point.id) ?? "1" })),
    beatMs,
  );
  let cancelAgain = (): void => {};
  let told = 0;
  const send = (): void => {
    cancelAgain();
    const to = sink();
    const isAll = to.connected && batches.send((batch) => to.telemetry?.(batch) ?? true);
    if (!isAll && to.connected) cancelAgain = env.after(againMs, send);
    if (isAll && batches.dropped > told) {
      env.report("telemetry.dropped", { samples: batches.dropped - told });
      told = batches.dropped;
    }
  };
  let cancel = env.after(everyMs, function again() {
    cancel = env.after(everyMs, again);
    batches.turn();
    send();
  });
  return {
    note: batches.note,
    capabilities: ["telemetry"],
    stop() {
      cancel();
      cancelAgain();
    },
  };
}

export interface Batcher {
  /** Takes what tells something new of the points. */
  note(samples: readonly Sample[]): void;
  /** What came so far is due. */
  turn(): void;
  /** Gives what is due to `take`, a batch a point, those first that wait longest, until it says no. Whether all went. */
  send(take: (batch: TelemetryBatch) => boolean): boolean;
  /** Samples that were given up because too many waited. */
  readonly dropped: number;
}

/** What the contract allows in one message. */
const batchMax = 500;
/** Of all points together; beyond it the oldest go. */
const waitingMax = 20_000;
/** Some go together, since all others are moved for it. */
const spare = 1000;

interface Waiting {
  readonly place: number;
  readonly said: TelemetryBatch["samples"][number];
}

export function batcher(points: readonly (Watched & { readonly unit: string })[], beatMs: number): Batcher {
  const places = new Map(points.map(({ id }, place) => [id, place]));
  const news = newsOf(
    points.map(({ deadband }) => deadband),
    beatMs,
  );
  let waiting: Waiting[] = [];
  let [due, dropped] = [0, 0];
  const add = (sample: Sample): void => {
    const place = places.get(sample.point);
    if (place === undefined) return;
    const value = sample.quality === "bad" ? null : sample.value;
    const [known, mark] = [value ?? Number.NaN, qualities.indexOf(sample.quality)];
    if (!news.isNews(place, sample.at, known, mark)) return;
    news.take(place, sample.at, known, mark);
    waiting.push({ place, said: [sample.wall, value, sample.quality] });
  };
  return {
    note(samples) {
      for (const sample of samples) add(sample);
      if (waiting.length <= waitingMax) return;
      const tooMany = waiting.length - waitingMax + spare;
      waiting = waiting.slice(tooMany);
      due = Math.max(0, due - tooMany);
      dropped += tooMany;
    },
    turn() {
      due = waiting.length;
    },
    send(take) {
      const gone = new Set<Waiting>();
      for (const batch of batchesOf(waiting.slice(0, due))) {
        const { id: point, unit } = points[batch[0]?.place ?? 0] ?? { id: "", unit: "" };
        if (!take({ point, unit, samples: batch.map(({ said }) => said) })) break;
        for (const one of batch) gone.add(one);
      }
      if (gone.size > 0) waiting = waiting.filter((one) => !gone.has(one));
      due -= gone.size;
      return due === 0;
    },
    get dropped() {
      return dropped;
    },
  };
}

function batchesOf(all: readonly Waiting[]): Iterable<readonly Waiting[]> {
  const open = new Map<number, Waiting[]>();
  const batches: Waiting[][] = [];
  for (const one of all) {
    const last = open.get(one.place);
    if (last !== undefined && last.length < batchMax) last.push(one);
    else {
      const batch = [one];
      open.set(one.place, batch);
      batches.push(batch);
    }
  }
  return batches;
}
