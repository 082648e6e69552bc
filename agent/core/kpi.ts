import { floodAbove } from "./flood.ts";
import { type BySeverity, type Counts, dayMs, type KpiState, msOf, slotMs, slotOf, slotStart } from "./kpi-counts.ts";
import type { Mono } from "./sample.ts";
import { type Severity, severities } from "./severity.ts";

/** How well the alarms of a site serve those who are called, by what ISA-18.2 and IEC 62682 ask of an alarm system. */

/** One figure, and what the standards ask of it. */
export interface Kpi {
  readonly name: string;
  readonly what: string;
  /** Null: nothing to tell it from. */
  readonly value: number | null;
  readonly unit: "1" | "ms" | "share";
  /** Null: there is none. */
  readonly target: Target | null;
  /** Null: no value, or no target. */
  readonly isMet: boolean | null;
}

export interface Target {
  readonly is: "at most" | "below" | "at least";
  readonly value: number;
}

/** All that is counted in the window, added up. */
interface Sum {
  readonly slots: number;
  readonly perSlot: readonly number[];
  readonly calls: Counts;
  readonly conditions: readonly number[];
  readonly total: number;
  readonly chattering: number;
  readonly stale: number;
  readonly floodShare: number;
  readonly acked: BySeverity<Counts>;
  readonly cleared: BySeverity<Counts>;
}

interface Definition {
  readonly name: string;
  readonly what: string;
  readonly unit: Kpi["unit"];
  readonly target: Target | null;
  value(sum: Sum): number | null;
}

const atMost = (value: number): Target => ({ is: "at most", value });
const below = (value: number): Target => ({ is: "below", value });
const atLeast = (value: number): Target => ({ is: "at least", value });
const topMax = 10;

/** Urgent, middle and minor: what the standards call high, medium and low priority. */
const shareOf =
  (...of: readonly Severity[]) =>
  ({ calls, total }: Sum): number | null =>
    total === 0 ? null : of.reduce((sum, each) => sum + (calls[each] ?? 0), 0) / total;

/** Targets: ISA-18.2 and IEC 62682; of the mix, 5 % high, 15 % medium, 80 % low priority. */
const overall: readonly Definition[] = [
  {
    name: "rate_mean",
    what: "calls in 10 min, mean",
    unit: "1",
    target: atMost(1),
    value: ({ total, slots }) => total / slots,
  },
  {
    name: "rate_max",
    what: "calls in 10 min, most",
    unit: "1",
    target: atMost(floodAbove),
    value: ({ perSlot }) => perSlot.reduce((max, n) => Math.max(max, n), 0),
  },
  {
    name: "rate_exceeded",
    what: `10 min with more than ${floodAbove} calls`,
    unit: "share",
    target: below(0.01),
    value: ({ perSlot, slots }) => perSlot.filter((n) => n > floodAbove).length / slots,
  },
  { name: "flood", what: "time in flood", unit: "share", target: below(0.01), value: ({ floodShare }) => floodShare },
  {
    name: "top10",
    what: `calls by the ${topMax} conditions that call most`,
    unit: "share",
    target: below(0.05),
    // Ten conditions or fewer are all there are: that says nothing.
    value: ({ conditions, total }) =>
      conditions.length <= topMax ? null : conditions.slice(0, topMax).reduce((sum, n) => sum + n, 0) / total,
  },
  {
    name: "chattering",
    what: "conditions that chatter or flap",
    unit: "1",
    target: atMost(0),
    value: ({ chattering }) => chattering,
  },
  { name: "stale", what: "incidents open over 24 h", unit: "1", target: below(5), value: ({ stale }) => stale },
  {
    name: "mix_high",
    what: "calls critical or high",
    unit: "share",
    target: atMost(0.05),
    value: shareOf("critical", "high"),
  },
  { name: "mix_medium", what: "calls medium", unit: "share", target: atMost(0.15), value: shareOf("medium") },
  { name: "mix_low", what: "calls low or info", unit: "share", target: atLeast(0.8), value: shareOf("low", "info") },
];

/** Ours: how soon somebody should have taken nine incidents in ten. */
const ackWithinMs: BySeverity<number> = { critical: 300_000, high: 900_000, medium: 3_600_000 };

const quantiles = [
  { name: "median", what: "median", q: 0.5 },
  { name: "p90", what: "90 % within", q: 0.9 },
] as const;

const timesOf = (severity: Severity): Definition[] => {
  const within = ackWithinMs[severity];
  return [
    ...quantiles.map(
      ({ name, what, q }): Definition => ({
        name: `mtta_${severity}_${name}`,
        what: `${severity}: to acknowledge, ${what}`,
        unit: "ms",
        target: name === "p90" && within !== undefined ? atMost(within) : null,
        value: ({ acked }) => quantile(acked[severity] ?? {}, q),
      }),
    ),
    ...quantiles.map(
      ({ name, what, q }): Definition => ({
        name: `mttr_${severity}_${name}`,
        what: `${severity}: to clear, ${what}`,
        unit: "ms",
        target: null,
        value: ({ cleared }) => quantile(cleared[severity] ?? {}, q),
      }),
    ),
  ];
};

const definitions: readonly Definition[] = [...overall, ...severities.toReversed().flatMap(timesOf)];

/** The figures of the 24 hours up to `now`, or of as many as were counted. */
export function kpisOf(state: KpiState, now: Mono): readonly Kpi[] {
  const sum = sumOf(state, now);
  return definitions.map(({ name, what, unit, target, value }) => {
    const is = value(sum);
    return { name, what, value: is, unit, target, isMet: is === null || target === null ? null : meets(is, target) };
  });
}

const meets = (value: number, { is, value: limit }: Target): boolean =>
  is === "at least" ? value >= limit : is === "below" ? value < limit : value <= limit;

function sumOf({ since, slots: all, open, floodSince }: KpiState, now: Mono): Sum {
  const from = Math.max(since ?? now, slotStart(now) - dayMs + slotMs);
  const slots = Object.entries(all)
    .filter(([name]) => Number(name) >= slotOf(from))
    .map(([, slot]) => slot);
  const perSlot = slots.map(({ calls }) => total(calls));
  const floodMs = slots.reduce((ms, slot) => ms + slot.floodMs, 0);
  const floodNowMs = floodSince === null ? 0 : now - Math.max(floodSince, from);
  const conditions = slots.reduce<Counts>((sum, slot) => plus(sum, slot.conditions), {});
  return {
    slots: slotOf(now) - slotOf(from) + 1,
    perSlot,
    calls: slots.reduce<Counts>((sum, { calls }) => plus(sum, calls), {}),
    conditions: Object.values(conditions).sort((a, b) => b - a),
    total: perSlot.reduce((sum, n) => sum + n, 0),
    chattering: new Set(slots.flatMap(({ chattering }) => Object.keys(chattering))).size,
    stale: Object.values(open).filter(({ raisedAt }) => now - raisedAt > dayMs).length,
    floodShare: now === from ? 0 : (floodMs + floodNowMs) / (now - from),
    acked: merged(slots.map(({ acked }) => acked)),
    cleared: merged(slots.map(({ cleared }) => cleared)),
  };
}

/** The nearest-rank quantile of durations, ms; null: there are none. */
function quantile(counts: Counts, q: number): number | null {
  const sizes = Object.entries(counts)
    .map(([size, n]) => [Number(size), n] as const)
    .sort(([a], [b]) => a - b);
  let left = Math.ceil(q * sizes.reduce((sum, [, n]) => sum + n, 0));
  for (const [size, n] of sizes) {
    left -= n;
    if (left <= 0) return msOf(size);
  }
  return null;
}

const total = (counts: Counts): number => Object.values(counts).reduce((sum, n) => sum + n, 0);

const plus = (a: Counts, b: Counts): Counts =>
  Object.entries(b).reduce<Record<string, number>>(
    (sum, [name, n]) => {
      sum[name] = (sum[name] ?? 0) + n;
      return sum;
    },
    { ...a },
  );

const merged = (all: readonly BySeverity<Counts>[]): BySeverity<Counts> =>
  Object.fromEntries(
    severities.map((severity) => [severity, all.reduce<Counts>((sum, one) => plus(sum, one[severity] ?? {}), {})]),
  );
