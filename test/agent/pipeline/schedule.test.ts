import { describe, expect, test } from "vitest";
import { done, hasten, hinted, isSilent, next, type Schedule, schedule } from "../../../agent/pipeline/schedule.ts";

const request = (...ids: string[]) => ({ points: ids.map((id) => ({ id })) });

/** Runs a schedule for a while: exchanges take `takesMs`, devices in `dead` do not answer. */
function run(
  plan: Schedule,
  untilMs: number,
  takesMs: number,
  dead: ReadonlySet<string>,
): { plan: Schedule; asked: [number, string][] } {
  const asked: [number, string][] = [];
  let now = 0;
  let current = plan;
  for (;;) {
    const upcoming = next(current);
    if (upcoming === null || Math.max(upcoming.at, now) > untilMs) return { plan: current, asked };
    now = Math.max(upcoming.at, now);
    asked.push([now, upcoming.task.device]);
    now += takesMs;
    current = done(current, upcoming.task, !dead.has(upcoming.task.device), now);
  }
}

const count = (asked: [number, string][], device: string): number => asked.filter(([, one]) => one === device).length;

describe("schedule", () => {
  test("keeps the beat without drift", () => {
    const { asked } = run(
      schedule([{ request: request("a/p"), device: "a", intervalMs: 1000 }], 0),
      10_000,
      37,
      new Set(),
    );
    const first = asked[0]![0];
    expect(asked.map(([at]) => at)).toEqual(Array.from({ length: asked.length }, (_, i) => first + i * 1000));
    expect(asked.length).toBeGreaterThanOrEqual(10);
  });

  test("spreads devices over the interval, the same way each time", () => {
    const devices = ["ups-a", "ups-b", "pdu-1", "pdu-2"].map((device) => ({
      request: request(device),
      device,
      intervalMs: 10_000,
    }));
    const beats = schedule(devices, 0).tasks.map(({ dueAt }) => dueAt);
    expect(new Set(beats).size).toBe(4);
    expect(schedule(devices, 0).tasks.map(({ dueAt }) => dueAt)).toEqual(beats);
    expect(Math.max(...beats)).toBeLessThan(10_000);
  });

  test("an overrun is skipped and counted, never piled up", () => {
    const { plan, asked } = run(
      schedule([{ request: request("a/p"), device: "a", intervalMs: 1000 }], 0),
      20_000,
      2500,
      new Set(),
    );
    expect(asked.length).toBeLessThanOrEqual(8);
    expect(plan.skipped).toBeGreaterThan(0);
  });

  test("a dead device is only probed, ever more rarely, and costs the others nothing", () => {
    const wanted = [
      { request: request("dead/p"), device: "dead", intervalMs: 1000 },
      { request: request("dead/q"), device: "dead", intervalMs: 1000 },
      { request: request("well/p"), device: "well", intervalMs: 1000 },
    ];
    const { plan, asked } = run(schedule(wanted, 0), 120_000, 50, new Set(["dead"]));
    expect(isSilent(plan, "dead")).toBe(true);
    expect(count(asked, "dead")).toBeLessThan(15);
    expect(count(asked, "well")).toBeGreaterThanOrEqual(119);
    expect(plan.skipped).toBe(0);
  });

  test("a device that comes back is polled in full again, without counting overruns", () => {
    const wanted = [
      { request: request("a/p"), device: "a", intervalMs: 1000 },
      { request: request("a/q"), device: "a", intervalMs: 1000 },
    ];
    const silent = run(schedule(wanted, 0), 20_000, 10, new Set(["a"])).plan;
    let plan = silent;
    let now = 60_000;
    const asked: string[] = [];
    for (let i = 0; i < 20; i++) {
      const upcoming = next(plan)!;
      now = Math.max(now, upcoming.at);
      asked.push(upcoming.task.request.points[0]!.id);
      plan = done(plan, upcoming.task, true, now + 10);
    }
    expect(isSilent(plan, "a")).toBe(false);
    expect(asked.filter((id) => id === "a/q").length).toBe(10);
    expect(plan.skipped).toBe(silent.skipped);
  });

  test("a point can be read earlier, and keeps its beat", () => {
    const plan = schedule([{ request: request("a/p"), device: "a", intervalMs: 10_000 }], 0);
    const beat = next(plan)!.at;
    const sooner = hasten(done(plan, next(plan)!.task, true, beat), "a/p", beat + 2000);
    expect(next(sooner)!.at).toBe(beat + 2000);
    expect(next(done(sooner, next(sooner)!.task, true, beat + 2010))!.at).toBe(beat + 10_000);
  });
});

describe("a hint", () => {
  const wanted = [
    { request: request("a/p", "a/q"), device: "a", intervalMs: 10_000 },
    { request: request("a/r"), device: "a", intervalMs: 10_000 },
    { request: request("b/p"), device: "b", intervalMs: 10_000 },
  ];
  const dueOf = (plan: Schedule): number[] => plan.tasks.map(({ dueAt }) => dueAt);
  /** Each was asked once, at `now`. */
  const asked = (now: number, isAnswered = true, times = 1): Schedule => {
    let plan = schedule(wanted, 0);
    for (let nth = 0; nth < times; nth++) for (const task of plan.tasks) plan = done(plan, task, isAnswered, now);
    return plan;
  };

  test("brings forward what it is about, and nothing else; the beat stays", () => {
    const before = asked(1000);
    const plan = hinted(before, "a", new Set(["a/q"]), 2000);
    expect(dueOf(plan)).toEqual([2000, ...dueOf(before).slice(1)]);
    expect(plan.tasks.map(({ beatAt }) => beatAt)).toEqual(before.tasks.map(({ beatAt }) => beatAt));
    expect(next(plan)).toMatchObject({ at: 2000, task: { device: "a" } });
    expect(dueOf(hinted(before, "c", new Set(["a/q"]), 2000))).toEqual(dueOf(before));
  });

  test("as often as it comes, the device is asked no sooner than half a second after it was", () => {
    let plan = asked(1000);
    let reads = 0;
    for (let now = 1000; now < 11_000; now += 10) {
      plan = hinted(plan, "a", new Set(["a/p"]), now);
      const { at, task } = next(plan)!;
      if (at > now) continue;
      if (task.device === "a") reads++;
      plan = done(plan, task, true, now);
    }
    expect(reads).toBeGreaterThan(10);
    expect(reads).toBeLessThanOrEqual(22);
  });

  test("of a silent device leads to one early probe; then its back-off goes on", () => {
    let plan = asked(1000, false, 10);
    expect(isSilent(plan, "a")).toBe(true);
    const probeAt = next(plan)!.at;
    const probes: number[] = [];
    for (let now = 2000; now < 2000 + 120_000; now += 100) {
      plan = hinted(plan, "a", new Set(["a/p"]), now);
      const { at, task } = next(plan)!;
      if (at > now) continue;
      if (task.device === "a") probes.push(now);
      plan = done(plan, task, false, now);
    }
    expect(probes[0]).toBe(2000);
    expect(probes[0]).toBeLessThan(probeAt);
    expect(probes.length).toBeLessThanOrEqual(9);
  });

  test("that is answered by a silent device has all of it read again", () => {
    let plan = hinted(asked(1000, false, 10), "a", new Set(["a/p"]), 2000);
    plan = done(plan, next(plan)!.task, true, 2010);
    expect(isSilent(plan, "a")).toBe(false);
    expect(dueOf(plan).slice(1, 2)).toEqual([2010]);
  });
});
