import type { AnyRequest } from "../../drivers/driver.ts";
import type { Mono } from "../core/sample.ts";

/**
 * What a bus should do next: pure, so that fairness and back-off can be tested without a clock. Each request has a
 * fixed beat (phase + n × interval): it neither drifts nor piles up; beats that were missed are skipped and counted.
 * A device that does not answer is asked by one request only, at growing spacing, until it does.
 */
export interface Task {
  readonly request: AnyRequest;
  readonly device: string;
  readonly intervalMs: number;
  /** Its next regular beat. */
  readonly beatAt: Mono;
  /** When it is next wanted: the beat, or earlier where a rule waits for a confirming sample. */
  readonly dueAt: Mono;
}

export interface Schedule {
  readonly tasks: readonly Task[];
  readonly health: ReadonlyMap<string, Health>;
  readonly skipped: number;
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
/** After an exchange, before a hint leads to the next: a device that hints without end is not asked without end. */
const hintPauseMs = 500;

export interface Wanted {
  readonly request: AnyRequest;
  readonly device: string;
  readonly intervalMs: number;
}

/** First beats are spread over the interval by the device's name, so that devices do not answer all at once. */
export function schedule(wanted: readonly Wanted[], now: Mono): Schedule {
  const tasks = wanted.map((one) => {
    const beatAt = now + (hash(one.device) % one.intervalMs);
    return { ...one, beatAt, dueAt: beatAt };
  });
  return { tasks, health: new Map(), skipped: 0 };
}

/** The most urgent task and when it may start; null: there is nothing to do, ever. */
export function next({ tasks, health }: Schedule): { readonly task: Task; readonly at: Mono } | null {
  let best: { task: Task; at: Mono } | null = null;
  const probed = new Set<string>();
  for (const task of tasks) {
    const { failures, probeAt } = health.get(task.device) ?? well;
    const silent = failures >= silentAfter;
    if (silent && probed.has(task.device)) continue;
    if (silent) probed.add(task.device);
    const at = silent ? Math.max(task.dueAt, probeAt) : task.dueAt;
    if (best === null || at < best.at) best = { task, at };
  }
  return best;
}

/** After an exchange that ended at `now`. */
export function done(before: Schedule, task: Task, answered: boolean, now: Mono): Schedule {
  const last = before.health.get(task.device) ?? well;
  const failures = answered ? 0 : last.failures + 1;
  // Probes spread out (1, 2, 4 … intervals): a dead device must not cost the bus more than it is worth.
  const spacing = task.intervalMs * 2 ** Math.min(20, Math.max(0, failures - silentAfter));
  const probeAt = now + Math.min(spacing, Math.max(probeMaxMs, task.intervalMs));
  const hintFrom = Math.max(answered ? 0 : last.hintFrom, now + hintPauseMs);
  const health = new Map(before.health).set(task.device, { failures, probeAt, hintFrom });
  const wasSilent = last.failures >= silentAfter;
  let { skipped } = before;
  const tasks = before.tasks.map((one) => {
    const finished = one.request === task.request;
    // What a silent device was not asked meanwhile is no overrun: its requests go back to their beats.
    if (!finished && !(answered && wasSilent && one.device === task.device)) return one;
    const missed = Math.floor((now - one.beatAt) / one.intervalMs);
    if (finished && missed > 0 && !wasSilent && failures < silentAfter) skipped += missed;
    const beatAt = now < one.beatAt ? one.beatAt : one.beatAt + (missed + 1) * one.intervalMs;
    return { ...one, beatAt, dueAt: finished ? beatAt : now };
  });
  return { tasks, health, skipped };
}

/** Whether a device is given up until a probe is answered. */
export const isSilent = ({ health }: Schedule, device: string): boolean =>
  (health.get(device) ?? well).failures >= silentAfter;

/** Brings the next read of a point forward to `at`. */
export function hasten(before: Schedule, point: string, at: Mono): Schedule {
  const tasks = before.tasks.map((task) =>
    task.dueAt > at && task.request.points.some(({ id }) => id === point) ? { ...task, dueAt: at } : task,
  );
  return { ...before, tasks };
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
  const isMeant = ({ device: of, dueAt, request }: Task): boolean =>
    of === device && dueAt > at && (silent || request.points.some(({ id }) => points.has(id)));
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
