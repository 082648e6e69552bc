import { flapAfterTime, flapMovesAt, isOfMode } from "./flap.ts";
import {
  also,
  levelOf,
  outlived,
  type Policy,
  returned,
  type Standing,
  type Told,
  tell,
  unshelve,
} from "./incident.ts";
import type { Judged, Level } from "./rule.ts";
import type { Instant, Mono } from "./sample.ts";
import { rank } from "./severity.ts";

/** What time alone ends: a shelf, maintenance, the word of a cause, the wait for one, flapping, a re-alarm's patience. */
export function lapse<S extends Standing>(standing: S, { levels }: Judged, now: Instant, policy: Policy): Told<S> {
  const level = levelOf(levels, standing.open);
  let told: Told<S> = { standing, changes: [] };
  if (due(standing.shelf?.until, now)) told = also(told, (after) => unshelve(after, "expired", level, now, after.open));
  if (due(standing.maintenance?.until, now)) told = also(told, (after) => maintained(after, level, now));
  if (standing.causes.some(({ until }) => due(until, now))) {
    const causes = standing.causes.filter(({ until }) => !due(until, now));
    told = also(told, (after) => outlived({ ...after, causes }, levels, now));
  }
  if (due(flapMovesAt(told.standing.flap, policy.flap), now)) {
    told = also(told, (after) => flapLapsed(after, level, now, policy));
  }
  if (due(told.standing.open?.heldUntil, now)) told = also(told, (after) => unheld(after, { levels }, now));
  const { reAlarmAt } = told.standing.open ?? {};
  if (reAlarmAt != null && due(reAlarmAt, now) && policy.reAlarmMs !== null) {
    const next = now.at - ((now.at - reAlarmAt) % policy.reAlarmMs) + policy.reAlarmMs;
    told = also(told, (after) =>
      tell({ ...after, open: after.open && { ...after.open, reAlarmAt: next } }, "update", "re_alarm", level, now),
    );
  }
  return told;
}

/** When `lapse` will have something to do; null: never. */
export function lapsesAt(standing: Standing, policy: Policy): Mono | null {
  const { shelf, maintenance, open, causes, flap } = standing;
  // As almost always.
  if (open === null && shelf === null && maintenance === null && flap === null && causes.length === 0) return null;
  let earliest: Mono | null = null;
  const untils = causes.map(({ until }) => until);
  const reAlarmAt = policy.reAlarmMs === null ? null : open?.reAlarmAt;
  const own = [shelf?.until, maintenance?.until, reAlarmAt, open?.heldUntil, flapMovesAt(flap, policy.flap)];
  for (const at of [...own, ...untils]) {
    if (at != null && (earliest === null || at < earliest)) earliest = at;
  }
  return earliest;
}

/** Maintenance is over: what is wrong still is called now. */
export function maintained<S extends Standing>(standing: S, level: Level, now: Instant): Told<S> {
  const ended = { ...standing, maintenance: null };
  return ended.open?.active ? tell(ended, "update", "maintenance_end", level, now) : { standing: ended, changes: [] };
}

/** No cause has shown: whoever is to be called is called now. */
export function unheld<S extends Standing>(standing: S, { levels }: Pick<Judged, "levels">, now: Instant): Told<S> {
  const level = levelOf(levels, standing.open);
  const next = { ...standing, open: standing.open && { ...standing.open, heldUntil: null } };
  return next.open?.active ? tell(next, "update", "unheld", level, now) : { standing: next, changes: [] };
}

/** Its rule looks for flapping otherwise now, or not at all: what was withheld is told, and it begins anew. */
export const unflapped = <S extends Standing>(standing: S, judged: Judged, now: Instant, policy: Policy): Told<S> =>
  standing.flap === null || (policy.flap !== null && isOfMode(standing.flap, policy.flap))
    ? { standing, changes: [] }
    : flapLapsed(standing, levelOf(judged.levels, standing.open), now, { ...policy, flap: null });

/** When it has been quiet for long enough, what was withheld is told as it stands now. */
function flapLapsed<S extends Standing>(standing: S, level: Level, now: Instant, policy: Policy): Told<S> {
  const { open, flap } = standing;
  if (flap === null) return { standing, changes: [] };
  const next = flapAfterTime(flap, open?.active ? rank(open.severity) : 0, now, policy.flap);
  const calm = { ...standing, flap: next };
  if (open === null || !flap.flapping || next?.flapping) return { standing: calm, changes: [] };
  if (open.active) return tell(calm, "update", "flapping_end", level, now);
  return returned({ ...calm, open: { ...open, active: true } }, level, now, policy);
}

const due = (at: Mono | null | undefined, now: Instant): boolean => at != null && at <= now.at;
