import { isCall, isUrgent, type Told } from "./call.ts";
import type { Mono } from "./sample.ts";
import { rank, type Severity } from "./severity.ts";

/**
 * A flood: more calls than people can follow. While it lasts, what is urgent calls at once as ever; the rest is told
 * together, in a digest each minute. Pure: state and input in, state and events out; the state is plain JSON.
 * Source of the figures: ISA-18.2, more than 10 in 10 minutes begin a flood, fewer than 5 end it.
 */
export interface FloodState {
  /** The newest calls, oldest first: no more than tell whether a flood begins or ends. */
  readonly recent: readonly Recent[];
  readonly flood: Flood | null;
}

interface Recent {
  readonly at: Mono;
  readonly from: readonly string[];
}

export interface Flood {
  readonly since: Mono;
  /** Calls so far, those that began it included. */
  readonly count: number;
  /** How many came from what; of very many sources only those that call most. */
  readonly by: Readonly<Record<string, number>>;
  /** What the next digest will tell; null: nothing yet. */
  readonly digest: Digest | null;
}

export interface Digest {
  readonly since: Mono;
  readonly calls: Readonly<Partial<Record<Severity, number>>>;
  readonly cleared: number;
  /** Other news of incidents that are known. */
  readonly changed: number;
  /** The worst two calls, the worse first, of equals the earlier. */
  readonly worst: readonly { readonly key: string; readonly severity: Severity }[];
}

export type FloodEvent =
  | { readonly kind: "began"; readonly at: Mono }
  | { readonly kind: "digest"; readonly at: Mono; readonly digest: Digest }
  | { readonly kind: "ended"; readonly at: Mono };

/** `from`: what calls, under each name by which people may look for the source, such as its device and its rule. */
export type Heard = Told & { readonly from: readonly string[] };

export interface FloodStep {
  readonly state: FloodState;
  readonly events: readonly FloodEvent[];
  /** For each that was heard, whether it calls nobody now because a digest will tell of it. */
  readonly digested: readonly boolean[];
  /** When time alone will change something; later than now. Null: never. */
  readonly wakeAt: Mono | null;
}

export const noFlood: FloodState = { recent: [], flood: null };

export const floodWindowMs = 600_000;
/** More calls than that within the window are a flood … */
export const floodAbove = 10;
/** … until there are fewer than that. */
export const floodBelow = 5;
export const digestMs = 60_000;
/** Sources that are counted at once. */
const sourcesMax = 50;
const worstMax = 2;

/** At `now`, after all that was heard, in time order, since the last step. */
export function floodStep(before: FloodState, heard: readonly Heard[], now: Mono): FloodStep {
  let state = before;
  const events: FloodEvent[] = [];
  const digested: boolean[] = [];
  const lapse = (until: Mono): void => {
    const step = lapsed(state, until);
    state = step.state;
    events.push(...step.events);
  };
  for (const one of heard) {
    // As everywhere: timers due before an instant, then what happens at it, then timers due at it.
    lapse(one.at - 1);
    if (isCall(one)) {
      const isNew = state.flood === null;
      state = counted(state, one);
      if (isNew && state.flood !== null) events.push({ kind: "began", at: one.at });
    }
    const { flood } = state;
    const waits = flood !== null && one.annunciate && newsworthy.has(one.kind) && !isUrgent(one);
    if (waits) state = { ...state, flood: { ...flood, digest: digestWith(flood.digest, one) } };
    digested.push(waits);
  }
  lapse(now);
  return { state, events, digested, wakeAt: floodWakeAt(state) };
}

/** What people did themselves they need not be told in a digest. */
const newsworthy: ReadonlySet<Told["kind"]> = new Set(["raise", "update", "clear", "unshelve"]);

function lapsed(state: FloodState, until: Mono): Pick<FloodStep, "state" | "events"> {
  const { flood } = state;
  if (flood === null) return { state, events: [] };
  const { digest } = flood;
  const isOver = endsAt(state) <= until;
  const isDue = digest !== null && (isOver || digest.since + digestMs <= until);
  return {
    state: isOver ? { ...state, flood: null } : isDue ? { ...state, flood: { ...flood, digest: null } } : state,
    events: [
      ...(isDue ? [{ kind: "digest", at: until, digest } as const] : []),
      ...(isOver ? [{ kind: "ended", at: until } as const] : []),
    ],
  };
}

/** When the last but so many of its calls leaves the window. */
const endsAt = ({ recent }: FloodState): Mono => (recent.at(-floodBelow)?.at ?? 0) + floodWindowMs;

/** When time alone will change something, a digest or the end; null: never. */
export function floodWakeAt(state: FloodState): Mono | null {
  if (state.flood === null) return null;
  const { digest } = state.flood;
  return Math.min(endsAt(state), digest === null ? Number.POSITIVE_INFINITY : digest.since + digestMs);
}

function counted({ recent: before, flood }: FloodState, { at: said, from }: Heard): FloodState {
  // What several buses say may come a little out of order.
  const at = Math.max(said, before.at(-1)?.at ?? said);
  const recent = [...before, { at, from }].slice(-(floodAbove + 1));
  if (flood !== null) return { recent, flood: { ...flood, count: flood.count + 1, by: tally(flood.by, from) } };
  const [oldest] = recent;
  const begins = recent.length > floodAbove && oldest !== undefined && oldest.at > at - floodWindowMs;
  if (!begins) return { recent, flood };
  const by = recent.reduce<Flood["by"]>((sum, one) => tally(sum, one.from), {});
  return { recent, flood: { since: at, count: recent.length, by, digest: null } };
}

const tally = (by: Flood["by"], from: readonly string[]): Flood["by"] =>
  from.reduce((sum, name) => countMost(sum, name, sourcesMax), by);

function digestWith(digest: Digest | null, one: Heard): Digest {
  const { since, calls, cleared, changed, worst } = digest ?? {
    since: one.at,
    calls: {},
    cleared: 0,
    changed: 0,
    worst: [],
  };
  if (!isCall(one)) {
    const isOver = one.kind === "clear";
    return { since, calls, worst, cleared: cleared + (isOver ? 1 : 0), changed: changed + (isOver ? 0 : 1) };
  }
  const { key, severity } = one;
  const ranked = [...worst.filter((other) => other.key !== key), { key, severity }];
  ranked.sort((a, b) => rank(b.severity) - rank(a.severity));
  return {
    since,
    calls: { ...calls, [severity]: (calls[severity] ?? 0) + 1 },
    cleared,
    changed,
    worst: ranked.slice(0, worstMax),
  };
}

/**
 * One more of `name`, in counts of at most `max` names. When they are full the rarest gives way to the newcomer, which
 * takes over its count: what is frequent is never lost. Source: Metwally et al., Space-Saving, 2005.
 */
export function countMost(counts: Readonly<Record<string, number>>, name: string, max: number): Record<string, number> {
  const known = Object.hasOwn(counts, name) ? counts[name] : undefined;
  if (known !== undefined || Object.keys(counts).length < max) return { ...counts, [name]: (known ?? 0) + 1 };
  const entries = Object.entries(counts);
  const rarest = entries.reduce((least, one) => (one[1] < least[1] ? one : least));
  return Object.fromEntries([...entries.filter((one) => one !== rarest), [name, rarest[1] + 1]]);
}

/** The names that were counted most, most first. */
export const most = (counts: Readonly<Record<string, number>>, n: number): readonly (readonly [string, number])[] =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .slice(0, n);
