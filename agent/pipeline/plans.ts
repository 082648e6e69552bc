import type { Site } from "../config/resolved.ts";
import type { Cycle } from "../core/engine.ts";
import { earliest, type Instant, type Mono } from "../core/sample.ts";
import type { ClockTrust } from "../sinks/record.ts";
import { type Addition, additionTo } from "./addition.ts";
import { endRemoved, type Runs, windowsDue, windowsWakeAt } from "./calendar.ts";
import { type Asked, begin, counted, end, lapsed, type Modes, modesWakeAt, resume } from "./modes.ts";
import { type SilenceEnd, silenceEnds, warn, warningsWakeAt } from "./warnings.ts";

/**
 * What calls nobody for a time and ends by itself: modes, maintenance by the calendar, and the word that a silence is about
 * to end. All of it is judged in the cycle in which it falls due, and committed with it.
 */
export interface Plans {
  /** @param commanded whether silences may have changed; `asked`: the mode that somebody begins or ends */
  judge(judged: Cycle, now: Instant, commanded: boolean, asked: Asked | null): Planned;
  /** When something falls due if nothing happens before; null: nothing will. */
  wakeAt(): Mono | null;
  modes(): Modes;
}

export interface Planned extends Pick<Addition, "samples" | "texts"> {
  /** Whether there is something to commit. */
  readonly isNews: boolean;
  /** That, as JSON; `isWhole`: also where it is as it was. */
  kept(isWhole: boolean): { readonly plans?: string };
  /** The cycle was committed. */
  land(): void;
}

interface Kept {
  readonly modes: Modes;
  readonly runs: Runs;
  /** Of the site when this was kept. */
  readonly configHash: string;
}

/** The wall clock was stepped, if it has moved by more than this against the other one, ms. */
const stepMs = 1000;

/** @param trust a calendar is not followed by a clock that the system says is wrong: then people are called */
export function plansOf(site: Site, saved: string | null, trust: () => ClockTrust): Plans {
  const { configHash } = site;
  let kept = (JSON.parse(saved ?? "null") as Kept | null) ?? { modes: [], runs: {}, configHash };
  let ends: readonly SilenceEnd[] = [];
  let wakeAt: Mono | null = Number.NEGATIVE_INFINITY;
  let isTold = false;
  let ahead = 0;
  /** What was told to end; told again after a restart rather than not at all. */
  const warned = new Set<string>();

  const judge = (
    adding: Addition,
    commanded: boolean,
    asked: Asked | null,
  ): { readonly after: Kept; readonly ends: typeof ends } => {
    const { judged, now } = adding;
    let { modes, runs } = kept;
    if (!isTold) {
      resume(adding, modes, kept.configHash !== configHash);
      runs = endRemoved(adding, runs);
    }
    modes = counted(adding, modes);
    if (asked?.what === "begin") {
      const { forMs, what: _, ...rest } = asked;
      modes = begin(adding, modes, { ...rest, until: now.at + forMs });
    }
    if (asked?.what === "end") modes = end(adding, modes, asked);
    const had = runs;
    if (trust().synced !== false) ({ runs, modes } = windowsDue(adding, runs, modes));
    modes = lapsed(adding, modes, warned);
    const changed = commanded || !isTold || runs !== had;
    const silences = changed ? silenceEnds(site, judged, ends, now.at) : ends;
    warn(adding, silences, warned);
    const isSame = modes === kept.modes && runs === kept.runs && configHash === kept.configHash;
    return { after: isSame ? kept : { modes, runs, configHash }, ends: silences };
  };

  return {
    judge(judged, now, commanded, asked) {
      // Almost always nothing is due.
      const isDue = wakeAt !== null && wakeAt <= now.at;
      const isStepped = site.windows.length > 0 && Math.abs(now.wall - now.at - ahead) > stepMs;
      const matters = kept.modes.length > 0 && judged.events.length > 0;
      if (!isDue && !isStepped && !matters && !commanded && asked === null)
        return { samples: [], texts: new Map(), isNews: false, kept: keptIf(kept, kept), land: () => {} };
      const adding = additionTo(site, judged, now);
      const { after, ends: silences } = judge(adding, commanded, asked);
      return {
        ...adding,
        isNews: after !== kept,
        kept: keptIf(after, kept),
        land() {
          kept = after;
          ends = silences;
          isTold = true;
          ahead = now.wall - now.at;
          const wakes = [
            modesWakeAt(kept.modes, now.at),
            windowsWakeAt(site, kept.runs, now),
            warningsWakeAt(ends, now.at),
          ];
          wakeAt = earliest(wakes);
        },
      };
    },
    wakeAt: () => wakeAt,
    modes: () => kept.modes,
  };
}

const keptIf =
  (after: Kept, before: Kept): Planned["kept"] =>
  (isWhole) =>
    isWhole || after !== before ? { plans: JSON.stringify(after) } : {};
