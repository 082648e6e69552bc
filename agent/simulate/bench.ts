import { ruleSchema } from "../config/rules.ts";
import { cycle } from "../core/engine.ts";
import { type Memory, memoryOf } from "../core/memory.ts";
import { compileRule, type Model, modelOf } from "../core/model.ts";
import { plainPoint } from "../core/quality.ts";
import { ruleTypes } from "../core/rules/index.ts";
import type { PointId, Sample } from "../core/sample.ts";
import type { Env } from "../env.ts";
import { calmValues, dataCentre, racksOf } from "./centre.ts";

/** How fast the engine is, on made-up points. A goal that is not met is shown as it is. */
export interface Row {
  readonly bench: string;
  readonly metric: string;
  readonly unit: string;
  /** Null: it could not be measured here; the metric says why. */
  readonly ours: number | null;
  /** Measured in the same run, in the same unit; null: the goal is absolute. Else it is one of the ratio. */
  readonly baseline: number | null;
  readonly goal: string;
  readonly ok: boolean;
}

const pollMs = 10_000;
/** Samples judged on one draft, as a busy cycle of the agent. */
const batch = 500;

const level = { type: "level", levels: [{ limit: 27, deadband: 1, severity: "high" }] };
const stale = { type: "stale", after: "60s" };
const roc = { type: "roc", window: "300s", per: "min", levels: [{ limit: 5, severity: "high" }] };

/** @param heapUsed bytes in use now, as exactly as the runtime tells */
export function benchRules(env: Env, heapUsed: () => number): Row[] {
  return [
    rate(env, "samples/s, 10,000 points × (level + stale)", 10_000, [level, stale], 100, 1_000_000),
    rate(env, "samples/s with roc (Theil–Sen, 30 samples) added", 1000, [level, stale, roc], 100, 200_000),
    centre(env),
    size(heapUsed, "memory of a level rule", level, 0, 300),
    size(heapUsed, "memory of a roc rule with 30 samples", roc, 31, 1229),
  ];
}

const named = (count: number): PointId[] => Array.from({ length: count }, (_, i) => `d/p${i}`);

function modelFor(points: readonly PointId[], rules: readonly object[]): Model {
  return modelOf(
    points.flatMap((point) =>
      rules.map((rule) => {
        const { type: wanted, ...options } = rule as { type: string };
        const type = ruleTypes.find(({ type }) => type === wanted);
        if (type === undefined) throw new Error(`no rule type ${wanted}`);
        const config = ruleSchema(type).parse(options);
        const scope = {
          point,
          device: "d",
          definition: plainPoint(point),
          pollMs,
          rule: `${point}/${wanted}`,
          unreachableWhen: [],
        };
        return compileRule(type, config, scope, `s/${point}/${wanted}`);
      }),
    ),
  );
}

/** One good sample of each point, as it wanders below its limit; the points by the names that the site has for them. */
const round = (points: readonly PointId[], i: number): Sample[] =>
  points.map((point, p) => {
    const at = i * pollMs + (p % pollMs);
    return { point, at, wall: at, quality: "good", value: 20 + ((i * 7 + p) % 13) / 10 };
  });

function feed(model: Model, memory: Memory, samples: readonly Sample[]): void {
  for (let from = 0; from < samples.length; from += batch) {
    const one = cycle(model, memory);
    for (const sample of samples.slice(from, from + batch)) one.take({ kind: "sample", sample });
    memory.adopt(one.changes);
  }
}

function rate(env: Env, metric: string, count: number, rules: readonly object[], rounds: number, goal: number): Row {
  const points = named(count);
  const model = modelFor(points, rules);
  const memory = memoryOf(model, new Map());
  // Windows are full and the code is warm before time counts.
  for (let i = 0; i < 31; i++) feed(model, memory, round(points, i));
  let ms = 0;
  for (let i = 31; i < 31 + rounds; i++) {
    const samples = round(points, i);
    const began = env.clock.mono();
    feed(model, memory, samples);
    ms += env.clock.mono() - began;
  }
  const ours = Math.round((count * rounds * 1000) / ms);
  return { bench: "rules", metric, unit: "1/s", ours, baseline: null, goal: `≥ ${goal}`, ok: ours >= goal };
}

/**
 * A CRAC trips over a hundred racks of a site of 400 devices, and all of it is read at the very same moment: the longest
 * cycle, from samples to events.
 */
function centre(env: Env): Row {
  const { model, devices } = dataCentre();
  const memory = memoryOf(model, new Map());
  const read = devices.flatMap(({ points }) => points.filter(({ id }) => model.feeds.has(id)).map(({ id }) => id));
  const hot = new Set(racksOf("a").map((rack) => `${rack}/inlet-temperature`));
  const value = (point: PointId, second: number): number => {
    if (point === "crac-a1/running") return second < 300 ? 1 : 0;
    return hot.has(point)
      ? Math.min(36, 23 + Math.max(0, second - 300) / 40)
      : (calmValues[point.split("/")[1] ?? ""] ?? 0);
  };
  let longest = 0;
  for (let second = 0; second <= 1800; second += 10) {
    const at = second * 1000;
    const samples = read.map(
      (point): Sample => ({ point, at, wall: at, quality: "good", value: value(point, second) }),
    );
    const began = env.clock.mono();
    const one = cycle(model, memory);
    one.take({ kind: "tick", now: { at, wall: at }, rules: memory.deadlines.due(at - 1) });
    for (const sample of samples) one.take({ kind: "sample", sample });
    memory.adopt(one.changes);
    // The first ones are slow, since nothing is compiled yet.
    if (second > 100) longest = Math.max(longest, env.clock.mono() - began);
  }
  const ours = Math.round(longest * 10) / 10;
  const metric = `longest cycle, 400 devices, ${read.length} points at once, a CRAC trips`;
  return { bench: "rules", metric, unit: "ms", ours, baseline: null, goal: "≤ 50", ok: ours <= 50 };
}

function size(heapUsed: () => number, metric: string, rule: object, rounds: number, goal: number): Row {
  const points = named(10_000);
  const model = modelFor(points, [rule]);
  const before = heapUsed();
  const memory = memoryOf(model, new Map());
  for (let i = 0; i < Math.max(1, rounds); i++) feed(model, memory, round(points, i));
  const ours = Math.round((heapUsed() - before) / points.length);
  // The memory must be there until it was weighed.
  if (memory.rule(0).conditions.length === 0) throw new Error("bug: a rule without conditions");
  return { bench: "rules", metric, unit: "B", ours, baseline: null, goal: `≤ ${goal}`, ok: ours <= goal };
}
