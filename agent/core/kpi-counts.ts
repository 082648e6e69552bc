import { isCall, type Told } from "./call.ts";
import { countMost } from "./flood.ts";
import type { Mono } from "./sample.ts";
import { rank, type Severity } from "./severity.ts";

/**
 * What the figures of an alarm system are made of, counted over the last 24 hours in slots of ten minutes. Only what calls
 * counts: what is silenced, explained by a cause or in commissioning calls nobody. Plain JSON; bounded by the slots, the
 * open incidents and the conditions that called in the last minute.
 */
export interface KpiState {
  /** When counting began; null: not yet. */
  readonly since: Mono | null;
  /** By their number since engine time 0; those in which nothing happened are not there. */
  readonly slots: Readonly<Record<string, Slot>>;
  /** Incidents that have called and go on, by condition key. */
  readonly open: Readonly<Record<string, Open>>;
  /** Calls of the last minute, by condition key. */
  readonly lately: Readonly<Record<string, readonly Mono[]>>;
  readonly floodSince: Mono | null;
}

export interface Slot {
  readonly calls: Counts;
  /** By condition key; of very many only those that call most. */
  readonly conditions: Counts;
  /** Keys of those that chatter or flap. */
  readonly chattering: Counts;
  readonly floodMs: number;
  readonly acked: BySeverity<Counts>;
  readonly cleared: BySeverity<Counts>;
}

interface Open {
  readonly raisedAt: Mono;
  readonly calledAt: Mono;
  /** The worst it had. */
  readonly severity: Severity;
  readonly acked: boolean;
}

export type Counts = Readonly<Record<string, number>>;
export type BySeverity<Value> = Readonly<Partial<Record<Severity, Value>>>;

export const noKpis: KpiState = { since: null, slots: {}, open: {}, lately: {}, floodSince: null };

export const slotMs = 600_000;
export const dayMs = 86_400_000;
const slotsMax = dayMs / slotMs;
/** Conditions that are told apart in one slot. */
const conditionsMax = 50;
/** So many calls within so long are chattering. Source: PAS, "SHUT UP!". */
const chatterCalls = 3;
const chatterMs = 60_000;

/** After what was told, in time order. */
export function kpisAfter(state: KpiState, told: readonly Told[], now: Mono): KpiState {
  const counted = told.reduce(after, { ...state, since: state.since ?? now });
  return told.length === 0 ? counted : pruned(counted, now);
}

/** A flood begins, or ends. */
export function kpisInFlood(state: KpiState, isFlood: boolean, at: Mono): KpiState {
  const { floodSince } = state;
  if (isFlood) return { ...state, floodSince: floodSince ?? at };
  if (floodSince === null) return state;
  let next: KpiState = { ...state, floodSince: null };
  for (let from = Math.max(floodSince, at - dayMs); from < at; from = slotStart(from) + slotMs) {
    const ms = Math.min(slotStart(from) + slotMs, at) - from;
    next = inSlot(next, from, (slot) => ({ ...slot, floodMs: slot.floodMs + ms }));
  }
  return next;
}

/** Without the open incidents that no rule will ever end, since it is gone. */
export const kpisWithin = (state: KpiState, isKnown: (key: string) => boolean): KpiState => ({
  ...state,
  open: Object.fromEntries(Object.entries(state.open).filter(([key]) => isKnown(key))),
});

function after(state: KpiState, told: Told): KpiState {
  const { kind, at, key, severity } = told;
  let next = isCall(told) ? called(state, told) : state;
  const known = next.open[key];
  if (known === undefined) return next;
  if (told.flapping) next = inSlot(next, at, (slot) => ({ ...slot, chattering: one(slot.chattering, key) }));
  let open: Open = rank(severity) > rank(known.severity) ? { ...known, severity } : known;
  if (kind === "ack" && !known.acked) {
    next = inSlot(next, at, (slot) => ({ ...slot, acked: lasted(slot.acked, open.severity, at - open.calledAt) }));
    open = { ...open, acked: true };
  }
  if (kind === "clear")
    next = inSlot(next, at, (slot) => ({ ...slot, cleared: lasted(slot.cleared, open.severity, at - open.raisedAt) }));
  if (told.open) return { ...next, open: { ...next.open, [key]: open } };
  const { [key]: _, ...others } = next.open;
  return { ...next, open: others };
}

function called(state: KpiState, { at, raisedAt, key, severity }: Told): KpiState {
  const lately = [...(state.lately[key] ?? []), at].filter((time) => time > at - chatterMs).slice(-chatterCalls);
  const chatters = lately.length >= chatterCalls;
  const known = state.open[key];
  const open = known?.raisedAt === raisedAt ? known : { raisedAt, calledAt: at, severity, acked: false };
  const next = { ...state, open: { ...state.open, [key]: open }, lately: { ...state.lately, [key]: lately } };
  return inSlot(next, at, (slot) => ({
    ...slot,
    calls: { ...slot.calls, [severity]: (slot.calls[severity] ?? 0) + 1 },
    conditions: countMost(slot.conditions, key, conditionsMax),
    chattering: chatters ? one(slot.chattering, key) : slot.chattering,
  }));
}

const one = (counts: Counts, key: string): Counts => countMost(counts, key, conditionsMax);

export const slotOf = (at: Mono): number => Math.floor(at / slotMs);
export const slotStart = (at: Mono): Mono => slotOf(at) * slotMs;
const emptySlot: Slot = { calls: {}, conditions: {}, chattering: {}, floodMs: 0, acked: {}, cleared: {} };

const inSlot = (state: KpiState, at: Mono, change: (slot: Slot) => Slot): KpiState => {
  const name = String(slotOf(at));
  return { ...state, slots: { ...state.slots, [name]: change(state.slots[name] ?? emptySlot) } };
};

/** Without what is older than a day, or, of the last minute's calls, than a minute. */
function pruned(state: KpiState, now: Mono): KpiState {
  const oldest = slotOf(now) - slotsMax;
  const lately = Object.entries(state.lately).filter(([, times]) => (times.at(-1) ?? 0) > now - chatterMs);
  return {
    ...state,
    slots: Object.fromEntries(Object.entries(state.slots).filter(([name]) => Number(name) > oldest)),
    lately: Object.fromEntries(lately),
  };
}

/** Durations are counted by size, in steps of 5 %, so that a day of them needs no list; read back within 2.5 %. */
const lasted = (counts: BySeverity<Counts>, severity: Severity, ms: number): BySeverity<Counts> => {
  const size = ms < 1000 ? 0 : 1 + Math.floor(Math.log(ms / 1000) / Math.log(step));
  const before = counts[severity] ?? {};
  return { ...counts, [severity]: { ...before, [size]: (before[String(size)] ?? 0) + 1 } };
};
const step = 1.05;
/** What a size stands for, ms. */
export const msOf = (size: number): number => (size === 0 ? 0 : 1000 * step ** (size - 0.5));
