import * as z from "zod";
import type { Mono } from "../../agent/core/sample.ts";
import type { Learnt } from "../driver.ts";
import { isMissing, refusal } from "./failure.ts";
import { type Holes, holeOf, mute, noHoles } from "./holes.ts";
import type { Request } from "./plan.ts";

/** What devices refused, by request: in memory, and over restarts. */
export interface Refused {
  /** Null: nothing was ever refused. */
  of(request: Request): Holes | null;
  /** To be called after each read; writes what is new. */
  note(request: Request, known: Holes): void;
}

const nth = z.int().min(0);
/** Of a hole, the exception that says so; 0: silence does. */
const schema = z.record(z.string(), z.object({ holes: z.array(z.tuple([nth, z.int()])), cuts: z.array(nth) }));
type Written = z.output<typeof schema>;

/** Requests of configurations past are among them; there is no end to those. */
const entriesMax = 1000;

export function refusedOf(learnt: Learnt | undefined, now: () => Mono): Refused {
  const written: Written = schema.safeParse(learnt?.before).data ?? {};
  const live = new Map<string, Holes>();
  return {
    of(request) {
      const key = keyOf(request);
      const entry = written[key];
      return live.get(key) ?? (entry === undefined ? null : revived(request, entry, now()));
    },
    note(request, known) {
      const key = keyOf(request);
      const isWhole = known.holes.size + known.cuts.size + known.silences.size === 0;
      if (isWhole) live.delete(key);
      else live.set(key, known);
      const entry = writtenOf(known);
      if (JSON.stringify(entry) === JSON.stringify(written[key] ?? writtenOf(noHoles(request)))) return;
      delete written[key];
      if (entry.holes.length + entry.cuts.length > 0) written[key] = entry;
      for (const old of Object.keys(written).slice(0, -entriesMax)) delete written[old];
      learnt?.keep(written);
    },
  };
}

/** What is being tried is not known yet. */
const writtenOf = ({ holes, cuts, trials }: Holes): Written[string] => ({
  holes: [...holes].map(([nth, { answer }]): [number, number] => [
    nth,
    ("fault" in answer ? answer.exception : undefined) ?? 0,
  ]),
  cuts: [...cuts].filter((cut) => !trials.has(cut)),
});

/** As if it had been refused just now. */
function revived(request: Request, entry: Written[string], now: Mono): Holes {
  const known = noHoles(request);
  for (const [nth, exception] of entry.holes) {
    const answer = exception === 0 ? mute : refusal(exception);
    if (nth < known.values.length && "fault" in answer && isMissing(answer)) known.holes.set(nth, holeOf(answer, now));
  }
  for (const cut of entry.cuts) if (cut > 0 && cut < known.values.length) known.cuts.add(cut);
  return known;
}

const keys = new WeakMap<Request, string>();

/** With its points: another request may read the same range for others. */
function keyOf(request: Request): string {
  const { unit, table, start, points } = request;
  const key = keys.get(request) ?? `${unit} ${table} ${start} ${points.map(({ id }) => id).join()}`;
  keys.set(request, key);
  return key;
}
