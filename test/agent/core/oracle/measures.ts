import {
  above,
  add,
  atLeast,
  compare,
  divide,
  type Exact,
  exact,
  greatest,
  infinity,
  least,
  median,
  minus,
  subtract,
  zero,
} from "./exact.ts";
import { type Counter, type History, isFilled, rangeOf, samplesOf, slopeOf, windowOf } from "./history.ts";

/** True, false, or null: not known. */
export type Verdict = boolean | null;

export const severities = ["info", "low", "medium", "high", "critical"];

export interface Level {
  readonly severity: string;
  readonly limit: Exact;
  readonly deadband: Exact;
  readonly op: "gt" | "ge";
  /** ms */
  readonly onDelay: number;
  readonly offDelay: number;
}

/** What a rule says to one level of one of its conditions: whether it is to be raised, whether to be cleared. */
export interface Said {
  readonly raise: Verdict;
  readonly clear: Verdict;
}

/** A rule says something to each of its conditions, level by level; `mark` tells values of the same severity apart. */
export interface Word {
  readonly to: (level: Level, slot: string, side: "high" | "low") => Said;
  readonly mark?: number;
}

/** What a measure is asked with. */
export interface Asked {
  readonly history: History;
  /** ms */
  readonly now: number;
  /** ms */
  readonly poll: number;
  /** The point whose sample asks. */
  readonly point: string;
  readonly counter?: Counter | undefined;
  /** Whether a condition of that rule is active; null: not known. */
  readonly isActive: (rule: string) => Verdict;
}

/** A rule as a vector writes it: seconds, and names. */
// biome-ignore lint/suspicious/noExplicitAny: what is in it only its type knows.
export type Written = Record<string, any>;

const nothing: Word = { to: () => ({ raise: null, clear: null }) };
const isOn = (on: Verdict): Word => ({ to: () => ({ raise: on, clear: on === null ? null : !on }) });
const number = (value: Exact | null): Word => (value === null ? nothing : between(value, value));

/** 1.2, of a number that lies between two. The low side is the mirrored high one. */
function between(low: Exact, high: Exact): Word {
  return {
    to: (level, _, side) =>
      side === "high"
        ? beyond(level, level.limit, low, high)
        : beyond(level, minus(level.limit), minus(high), minus(low)),
  };
}

function beyond({ op, deadband }: Level, limit: Exact, low: Exact, high: Exact): Said {
  const isBeyond = (value: Exact, past: Exact): boolean => (op === "gt" ? above(value, past) : atLeast(value, past));
  const predicate = (past: Exact): Verdict => (isBeyond(low, past) ? true : isBeyond(high, past) ? null : false);
  const still = predicate(subtract(limit, deadband));
  return { raise: predicate(limit), clear: still === null ? null : !still };
}

/** What the newest sample of a point says; null: not good, none, or older than that. */
function newest({ history, now }: Asked, point: string, maxAge = Number.POSITIVE_INFINITY): Exact | null {
  const last = samplesOf(history, point).at(-1);
  return last === undefined || now - last.at > maxAge ? null : last.value;
}

const staleAfter = (rule: Written, { poll }: Asked): number =>
  rule.staleAfter === undefined ? 3 * poll : rule.staleAfter * 1000;

function windowed(rule: Written, asked: Asked, minSpan = 0.5, minSamples = 3) {
  const length = rule.window * 1000;
  const maxGap = rule.maxGap === undefined ? undefined : rule.maxGap * 1000;
  const window = windowOf(asked.history, rule.point, asked.now, length, maxGap, asked.counter);
  return { window, filled: isFilled(window, rule.minSamples ?? minSamples, rule.minSpan ?? minSpan, length) };
}

const measures: Readonly<Record<string, (rule: Written, asked: Asked) => Word>> = {
  level: (rule, asked) => number(newest(asked, rule.point)),

  roc(rule, asked) {
    if (asked.point !== rule.point || newest(asked, rule.point) === null) return nothing;
    const { window, filled } = windowed(rule, asked);
    const slope = filled ? slopeOf(window, rule.estimator ?? "theilsen") : null;
    if (slope === null) return nothing;
    const dir = rule.dir ?? "rise";
    return number(dir === "fall" || (dir === "both" && above(zero, slope)) ? minus(slope) : slope);
  },

  excursion(rule, asked) {
    if (newest(asked, rule.point) === null) return nothing;
    const { window, filled } = windowed(rule, asked);
    const values = window.map(({ value }) => value);
    const last = values.at(-1) as Exact;
    const dir = rule.dir ?? "any";
    const [from, to] = [dir === "rise" ? "last" : "max", dir === "fall" ? "last" : "min"];
    const high = from === "last" ? last : greatest(values);
    const low = to === "last" ? last : least(values);
    const moved = subtract(high, low);
    return filled ? number(moved) : between(moved, infinity);
  },

  ttl(rule, asked) {
    const value = newest(asked, rule.point);
    if (value === null) return nothing;
    const mirrored = (one: Exact): Exact => (rule.dir === "fall" ? minus(one) : one);
    const toGo = mirrored(subtract(exact(rule.target), value));
    const left = (time: Exact): Word => ({
      to: ({ limit, deadband }) => ({ raise: atLeast(limit, time), clear: above(time, add(limit, deadband)) }),
    });
    if (atLeast(zero, toGo)) return left(zero);
    const { window, filled } = windowed(rule, asked);
    const slope = filled ? slopeOf(window, rule.estimator ?? "theilsen") : null;
    if (slope === null) return nothing;
    const speed = mirrored(slope);
    return left(above(speed, exact(rule.minSlope ?? 0)) ? divide(toGo, speed) : infinity);
  },

  flatline(rule, asked) {
    const last = samplesOf(asked.history, rule.point).at(-1);
    if (last === undefined || last.value === null) return nothing;
    // Also when its activity is what is heard of: over the window that the newest value closed.
    const { window, filled } = windowed(rule, { ...asked, now: last.at }, 1, 8);
    if (window.length === 0) return nothing;
    if (above(rangeOf(window), exact(rule.eps ?? 0))) return isOn(false);
    if (!filled) return nothing;
    if (rule.activity === undefined) return isOn(true);
    const activity = newest(asked, rule.activity.point, staleAfter(rule, asked));
    const runs = activity !== null && compare(activity, exact(rule.activity.eq)) === 0;
    return { to: () => ({ raise: runs ? true : null, clear: false }) };
  },

  deviation(rule, asked) {
    const value = newest(asked, rule.point, staleAfter(rule, asked));
    const ref = referenceOf(rule, asked);
    return value === null || ref === null ? nothing : number(subtract(value, ref));
  },

  state(rule, asked) {
    const value = newest(asked, rule.point);
    if (value === null) return nothing;
    const mark = Number(value.over) / Number(value.under);
    const severity = (rule.alarm ?? []).includes(mark) ? rule.severity : rule.map?.[String(mark)];
    if (severity === undefined && !rule.normal.includes(mark)) return nothing;
    const rank = severities.indexOf(severity ?? "none");
    return {
      mark,
      to: (level) => {
        const isAsSevere = rank >= severities.indexOf(level.severity);
        return { raise: isAsSevere, clear: !isAsSevere };
      },
    };
  },

  bits(rule, asked) {
    const value = newest(asked, rule.point);
    if (value === null) return nothing;
    const word = value.over / value.under;
    return {
      to: (_, slot) => {
        const { invert = false } = rule.bits?.[slot] ?? rule;
        const on = ((word >> BigInt(slot)) & 1n) === (invert ? 0n : 1n);
        return { raise: on, clear: !on };
      },
    };
  },

  vote(rule, asked) {
    const votes: Verdict[] = rule.inputs.map((voter: Written) =>
      "rule" in voter ? asked.isActive(voter.rule) : voteOf(voter, asked, staleAfter(rule, asked)),
    );
    const yes = votes.filter((one) => one === true).length;
    const unknown = votes.filter((one) => one === null).length;
    return isOn(yes >= rule.k ? true : yes + unknown < rule.k ? false : null);
  },

  comm(rule, { history, point }) {
    const exchanges = samplesOf(history, point).map(({ value }) => value !== null && above(value, zero));
    const lastFailure = exchanges.lastIndexOf(false);
    const lastAnswer = exchanges.lastIndexOf(true);
    const failed = exchanges.length - 1 - lastAnswer;
    const answered = exchanges.length - 1 - lastFailure;
    // Before the first answer there may have been more failures, and before the first failure more answers.
    const raise = failed >= (rule.failures ?? 3) ? true : lastAnswer < 0 ? null : false;
    const clear = answered >= (rule.recover ?? 1) ? true : lastFailure < 0 ? null : false;
    return { to: () => ({ raise, clear }) };
  },
};

/** 1.5 */
function referenceOf(rule: Written, asked: Asked): Exact | null {
  const { ref } = rule;
  if ("constant" in ref) return exact(ref.constant);
  const fresh = (point: string): Exact | null => newest(asked, point, staleAfter(rule, asked));
  if ("peers" in ref) {
    const others: string[] = ref.peers.filter((peer: string) => peer !== rule.point);
    const peers = others.flatMap((peer) => fresh(peer) ?? []);
    return peers.length < (ref.min ?? 2) ? null : median(peers);
  }
  const setPoints = samplesOf(asked.history, ref.point).flatMap(({ at, value }) =>
    value === null ? [] : [{ at, value }],
  );
  const changedAt =
    setPoints.findLast(({ value }, i) => i > 0 && compare((setPoints[i - 1] as { value: Exact }).value, value) !== 0)
      ?.at ?? Number.NEGATIVE_INFINITY;
  return asked.now < changedAt + (rule.blank ?? 0) * 1000 ? null : fresh(ref.point);
}

/** 1.10: latched with its deadband over all it said; null while its newest sample is not good, or too old. */
function voteOf(voter: Written, asked: Asked, maxAge: number): Verdict {
  if (newest(asked, voter.point, maxAge) === null) return null;
  let yes = false;
  for (const { value } of samplesOf(asked.history, voter.point)) {
    if (value === null) continue;
    const level = { limit: exact(voter.limit), deadband: exact(voter.deadband ?? 0), op: "gt" } as Level;
    const { raise, clear } = number(value).to(level, "", voter.side ?? "high");
    yes = yes ? clear !== true : raise === true;
  }
  return yes;
}

/** What a rule says now. */
export const measure = (rule: Written, asked: Asked): Word =>
  (measures[rule.type] as (rule: Written, asked: Asked) => Word)(rule, asked);
