import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Sample } from "../../../agent/core/sample.ts";
import { type History, openHistory } from "../../../agent/store/history.ts";
import { type FakeEnv, fakeEnv } from "../../env.ts";

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
let folder: string;
let path: string;
let env: FakeEnv;
let history: History;
/** Engine time when `env` began. */
let begun: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-history-"));
  path = join(folder, "store-history.db");
  env = fakeEnv();
  begun = -env.clock.mono();
  history = open();
});
afterEach(() => {
  history.close();
  rmSync(folder, { recursive: true });
});

const mebibyte = 2 ** 20;
function open(also: { keepMs?: number; bytesMax?: number; epoch?: string; points?: number } = {}): History {
  const { keepMs = 72 * hour, bytesMax = 64 * mebibyte, epoch = "epoch-1", points = 2 } = also;
  return openHistory({
    env,
    path,
    points: Array.from({ length: points }, (_, i) => ({ id: `d/p${i}`, deadband: i === 0 ? 0.5 : 0 })),
    epoch,
    lastSeq: 7,
    keepMs,
    bytesMax,
    now: { at: now(), wall: env.clock.wall() },
  });
}
/** Engine time. */
const now = (): number => env.clock.mono() + begun;
const sample = (value: number | null, point = "d/p0"): Sample => {
  const base = { point, at: now(), wall: env.clock.wall() };
  return value === null ? { ...base, quality: "bad", reason: "timeout" } : { ...base, quality: "good", value };
};
/** One of each, so far apart. */
async function say(values: readonly (number | null)[], every = 10 * second, point = "d/p0"): Promise<void> {
  for (const value of values) {
    await env.advance(every);
    history.note([sample(value, point)]);
  }
}
const all = (point = "d/p0"): (number | null)[] => history.samples(point, -1e15, 1e15, 1e6).map(({ value }) => value);
const reopen = (also: Parameters<typeof open>[0] = {}): void => {
  history.close();
  history = open(also);
};
/** The file as a killed process leaves it. */
function asKilled(): string {
  const to = join(folder, "killed.db");
  for (const end of ["", "-wal"]) if (existsSync(path + end)) copyFileSync(path + end, to + end);
  return to;
}
/** Rows of a table. */
function count(table: string): number {
  const db = new Database(asKilled());
  const { n } = db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get() ?? { n: -1 };
  db.close();
  return n;
}
/** Stops, and starts again after so long. */
async function away(ms: number, also: Parameters<typeof open>[0] = {}): Promise<void> {
  history.close();
  await env.advance(ms);
  history = open(also);
}
const repeated = (value: number, times: number): number[] => Array.from({ length: times }, () => value);

describe("thinning", () => {
  test.each<[string, (number | null)[], (number | null)[]]>([
    ["what does not move beyond the deadband is not kept", [20, 20.5, 19.5, 20.6, 21, 20], [20, 20.6, 20]],
    ["a slow drift is, a deadband at a time", [20, 20.3, 20.6, 20.9, 21.2], [20, 20.6, 21.2]],
    ["a change of quality always is, once", [20, null, null, 20, 20], [20, null, 20]],
  ])("%s", async (_, said, kept) => {
    await say(said);
    expect(all()).toEqual(kept);
    reopen();
    expect(all()).toEqual(kept);
  });

  test("one that is uncertain is kept beside a good one of the same value", async () => {
    await say([20]);
    await env.advance(second);
    history.note([{ ...sample(20), quality: "uncertain", reason: "device_fault" } as Sample]);
    expect(history.samples("d/p0", 0, 1e15, 10).map(({ quality }) => quality)).toEqual(["good", "uncertain"]);
  });

  test("a line at rest has a sample each five minutes, so that it is no hole", async () => {
    await say(repeated(20, 121));
    const times = history.samples("d/p0", 0, 1e15, 100).map(({ at }) => at);
    expect(times.slice(1).map((at, i) => at - (times[i] ?? 0))).toEqual([300_000, 300_000, 300_000, 300_000]);
  });

  test("around a raise every sample is kept", async () => {
    await say([20, 20, 20]);
    history.want([{ incident: "i", at: now(), points: ["d/p0"] }], 8);
    await say(repeated(20.1, 90 + 10));
    expect(all()).toHaveLength(1 + 90);
  });

  test("what was seen no later than the last one, or of a point that is not the site's, is left out", async () => {
    await say([20, 21]);
    history.note([{ ...sample(30), at: now() - second } as Sample, sample(5, "d/$comm")]);
    expect(all()).toEqual([20, 21]);
    expect([history.samples("d/$comm", 0, 1e15, 10), history.buckets("d/$comm", 0, 1, 1)]).toEqual([[], []]);
  });

  const moves = fc.array(fc.oneof(fc.integer({ min: -30, max: 30 }), fc.constant(null)), {
    minLength: 2,
    maxLength: 150,
  });
  test("the line that is kept is nowhere further from the true one than the deadband", () =>
    fc.assert(
      fc.asyncProperty(moves, async (steps) => {
        history.close();
        rmSync(path, { force: true });
        history = open();
        let value = 20;
        const said = steps.map((step) => {
          value += (step ?? 0) / 50;
          return step === null ? null : value;
        });
        const times: number[] = [];
        for (const one of said) {
          await env.advance(10 * second);
          history.note([sample(one)]);
          times.push(now());
        }
        const kept = history.samples("d/p0", -1e15, 1e15, 1e6);
        for (const [i, at] of times.entries()) {
          const held = kept.findLast((one) => one.at <= at);
          const truth = said[i] as number | null;
          if (truth === null || held?.value == null) expect([held?.value, at]).toEqual([truth, at]);
          else expect(Math.abs(held.value - truth)).toBeLessThanOrEqual(0.5);
        }
      }),
      { numRuns: 12, endOnFailure: true },
    ));
});

describe("samples", () => {
  test("within a time, at most so many, the oldest first; what is not written yet is found", async () => {
    await say(
      [1, 2, 3, 4, 5].map((n) => n * 10),
      second,
    );
    const found = history.samples("d/p0", now() - 3 * second, now() - second, 2);
    expect(found.map(({ at, value }) => [at - now(), value])).toEqual([
      [-3000, 20],
      [-2000, 30],
    ]);
    expect(found[0]?.wall).toBe(env.clock.wall() - 3000);
  });

  test("are there after a restart and after a kill, whether they had a block of their own or not", async () => {
    const values = Array.from({ length: 200 }, (_, i) => i);
    await say(values, second);
    await env.advance(6 * second);
    expect([count("block"), count("fresh")]).toEqual([3, expect.any(Number)]);
    const killed = asKilled();
    reopen();
    expect(all()).toEqual(values);
    history.close();
    path = killed;
    history = open();
    expect(all()).toEqual(values);
    await say([500]);
    expect(all()).toEqual([...values, 500]);
  });

  test("a step of the wall clock moves stamps, not order; a drift within a second none", async () => {
    await say([10, 20]);
    env.step(-hour);
    await say([30]);
    const found = history.samples("d/p0", 0, 1e15, 10);
    expect(found.map(({ value }) => value)).toEqual([10, 20, 30]);
    expect(found.map(({ wall }) => wall - env.clock.wall())).toEqual([hour - 20_000, hour - 10_000, 0]);
    reopen();
    expect(history.samples("d/p0", 0, 1e15, 10)).toEqual(found);
  });

  test.each([
    ["of another store, engine time begins anew", "epoch-2", 0],
    ["of another store, engine time is far ahead", "epoch-2", 1000 * hour],
    ["after a reboot with a wrong clock it goes back", "epoch-1", 0],
  ])("%s: what is new goes on behind what is there", async (_, epoch, ahead) => {
    await say([10, 20]);
    history.close();
    await env.advance(hour);
    begun = ahead - env.clock.mono();
    history = open({ epoch });
    await say([30]);
    expect(all()).toEqual([10, 20, 30]);
    const times = history.samples("d/p0", -1e15, 1e15, 10).map(({ at }) => at - now());
    expect(times).toEqual([-hour - 20 * second, -hour - 10 * second, 0]);
    reopen({ epoch });
    expect(history.samples("d/p0", now() - second, now(), 10).map(({ value }) => value)).toEqual([30]);
  });
});

describe("buckets", () => {
  test("min, mean over time, max, samples and the worst quality; a line holds until the next sample", async () => {
    await say([10, 20, 20, 40, null, 10], minute);
    expect(history.buckets("d/p0", now() - 5 * minute, now(), 2)).toEqual([
      { from: now() - 5 * minute, min: 10, mean: 16, max: 20, count: 2, knownMs: 2.5 * minute, worst: "good" },
      { from: now() - 2.5 * minute, min: 20, mean: 100 / 3, max: 40, count: 2, knownMs: 1.5 * minute, worst: "bad" },
    ]);
  });

  test("a hole is one: ten minutes after the last sample nothing is known", async () => {
    await say([10], minute);
    await env.advance(30 * minute);
    const found = history.buckets("d/p0", now() - 30 * minute, now(), 3);
    expect(found.map(({ mean, worst }) => [mean, worst])).toEqual([
      [10, "good"],
      [null, null],
      [null, null],
    ]);
    expect([history.buckets("d/p0", 5, 5, 3), history.buckets("d/p0", 0, 5, 0)]).toEqual([[], []]);
  });
});

describe("15-minute figures", () => {
  /** What a bucket must be, reckoned second by second from all that was said. */
  function reckoned(said: readonly { at: number; value: number | null }[], from: number, to: number) {
    const known: number[] = [];
    for (let at = from; at < to; at += second) {
      const held = said.findLast((one) => one.at <= at);
      if (held !== undefined && held.value !== null && at - held.at < 10 * minute) known.push(held.value);
    }
    const sum = known.reduce((a, b) => a + b, 0);
    return known.length === 0 ? [null, null, null] : [Math.min(...known), sum / known.length, Math.max(...known)];
  }
  const values = fc.array(fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 50 }) }, fc.constant(null)), {
    minLength: 300,
    maxLength: 600,
  });

  test("are those of the raw series, also across the seam between them", () =>
    fc.assert(
      fc.asyncProperty(values, async (some) => {
        history.close();
        rmSync(path, { force: true });
        env = fakeEnv();
        begun = -env.clock.mono();
        history = open({ keepMs: 4 * hour });
        const said: { at: number; value: number | null }[] = [];
        for (const value of some) {
          await env.advance(minute);
          history.note([sample(value, "d/p1")]);
          said.push({ at: now(), value });
        }
        for (let i = 0; i < 36; i++) {
          await env.advance(5 * minute);
          history.note([sample(7, "d/p1")]);
          said.push({ at: now(), value: 7 });
        }
        const end = Math.floor(now() / (30 * minute)) * 30 * minute;
        for (const [from, count] of [
          [0, end / (15 * minute)],
          [0, end / (30 * minute)],
          [0, end / (5 * minute)],
        ] as const) {
          const found = history.buckets("d/p1", from, end, count);
          const width = (end - from) / found.length;
          for (const one of found) {
            // What is finer than the figures are is told as they are.
            if (width < 15 * minute && one.from < end - 4 * hour) continue;
            const [min, mean, max] = reckoned(said, one.from, one.from + width);
            expect([one.min, one.max, one.from]).toEqual([min, max, one.from]);
            if (mean === null) expect(one.mean).toBeNull();
            else expect(one.mean).toBeCloseTo(mean as number, 6);
          }
        }
        expect(count("roll")).toBeGreaterThan(0);
      }),
      { numRuns: 4, endOnFailure: true },
    ));
});

test("what holds into a stretch of figures counts in it, also where its block ended before", async () => {
  reopen({ keepMs: 2 * hour });
  await env.advance(46 * minute);
  // Nine of them, an hour, are a block: the third one ends five minutes before four hours are over.
  await say(
    Array.from({ length: 70 }, (_, i) => (i * 7) % 13),
    7 * minute,
    "d/p1",
  );
  await env.advance(6 * second);
  expect(count("roll")).toBe(3);
  const fifth = history.buckets("d/p1", 0, 6 * hour, 24)[16];
  expect(fifth).toMatchObject({ min: 0, max: 7, count: 2, knownMs: 15 * minute });
  expect(fifth?.mean).toBeCloseTo((0 * 2 + 7 * 7 + 1 * 6) / 15, 9);
  // And into what is asked for, of samples.
  expect(history.buckets("d/p1", 488 * minute, 490 * minute, 1)).toMatchObject([{ mean: (62 * 7) % 13, count: 0 }]);
});

describe("retention", () => {
  test("samples become figures after their time, and those go after 35 days", async () => {
    reopen({ keepMs: 6 * hour });
    const first = now();
    for (let i = 0; i < 96 * 1.5; i++) await say([i % 50], 15 * minute);
    const samples = history.samples("d/p0", -1e15, 1e15, 1e6);
    expect(now() - (samples[0]?.at ?? 0)).toBeGreaterThanOrEqual(6 * hour);
    expect(now() - (samples[0]?.at ?? 0)).toBeLessThan(12 * hour);
    const early = history.buckets("d/p0", first, first + day, 24);
    expect(early.every(({ mean }) => mean !== null)).toBe(true);
    expect(count("roll")).toBeGreaterThan(10);
    await away(36 * day, { keepMs: 6 * hour });
    await say([1, 2, 3], minute);
    expect(history.buckets("d/p0", first, first + day, 1)[0]?.mean).toBeNull();
    expect(count("fresh")).toBe(2);
  });

  test("a quota holds: the oldest go first, and what is new is there", async () => {
    const points = 300;
    reopen({ bytesMax: mebibyte, points });
    for (let i = 0; i < 1200; i++) {
      await env.advance(10 * second);
      history.note(Array.from({ length: points }, (_, p) => sample((i * 7 + p) % 13, `d/p${p}`)));
    }
    await env.advance(6 * second);
    expect(statSync(path).size).toBeLessThanOrEqual(mebibyte);
    expect(env.reports).toEqual([]);
    const found = history.samples("d/p5", -1e15, 1e15, 1e6);
    expect(found.at(-1)?.at).toBe(now() - 6 * second);
    expect(found.length).toBeGreaterThan(100);
    expect(found.length).toBeLessThan(1200);
  });
});

test("where room is short, samples older than a day become figures before their time", async () => {
  const points = 60;
  reopen({ bytesMax: mebibyte, points });
  const first = now();
  for (let i = 0; i < 36 * 30; i++) {
    await env.advance(2 * minute);
    history.note(Array.from({ length: points }, (_, p) => sample((i * 7 + p) % 13, `d/p${p}`)));
  }
  const ages = Array.from(
    { length: points },
    (_, p) => now() - (history.samples(`d/p${p}`, -1e15, 1e15, 1)[0]?.at ?? 0),
  );
  expect(Math.min(...ages)).toBeGreaterThanOrEqual(day);
  expect(Math.min(...ages)).toBeLessThan(day + 5 * hour);
  const figures = history.buckets("d/p7", first + 4 * minute, first + 36 * hour, 36);
  expect(figures.map(({ mean }) => mean === null)).toEqual(figures.map(() => false));
});

describe("evidence", () => {
  const raise = (incident: string, points = ["d/p0"]) => ({ incident, at: now(), points });

  test("what is around a raise: at once as far as it is there, whole after 15 minutes, also when samples are gone", async () => {
    await say(repeated(20, 60).map((value, i) => value + i));
    history.want([raise("a", ["d/p0", "d/p1", "d/none"])], 9);
    expect(history.seq).toBe(9);
    const [soon, other] = history.evidenceOf("a");
    expect(other).toEqual({ point: "d/p1", isWhole: false, samples: [] });
    expect([soon?.isWhole, soon?.samples.at(0), soon?.samples.at(-1)]).toEqual([
      false,
      [-590_000, 20, "good"],
      [0, 79, "good"],
    ]);
    await say(repeated(90, 92));
    const later = history.evidenceOf("a")[0];
    expect(later?.isWhole).toBe(true);
    expect(later?.samples).toHaveLength(60 + 90);
    await away(80 * hour);
    await say([20, 30, 40], minute);
    expect(all()).toEqual([20, 30, 40]);
    expect(history.evidenceOf("a")[0]).toEqual(later);
    await away(11 * day);
    await say([20, 30, 40], minute);
    expect(history.evidenceOf("a")).toEqual([]);
  });

  test("is not lost by a restart before its time", async () => {
    await say([20, 30, 40]);
    history.want([raise("a")], 9);
    reopen();
    expect(history.seq).toBe(9);
    await say(repeated(50, 30));
    reopen();
    await say(repeated(51, 62));
    expect(history.evidenceOf("a")[0]?.samples.map(([, value]) => value)).toEqual([
      20,
      30,
      40,
      ...repeated(50, 30),
      ...repeated(51, 60),
    ]);
    expect(history.evidenceOf("a")[0]?.isWhole).toBe(true);
  });

  test("is bounded: the oldest goes first, and never because of samples", async () => {
    const points = 100;
    reopen({ bytesMax: mebibyte, points });
    const ids = Array.from({ length: points }, (_, p) => `d/p${p}`);
    for (let i = 0; i < 400; i++) {
      await env.advance(10 * second);
      history.note(ids.map((id, p) => sample((i * 7 + p) % 13, id)));
      if (i < 20) history.want([{ incident: `i${i}`, at: now(), points: ids.slice(0, 16) }], 10 + i);
    }
    const kept = Array.from({ length: 20 }, (_, i) => history.evidenceOf(`i${i}`).length);
    expect(kept[0]).toBe(0);
    expect(kept.at(-1)).toBe(16);
    expect(kept).toEqual(kept.toSorted((a, b) => a - b));
    for (let i = 0; i < 2000; i++) {
      await env.advance(10 * second);
      history.note(ids.map((id, p) => sample((i * 7 + p) % 13, id)));
    }
    expect(Array.from({ length: 20 }, (_, i) => history.evidenceOf(`i${i}`).length)).toEqual(kept);
    expect(statSync(path).size).toBeLessThanOrEqual(mebibyte);
  });

  test("in a new file raises are known up to the store's last event; of another store's event nothing is", () => {
    expect(history.seq).toBe(7);
    history.want([], 9);
    reopen({ epoch: "epoch-2" });
    expect(history.seq).toBe(7);
  });
});

describe("a file that cannot be used", () => {
  const aside = (): string[] => readdirSync(folder).filter((name) => name.includes(".corrupt-"));
  const codes = (): string[] => env.reports.map(({ code }) => code);

  test.each([
    ["no database", () => writeFileSync(path, "no database at all, but long enough to be looked at")],
    ["of another version", () => void new Database(path).exec("PRAGMA user_version = 99").close()],
    ["without its tables", () => void new Database(path).exec("DROP TABLE block").close()],
  ])("%s: set aside, and a new one is begun", async (_, spoil) => {
    await say([10]);
    history.close();
    spoil();
    history = open();
    expect(codes()).toEqual(["history.set_aside"]);
    expect(aside()).toHaveLength(1);
    await say([20]);
    reopen();
    expect(all()).toEqual([20]);
    expect(codes()).toHaveLength(1);
    // One at most stays.
    history.close();
    await env.advance(hour);
    spoil();
    history = open();
    expect(aside()).toHaveLength(1);
  });

  test("torn while it is used: set aside, what memory has goes on", async () => {
    await say(Array.from({ length: 500 }, (_, i) => i % 50));
    reopen();
    const size = statSync(path).size;
    history.close();
    // From its second page on: it opens, and fails where it is read.
    const torn = Buffer.alloc(size - 4096, 0x5a);
    const head = readFileSync(path).subarray(0, 4096);
    writeFileSync(path, Buffer.concat([head, torn]));
    history = open();
    await say([10, 20]);
    expect(all()).toEqual([10, 20]);
    await env.advance(10 * second);
    reopen();
    expect(all()).toEqual([10, 20]);
    expect(aside()).toHaveLength(1);
    expect(codes()).toContain("history.set_aside");
  });

  test.each([
    [
      "in a folder that is not there",
      () => {
        path = join(folder, "missing", "store-history.db");
        return open();
      },
    ],
    ["without room even for the names of its points", () => open({ bytesMax: 1, points: 20_000 })],
  ])("%s: said once, and memory answers", async (_, broken) => {
    history.close();
    rmSync(path);
    history = broken();
    await say([10, 20]);
    history.want([{ incident: "a", at: now(), points: ["d/p0"] }], 9);
    await env.advance(hour);
    expect(codes()).toEqual(["history.failed"]);
    expect(all()).toEqual([10, 20]);
    expect(history.evidenceOf("a")).toEqual([]);
    expect(history.buckets("d/p0", now() - 2 * hour, now(), 1)[0]?.max).toBe(20);
  });

  test("takes nothing more: said, memory is bounded and answers", async () => {
    const points = 3000;
    // Room for their names, and for little else.
    reopen({ bytesMax: 1, points });
    for (let i = 0; i < 100; i++) {
      await env.advance(10 * second);
      history.note(Array.from({ length: points }, (_, p) => sample((i * 7 + p) % 13, `d/p${p}`)));
    }
    expect(new Set(codes())).toEqual(new Set(["history.failed"]));
    expect(codes().length).toBeLessThan(10);
    expect(all("d/p7")).toHaveLength(100);
    expect(statSync(path).size).toBeLessThan(mebibyte);
  });
});
