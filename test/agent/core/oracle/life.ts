import { type Level, type Said, severities, type Verdict, type Word } from "./measures.ts";

/** An event as a vector writes it. */
export interface Told {
  readonly t: number;
  readonly kind: string;
  readonly severity: string;
  readonly key: string;
  readonly reason?: string;
  readonly annunciate?: false;
}

export interface Latch {
  active: boolean;
  /** When the evidence for a change began, and its newest; null: none. */
  since: number | null;
  last: number;
  /** What the newest evaluation said; null after a restart. */
  said: Said;
}

export interface Incident {
  /** Place of the worst active level, or of the last one. */
  level: number;
  /** Greatest place that it had. */
  worst: number;
  active: boolean;
  acked: boolean;
  latched: boolean;
  reAlarmAt: number | null;
  mark: number | undefined;
}

/** What a rule asks of its incidents; ms. */
export interface Policy {
  readonly ackRequired: boolean | undefined;
  readonly latch: boolean;
  readonly reAlarm: number | null;
  readonly maxShelve: number;
  readonly flap: { readonly count: number; readonly window: number; readonly quiet: number } | null;
  readonly maxGap: number;
  readonly timed: boolean;
}

export interface Condition {
  readonly key: string;
  readonly slot: string;
  readonly side: "high" | "low";
  readonly levels: readonly Level[];
  readonly policy: Policy;
  readonly latches: Latch[];
  /** The newest value that tells alike severities apart. */
  mark: number | undefined;
  incident: Incident | null;
  shelf: { readonly until: number | null } | null;
  maintenanceUntil: number | null;
  /** When it was raised. */
  raises: number[];
  /** When it last moved while it flaps; null: it does not. */
  flappingSince: number | null;
}

export type Tell = (told: Told) => void;

const unsaid: Said = { raise: null, clear: null };
export const latch = (): Latch => ({ active: false, since: null, last: 0, said: unsaid });

/** A restart: what was said is not known any more. */
export function forget({ latches }: Condition): void {
  for (const one of latches) one.said = unsaid;
}

/** 1.2 and 1.3: a rule says something to each level, which moves its latch, and with the latches the incident. */
export function hear(condition: Condition, word: Word, now: number, tell: Tell): void {
  condition.levels.forEach((level, i) => {
    const one = condition.latches[i] as Latch;
    one.said = word.to(level, condition.slot, condition.side);
    const wasActive = one.active;
    move(one, one.active ? one.said.clear : one.said.raise, level, now, condition.policy.maxGap);
    if (one.active && !wasActive) bringLesser(condition, i);
  });
  condition.mark = word.mark ?? condition.mark;
  follow(condition, now, tell);
}

/** `change`: the verdict for leaving the present state. */
function move(one: Latch, change: Verdict, level: Level, now: number, maxGap: number): void {
  if (change === null) return;
  if (change === false) {
    one.since = null;
    return;
  }
  if (one.since === null || now - one.last > maxGap) one.since = now;
  one.last = now;
  if (now - one.since >= delayOf(one, level)) turn(one);
}

function turn(one: Latch): void {
  one.active = !one.active;
  one.since = null;
}

const delayOf = (one: Latch, { onDelay, offDelay }: Level): number => (one.active ? offDelay : onDelay);

function bringLesser({ latches }: Condition, worse: number): void {
  for (const one of latches.slice(0, worse)) if (!one.active) turn(one);
}

/** When a wait is over by time alone: only with `delayMode: timer`, and only while what it waits for still holds. */
export function waitsUntil({ latches, levels, policy }: Condition): number[] {
  if (!policy.timed) return [];
  return latches.flatMap((one, i) => {
    const holds = one.active ? one.said.clear : one.said.raise;
    return one.since !== null && holds === true ? [one.since + delayOf(one, levels[i] as Level)] : [];
  });
}

/** Waits that are over at `now`. */
export function elapse(condition: Condition, now: number, tell: Tell): void {
  condition.latches.forEach((one, i) => {
    const level = condition.levels[i] as Level;
    const holds = one.active ? one.said.clear : one.said.raise;
    if (!condition.policy.timed || holds !== true || one.since === null || now - one.since < delayOf(one, level))
      return;
    turn(one);
    if (one.active) bringLesser(condition, i);
  });
  follow(condition, now, tell);
}

/** The life of an incident, 2.1: what becomes of it when the worst active level is another than it was. */
function follow(condition: Condition, now: number, tell: Tell): void {
  const level = condition.latches.findLastIndex(({ active }) => active);
  const { incident } = condition;
  if (level < 0) {
    if (incident?.active) down(condition, incident, now, tell);
    return;
  }
  if (!incident?.active) up(condition, level, now, tell);
  else stay(condition, incident, level, now, tell);
}

function up(condition: Condition, level: number, now: number, tell: Tell): void {
  const { policy, incident, flappingSince, mark } = condition;
  const reAlarmAt = policy.reAlarm === null ? null : now + policy.reAlarm;
  if (incident !== null && flappingSince !== null) {
    condition.flappingSince = now;
    incident.active = true;
    stay(condition, incident, level, now, tell);
    return;
  }
  if (incident?.latched) {
    const worst = Math.max(level, incident.worst);
    Object.assign(incident, { active: true, latched: false, acked: false, level, worst, reAlarmAt, mark });
    say(condition, "update", level, now, tell, "active_again");
    return;
  }
  if (incident !== null) say(condition, "close", incident.level, now, tell, "superseded");
  condition.incident = { level, worst: level, active: true, acked: false, latched: false, reAlarmAt, mark };
  say(condition, "raise", level, now, tell);
  condition.raises.push(now);
  countRaises(condition, level, now, tell);
}

function countRaises(condition: Condition, level: number, now: number, tell: Tell): void {
  const { flap } = condition.policy;
  if (flap === null) return;
  if (condition.raises.filter((at) => at > now - flap.window).length < flap.count) return;
  condition.flappingSince = now;
  say(condition, "update", level, now, tell, "flapping_start");
}

function stay(condition: Condition, incident: Incident, level: number, now: number, tell: Tell): void {
  const { policy, latches, mark } = condition;
  const before = condition.levels[incident.level]?.severity;
  const after = condition.levels[level]?.severity;
  const waits = latches.some(({ since }) => since !== null);
  const wasLess = level > incident.level;
  incident.level = level;
  incident.worst = Math.max(level, incident.worst);
  if (before !== after) {
    incident.mark = mark;
    if (wasLess) {
      incident.acked = false;
      incident.reAlarmAt = policy.reAlarm === null ? null : now + policy.reAlarm;
    }
    say(condition, "update", level, now, tell, wasLess ? "severity_up" : "severity_down");
  } else if (mark !== incident.mark && !waits) {
    incident.mark = mark;
    say(condition, "update", level, now, tell, "value");
  }
}

function down(condition: Condition, incident: Incident, now: number, tell: Tell): void {
  incident.active = false;
  if (condition.flappingSince !== null) condition.flappingSince = now;
  else returned(condition, incident, now, tell);
}

/** It is known to be back to normal. */
function returned(condition: Condition, incident: Incident, now: number, tell: Tell): void {
  incident.reAlarmAt = null;
  if (condition.policy.latch) {
    incident.latched = true;
    say(condition, "update", incident.level, now, tell, "rtn_latched");
    return;
  }
  const open = needsAck(condition, incident) && !incident.acked;
  if (!open) condition.incident = null;
  say(condition, "clear", incident.level, now, tell);
  if (!open && needsAck(condition, incident)) say(condition, "close", incident.level, now, tell);
  unshelveOnce(condition, incident.level, now, tell);
}

function unshelveOnce(condition: Condition, level: number, now: number, tell: Tell): void {
  if (condition.shelf?.until !== null) return;
  condition.shelf = null;
  say(condition, "unshelve", level, now, tell, "cleared");
}

/** 2.6: by default whatever was high or critical, or is latched. */
function needsAck({ policy, levels }: Condition, { worst }: Incident): boolean {
  if (policy.ackRequired !== undefined) return policy.ackRequired;
  return policy.latch || severities.indexOf((levels[worst] as Level).severity) >= severities.indexOf("high");
}

function say(condition: Condition, kind: string, level: number, now: number, tell: Tell, reason?: string): void {
  const isSilent = condition.shelf !== null || condition.maintenanceUntil !== null;
  tell({
    t: now / 1000,
    kind,
    severity: (condition.levels[level] as Level).severity,
    key: condition.key,
    ...(reason === undefined ? {} : { reason }),
    ...(isSilent ? { annunciate: false } : {}),
  });
}

/** What a person does; what cannot be obeyed changes nothing. Durations in ms, null: until it clears. */
export function obey(condition: Condition, name: string, forMs: number | null, now: number, tell: Tell): void {
  const { incident, policy } = condition;
  const level = incident?.level ?? 0;
  if (name === "ack" && incident !== null && !incident.acked) {
    incident.acked = true;
    incident.reAlarmAt = null;
    const isOver = !incident.active && !incident.latched && condition.flappingSince === null;
    if (isOver) condition.incident = null;
    say(condition, "ack", level, now, tell);
    if (isOver) say(condition, "close", level, now, tell);
  }
  if (name === "reset" && incident?.latched && (incident.acked || !needsAck(condition, incident))) {
    condition.incident = null;
    say(condition, "clear", level, now, tell);
    say(condition, "close", level, now, tell);
    unshelveOnce(condition, level, now, tell);
  }
  if (name === "shelve" && (forMs === null || (forMs > 0 && forMs <= policy.maxShelve))) {
    condition.shelf = { until: forMs === null ? null : now + forMs };
    say(condition, "shelve", level, now, tell);
  }
  if (name === "unshelve" && condition.shelf !== null) {
    condition.shelf = null;
    say(condition, "unshelve", level, now, tell);
  }
  if (name === "maintenance" && forMs !== null && forMs > 0) condition.maintenanceUntil = now + forMs;
}

/** When time alone changes something, beside delays. */
export function lapsesAt({ shelf, maintenanceUntil, flappingSince, policy, incident }: Condition): number[] {
  const quiet = flappingSince === null || policy.flap === null ? null : flappingSince + policy.flap.quiet;
  const reAlarmAt = incident?.active || flappingSince !== null ? (incident?.reAlarmAt ?? null) : null;
  return [shelf?.until ?? null, maintenanceUntil, quiet, reAlarmAt].filter((at) => at !== null);
}

export function lapse(condition: Condition, now: number, tell: Tell): void {
  const { policy, incident } = condition;
  const level = incident?.level ?? 0;
  const until = condition.shelf?.until ?? null;
  if (until !== null && until <= now) {
    condition.shelf = null;
    say(condition, "unshelve", level, now, tell, "expired");
  }
  if (condition.maintenanceUntil !== null && condition.maintenanceUntil <= now) {
    condition.maintenanceUntil = null;
    if (incident?.active) say(condition, "update", level, now, tell, "maintenance_end");
  }
  const { flappingSince } = condition;
  if (flappingSince !== null && policy.flap !== null && flappingSince + policy.flap.quiet <= now && incident !== null) {
    condition.flappingSince = null;
    condition.raises = [];
    if (incident.active) say(condition, "update", level, now, tell, "flapping_end");
    else returned(condition, incident, now, tell);
  }
  if (incident === null || incident.reAlarmAt === null || incident.reAlarmAt > now) return;
  if (incident.active || flappingSince !== null) {
    while (incident.reAlarmAt <= now) incident.reAlarmAt += policy.reAlarm as number;
    say(condition, "update", level, now, tell, "re_alarm");
  }
}
