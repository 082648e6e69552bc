import { describe, expect, test } from "vitest";
import {
  begun,
  demand,
  done,
  hasten,
  hinted,
  isSilent,
  next,
  type Schedule,
  schedule,
  type Task,
  type Wanted,
} from "../../../agent/pipeline/schedule.ts";

const request = (...ids: string[]) => ({ points: ids.map((id) => ({ id })) });

/** Of a point `device/name`, each second if nothing else is said. */
const wanted = (point: string, given: Partial<Wanted> = {}): Wanted => ({
  ...{ request: request(point), device: point.split("/")[0]!, intervalMs: 1000 },
  ...{ priority: "normal", length: 1, pauseMs: 0, ...given },
});

interface Asked {
  readonly at: number;
  readonly device: string;
  readonly point: string;
}

/** Runs a schedule for a while, one exchange at a time. Devices in `dead` do not answer, for as long as `deadMs`. */
function run(
  plan: Schedule,
  untilMs: number,
  takesMs: number,
  { dead = [], deadMs = takesMs, from = 0 }: { dead?: readonly string[]; deadMs?: number; from?: number } = {},
): { plan: Schedule; asked: Asked[]; now: number } {
  const asked: Asked[] = [];
  let now = from;
  let current = plan;
  for (;;) {
    const upcoming = next(current, now);
    if (upcoming === null || upcoming.at > untilMs) return { plan: current, asked, now };
    now = Math.max(upcoming.at, now);
    const { task } = upcoming;
    asked.push({ at: now, device: task.device, point: task.request.points[0]!.id });
    const isDead = dead.includes(task.device);
    const tookMs = isDead ? deadMs : takesMs;
    now += tookMs;
    current = done(begun(current, task), task, !isDead, now, tookMs);
  }
}

const count = (asked: readonly Asked[], device: string): number => asked.filter((one) => one.device === device).length;

describe("schedule", () => {
  test("keeps the beat without drift", () => {
    const { asked } = run(schedule([wanted("a/p")], 0), 10_000, 37);
    const first = asked[0]!.at;
    expect(asked.map(({ at }) => at)).toEqual(Array.from({ length: asked.length }, (_, i) => first + i * 1000));
    expect(asked.length).toBeGreaterThanOrEqual(10);
  });

  test("with a long interval, too, all is read within ten seconds of the start, and then on its beat", () => {
    const hour = 3_600_000;
    const devices = ["ups-a", "ups-b", "pdu-1", "pdu-2"].map((device) => wanted(`${device}/p`, { intervalMs: hour }));
    const { asked } = run(schedule(devices, 0), 2 * hour, 5);
    for (const { device } of devices) {
      const [first, ...beats] = asked.filter((one) => one.device === device).map(({ at }) => at);
      expect(first).toBeLessThan(10_000);
      expect(beats.length).toBeGreaterThanOrEqual(1);
      expect(beats.slice(1).map((at, nth) => at - beats[nth]!)).toEqual(beats.slice(1).map(() => hour));
    }
  });

  test("spreads devices over the interval, the same way each time", () => {
    const devices = ["ups-a", "ups-b", "pdu-1", "pdu-2"].map((device) => wanted(`${device}/p`, { intervalMs: 10_000 }));
    const beats = schedule(devices, 0).tasks.map(({ dueAt }) => dueAt);
    expect(new Set(beats).size).toBe(4);
    expect(schedule(devices, 0).tasks.map(({ dueAt }) => dueAt)).toEqual(beats);
    expect(Math.max(...beats)).toBeLessThan(10_000);
  });

  test("an overrun is skipped and counted, never piled up", () => {
    const { plan, asked } = run(schedule([wanted("a/p")], 0), 20_000, 2500);
    expect(asked.length).toBeLessThanOrEqual(8);
    expect(plan.skipped).toBeGreaterThan(0);
  });

  test("a dead device is only probed, ever more rarely, and costs the others nothing", () => {
    const points = ["dead/p", "dead/q", "well/p"].map((point) => wanted(point));
    const { plan, asked } = run(schedule(points, 0), 120_000, 50, { dead: ["dead"] });
    expect(isSilent(plan, "dead")).toBe(true);
    expect(count(asked, "dead")).toBeLessThan(15);
    expect(count(asked, "well")).toBeGreaterThanOrEqual(119);
    expect(plan.skipped).toBe(0);
  });

  test("a device that comes back is polled in full again, without counting overruns", () => {
    const silent = run(schedule([wanted("a/p"), wanted("a/q")], 0), 20_000, 10, { dead: ["a"] }).plan;
    const { plan, asked } = run(silent, 70_000, 10, { from: 60_000 });
    expect(isSilent(plan, "a")).toBe(false);
    expect(asked.filter(({ point }) => point === "a/q").length).toBeGreaterThanOrEqual(10);
    expect(plan.skipped).toBe(silent.skipped);
  });

  test("a point can be read earlier, and keeps its beat", () => {
    const plan = schedule([wanted("a/p", { intervalMs: 10_000 })], 0);
    const { at: beat, task } = next(plan, 0)!;
    const sooner = hasten(done(begun(plan, task), task, true, beat, 10), "a/p", beat + 2000);
    const early = next(sooner, beat)!;
    expect(early.at).toBe(beat + 2000);
    expect(next(done(begun(sooner, early.task), early.task, true, beat + 2010, 10), beat + 2010)!.at).toBe(
      beat + 10_000,
    );
  });
});

describe("a bus that cannot do all that is due", () => {
  /** How often each device was asked in a minute in which the bus is never idle. */
  const busy = (points: readonly Wanted[]): Record<string, number> => {
    const { asked } = run(schedule(points, 0), 60_000, 100);
    return Object.fromEntries(points.map(({ device }) => [device, count(asked, device)]));
  };
  const overloaded = (device: string, priority: Wanted["priority"]): Wanted[] =>
    Array.from({ length: 20 }, (_, i) => wanted(`${device}/p${i}`, { priority }));

  test("asks points that rules judge twice as often as others, which are not starved", () => {
    const { a = 0, n = 0 } = busy([...overloaded("a", "alarm"), ...overloaded("n", "normal")]);
    expect(a + n).toBeGreaterThan(590);
    expect(a / n).toBeCloseTo(2, 1);
  });

  test("gives what one priority leaves to the other", () => {
    const { a, n = 0 } = busy([wanted("a/p", { priority: "alarm" }), ...overloaded("n", "normal")]);
    expect(a).toBeGreaterThanOrEqual(59);
    expect(n).toBeGreaterThan(520);
  });

  test("asks what a person wants next, once, however much is due", () => {
    const { plan, now } = run(schedule(overloaded("a", "alarm"), 0), 30_000, 100);
    const after = run(demand(plan, wanted("a/now"), now), now + 2000, 100, { from: now });
    expect(after.asked.findIndex(({ point }) => point === "a/now")).toBe(0);
    expect(after.asked.filter(({ point }) => point === "a/now").length).toBe(1);
  });

  test("does not let a person's questions take all of it", () => {
    let { plan, now } = run(schedule(overloaded("a", "alarm"), 0), 30_000, 100);
    for (let i = 0; i < 200; i++) plan = demand(plan, wanted(`p/q${i}`), now);
    const { asked } = run(plan, now + 9000, 100, { from: now });
    expect(count(asked, "p") / count(asked, "a")).toBeCloseTo(2, 1);
  });

  test("carries as many at once as are begun, never the same request twice", () => {
    let plan = schedule([wanted("a/p"), wanted("a/q"), wanted("b/p")], 0);
    const begunOf: string[] = [];
    for (let upcoming = next(plan, 5000); upcoming !== null; upcoming = next(plan, 5000)) {
      begunOf.push(upcoming.task.request.points[0]!.id);
      plan = begun(plan, upcoming.task);
    }
    expect(begunOf.toSorted()).toEqual(["a/p", "a/q", "b/p"]);
  });
});

describe("silent devices", () => {
  const units = ["d1", "d2", "u1", "u2", "u3", "u4", "u5", "u6"];
  const dead = ["d1", "d2"];

  test("cost a line a twentieth of its time together, however long each probe takes", () => {
    const points = units.map((unit) => wanted(`${unit}/p`));
    const untilMs = 600_000;
    const { asked } = run(schedule(points, 0), untilMs, 100, { dead, deadMs: 1000 });
    const probes = dead.reduce((sum, unit) => sum + count(asked, unit), 0);
    const firstMs = 6 * 1000; // until they are known to be silent
    expect(probes * 1000 - firstMs).toBeLessThanOrEqual(0.05 * untilMs);
    for (const unit of dead) expect(count(asked, unit)).toBeGreaterThan(6);
    for (const unit of units.filter((one) => !dead.includes(one)))
      expect(count(asked, unit)).toBeGreaterThan(0.9 * (untilMs / 1000));
  });

  test("are asked what is shortest", () => {
    const points = [wanted("a/long", { length: 40 }), wanted("a/short", { length: 3 }), wanted("a/mid", { length: 9 })];
    const { plan, now } = run(schedule(points, 0), 10_000, 100, { dead: ["a"] });
    const { asked } = run(plan, now + 60_000, 100, { dead: ["a"], from: now });
    expect(new Set(asked.map(({ point }) => point))).toEqual(new Set(["a/short"]));
  });

  test("that are alone on their bus wait for nobody", () => {
    const { asked } = run(schedule([wanted("a/p")], 0), 12_000, 1000, { dead: ["a"] });
    expect(count(asked, "a")).toBeGreaterThanOrEqual(5);
  });

  test("are asked all the same by a person, and are back if they answer", () => {
    const { plan, now } = run(schedule([wanted("a/p"), wanted("b/p")], 0), 100_000, 50, { dead: ["a"] });
    expect(isSilent(plan, "a")).toBe(true);
    const asked = demand(plan, wanted("a/p"), now);
    const { task, at } = next(asked, now)!;
    expect([task.isOnce, at]).toEqual([true, now]);
    const failed = done(begun(asked, task), task, false, now + 50, 50);
    expect(failed.health).toEqual(plan.health);
    expect(isSilent(done(begun(asked, task), task, true, now + 50, 50), "a")).toBe(false);
  });
});

test("a device that wants a pause has it, and others are asked meanwhile", () => {
  const points = [
    ...["a/p", "a/q", "a/r"].map((point) => wanted(point, { pauseMs: 300 })),
    ...["b/p", "b/q", "b/r"].map((point) => wanted(point)),
  ];
  const { asked } = run(schedule(points, 0), 20_000, 50);
  const ofA = asked.filter(({ device }) => device === "a").map(({ at }) => at);
  const gaps = ofA.slice(1).map((at, i) => at - ofA[i]!);
  expect(Math.min(...gaps)).toBe(350);
  expect(count(asked, "b")).toBeGreaterThanOrEqual(57);
});

describe("a hint", () => {
  const points = [
    wanted("a/p", { request: request("a/p", "a/q"), intervalMs: 10_000 }),
    wanted("a/r", { intervalMs: 10_000 }),
    wanted("b/p", { intervalMs: 10_000 }),
  ];
  const dueOf = (plan: Schedule): number[] => plan.tasks.map(({ dueAt }) => dueAt);
  const ask = (plan: Schedule, task: Task, isAnswered: boolean, now: number): Schedule =>
    done(begun(plan, task), task, isAnswered, now, 0);
  /** Each was asked once, at `now`. */
  const asked = (now: number, isAnswered = true, times = 1): Schedule => {
    let plan = schedule(points, 0);
    for (let nth = 0; nth < times; nth++) for (const task of plan.tasks) plan = ask(plan, task, isAnswered, now);
    return plan;
  };

  test("brings forward what it is about, and nothing else; the beat stays", () => {
    const before = asked(1000);
    const plan = hinted(before, "a", new Set(["a/q"]), 2000);
    expect(dueOf(plan)).toEqual([2000, ...dueOf(before).slice(1)]);
    expect(plan.tasks.map(({ beatAt }) => beatAt)).toEqual(before.tasks.map(({ beatAt }) => beatAt));
    expect(next(plan, 2000)).toMatchObject({ at: 2000, task: { device: "a" } });
    expect(dueOf(hinted(before, "c", new Set(["a/q"]), 2000))).toEqual(dueOf(before));
  });

  test("as often as it comes, the device is asked no sooner than half a second after it was", () => {
    let plan = asked(1000);
    let reads = 0;
    for (let now = 1000; now < 11_000; now += 10) {
      plan = hinted(plan, "a", new Set(["a/p"]), now);
      const { at, task } = next(plan, now)!;
      if (at > now) continue;
      if (task.device === "a") reads++;
      plan = ask(plan, task, true, now);
    }
    expect(reads).toBeGreaterThan(10);
    expect(reads).toBeLessThanOrEqual(22);
  });

  test("of a silent device leads to one early probe; then its back-off goes on", () => {
    let plan = asked(1000, false, 10);
    expect(isSilent(plan, "a")).toBe(true);
    const probeAt = next(plan, 1000)!.at;
    const probes: number[] = [];
    for (let now = 2000; now < 2000 + 120_000; now += 100) {
      plan = hinted(plan, "a", new Set(["a/p"]), now);
      const { at, task } = next(plan, now)!;
      if (at > now) continue;
      if (task.device === "a") probes.push(now);
      plan = ask(plan, task, false, now);
    }
    expect(probes[0]).toBe(2000);
    expect(probes[0]).toBeLessThan(probeAt);
    expect(probes.length).toBeLessThanOrEqual(9);
  });

  test("that is answered by a silent device has all of it read again", () => {
    let plan = hinted(asked(1000, false, 10), "a", new Set(["a/p"]), 2000);
    plan = ask(plan, next(plan, 2000)!.task, true, 2010);
    expect(isSilent(plan, "a")).toBe(false);
    expect(dueOf(plan).slice(1, 2)).toEqual([2010]);
  });
});
