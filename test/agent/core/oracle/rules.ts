import fc from "fast-check";
import { severities, type Written } from "./measures.ts";

/**
 * Random rules, as a vector writes them. Their limits lie where the series of cases.ts go, on the same grid, so that they
 * are met often, and often exactly. `unit`: how many steps of the grid are 1; `poll`: s.
 */
export interface Grid {
  readonly unit: number;
  readonly poll: number;
}

const oneOf = fc.constantFrom;
/** Given once in so many times, else left to its default. */
export const sometimes = <T>(arbitrary: fc.Arbitrary<T>, oneIn = 4): fc.Arbitrary<T | undefined> =>
  fc.oneof(
    { withCrossShrink: true },
    { weight: oneIn - 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary },
  );
export const given = (all: Written): Written =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
const severity = oneOf(...severities);

/** Seconds, in halves of a poll. */
const polls = ({ poll }: Grid, ...halves: number[]): fc.Arbitrary<number> =>
  oneOf(...halves.map((half) => (half * poll) / 2));
const delay = (grid: Grid): fc.Arbitrary<number> => polls(grid, 0, 1, 2, 3, 4, 6);

/** Limits outward from a whole number of steps, each worse than the one before and clearing no later. */
function outward(grid: Grid, from: number, side: "high" | "low", size: (steps: number) => number) {
  const one = fc.record({
    further: fc.integer({ min: 1, max: 4 }),
    deadband: fc.integer({ min: 0, max: 4 }),
    op: oneOf("gt", "ge", undefined),
    onDelay: sometimes(delay(grid)),
    offDelay: sometimes(delay(grid)),
  });
  const ranks = fc.subarray([0, 1, 2, 3, 4], { minLength: 1, maxLength: 3 });
  return fc.tuple(ranks, fc.array(one, { minLength: 3, maxLength: 3 })).map(([used, all]) => {
    const sign = side === "high" ? 1 : -1;
    let limit = from - sign;
    let clears = sign * limit - 9;
    return used.map((rank, i) => {
      const { further, deadband, ...also } = all[i] as (typeof all)[number];
      limit += sign * further;
      clears = Math.max(clears, sign * limit - deadband);
      const back = size(sign * limit - clears);
      return given({ side, limit: size(limit), deadband: back, severity: severities[rank], ...also });
    });
  });
}

const either = (grid: Grid, high: number, low: number, size: (steps: number) => number) =>
  fc
    .record({
      high: outward(grid, high, "high", size),
      low: outward(grid, low, "low", size),
      which: oneOf<"high" | "low" | "both">("high", "low", "both"),
    })
    .map((one) => (one.which === "both" ? [...one.high, ...one.low] : one[one.which]));

/** What every rule may have. */
const life = (grid: Grid): fc.Arbitrary<Written> =>
  fc
    .record({
      onDelay: sometimes(delay(grid), 3),
      offDelay: sometimes(delay(grid), 3),
      delayMode: sometimes(oneOf("timer", "sample")),
      maxGap: sometimes(polls(grid, 2, 3, 9)),
      ackRequired: sometimes(fc.boolean()),
      latch: sometimes(fc.boolean(), 5),
      reAlarm: sometimes(oneOf(10, 25, 60), 5),
      flap: sometimes(
        fc.record({ count: oneOf(2, 3), window: polls(grid, 6, 12, 18), quiet: polls(grid, 3, 6, 8) }),
        4,
      ),
    })
    .map(given);

const windowOf = (grid: Grid) => ({
  window: polls(grid, 4, 8, 12, 18),
  minSamples: sometimes(oneOf(2, 3, 4)),
  minSpan: sometimes(oneOf(0, 0.25, 0.5, 0.75, 1)),
  maxGap: sometimes(polls(grid, 2, 3, 6, 12)),
});
const estimator = oneOf(undefined, undefined, "theilsen", "ols", "endpoint");

/** A step of the grid in a poll and a half of that, in units per second, minute or hour; or one that fits nothing. */
const rates = ({ unit, poll }: Grid, per: "s" | "min" | "h") => {
  const perSecond = { s: 1, min: 60, h: 3600 }[per];
  const fitting = (steps: number): number => Number(((steps * perSecond) / (unit * poll * 2)).toFixed(8));
  const round = (steps: number): number => steps / (per === "s" ? 100 : 10);
  return oneOf(...(unit === 10 ? [fitting, fitting, round] : [fitting]));
};

const types: Readonly<Record<string, (grid: Grid, point: string) => fc.Arbitrary<Written>>> = {
  level: (grid) => fc.record({ levels: either(grid, 20 * grid.unit + 2, 20 * grid.unit - 2, (n) => n / grid.unit) }),
  roc: (grid) =>
    fc
      .record({ per: oneOf<"s" | "min" | "h">("s", "min", "h") })
      .chain(({ per }) => rates(grid, per).map((size) => ({ per, size })))
      .chain(({ per, size }) =>
        fc.record({
          per: fc.constant(per),
          dir: oneOf("rise", "fall", "both"),
          estimator,
          ...windowOf(grid),
          levels: either(grid, 2, 0, size),
        }),
      ),
  excursion: (grid) =>
    fc.record({
      dir: oneOf("any", "rise", "fall"),
      ...windowOf(grid),
      levels: outward(grid, 2, "high", (n) => n / grid.unit),
    }),
  ttl: (grid) =>
    fc.record({
      dir: oneOf("rise", "fall"),
      target: oneOf(0, 3, -4).map((steps) => 20 + steps / grid.unit),
      minSlope: sometimes(oneOf(1, 2, 3).map((steps) => Number((steps / grid.unit / grid.poll).toFixed(8)))),
      estimator,
      ...windowOf(grid),
      levels: outward(grid, 10, "low", (n) => n * grid.poll).map((all) =>
        all.map(({ side: _, op: __, ...one }) => ({ ...one, deadband: Math.max(0, one.deadband) })),
      ),
    }),
  flatline: (grid) =>
    fc.record({
      eps: sometimes(oneOf(1 / grid.unit, 2 / grid.unit)),
      severity: sometimes(severity),
      activity: sometimes(fc.constant({ point: "run", eq: 1 }), 2),
      staleAfter: sometimes(polls(grid, 2, 5)),
      ...windowOf(grid),
    }),
  deviation: (grid) =>
    fc.record({
      ref: fc.oneof(
        fc.constant({ constant: 20 }),
        fc.constant({ point: "sp" }),
        fc.record({ peers: oneOf(["q"], ["q", "sp"], ["q", "sp", "o"], ["p", "q", "sp"]), min: oneOf(1, 2) }),
      ),
      blank: sometimes(polls(grid, 2, 5), 2),
      staleAfter: sometimes(polls(grid, 2, 5)),
      levels: either(grid, 2, -2, (n) => n / grid.unit),
    }),
  state: () =>
    fc.oneof(
      fc.dictionary(oneOf("1", "2", "3", "4"), severity, { minKeys: 1 }).map((map) => ({ normal: [0], map })),
      severity.map((is) => ({ normal: [0, 3], alarm: [1, 2], severity: is })),
    ),
  bits: () =>
    fc.oneof(
      fc
        .dictionary(oneOf("0", "1", "3"), fc.record({ severity, invert: fc.boolean() }), { minKeys: 1 })
        .map((bits) => ({ bits })),
      fc.record({ bit: oneOf(0, 2), severity, invert: fc.boolean() }),
    ),
  stale: (grid) =>
    fc.record({
      after: polls(grid, 4, 6, 7),
      severity: sometimes(severity),
      clearCount: sometimes(oneOf(1, 2, 3), 2),
    }),
  comm: () =>
    fc.record({
      device: fc.constant("d"),
      failures: sometimes(oneOf(1, 2, 3)),
      recover: sometimes(oneOf(1, 2), 2),
      severity: sometimes(severity),
    }),
  vote: (grid, point) =>
    fc
      .array(
        fc.record({
          point: oneOf(point, "q", "sp"),
          side: sometimes(oneOf("high", "low"), 2),
          limit: oneOf(0, 1, -1).map((steps) => 20 + steps / grid.unit),
          deadband: sometimes(
            oneOf(0, 1, 2).map((steps) => steps / grid.unit),
            2,
          ),
        }),
        { minLength: 1, maxLength: 3 },
      )
      .chain((inputs) =>
        fc.record({
          inputs: fc.constant(inputs.map(given)),
          k: fc.integer({ min: 1, max: inputs.length }),
          severity: sometimes(severity),
          staleAfter: sometimes(polls(grid, 2, 5)),
        }),
      ),
};

export const typeNames = Object.keys(types);
const withoutPoint = ["comm", "vote"];
/** The text gives no delays to what waits already. */
const withoutDelays = ["stale"];

export const ruleOf = (grid: Grid, type: string, id: string, point: string): fc.Arbitrary<Written> =>
  fc
    .tuple(life(grid), (types[type] as (grid: Grid, point: string) => fc.Arbitrary<Written>)(grid, point))
    .map(([also, own]) =>
      given({
        id,
        type,
        ...(withoutPoint.includes(type) ? {} : { point }),
        ...also,
        ...(withoutDelays.includes(type) ? { onDelay: undefined, offDelay: undefined } : {}),
        ...given(own),
      }),
    );
