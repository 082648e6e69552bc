import type { Site } from "../config/resolved.ts";
import { earliest, type Instant, type Mono, type Wall } from "../core/sample.ts";
import { type Addition, endMaintenance, maintain } from "./addition.ts";
import { begin, type Modes, silence } from "./modes.ts";

/** By the window's id: when the run that was begun last ends, wall time. */
export type Runs = Readonly<Record<string, Wall>>;

/** Who does it, in what is silenced. */
const calendar = (id: string): string => `calendar:${id}`;

/** Begins the windows that are due; a run is begun once, so that people may end it. */
export function windowsDue(
  adding: Addition,
  before: Runs,
  modes: Modes,
): { readonly runs: Runs; readonly modes: Modes } {
  const { site, now } = adding;
  let runs = before;
  let inForce = modes;
  for (const { id, keys, named, mode, target, reason, runAt } of site.windows) {
    const run = runAt(now.wall);
    if (run === null || run.from > now.wall || runs[id] === run.to) continue;
    runs = { ...runs, [id]: run.to };
    const until = now.at + run.to - now.wall;
    const by = calendar(id);
    if (mode === null) maintain(adding, keys, { until, by, reason, named });
    else {
      inForce = begin(adding, inForce, { mode, target, by, reason, until });
      const begun = inForce.at(-1);
      if (begun !== undefined) silence(adding, begun);
    }
  }
  return { runs, modes: inForce };
}

/** What a window began that is no longer in the calendar ends: its reason is gone. */
export function endRemoved(adding: Addition, before: Runs): Runs {
  const known = new Set(adding.site.windows.map(({ id }) => id));
  const removed = Object.keys(before).filter((id) => !known.has(id));
  const gone = new Set(removed.map(calendar));
  if (removed.length > 0) endMaintenance(adding, ({ by, mode }) => mode === undefined && gone.has(by));
  return Object.fromEntries(Object.entries(before).filter(([id]) => known.has(id)));
}

/** When the next window begins; soon, where one should have begun but the clock is not to be believed. */
export const windowsWakeAt = ({ windows }: Site, runs: Runs, { at, wall }: Instant): Mono | null =>
  earliest(
    windows.flatMap(({ id, runAt }) => {
      const run = runAt(wall);
      if (run !== null && run.from <= wall && runs[id] !== run.to) return [at + againMs];
      const next = run !== null && run.from <= wall ? runAt(run.to) : run;
      return next === null ? [] : [at + next.from - wall];
    }),
  );

const againMs = 60_000;
