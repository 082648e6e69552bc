import * as z from "zod";
import { point as pointSchema } from "../config/schema.ts";
import { counterStep } from "../core/counter.ts";
import type { Event } from "../core/engine.ts";
import { nagiosFlapPercent } from "../core/flap.ts";
import { compileRule, type Model, modelOf, type RuleConfig } from "../core/model.ts";
import { assess, type Point } from "../core/quality.ts";
import { ruleOptions } from "../core/rule.ts";
import { ruleTypes } from "../core/rules/index.ts";
import { commPoint, type Sample } from "../core/sample.ts";
import { slope } from "../core/slope.ts";
import { windowOf } from "../core/window.ts";
import { receive, type StreamMessage } from "../sinks/stream.ts";
import { rehearse } from "./rehearsal.ts";

/** Runs files in the language `alarm-vectors/1`: series of samples, and exactly the events they must give. */
const reading = z.tuple([z.number(), z.union([z.number(), z.string()])]).rest(z.union([z.string(), z.number()]));
const vector = z.looseObject({
  id: z.string(),
  poll: z.number().default(10),
  points: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  devices: z.record(z.string(), z.object({ points: z.array(z.string()), via: z.string().optional() })).default({}),
  rules: z.array(z.looseObject({ id: z.string(), type: z.string() })),
  samples: z.array(reading).default([]),
  ops: z.array(z.tuple([z.number(), z.string(), z.record(z.string(), z.unknown())])).default([]),
  end: z.number().optional(),
  expect: z.array(z.record(z.string(), z.unknown())),
});
type Vector = z.output<typeof vector>;
const calculation = z.object({
  id: z.string(),
  fn: z.string(),
  args: z.record(z.string(), z.unknown()),
  expect: z.unknown(),
});
export const vectorFile = z.looseObject({
  dsl: z.literal("alarm-vectors/1"),
  vectors: z.array(vector),
  calculations: z.array(calculation).default([]),
});

export interface Verdict {
  readonly id: string;
  /** Null: passed. */
  readonly failure: string | null;
}

/** @throws z.ZodError when the file is not in the language. */
export function runVectors(file: unknown): Verdict[] {
  const { vectors, calculations } = vectorFile.parse(file);
  const compare = (id: string, run: () => unknown, expected: unknown): Verdict => {
    try {
      const got = canonical(run());
      return { id, failure: got === canonical(expected) ? null : `expected ${canonical(expected)}, got ${got}` };
    } catch (error) {
      return { id, failure: error instanceof NotYet ? `not yet: ${error.message}` : String(error) };
    }
  };
  return [
    ...vectors.map((one) => compare(one.id, () => play(one), one.expect)),
    ...calculations.map((one) => compare(one.id, () => calculate(one.fn, one.args), one.expect)),
  ];
}

class NotYet extends Error {}

function play(given: Vector): unknown[] {
  const events: unknown[] = [];
  const model = modelFor(given);
  const rehearsal = rehearse(
    model,
    (at) => at,
    (event) => events.push(told(event)),
  );
  const first = given.rules[0]?.point as string;
  const samples = given.samples.map((one) => ({ t: one[0], sample: () => sampleOf(given, one, first) }));
  const times = [...new Set([...samples.map(({ t }) => t), ...given.ops.map(([t]) => t)])].sort((a, b) => a - b);
  for (const t of times) {
    rehearsal.advance(t * 1000);
    for (const [, name, args] of given.ops.filter(([at]) => at === t)) operate(given, rehearsal, t, name, args);
    for (const one of samples.filter((candidate) => candidate.t === t)) rehearsal.sample(one.sample());
    rehearsal.settle(t * 1000);
  }
  rehearsal.settle((given.end ?? times.at(-1) ?? 0) * 1000);
  return events;
}

/** A refused command is no event, and no failure: what it must not change is in what the vector expects. */
function operate(
  given: Vector,
  rehearsal: ReturnType<typeof rehearse>,
  t: number,
  name: string,
  args: Record<string, unknown>,
): void {
  const at = t * 1000;
  const forMs = args.oneShot === true ? null : Number(args.duration) * 1000;
  switch (name) {
    case "poll": {
      const point = commPoint(String(args.device));
      rehearsal.sample({ point, at, wall: at, quality: "good", value: args.ok === true ? 1 : 0 });
      return;
    }
    case "restart":
      rehearsal.restart(at + Number(args.down) * 1000);
      return;
    case "ack":
    case "reset":
    case "unshelve":
      rehearsal.command(String(args.key), { name, by }, at);
      return;
    case "shelve":
      rehearsal.command(String(args.key), { name, forMs, by, ...why }, at);
      return;
    case "maintenance":
      for (const rule of args.rules as string[]) rehearsal.command(rule, { name, forMs: forMs ?? 0, by, ...why }, at);
      return;
    case "sensor_replaced":
      rehearsal.replaced(String(args.point), at);
      return;
    case "config":
      rehearsal.reconfigure(modelFor(patched(given, args)), at);
      return;
    case "wall": // The engine is handed monotonic time only, so a stepped wall clock cannot reach it.
      return;
    default:
      throw new NotYet(`operation ${name}`);
  }
}

/** Vectors are not about who may. */
const by = { user: "vector", role: "supervisor" } as const;
const why = { reason: "as the vector says", named: true };

/** The vector's rules with one of them changed, or gone. */
function patched(given: Vector, { rule, patch }: Record<string, unknown>): Vector {
  const rules = given.rules.map((one) => (one.id === rule ? { ...one, ...(patch as object) } : one));
  return { ...given, rules: rules.filter((one) => one.disabled !== true) };
}

function sampleOf(
  given: Vector,
  [t, raw, quality = "good", point, sourceTime]: z.output<typeof reading>,
  first: string,
): Sample {
  const id = String(point ?? first);
  const now = { at: t * 1000, wall: t * 1000 };
  const sourceAt = Number(sourceTime ?? t) * 1000;
  if (quality === "bad") return assess(definition(given, id), { fault: "device_error", sourceAt }, now);
  const uncertain = quality === "uncertain" ? { uncertain: "device_fault" as const } : {};
  return assess(definition(given, id), { raw: Number(raw), sourceAt, ...uncertain }, now);
}

const gate = pointSchema.pick({
  scale: true,
  offset: true,
  notAvailable: true,
  sentinels: true,
  range: true,
  uncertainAs: true,
  counter: true,
});

/** What a site file says of a point, in the words of a vector. */
function definition(given: Vector, id: string): Point {
  const { counterBits: bits, maxRate, ...options } = given.points[id] ?? {};
  return { id, ...gate.parse(bits === undefined ? options : { ...options, counter: { bits, maxRate } }) };
}

function modelFor(given: Vector): Model {
  const deviceOf = (point: string): string =>
    Object.entries(given.devices).find(([, { points }]) => points.includes(point))?.[0] ?? "";
  return modelOf(
    given.rules.map(({ id, type, point = "", device, disabled: _, ...options }) => {
      const ruleType = ruleTypes.find((one) => one.type === type);
      if (ruleType === undefined) throw new NotYet(`rule type ${type}`);
      for (const option of Object.keys(options)) {
        if (!(option in ruleOptions) && !(option in ruleType.options)) throw new NotYet(`option ${option}`);
      }
      const config = z.strictObject({ ...ruleOptions, ...ruleType.options }).parse(withUnits(options)) as RuleConfig;
      const home = String(device ?? deviceOf(String(point)));
      const deaf = type === "comm" ? above(given, home) : [home, ...above(given, home)];
      const scope = {
        point: String(point),
        device: home,
        definition: definition(given, String(point)),
        pollMs: given.poll * 1000,
        rule: id,
        behind: given.devices[home]?.via,
        unreachableWhen: given.rules
          .filter((one) => one.type === "comm" && deaf.includes(String(one.device)))
          .map((one) => one.id),
      };
      return compileRule(ruleType, config, scope, id);
    }),
  );
}

/** The devices through which one is reached. */
function above(given: Vector, device: string): string[] {
  const { via } = given.devices[device] ?? {};
  return via === undefined ? [] : [via, ...above(given, via)];
}

/** Vectors write durations as seconds, configuration as "30s". */
const durations = new Set([
  "onDelay",
  "offDelay",
  "maxGap",
  "window",
  "after",
  "blank",
  "staleAfter",
  "reAlarm",
  "quiet",
  "slot",
]);

function withUnits(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUnits);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, durations.has(key) ? `${inner}s` : withUnits(inner)]),
  );
}

const told = ({ now, kind, level, condition, reason, annunciate }: Event): unknown => ({
  t: now.at / 1000,
  kind,
  severity: level.severity,
  key: condition.key,
  ...(reason === null ? {} : { reason }),
  ...(annunciate ? {} : { annunciate }),
});

function calculate(fn: string, args: Record<string, unknown>): unknown {
  if (fn === "slope") {
    const points = (args.points as [number, number][]).map(([t, value]) => ({ at: t * 1000, value }));
    return slope(windowOf(points), args.estimator as "ols");
  }
  if (fn === "counterDelta") {
    const { prev, cur, bits, maxDelta } = args as Record<string, number>;
    const { kind, delta } = counterStep(Number(prev), Number(cur), bits as 16, Number(maxDelta));
    return { d: delta, kind };
  }
  if (fn === "nagiosFlapPercent") return nagiosFlapPercent(args.states as number[]);
  if (fn === "stream") return receive(args.messages as StreamMessage[]);
  throw new NotYet(`calculation ${fn}`);
}

/** Key order and the last digits of a sum do not matter. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "number") return Number(inner.toPrecision(12));
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
