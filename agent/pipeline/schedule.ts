import type { AnyRequest } from "../../drivers/driver.ts";
import type { Mono } from "../core/sample.ts";
import { charged, type Lanes, lanes, type Priority, started, startTag } from "./fairness.ts";

/**
 * What a bus should do next: pure, so that fairness and back-off can be tested without a clock. Each request has a
 * fixed beat (phase + n × interval): it neither drifts nor piles up; beats that were missed are skipped and counted.
 * Of what is due, priorities and their shares of the bus decide (fairness.ts).
 * A device that does not answer is asked by its shortest request only, at growing spacing, until it does; all such
 * devices of a bus together get a twentieth of its time, as long as another one answers.
 */
export interface Schedule {
  readonly tasks: readonly Task[];
  readonly health: ReadonlyMap<string, Health>;
  readonly skipped: number;
  readonly lanes: Lanes;
  /** Requests under way. */
  readonly underWay: ReadonlySet<AnyRequest>;
  /** Until when a device is left alone after an exchange. */
  readonly restsUntil: ReadonlyMap<string, Mono>;
  /** No silent device is asked before then. */
  readonly probeFrom: Mono;
  /** By device, what it is asked while it is silent. */
  readonly probes: ReadonlyMap<string, AnyRequest>;
}

export interface Wanted {
  readonly request: AnyRequest;
  readonly device: string;
  readonly intervalMs: number;
  readonly priority: Priority;
  /** How long it takes, in whatever unit tells the requests of a device apart. */
  readonly length: number;
  /** How long its device is to be left alone after it, ms. */
  readonly pauseMs: number;
}

export interface Task extends Wanted {
  /** Its next regular beat. */
  readonly beatAt: Mono;
  /** When it is next wanted: the beat, or earlier where a rule waits for a confirming sample. */
  readonly dueAt: Mono;
  /** Asked for by a person: it has no beat, and is asked for whether the device is silent or not. */
  readonly isOnce: boolean;
}

interface Health {
  readonly failures: number;
  /** While it is silent, nothing is asked of the device before then. */
  readonly probeAt: Mono;
  /** A hint brings nothing forward to before then. */
  readonly hintFrom: Mono;
}

/** Failures after which a device is only probed. */
const silentAfter = 3;
const probeMaxMs = 30_000;
/** Of a bus on which somebody answers, what silent devices may cost. */
const probeShare = 0.05;
/** After an exchange, before a hint leads to the next: a device that hints without end is not asked without end. */
const hintPauseMs = 500;

/** However long the interval: what is wrong at the start is not to be found an hour later. */
const firstWithinMs = 10_000;

/** First beats are spread over the interval by the device's name, so that devices do not answer all at once. */
export function schedule(wanted: readonly Wanted[], now: Mono): Schedule {
  const tasks = wanted.map((one) => {
    const phase = hash(one.device);
    const beatAt = now + (phase % one.intervalMs);
    const dueAt = Math.min(beatAt, now + (phase % firstWithinMs));
    return { ...one, beatAt, dueAt, isOnce: false };
  });
  const probes = new Map<string, AnyRequest>();
  for (const { device, request } of wanted.toSorted((a, b) => a.length - b.length))
    if (!probes.has(device)) probes.set(device, request);
  return {
    ...{ tasks, probes, health: new Map(), skipped: 0, lanes },
    ...{ underWay: new Set(), restsUntil: new Map(), probeFrom: Number.NEGATIVE_INFINITY },
  };
}

/** What to ask next and when: at `now`, or later where nothing is due yet; null: nothing, until something under way has ended. */
export function next(plan: Schedule, now: Mono): { readonly task: Task; readonly at: Mono } | null {
  const due = new Map<Priority, Task>();
  let soonest: { task: Task; at: Mono } | null = null;
  for (const task of plan.tasks) {
    const at = startOf(plan, task);
    if (at === null) continue;
    const lane = laneOf(plan, task);
    const before = due.get(lane);
    if (at <= now && (before === undefined || task.dueAt < before.dueAt)) due.set(lane, task);
    if (soonest === null || at < soonest.at) soonest = { task, at };
  }
  let best: { task: Task; tag: number } | null = null;
  for (const [lane, task] of due) {
    const tag = startTag(plan.lanes, lane);
    if (best === null || tag < best.tag) best = { task, tag };
  }
  return best === null ? soonest : { task: best.task, at: now };
}

/** When a task may start; null: not while something else is under way. */
function startOf(plan: Schedule, task: Task): Mono | null {
  if (plan.underWay.has(task.request)) return null;
  const rested = plan.restsUntil.get(task.device) ?? Number.NEGATIVE_INFINITY;
  if (task.isOnce || !isSilent(plan, task.device)) return Math.max(task.dueAt, rested);
  if (plan.probes.get(task.device) !== task.request) return null;
  const { probeAt } = plan.health.get(task.device) ?? well;
  return Math.max(probeAt, rested, othersAnswer(plan, task.device) ? plan.probeFrom : probeAt);
}

/** On whose account it is asked. */
export const laneOf = (plan: Schedule, task: Task): Priority =>
  !task.isOnce && isSilent(plan, task.device) ? "diagnostics" : task.priority;

/** An exchange begins. */
export const begun = (plan: Schedule, task: Task): Schedule => ({
  ...plan,
  lanes: started(plan.lanes, laneOf(plan, task)),
  underWay: new Set(plan.underWay).add(task.request),
});

/** After an exchange that ended at `now` and took the bus for `tookMs`. */
export function done(before: Schedule, task: Task, answered: boolean, now: Mono, tookMs: number): Schedule {
  const last = before.health.get(task.device) ?? well;
  const wasSilent = last.failures >= silentAfter;
  const underWay = new Set(before.underWay);
  underWay.delete(task.request);
  const plan: Schedule = {
    ...before,
    underWay,
    lanes: charged(before.lanes, laneOf(before, task), tookMs),
    health: healthAfter(before, task, answered, now),
    restsUntil: task.pauseMs > 0 ? new Map(before.restsUntil).set(task.device, now + task.pauseMs) : before.restsUntil,
    probeFrom: wasSilent && !answered ? now + tookMs * (1 / probeShare - 1) : before.probeFrom,
  };
  let { skipped } = before;
  const tasks: Task[] = [];
  for (const one of before.tasks) {
    const finished = one.request === task.request;
    if (finished && one.isOnce) continue;
    // What a silent device was not asked meanwhile is no overrun: its requests go back to their beats.
    if (one.isOnce || (!finished && !(answered && wasSilent && one.device === task.device))) {
      tasks.push(one);
      continue;
    }
    const missed = Math.floor((now - one.beatAt) / one.intervalMs);
    if (finished && missed > 0 && !wasSilent && !isSilent(plan, task.device)) skipped += missed;
    const beatAt = now < one.beatAt ? one.beatAt : one.beatAt + (missed + 1) * one.intervalMs;
    tasks.push({ ...one, beatAt, dueAt: finished ? beatAt : now });
  }
  return { ...plan, tasks, skipped };
}

function healthAfter(plan: Schedule, task: Task, answered: boolean, now: Mono): Schedule["health"] {
  const last = plan.health.get(task.device) ?? well;
  // A person who asks a silent device does not have it probed more rarely.
  if (task.isOnce && !answered) return plan.health;
  const failures = answered ? 0 : last.failures + 1;
  // Probes spread out (1, 2, 4 … intervals): a dead device must not cost the bus more than it is worth.
  const spacing = task.intervalMs * 2 ** Math.min(20, Math.max(0, failures - silentAfter));
  const probeAt = now + Math.min(spacing, Math.max(probeMaxMs, task.intervalMs));
  const hintFrom = Math.max(answered ? 0 : last.hintFrom, now + hintPauseMs);
  return new Map(plan.health).set(task.device, { failures, probeAt, hintFrom });
}

/** Whether a device is given up until a probe is answered. */
export const isSilent = ({ health }: Schedule, device: string): boolean =>
  (health.get(device) ?? well).failures >= silentAfter;

const othersAnswer = (plan: Schedule, device: string): boolean =>
  [...plan.probes.keys()].some((one) => one !== device && !isSilent(plan, one));

/** Brings the next read of a point forward to `at`. A silent device is probed no sooner for that. */
export function hasten(before: Schedule, point: string, at: Mono): Schedule {
  const tasks = before.tasks.map((task) =>
    !task.isOnce && task.dueAt > at && task.request.points.some(({ id }) => id === point)
      ? { ...task, dueAt: at }
      : task,
  );
  return { ...before, tasks };
}

/** Asks once, now, beside the beats. */
export function demand(before: Schedule, wanted: Wanted, now: Mono): Schedule {
  const task: Task = { ...wanted, priority: "command", beatAt: now, dueAt: now, isOnce: true };
  return { ...before, tasks: [...before.tasks, task] };
}

/**
 * Brings forward what a device hints at, to `now` or half a second after its last exchange. One that is silent is probed early
 * once, and then not before it would have been anyway.
 */
export function hinted(before: Schedule, device: string, points: ReadonlySet<string>, now: Mono): Schedule {
  const last = before.health.get(device) ?? well;
  const silent = isSilent(before, device);
  if (silent && now < last.hintFrom) return before;
  const at = Math.max(now, last.hintFrom);
  const isMeant = ({ device: of, dueAt, request, isOnce }: Task): boolean =>
    !isOnce && of === device && dueAt > at && (silent || request.points.some(({ id }) => points.has(id)));
  const tasks = before.tasks.map((task) => (isMeant(task) ? { ...task, dueAt: at } : task));
  if (!silent) return { ...before, tasks };
  const early = { ...last, probeAt: Math.min(last.probeAt, at), hintFrom: Math.max(last.probeAt, at) };
  return { ...before, tasks, health: new Map(before.health).set(device, early) };
}

const well: Health = { failures: 0, probeAt: 0, hintFrom: 0 };

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}
