import { Cron } from "croner";
import * as z from "zod";
import { duration } from "../core/duration.ts";
import { modes } from "../core/modes.ts";
import type { Wall } from "../core/sample.ts";
import type { Place } from "./document.ts";
import { id } from "./id.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { Site, Window } from "./resolved.ts";
import { expectedOf, selected } from "./subjects.ts";

const hourMs = 3_600_000;

/** Maintenance by the calendar, as written. */
export const window = z.strictObject({
  id: id.describe("Names it."),
  what: z.string().describe("What is maintained, a selector such as zone=east class=crac."),
  at: z
    .string()
    .describe(
      "When it begins, in the site's time: once (2026-12-01T08:00), or again and again as cron has it (0 9 * * TUE#1: each first Tuesday at 9).",
    ),
  for: duration.refine((ms) => ms > 0 && ms <= 24 * hourMs, "expected more than 0s, at most 24h").describe("How long."),
  mode: z.string().optional().describe("Only what this mode expects calls nobody: generator-test …"),
  reason: z.string().min(1).describe("Why; it is published with the silence."),
});
export type WindowConfig = z.output<typeof window>;

/** What is wrong is told, and left out. */
export function windowsOf(
  written: readonly (WindowConfig | null)[],
  site: Pick<Site, "about" | "timeZone">,
  place: Place,
  problems: Problem[],
): Window[] {
  const ids = new Set<string>();
  return written.flatMap((one, index) => {
    if (one === null) return [];
    const wrong = (key: keyof WindowConfig, what: string): [] => {
      problems.push(place.problem([index, key], what));
      return [];
    };
    if (ids.has(one.id)) return wrong("id", `"${one.id}" is there twice; expected another one`);
    ids.add(one.id);
    const found = selected(site.about, one.what);
    if (typeof found === "string") return wrong("what", found);
    const mode = modes.find(({ name }) => name === one.mode);
    const names = modes.map(({ name }) => name);
    if (one.mode !== undefined && mode === undefined)
      return wrong("mode", `expected one of ${names.join(", ")}.${didYouMean(one.mode, names)}`);
    const keys = mode === undefined ? found.keys : expectedOf(site.about, found.keys, mode);
    if (keys.length === 0) return wrong("what", `the mode ${one.mode} expects no alarm of ${one.what}`);
    const runs = runsOf(one, site.timeZone);
    if (typeof runs === "string") return wrong("at", runs);
    const named = found.named || mode !== undefined;
    return [{ id: one.id, target: one.what, keys, named, mode: mode?.name ?? null, reason: one.reason, runAt: runs }];
  });
}

/** Runs looked at to see whether one comes before the one before it is over. */
const runsLookedAt = 50;

/** Of a run the beginning and the end; or what is wrong with the pattern. */
function runsOf({ at, for: forMs }: WindowConfig, timeZone: string): Window["runAt"] | string {
  let pattern: Cron;
  try {
    pattern = new Cron(at, { timezone: timeZone, paused: true });
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^CronPattern: |\.$/g, "") : String(error);
    return `${why}; expected a time such as 2026-12-01T08:00, or a cron pattern such as 0 9 * * TUE#1`;
  }
  const startAfter = (wall: Wall): Wall | null => pattern.nextRun(new Date(wall))?.getTime() ?? null;
  let last = startAfter(0);
  if (last === null) return "never comes; expected a day that there is";
  for (let i = 0; i < runsLookedAt; i++) {
    const next = startAfter(last);
    if (next === null) break;
    if (next - last <= forMs)
      return "comes again before it is over, so that it would never end; expected a shorter time";
    last = next;
  }
  return (wall) => {
    const from = startAfter(wall - forMs);
    return from === null ? null : { from, to: from + forMs };
  };
}
