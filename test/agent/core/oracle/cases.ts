import fc from "fast-check";
import type { Written } from "./measures.ts";
import { keysOf, type Vector } from "./oracle.ts";
import { type Grid, sometimes } from "./rules.ts";

/**
 * Random series and deeds, put together with rules into a vector. Values are whole steps of a grid and times whole eighths
 * of a poll, so that what is written is what is meant.
 */
const oneOf = fc.constantFrom;
/** One instant: so many eighths of a poll after the one before, what is read, and what somebody does. */
interface Step {
  readonly after: number;
  readonly seen: readonly Seen[];
  readonly deed: Deed | undefined;
}

/** A reading of one of the points; `late`: how much older, or younger, than now it says it is, in eighths of a poll. */
interface Seen {
  readonly point: number;
  readonly move: number;
  readonly jump: number | undefined;
  readonly quality: string;
  readonly late: number | undefined;
}

interface Deed {
  readonly name: string;
  readonly key: number;
  /** Halves of a poll. */
  readonly duration: number;
}

const seen: fc.Arbitrary<Seen> = fc.record({
  point: oneOf(0, 0, 0, 0, 1, 2, 3),
  move: oneOf(0, 0, 1, -1, 1, -1, 2, -2, 3),
  jump: sometimes(fc.integer({ min: -6, max: 6 }), 3),
  quality: oneOf(...Array(12).fill("good"), "bad", "uncertain", "NaN", "Infinity", "sentinel", "implausible"),
  late: sometimes(oneOf(-8, -4, 0.2, 0.4), 10),
});
const deed: fc.Arbitrary<Deed> = fc.record({
  name: oneOf("ack", "ack", "reset", "shelve", "oneShot", "unshelve", "maintenance", "restart", "sensor_replaced"),
  key: fc.nat({ max: 9 }),
  duration: oneOf(1, 2, 4, 6, 9, 0),
});
const step: fc.Arbitrary<Step> = fc.record({
  after: oneOf(8, 8, 8, 8, 8, 8, 4, 0, 2, 1, 7, 12, 16, 24, 25, 36),
  seen: fc.array(seen, { minLength: 0, maxLength: 3 }),
  deed: sometimes(deed, 6),
});

export const series: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 1, maxLength: 40, size: "max" });

/** How a point is read, and what of it can be believed. */
export const gates: readonly Written[] = [
  { sentinels: [85], range: [-40, 125] },
  { sentinels: [85], range: [-40, 125], uncertainAs: "good" },
  { sentinels: [85], range: [-40, 125], scale: 0.1 },
  { sentinels: [85], range: [-40, 125], scale: 0.001, offset: -40 },
];

/** Points that hold states, not temperatures around 20. */
const states = ["s", "run"];

export function vectorOf(grid: Grid, rules: readonly Written[], steps: readonly Step[], gate: Written = {}): Vector {
  const samples: (number | string)[][] = [];
  const ops: [number, string, Written][] = [];
  const main: string = rules[0]?.point ?? "p";
  const points = { [main]: gate };
  const vector = { id: "case", poll: grid.poll, points, devices: { d: { points: [] } }, rules, samples, ops };
  const keys = keysOf(vector);
  const names = [main, "q", "sp", "run", "s"];
  const at = new Map<string, number>();
  let now = 0;
  for (const { after, seen: all, deed: what } of steps) {
    now += (after * grid.poll) / 8;
    if (what?.name === "restart") {
      // Nothing else happens while it is down.
      now += grid.poll / 8;
      const down = (what.duration * grid.poll) / 2;
      ops.push([now, "restart", { down }]);
      now += down;
      continue;
    }
    if (what !== undefined) ops.push(opOf(what, now, keys, names, grid));
    for (const one of all) {
      const point = names[one.point] as string;
      if (rules[0]?.type === "comm") ops.push([now, "poll", { device: "d", ok: one.move > 0 }]);
      const steps = one.jump ?? (at.get(point) ?? 0) + one.move;
      at.set(point, steps);
      const value = states.includes(point) ? Math.abs(steps) % (point === "run" ? 2 : 12) : 20 + steps / grid.unit;
      samples.push(sampleOf(now, value, one, point, point === main ? gate : {}, grid));
    }
  }
  return { ...vector, end: now + 10 * grid.poll };
}

function sampleOf(
  now: number,
  value: number,
  { quality, late }: Seen,
  point: string,
  { scale = 1, offset = 0 }: Written,
  { poll }: Grid,
): (number | string)[] {
  const strange = { sentinel: 85, implausible: 900 }[quality] ?? value;
  const raw = Number(((strange - offset) / scale).toFixed(3));
  const told = quality === "bad" || quality === "uncertain" ? quality : "good";
  const written = quality === "NaN" || quality === "Infinity" ? quality : raw;
  return [now, written, told, point, ...(late === undefined ? [] : [now + (late * poll) / 8])];
}

function opOf(
  { name, key: place, duration }: Deed,
  now: number,
  keys: readonly string[],
  points: readonly string[],
  { poll }: Grid,
): [number, string, Written] {
  const key = keys[place % keys.length] as string;
  const forSeconds = (duration * poll) / 2;
  switch (name) {
    case "oneShot":
      return [now, "shelve", { key, oneShot: true }];
    case "shelve":
      return [now, name, { key, duration: forSeconds }];
    case "maintenance":
      return [now, name, { rules: [key], duration: forSeconds }];
    case "sensor_replaced":
      return [now, name, { point: points[place % 2] }];
    default:
      return [now, name, { key }];
  }
}
