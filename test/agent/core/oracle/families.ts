import fc from "fast-check";
import { gates, series, vectorOf } from "./cases.ts";
import type { Written } from "./measures.ts";
import type { Vector } from "./oracle.ts";
import { given, ruleOf, sometimes, typeNames } from "./rules.ts";

/** Families of random vectors, each by its name. */
const oneOf = fc.constantFrom;
const grid = oneOf({ unit: 10, poll: 10 }, { unit: 10, poll: 6 }, { unit: 8, poll: 8 });

const single = (type: string): fc.Arbitrary<Vector> =>
  grid.chain((on) =>
    fc
      .tuple(ruleOf(on, type, "r", type === "state" || type === "bits" ? "s" : "p"), series, oneOf(...gates))
      .map(([rule, steps, gate]) => vectorOf(on, [rule], steps, rule.point === "s" ? {} : gate)),
  );

/** Several rules, some of them the same but for what they read, which share their judgement. */
const several: fc.Arbitrary<Vector> = grid.chain((on) => {
  const kind = oneOf(...typeNames.filter((one) => one !== "comm"));
  const one = fc
    .tuple(kind, oneOf("p", "q"))
    .chain(([type, point]) => ruleOf(on, type, "", type === "state" || type === "bits" ? "s" : point))
    .map((rule) => (rule.ref?.peers === undefined ? rule : { ...rule, point: "p" }));
  return fc
    .tuple(fc.array(one, { minLength: 1, maxLength: 3 }), fc.array(fc.nat({ max: 2 }), { maxLength: 2 }), series)
    .map(([rules, twins, steps]) => {
      const others: Written = { p: "q", q: "p", s: "s" };
      const alike = twins
        .map((i) => rules[i % rules.length] as Written)
        .map((rule) => {
          const { point } = rule;
          return point === undefined || rule.ref?.peers !== undefined ? rule : { ...rule, point: others[point] };
        });
      return vectorOf(
        on,
        [...rules, ...alike].map((rule, i) => ({ ...rule, id: `r${i}` })),
        steps,
      );
    });
});

/** Rules that vote on other rules, each of a point of its own. */
const votes: fc.Arbitrary<Vector> = grid.chain((on) => {
  const voters = fc.tuple(
    oneOf("level", "roc", "excursion", "flatline").chain((type) => ruleOf(on, type, "a", "p")),
    oneOf("level", "deviation", "excursion", "ttl").chain((type) => ruleOf(on, type, "b", "q")),
    ruleOf(on, "state", "c", "s"),
  );
  const vote = fc
    .tuple(ruleOf(on, "vote", "v", "sp"), fc.subarray(["a", "b", "c"], { minLength: 1 }), fc.boolean())
    .map(([rule, named, also]): Written => {
      const points = also ? [{ point: "sp", limit: 20, deadband: 1 / on.unit }] : [];
      const inputs = [...named.map((name) => ({ rule: name })), ...points];
      return { ...rule, inputs, k: 1 + (rule.k % inputs.length) };
    });
  return fc.tuple(voters, vote, series).map(([rules, voting, steps]) =>
    vectorOf(
      on,
      [...rules, voting].map((rule) => given({ ...rule, ref: rule.ref && { constant: 20 }, activity: undefined })),
      steps,
    ),
  );
});

/** Windows of more than 61 samples, and fewer, over a course that turns. */
const long: fc.Arbitrary<Vector> = fc
  .record({
    on: grid,
    per: oneOf<"s" | "min" | "h">("s", "min", "h"),
    length: fc.integer({ min: 40, max: 130 }),
    window: oneOf(30, 61, 62, 63, 80, 100, 122, 123),
    noise: fc.array(oneOf(-3, -2, -1, 0, 0, 1, 1, 2, 3), { minLength: 5, maxLength: 40 }),
    course: fc.array(oneOf(-1, 0, 0.5, 1, 2), { minLength: 1, maxLength: 5 }),
    jitter: fc.array(oneOf(0, 0, 0, 1, -1, 4), { minLength: 1, maxLength: 7 }),
    bad: oneOf(1000, 7, 13),
    rule: fc.record({
      dir: oneOf("rise", "fall", "both"),
      estimator: oneOf(undefined, undefined, undefined, "ols", "endpoint"),
      minSamples: sometimes(oneOf(2, 10)),
      minSpan: sometimes(oneOf(0, 0.1, 0.9)),
    }),
    level: fc.record({ limit: oneOf(1, 2, 3, 4), deadband: oneOf(0, 1), op: oneOf("gt", "ge"), offDelay: oneOf(0, 2) }),
  })
  .map(({ on, per, length, window, noise, course, jitter, bad, rule, level }) => {
    const step = ({ s: 1, min: 60, h: 3600 }[per] / on.unit / on.poll / 4) as number;
    const size = (steps: number): number => Number((steps * step).toFixed(8));
    const levels = [
      {
        ...level,
        severity: "low",
        limit: size(level.limit),
        deadband: size(level.deadband),
        offDelay: level.offDelay * on.poll,
      },
      { severity: "high", limit: size(level.limit + 2), deadband: size(1) },
    ];
    const written = given({
      id: "r",
      type: "roc",
      point: "p",
      per,
      window: window * on.poll,
      maxGap: 10 * on.poll,
      levels,
      ...rule,
    });
    let base = 0;
    const samples = Array.from({ length }, (_, i) => {
      base += course[Math.floor((i * course.length) / length)] as number;
      const value = 20 + (Math.floor(base) + (noise[i % noise.length] as number)) / on.unit;
      const at = (i + 1) * on.poll + ((jitter[i % jitter.length] as number) * on.poll) / 8;
      return [at, value, i % bad === 3 ? "bad" : "good", "p"];
    });
    return { id: "case", poll: on.poll, rules: [written], samples };
  });

const reading = fc.record({
  went: oneOf(0, 10, 10, 20, 20, 50, 100, 999, 1000, 1001, -5, -40000, 10000, 40000),
  after: oneOf(10, 10, 10, 0, 5, 20, 35),
  quality: oneOf("good", "good", "good", "good", "bad"),
  deed: oneOf(...Array(8).fill(""), "restart", "sensor_replaced", "heard", "rebooted", "unheard"),
  late: oneOf(undefined, undefined, undefined, undefined, 0.5),
});

/** Counters that wrap, begin anew, and whose device restarts. */
const counter: fc.Arbitrary<Vector> = fc
  .record({
    gate: fc.record({ bits: oneOf(16, 32), maxRate: oneOf(10, 100, 1000), uptime: oneOf("up", undefined) }),
    start: oneOf(0, 60000, 65500, 32768),
    readings: fc.array(reading, { minLength: 3, maxLength: 40, size: "max" }),
    rule: fc.record({
      window: oneOf(30, 60),
      estimator: oneOf("theilsen", "endpoint", "ols"),
      dir: oneOf("rise", "fall", "both"),
      minSamples: oneOf(2, 3),
      minSpan: oneOf(0, 0.5),
      onDelay: sometimes(oneOf(10, 20)),
      maxGap: sometimes(oneOf(10, 30)),
    }),
    level: fc.record({ limit: oneOf(1, 2, 5, 10, 50), op: oneOf("gt", "ge"), severity: fc.constant("low") }),
  })
  .map(({ gate, start, readings, rule, level }): Vector => {
    const samples: (number | string)[][] = [];
    const ops: [number, string, Written][] = [];
    const wrap = 2 ** gate.bits;
    let count = start === 0 ? 0 : wrap - 65536 + start;
    let [now, up] = [0, 1000];
    for (const { went, after, quality, deed, late } of readings) {
      now += after;
      up = deed === "rebooted" ? 3 : up + after;
      if (deed === "restart") {
        ops.push([now + 1, deed, { down: 5 }]);
        now += 6;
        continue;
      }
      const also = late === undefined ? [] : [now + late];
      if (deed === "sensor_replaced") ops.push([now, deed, { point: "p" }]);
      if (["heard", "rebooted", "unheard"].includes(deed)) {
        samples.push([now, up, deed === "unheard" ? "bad" : "good", "up", ...also]);
      }
      count = (((count + went) % wrap) + wrap) % wrap;
      samples.push([now, count, quality, "p", ...also]);
    }
    const rules = [given({ id: "r", type: "roc", point: "p", levels: [level], ...rule })];
    return { id: "case", points: { p: { counter: given(gate) } }, rules, samples, ops };
  });

export const families: Readonly<Record<string, fc.Arbitrary<Vector>>> = {
  ...Object.fromEntries(typeNames.map((type) => [type, single(type)])),
  several,
  votes,
  long,
  counter,
};
