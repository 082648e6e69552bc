import { type Flap, type FlapPolicy, flapAfterMove, flapAfterRaise } from "./flap.ts";
import type { Judged, Level } from "./rule.ts";
import type { Instant, Mono } from "./sample.ts";
import { rank, type Severity } from "./severity.ts";

/**
 * The life of an incident, once for every rule type: raise, update, return to normal, latch, close; what people do to it
 * is command.ts, what time does lapse.ts. Pure: a standing and what happens to it give the next standing and what is
 * told of it. Silencing never stops judging or recording; it only says that nobody is to be called.
 */
export interface Standing {
  /** How many times the condition has been raised, ever. */
  readonly occurrence: number;
  /** Events told of the newest occurrence. */
  readonly rev: number;
  readonly open: Occurrence | null;
  /** Shelved; without an end until the condition clears (one shot). */
  readonly shelf: Silence | null;
  readonly maintenance: Silence | null;
  /** Until it is placed back. */
  readonly outOfService: Silence | null;
  readonly flap: Flap | null;
  /** What suppresses it, by design: the cause is told, not its consequence. */
  readonly causes: readonly Cause[];
}

export interface Occurrence {
  readonly severity: Severity;
  /** The worst severity it had. */
  readonly worst: Severity;
  readonly onset: Instant;
  readonly raised: Instant;
  readonly mark: number | null;
  /** False once it has returned to normal and waits for someone: an acknowledgement, or a reset. */
  readonly active: boolean;
  readonly cleared: Instant | null;
  readonly acked: Acknowledgement | null;
  readonly latched: boolean;
  readonly reAlarmAt: Mono | null;
  /** Until then it waits, unheard, for a cause to show; null: it does not. */
  readonly heldUntil: Mono | null;
}

export interface Acknowledgement {
  readonly by: string;
  readonly at: Instant;
}

/** Nobody is called, since a person said so. */
export interface Silence {
  readonly until: Mono | null;
  readonly by: string;
  readonly reason: string;
  /** Whether it was named itself: what must always be heard is not silenced with all else of a row or a hall. */
  readonly named: boolean;
  /** The mode that it belongs to. */
  readonly mode?: string;
}

/** What may suppress a condition. */
export interface CauseRef {
  /** The rule's name. */
  readonly rule: string;
  /** It counts if the condition was raised at most so long after it … */
  readonly lagMs: number;
  /** … or so long before it, since delays differ. */
  readonly leadMs: number;
  /** How long it still counts when it is over: what the condition needs to see for itself. 0: until the end of that instant. */
  readonly lingerMs: number;
  /** Whether it tells the very same of many, so that even what is always to be heard is heard by it. */
  readonly covers: boolean;
}

/** One that does: it is active since then, and suppresses until `until` (null: while it is). */
export interface Cause extends CauseRef {
  readonly since: Mono;
  readonly until: Mono | null;
}

/** What a rule asks of the life of its incidents. */
export interface Policy {
  /** An incident that was as severe as this (1 … 5) stays open until someone has acknowledged it; 6: none does. */
  readonly ackFrom: number;
  readonly latch: boolean;
  readonly reAlarmMs: number | null;
  readonly maxShelveMs: number;
  readonly flap: FlapPolicy | null;
  /** How long it waits for a cause to show before anyone is called. */
  readonly holdMs: number;
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
  readonly acked: Acknowledgement | null;
  readonly latched: boolean;
  readonly shelf: Silence | null;
  readonly maintenance: Silence | null;
  readonly outOfService: Silence | null;
  /** Whether something explains it. */
  readonly caused: boolean;
  /** Names of the rules that suppress it. */
  readonly causes: readonly string[];
  readonly flapping: boolean;
  /** Whether a person is to be called: nobody silenced it, and nothing explains it, or it must be heard all the same. */
  readonly annunciate: boolean;
}

export interface Told<S extends Standing> {
  readonly standing: S;
  readonly changes: readonly Change[];
}

export const unraised: Standing = {
  occurrence: 0,
  rev: 0,
  open: null,
  shelf: null,
  maintenance: null,
  outOfService: null,
  flap: null,
  causes: [],
};

export const needsAck = ({ worst }: Occurrence, { ackFrom }: Policy): boolean => rank(worst) >= ackFrom;

/** The condition is active at `level`, and has been so since `onset` if it was not before. */
export function activeAt<S extends Standing>(
  standing: S,
  level: Level,
  onset: Instant,
  mark: number | null,
  { levels }: Pick<Judged, "levels">,
  now: Instant,
  policy: Policy,
): Told<S> {
  const { open } = standing;
  if (open === null) return raise(standing, level, onset, mark, now, policy);
  if (open.active) return follow(standing, open, level, mark, now, policy);
  if (standing.flap?.flapping) {
    const again = { ...open, active: true };
    return follow(moved(standing, again, now), again, level, mark, now, policy);
  }
  if (open.latched) {
    const again = at(level, { ...open, active: true, latched: false, cleared: null, mark: mark ?? open.mark });
    return tell({ ...standing, open: unacked(again, now, policy) }, "update", "active_again", level, now);
  }
  // It came back before anyone had acknowledged that it was gone: another occurrence.
  const closed = close(standing, open, "superseded", levelOf(levels, open), now);
  return also(closed, (after) => raise(after, level, onset, mark, now, policy));
}

/** The condition is active no longer; `level` is the worst that was. */
export function returned<S extends Standing>(standing: S, level: Level, now: Instant, policy: Policy): Told<S> {
  const { open } = standing;
  if (open === null || !open.active) return { standing, changes: [] };
  if (standing.flap?.flapping) return { standing: moved(standing, { ...open, active: false }, now), changes: [] };
  const rested = { ...open, active: false, cleared: now, reAlarmAt: null };
  if (policy.latch)
    return tell({ ...standing, open: { ...rested, latched: true } }, "update", "rtn_latched", level, now);
  const asked = needsAck(open, policy);
  const waits = asked && open.acked === null;
  const cleared = tell({ ...standing, open: waits ? rested : null }, "clear", null, level, now, rested);
  const ended = asked && !waits ? also(cleared, (after) => close(after, rested, null, level, now)) : cleared;
  return also(ended, (after) => unshelveOnce(after, level, now, rested));
}

/** A shelf of one shot ends with the occurrence. */
export const unshelveOnce = <S extends Standing>(standing: S, level: Level, now: Instant, of: Occurrence): Told<S> =>
  standing.shelf?.until === null ? unshelve(standing, "cleared", level, now, of) : { standing, changes: [] };

/** A rule that may suppress it became active at `since`, or, null, is active no longer. */
export function caused<S extends Standing>(
  standing: S,
  ref: CauseRef,
  since: Mono | null,
  { levels }: Judged,
  now: Instant,
): Told<S> {
  const { open } = standing;
  const known = standing.causes.find(({ rule }) => rule === ref.rule);
  const others = standing.causes.filter((one) => one !== known);
  if (since === null) {
    if (known === undefined || known.until !== null) return { standing, changes: [] };
    // What is yet to come has another cause.
    const causes = open === null ? others : [...others, { ...known, until: now.at + ref.lingerMs }];
    return { standing: { ...standing, causes }, changes: [] };
  }
  const late = open === null ? 0 : open.raised.at - since;
  // One that comes back while it lingers explains what it did before.
  const isNone = known === undefined && (late > ref.lagMs || -late > ref.leadMs);
  if (known?.until === null || isNone) return { standing, changes: [] };
  const next = {
    ...standing,
    causes: [...others, { ...ref, since, until: null }],
    open: open && { ...open, heldUntil: null },
  };
  const news = standing.causes.length === 0 && open !== null && (open.active || open.latched);
  return news ? tell(next, "update", "suppressed", levelOf(levels, open), now) : { standing: next, changes: [] };
}

/** If what suppressed it is gone and it goes on, someone is to be called. */
export function outlived<S extends Standing>(standing: S, levels: readonly Level[], now: Instant): Told<S> {
  const { open, causes } = standing;
  return causes.length > 0 || open === null || !(open.active || open.latched)
    ? { standing, changes: [] }
    : tell(standing, "update", "unsuppressed", levelOf(levels, open), now);
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
  return needsAck(open, policy) ? also(told, (after) => close(after, cleared, "rule_disabled", level, now)) : told;
}

function raise<S extends Standing>(
  standing: S,
  level: Level,
  onset: Instant,
  mark: number | null,
  now: Instant,
  policy: Policy,
): Told<S> {
  const { severity } = level;
  const fresh = { severity, worst: severity, onset, raised: now, mark, active: true, cleared: null, latched: false };
  // What was wrong for so long that it cannot be the reason is none.
  const causes = standing.causes.filter(({ since, lagMs }) => now.at - since <= lagMs);
  const waits = policy.holdMs > 0 && causes.length === 0 && level.audible !== true;
  const heldUntil = waits ? now.at + policy.holdMs : null;
  const open = unacked({ ...fresh, acked: null, reAlarmAt: null, heldUntil }, now, policy);
  const flap = flapAfterRaise(standing.flap, rank(severity), now, policy.flap);
  const occurrence = standing.occurrence + 1;
  const raised = tell({ ...standing, occurrence, rev: 0, open, causes }, "raise", null, level, now);
  if (!flap?.flapping) return { ...raised, standing: { ...raised.standing, flap } };
  return also(raised, (after) => tell({ ...after, flap }, "update", "flapping_start", level, now));
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
    const changed = at(level, { ...open, mark: newMark });
    // Who acknowledged the lesser one has not seen the worse one.
    const next = worse ? unacked(changed, now, policy) : changed;
    return tell({ ...standing, open: next }, "update", worse ? "severity_up" : "severity_down", level, now);
  }
  if (newMark === open.mark) return { standing, changes: [] };
  return tell({ ...standing, open: { ...open, mark: newMark } }, "update", "value", level, now);
}

const at = ({ severity, audible }: Level, open: Occurrence): Occurrence => ({
  ...open,
  heldUntil: audible ? null : open.heldUntil,
  severity,
  worst: rank(severity) > rank(open.worst) ? severity : open.worst,
});

export const unacked = (open: Occurrence, now: Instant, { reAlarmMs }: Policy): Occurrence => ({
  ...open,
  acked: null,
  reAlarmAt: reAlarmMs === null ? null : now.at + reAlarmMs,
});

const moved = <S extends Standing>(standing: S, open: Occurrence, now: Instant): S => ({
  ...standing,
  open: { ...open, cleared: open.active ? null : now },
  flap: flapAfterMove(standing.flap, now),
});

/** `of`: the occurrence that is open, or was. */
export function unshelve<S extends Standing>(
  standing: S,
  reason: string | null,
  level: Level,
  now: Instant,
  of: Occurrence | null,
): Told<S> {
  return tell({ ...standing, shelf: null }, "unshelve", reason, level, now, of);
}

export function close<S extends Standing>(
  standing: S,
  of: Occurrence,
  reason: string | null,
  level: Level,
  now: Instant,
): Told<S> {
  return tell({ ...standing, open: null }, "close", reason, level, now, of);
}

/** One event of the occurrence that is open, or was (`of`). */
export function tell<S extends Standing>(
  standing: S,
  kind: Change["kind"],
  reason: string | null,
  level: Level,
  now: Instant,
  of: Occurrence | null = standing.open,
): Told<S> {
  const rev = standing.rev + 1;
  const { causes, shelf, maintenance, outOfService } = standing;
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
    acked: of?.acked ?? null,
    latched: of?.latched ?? false,
    shelf,
    maintenance,
    outOfService,
    caused: causes.length > 0,
    causes: causes.map(({ rule }) => rule),
    flapping: standing.flap?.flapping === true,
    annunciate: calls(standing, level, of),
  };
  return { standing: { ...standing, rev }, changes: [change] };
}

/** Whether a person is to be called for the occurrence that is open, or was. */
export function calls(standing: Standing, { audible, quiet }: Level, of: Occurrence | null): boolean {
  const { causes, shelf, maintenance, outOfService } = standing;
  const isHeld = causes.length > 0 || (of?.heldUntil ?? null) !== null;
  const isExplained = isHeld && (audible !== true || causes.some(({ covers }) => covers));
  const silences = (one: Silence | null): boolean => one !== null && (one.named || audible !== true);
  return quiet !== true && !isExplained && ![shelf, maintenance, outOfService].some(silences);
}

export function also<S extends Standing>(told: Told<S>, next: (standing: S) => Told<S>): Told<S> {
  const after = next(told.standing);
  return { standing: after.standing, changes: [...told.changes, ...after.changes] };
}

export const levelOf = (levels: readonly Level[], open: Occurrence | null): Level =>
  (levels.find(({ severity }) => severity === open?.severity) ?? levels[0]) as Level;
