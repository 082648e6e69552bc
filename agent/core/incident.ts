import type { Judged, Level } from "./rule.ts";
import type { Instant, Mono } from "./sample.ts";
import { rank, type Severity } from "./severity.ts";

/**
 * The life of an incident, once for every rule type: raise, update, acknowledge, return to normal, latch, reset, shelve,
 * maintenance, close. Pure: a standing and what happens to it give the next standing and what is told of it.
 * Silencing never stops judging or recording; it only says that nobody is to be called.
 */
export interface Standing {
  /** How many times the condition has been raised, ever. */
  readonly occurrence: number;
  /** Events told of the newest occurrence. */
  readonly rev: number;
  readonly open: Occurrence | null;
  readonly shelf: Shelf | null;
  /** In maintenance until then; null: not. */
  readonly maintenanceUntil: Mono | null;
  readonly flap: Flap | null;
}

/** Raises and clears in quick succession: one incident is kept open, and its ups and downs are withheld. */
export interface Flap {
  /** Recent raises, oldest first; only those that count. */
  readonly raises: readonly Mono[];
  readonly flapping: boolean;
  readonly movedAt: Mono;
}

export interface Occurrence {
  readonly severity: Severity;
  readonly onset: Instant;
  readonly raised: Instant;
  readonly mark: number | null;
  /** False once it has returned to normal and waits for someone: an acknowledgement, or a reset. */
  readonly active: boolean;
  readonly cleared: Instant | null;
  readonly acked: boolean;
  readonly latched: boolean;
  readonly reAlarmAt: Mono | null;
}

/** `until` null: until the condition clears (one shot). */
export interface Shelf {
  readonly until: Mono | null;
}

/** What a rule asks of the life of its incidents. */
export interface Policy {
  readonly ackRequired: boolean;
  readonly latch: boolean;
  readonly reAlarmMs: number | null;
  readonly maxShelveMs: number;
  /** `count` raises within `windowMs` are flapping, until nothing moved for `quietMs`; null: never. */
  readonly flap: { readonly count: number; readonly windowMs: number; readonly quietMs: number } | null;
}

export const changeKinds = ["raise", "update", "clear", "ack", "close", "shelve", "unshelve"] as const;

export interface Change {
  readonly kind: (typeof changeKinds)[number];
  readonly reason: string | null;
  readonly occurrence: number;
  readonly rev: number;
  /** The worst active level; of an incident that is no longer active, the one that was. */
  readonly level: Level;
  readonly onset: Instant;
  readonly raised: Instant;
  readonly cleared: Instant | null;
  /** After this event. */
  readonly open: boolean;
  readonly active: boolean;
  readonly acked: boolean;
  readonly latched: boolean;
  readonly shelved: boolean;
  readonly suppressed: boolean;
  readonly flapping: boolean;
  readonly annunciate: boolean;
}

export interface Told<S extends Standing> {
  readonly standing: S;
  readonly changes: readonly Change[];
}

export type Command =
  | { readonly name: "ack" | "reset" | "unshelve" }
  /** `forMs` null: until the condition clears. */
  | { readonly name: "shelve"; readonly forMs: number | null }
  | { readonly name: "maintenance"; readonly forMs: number };

export interface Refusal {
  readonly code: "not_found" | "invalid_state" | "limit_exceeded";
  readonly detail: string;
}

export const unraised: Standing = {
  occurrence: 0,
  rev: 0,
  open: null,
  shelf: null,
  maintenanceUntil: null,
  flap: null,
};

/** The condition is active at `level`, and has been so since `onset` if it was not before. */
export function activeAt<S extends Standing>(
  standing: S,
  level: Level,
  onset: Instant,
  mark: number | null,
  now: Instant,
  policy: Policy,
): Told<S> {
  const { open } = standing;
  if (open === null) return raise(standing, level, onset, mark, now, policy);
  if (open.active) return follow(standing, open, level, mark, now, policy);
  if (standing.flap?.flapping) return { standing: moved(standing, { ...open, active: true }, now), changes: [] };
  if (open.latched) {
    const again = unacked(
      { ...open, severity: level.severity, active: true, latched: false, cleared: null },
      now,
      policy,
    );
    return tell({ ...standing, open: again }, "update", "active_again", level, now);
  }
  // It came back before anyone had acknowledged that it was gone: another occurrence.
  const closed = close(standing, open, "superseded", level, now);
  const raised = raise(closed.standing, level, onset, mark, now, policy);
  return { standing: raised.standing, changes: [...closed.changes, ...raised.changes] };
}

/** The condition is active no longer; `level` is the worst that was. */
export function returned<S extends Standing>(standing: S, level: Level, now: Instant, policy: Policy): Told<S> {
  const { open } = standing;
  if (open === null || !open.active) return { standing, changes: [] };
  if (standing.flap?.flapping) return { standing: moved(standing, { ...open, active: false }, now), changes: [] };
  const rested = { ...open, active: false, cleared: now, reAlarmAt: null };
  if (policy.latch)
    return tell({ ...standing, open: { ...rested, latched: true } }, "update", "rtn_latched", level, now);
  const waits = policy.ackRequired && !open.acked;
  const cleared = tell({ ...standing, open: waits ? rested : null }, "clear", null, level, now, rested);
  const ended =
    policy.ackRequired && !waits ? also(cleared, (after) => close(after, rested, null, level, now)) : cleared;
  return standing.shelf?.until === null
    ? also(ended, (after) => unshelve(after, "cleared", level, now, rested))
    : ended;
}

/** A person's, or the centre's, will. A refusal changes nothing. */
export function obey<S extends Standing>(
  standing: S,
  command: Command,
  { levels }: Judged,
  now: Instant,
  policy: Policy,
): Told<S> | Refusal {
  const { open } = standing;
  const level = levelOf(levels, open);
  switch (command.name) {
    case "ack":
      return open === null
        ? refusal("there is no open incident to acknowledge")
        : acknowledge(standing, open, level, now);
    case "reset":
      return reset(standing, open, level, now, policy);
    case "shelve":
      return shelve(standing, command.forMs, level, now, policy);
    case "unshelve":
      return standing.shelf === null ? refusal("it is not shelved") : unshelve(standing, null, level, now, open);
    case "maintenance":
      return { standing: { ...standing, maintenanceUntil: now.at + command.forMs }, changes: [] };
  }
}

/** What time alone ends: a shelf, maintenance, the patience of a re-alarm. */
export function lapse<S extends Standing>(standing: S, { levels }: Judged, now: Instant, policy: Policy): Told<S> {
  const level = levelOf(levels, standing.open);
  let told: Told<S> = { standing, changes: [] };
  if (due(standing.shelf?.until, now)) told = also(told, (after) => unshelve(after, "expired", level, now, after.open));
  if (due(standing.maintenanceUntil, now)) {
    told = also(told, (after) => {
      const ended = { ...after, maintenanceUntil: null };
      return ended.open?.active
        ? tell(ended, "update", "maintenance_end", level, now)
        : { standing: ended, changes: [] };
    });
  }
  if (due(quietAt(told.standing, policy), now)) told = also(told, (after) => calmed(after, level, now, policy));
  const { reAlarmAt } = told.standing.open ?? {};
  if (due(reAlarmAt, now) && reAlarmAt != null && policy.reAlarmMs !== null) {
    const next = now.at - ((now.at - reAlarmAt) % policy.reAlarmMs) + policy.reAlarmMs;
    told = also(told, (after) =>
      tell({ ...after, open: after.open && { ...after.open, reAlarmAt: next } }, "update", "re_alarm", level, now),
    );
  }
  return told;
}

/** The rule is gone: its incident must not be orphaned. */
export function retire<S extends Standing>(standing: S, { levels }: Judged, now: Instant, policy: Policy): Told<S> {
  const { open } = standing;
  if (open === null) return { standing, changes: [] };
  const level = levelOf(levels, open);
  const gone = { ...standing, open: null, flap: null };
  if (!open.active && !open.latched) return close(gone, open, "rule_disabled", level, now);
  const cleared = { ...open, active: false, cleared: now, latched: false };
  const told = tell(gone, "clear", "rule_disabled", level, now, cleared);
  return policy.ackRequired ? also(told, (after) => close(after, cleared, "rule_disabled", level, now)) : told;
}

/** When `lapse` will have something to do; null: never. */
export function lapsesAt(standing: Standing, policy: Policy): Mono | null {
  const { shelf, maintenanceUntil, open } = standing;
  // As almost always.
  if (open === null && shelf === null && maintenanceUntil === null) return null;
  let earliest: Mono | null = null;
  for (const at of [shelf?.until, maintenanceUntil, open?.reAlarmAt, quietAt(standing, policy)]) {
    if (at != null && (earliest === null || at < earliest)) earliest = at;
  }
  return earliest;
}

function raise<S extends Standing>(
  standing: S,
  level: Level,
  onset: Instant,
  mark: number | null,
  now: Instant,
  policy: Policy,
): Told<S> {
  const fresh = { severity: level.severity, onset, raised: now, mark, active: true, cleared: null, latched: false };
  const open = unacked({ ...fresh, acked: false, reAlarmAt: null }, now, policy);
  const flap = counted(standing.flap, now, policy);
  const raised = tell({ ...standing, occurrence: standing.occurrence + 1, rev: 0, open }, "raise", null, level, now);
  if (!flap?.flapping) return { ...raised, standing: { ...raised.standing, flap } };
  return also(raised, (after) => tell({ ...after, flap }, "update", "flapping_start", level, now));
}

function counted(flap: Flap | null, now: Instant, { flap: rule }: Policy): Flap | null {
  if (rule === null) return null;
  const recent = (flap?.raises ?? []).filter((at) => at > now.at - rule.windowMs);
  const raises = [...recent, now.at].slice(-rule.count);
  return { raises, flapping: raises.length >= rule.count, movedAt: now.at };
}

const moved = <S extends Standing>(standing: S, open: Occurrence, now: Instant): S => ({
  ...standing,
  open: { ...open, cleared: open.active ? null : now },
  flap: standing.flap && { ...standing.flap, movedAt: now.at },
});

const quietAt = ({ flap }: Standing, policy: Policy): Mono | null =>
  flap?.flapping ? flap.movedAt + (policy.flap?.quietMs ?? 0) : null;

/** It has been quiet for long enough: what was withheld is told as it stands now. */
function calmed<S extends Standing>(standing: S, level: Level, now: Instant, policy: Policy): Told<S> {
  const { open } = standing;
  const calm = { ...standing, flap: null };
  if (open === null) return { standing: calm, changes: [] };
  if (open.active) return tell(calm, "update", "flapping_end", level, now);
  return returned({ ...calm, open: { ...open, active: true } }, level, now, policy);
}

function follow<S extends Standing>(
  standing: S,
  open: Occurrence,
  level: Level,
  mark: number | null,
  now: Instant,
  policy: Policy,
): Told<S> {
  const newMark = mark ?? open.mark;
  if (level.severity !== open.severity) {
    const worse = rank(level.severity) > rank(open.severity);
    const moved = { ...open, severity: level.severity, mark: newMark };
    // Who acknowledged the lesser one has not seen the worse one.
    const next = worse ? unacked(moved, now, policy) : moved;
    return tell({ ...standing, open: next }, "update", worse ? "severity_up" : "severity_down", level, now);
  }
  if (newMark === open.mark) return { standing, changes: [] };
  return tell({ ...standing, open: { ...open, mark: newMark } }, "update", "value", level, now);
}

const unacked = (open: Occurrence, now: Instant, { reAlarmMs }: Policy): Occurrence => ({
  ...open,
  acked: false,
  reAlarmAt: reAlarmMs === null ? null : now.at + reAlarmMs,
});

function acknowledge<S extends Standing>(standing: S, open: Occurrence, level: Level, now: Instant): Told<S> {
  if (open.acked) return { standing, changes: [] };
  const acked = { ...open, acked: true, reAlarmAt: null };
  const told = tell({ ...standing, open: acked }, "ack", null, level, now);
  const waited = !open.active && !open.latched && !standing.flap?.flapping;
  return !waited ? told : also(told, (after) => close(after, acked, null, level, now));
}

function reset<S extends Standing>(
  standing: S,
  open: Occurrence | null,
  level: Level,
  now: Instant,
  policy: Policy,
): Told<S> | Refusal {
  if (open === null || !open.latched) return refusal(open?.active ? "it is still active" : "it is not latched");
  if (policy.ackRequired && !open.acked) return refusal("it is not acknowledged");
  const unlatched = { ...open, latched: false };
  const cleared = tell({ ...standing, open: null }, "clear", null, level, now, unlatched);
  return also(cleared, (after) => close(after, unlatched, null, level, now));
}

function shelve<S extends Standing>(
  standing: S,
  forMs: number | null,
  level: Level,
  now: Instant,
  policy: Policy,
): Told<S> | Refusal {
  if (forMs !== null && forMs > policy.maxShelveMs) {
    return refusal(`longer than the most, ${policy.maxShelveMs / 1000} s`, "limit_exceeded");
  }
  const shelf = { until: forMs === null ? null : now.at + forMs };
  return tell({ ...standing, shelf }, "shelve", null, level, now);
}

function unshelve<S extends Standing>(
  standing: S,
  reason: string | null,
  level: Level,
  now: Instant,
  of: Occurrence | null,
): Told<S> {
  return tell({ ...standing, shelf: null }, "unshelve", reason, level, now, of);
}

function close<S extends Standing>(
  standing: S,
  of: Occurrence,
  reason: string | null,
  level: Level,
  now: Instant,
): Told<S> {
  return tell({ ...standing, open: null }, "close", reason, level, now, of);
}

/** One event of the occurrence that is open, or was (`of`). */
function tell<S extends Standing>(
  standing: S,
  kind: Change["kind"],
  reason: string | null,
  level: Level,
  now: Instant,
  of: Occurrence | null = standing.open,
): Told<S> {
  const rev = standing.rev + 1;
  const shelved = standing.shelf !== null;
  const suppressed = standing.maintenanceUntil !== null;
  const change: Change = {
    kind,
    reason,
    occurrence: standing.occurrence,
    rev,
    level,
    onset: of?.onset ?? now,
    raised: of?.raised ?? now,
    cleared: of?.cleared ?? null,
    open: standing.open !== null,
    active: of?.active ?? false,
    acked: of?.acked ?? false,
    latched: of?.latched ?? false,
    shelved,
    suppressed,
    flapping: standing.flap?.flapping === true,
    annunciate: !shelved && !suppressed,
  };
  return { standing: { ...standing, rev }, changes: [change] };
}

function also<S extends Standing>(told: Told<S>, next: (standing: S) => Told<S>): Told<S> {
  const after = next(told.standing);
  return { standing: after.standing, changes: [...told.changes, ...after.changes] };
}

const due = (at: Mono | null | undefined, now: Instant): boolean => at != null && at <= now.at;

const levelOf = (levels: readonly Level[], open: Occurrence | null): Level =>
  (levels.find(({ severity }) => severity === open?.severity) ?? levels[0]) as Level;

const refusal = (detail: string, code: Refusal["code"] = "invalid_state"): Refusal => ({ code, detail });
