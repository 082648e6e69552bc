import {
  clipped,
  countOf,
  has,
  holesIn,
  normal,
  type Range,
  type Ranges,
  unionOf,
  united,
  without,
} from "../core/ranges.ts";

/**
 * What is known of one epoch of one agent by its sequence numbers: what has arrived, what is missing and since when, what
 * will never come. Order of arrival does not matter. Pure; times are ms, monotonic.
 */
export interface Reception {
  readonly epoch: string;
  /** From here on every number is looked for; null: nobody has said yet how far the agent is. */
  readonly base: number | null;
  /** The lowest that came as news; what is older came before our time. */
  readonly lowest: number | null;
  readonly got: Ranges;
  /** Given up, since the agent does not have it any more. */
  readonly lost: Ranges;
  /** The highest number there is, as far as is known. */
  readonly last: number;
  /** The lowest that the agent's birth says it still has. */
  readonly firstSeq: number;
  /** What the agent has said that it will send by itself, oldest first, and when the newest of it came. */
  readonly announced: Ranges;
  readonly announcedAt: number;
  /** What is missing and not announced. */
  readonly holes: readonly Hole[];
  /** Of `from` to `to`, so many are lost. */
  readonly gaps: readonly Gap[];
  readonly duplicates: number;
}

export interface Hole {
  readonly from: number;
  readonly to: number;
  readonly since: number;
  /** How often it was asked for, and when it will be again. */
  readonly asks: number;
  readonly nextAt: number;
}

export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** A hole so old is no reordering. */
export const graceMs = 5000;
/** Spacing of replays: doubles from the one to the other. */
const askMs = { first: 10_000, most: 600_000 };
/** An announced backlog of which nothing has come for so long is not coming. */
const stalledMs = 60_000;
/** Asked so often in vain, a hole below what the birth says can still be had is lost. */
const asksMax = 3;
/** Ranges and gaps that are kept of an epoch; an acknowledgement holds as many exceptions. */
const rangesMax = 1000;
const gapsMax = 32;

export const beginning = (epoch: string, base: number | null): Reception => ({
  ...{ epoch, base, lowest: null, got: [], lost: [], last: 0, firstSeq: 1, announced: [], announcedAt: 0 },
  ...{ holes: [], gaps: [], duplicates: 0 },
});

/** @param isNews it came on the topic of the events, not as backfill; @returns null: it came before */
export function received(one: Reception, seq: number, isNews: boolean, now: number): Reception | null {
  if (has(one.got, seq)) return null;
  const inBacklog = has(one.announced, seq);
  const got = united(one.got, [seq, seq]);
  return looked(
    {
      ...one,
      got: got.slice(Math.max(0, got.length - rangesMax)),
      ...(got.length > rangesMax ? { base: Math.max(one.base ?? 0, (got[1] as Range)[0]) } : {}),
      lost: without(one.lost, [[seq, seq]]),
      last: Math.max(one.last, seq),
      lowest: isNews ? Math.min(one.lowest ?? seq, seq) : one.lowest,
      announced: inBacklog ? clipped(one.announced, [seq + 1, Number.MAX_SAFE_INTEGER]) : one.announced,
      announcedAt: inBacklog ? now : one.announcedAt,
    },
    now,
  );
}

export const again = (one: Reception): Reception => ({ ...one, duplicates: one.duplicates + 1 });

/** From a birth. @param base what is looked for from now on, if nothing is yet; null: it does not say */
export function announcing(
  one: Reception,
  { firstSeq, lastSeq, backlog }: { readonly firstSeq: number; readonly lastSeq: number; readonly backlog: Ranges },
  base: number | null,
  now: number,
): Reception {
  const announced = normal(backlog.slice(0, rangesMax));
  return looked(
    {
      ...based(one, base),
      last: Math.max(one.last, lastSeq),
      firstSeq,
      announced: without(announced, one.got),
      announcedAt: now,
    },
    now,
  );
}

/** From a heartbeat: what is not delivered yet is announced, if we have just begun; what is delivered is announced no more. */
export function reaching(one: Reception, lastSeq: number, ackedSeq: number, now: number): Reception {
  const last = Math.max(one.last, lastSeq);
  const begun = one.base === null ? united(one.announced, [ackedSeq + 1, last]) : one.announced;
  return looked(
    {
      ...based(one, ackedSeq + 1),
      last,
      announced: clipped(without(begun, one.got), [ackedSeq + 1, Number.MAX_SAFE_INTEGER]),
      announcedAt: one.base === null ? now : one.announcedAt,
    },
    now,
  );
}

/** From the acknowledgement that was retained when we were here last. */
export function resuming(one: Reception, upTo: number, except: Ranges, now: number): Reception {
  if (one.base !== null) return one;
  const missing = normal(except.slice(0, rangesMax));
  const got = unionOf(one.got, holesIn(missing, [1, upTo]));
  return looked({ ...one, base: missing[0]?.[0] ?? upTo + 1, got, last: Math.max(one.last, upTo) }, now);
}

export const based = (one: Reception, base: number | null): Reception =>
  one.base === null && base !== null ? { ...one, base: Math.max(1, Math.min(base, one.lowest ?? base)) } : one;

export const gapped = (one: Reception, gap: Gap, now: number): Reception =>
  looked({ ...one, gaps: [...one.gaps, gap].slice(-gapsMax), last: Math.max(one.last, gap.to) }, now);

/** The agent does not have these any more. */
export function givenUp(one: Reception, gone: Ranges, now: number): Reception {
  if (gone.length === 0) return one;
  const missing = missingIn(one);
  const lost = unionOf(one.lost, normal(gone.flatMap((range) => clipped(missing, range))));
  const kept = lost.slice(-rangesMax);
  const base = kept.length === lost.length ? one.base : Math.max(one.base ?? 0, kept[0]?.[0] ?? 0);
  return looked({ ...one, lost: kept, base }, now);
}

/** Whatever is missing, announced or not. */
export const missingIn = ({ base, got, lost, last }: Reception): Ranges =>
  base === null || base > last ? [] : holesIn(unionOf(got, lost), [base, last]);

/** Whether all that there is has arrived. */
export const isWhole = (one: Reception): boolean => one.base !== null && missingIn(one).length === 0;

/** With its holes as they are now: what is left of an old one keeps its age, and waits anew where some of it came. */
function looked(one: Reception, now: number): Reception {
  const missing = without(missingIn(one), one.announced).slice(0, rangesMax);
  if (missing.length === 0) return one.holes.length === 0 ? one : { ...one, holes: [] };
  const kept: Hole[] = [];
  let passed = 0;
  for (const hole of one.holes) {
    while ((missing[passed]?.[1] ?? hole.from) < hole.from) passed++;
    for (let i = passed; i < missing.length; i++) {
      const [start, end] = missing[i] as Range;
      if (start > hole.to) break;
      const [from, to] = [Math.max(start, hole.from), Math.min(end, hole.to)];
      const shrank = from !== hole.from || to !== hole.to;
      const nextAt = shrank && hole.asks > 0 ? Math.max(hole.nextAt, now + spacing(hole.asks)) : hole.nextAt;
      kept.push({ ...hole, from, to, nextAt });
    }
  }
  const known = normal(kept.map(({ from, to }): Range => [from, to]));
  const fresh = without(missing, known).map(
    ([from, to]): Hole => ({ from, to, since: now, asks: 0, nextAt: now + graceMs }),
  );
  return { ...one, holes: [...kept, ...fresh].sort((a, b) => a.from - b.from).slice(0, rangesMax) };
}

const spacing = (asks: number): number => Math.min(askMs.most, askMs.first * 2 ** Math.min(asks, 10));

export interface Looked {
  readonly reception: Reception;
  /** To be told: missing for longer than reordering takes. */
  readonly missed: Ranges;
  readonly lost: Ranges;
  /** To be asked for now, where that can be. */
  readonly ask: Ranges;
}

/**
 * What time has made of it.
 * @param replays whether replays can be asked for: what is below `firstSeq` is lost at once where they cannot
 * @param askMax as many at once
 */
export function pressed(before: Reception, replays: boolean, askMax: number, now: number): Looked {
  if (before.holes.length === 0 && before.announced.length === 0 && before.gaps.length === 0)
    return { reception: before, missed: [], lost: [], ask: [] };
  const isStalled = before.announced.length > 0 && now - before.announcedAt > stalledMs;
  const one = isStalled ? looked({ ...before, announced: [] }, now) : before;
  // Of a gap that began before our time nobody knows how many of its count concern us.
  const { base } = one;
  const absentOf = ({ from, to }: Gap): Ranges => clipped(without(missingIn(one), one.announced), [from, to]);
  const isTold = (gap: Gap): boolean => base !== null && base <= gap.from && countOf(absentOf(gap)) <= gap.count;
  const passed = one.holes
    .filter(({ since, asks }) => now - since >= graceMs && (!replays || asks >= asksMax))
    .flatMap(({ from, to }) => clipped([[from, to]], [1, one.firstSeq - 1]));
  const lost = normal([...one.gaps.filter(isTold).flatMap(absentOf), ...passed]);
  const rest = givenUp(one, lost, now);
  const due = rest.holes.filter(({ nextAt }) => nextAt <= now).slice(0, askMax);
  const holes = rest.holes.map((hole) =>
    due.includes(hole) ? { ...hole, asks: hole.asks + 1, nextAt: now + spacing(hole.asks) } : hole,
  );
  return {
    reception: { ...rest, holes, gaps: one.gaps.filter((gap) => !isTold(gap)) },
    missed: due.filter(({ asks }) => asks === 0).map(({ from, to }) => [from, to]),
    lost,
    ask: due.map(({ from, to }) => [from, to]),
  };
}

/** What may be acknowledged: all up to a number has arrived, or never will, but for some. */
export function ackOf(one: Reception): { readonly upTo: number; readonly except: Ranges } | null {
  if (one.base === null) return null;
  const upTo = Math.max(one.base - 1, one.got.at(-1)?.[1] ?? 0, one.lost.at(-1)?.[1] ?? 0);
  const except = clipped(missingIn(one), [1, upTo]);
  const beyond = except[rangesMax];
  return beyond === undefined ? { upTo, except } : { upTo: beyond[0] - 1, except: except.slice(0, rangesMax) };
}
