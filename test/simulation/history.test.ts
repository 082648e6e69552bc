import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sayUnknown } from "../../agent/api/explain.ts";
import { type EvidenceTold, incidentSnapshot } from "../../agent/api/incidents.ts";
import { trendSnapshot } from "../../agent/api/trend.ts";
import type { Agent } from "../../agent/pipeline/agent.ts";
import { historyBeside } from "../../agent/store/history.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, type World, world } from "./world.ts";

/** What the whole agent keeps of what was read: around each raise for as long as it can be looked up, and as a trend. */
let folder: string;
let env: FakeEnv;
let here: World;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-history-"));
  env = fakeEnv();
  here = world(env, siteYaml(2), join(folder, "store.db"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const [minute, hour] = [60_000, 3_600_000];
const evidence = (agent: Agent, target = "d0/hot"): readonly EvidenceTold[] => {
  const found = incidentSnapshot(agent, target);
  if ("found" in found) throw new Error(sayUnknown(found));
  return found.incidents[0]?.evidence ?? [];
};
/** The value that held so long after the raise. */
const heldAt = ({ samples }: EvidenceTold, afterMs: number): number | null | undefined =>
  samples.findLast(([at]) => at <= afterMs)?.[1];

/** Twenty minutes of calm, then too hot. */
async function raise(): Promise<void> {
  here.values.set("d0/temp", 20).set("d0/door", 1);
  await env.advance(20 * minute);
  here.values.set("d0/temp", 30);
  await env.advance(40_000);
  expect(here.broker.received.map(({ rule }) => rule.id)).toContain("hot");
}

describe("evidence", () => {
  test("of a raise: its point, then the companions, at once what was before it, 15 minutes later also what came", async () => {
    const agent = here.start();
    await raise();
    const soon = evidence(agent);
    expect(soon.map(({ point, name, unit, role, isWhole }) => [point, name, unit, role, isWhole])).toEqual([
      ["d0/temp", "temp", "Cel", "input", false],
      ["d0/door", "door", "1", "companion", false],
    ]);
    expect([-14 * minute, 0].map((at) => soon.map((one) => heldAt(one, at)))).toEqual([
      [20, 1],
      [30, 1],
    ]);
    here.values.set("d0/temp", 33).set("d0/door", 0);
    await env.advance(20 * minute);
    const whole = evidence(agent);
    expect(whole.map(({ isWhole }) => isWhole)).toEqual([true, true]);
    expect([-14 * minute, 0, 14 * minute].map((at) => whole.map((one) => heldAt(one, at)))).toEqual([
      [20, 1],
      [30, 1],
      [33, 0],
    ]);
    // After the raise each one that was read, also where nothing moved.
    expect(whole[0]?.samples.filter(([at]) => at > 0).length).toBeGreaterThanOrEqual(90);
    await agent.stop();
  });

  test("survives restarts in between, and is there when the samples are gone", async () => {
    here.keepMs = 2 * hour;
    let agent = here.start();
    await raise();
    await agent.stop();
    await env.advance(2 * minute);
    agent = here.start();
    here.values.set("d0/temp", 20);
    await env.advance(16 * minute);
    const whole = evidence(agent);
    const [temp] = whole as [EvidenceTold, EvidenceTold];
    expect(temp.isWhole).toBe(true);
    expect([-14 * minute, -minute, 0, 14 * minute].map((at) => heldAt(temp, at))).toEqual([20, 20, 30, 20]);
    await agent.stop();
    await env.advance(80 * hour);
    agent = here.start();
    await env.advance(2 * minute);
    expect(evidence(agent)).toEqual(whole);
    await agent.stop();
  });

  test("is made up for where the last run ended after the raise was on disk, before more could be done", async () => {
    let agent = here.start();
    here.values.set("d0/temp", 20);
    await env.advance(20 * minute);
    here.values.set("d0/temp", 40);
    here.disk = "doubtful";
    await env.advance(20_000);
    expect(env.reports.map(({ code }) => code)).toContain("commit.failed");
    await agent.stop();
    here.disk = "well";
    agent = here.start();
    expect(evidence(agent).map((one) => [one.point, heldAt(one, -10 * minute)])).toEqual([
      ["d0/temp", 20],
      ["d0/door", 0],
    ]);
    await env.advance(16 * minute);
    expect(evidence(agent).every(({ isWhole }) => isWhole)).toBe(true);
    await agent.stop();
  });

  test("of a device as a whole there is none; what led to it stands in its event", async () => {
    const agent = here.start();
    await env.advance(minute);
    here.silent.add("d1");
    await env.advance(5 * minute);
    expect(evidence(agent, "d1/comm")).toEqual([]);
    await agent.stop();
  });
});

describe("trend", () => {
  const trend = (agent: Agent, target: string, since = "1h", buckets = "4") => {
    const found = trendSnapshot(agent, target, { since, buckets });
    if ("found" in found) throw new Error(sayUnknown(found));
    if ("error" in found) throw new Error(found.error);
    return found;
  };

  test("of a point: least, mean and most; a device that was silent leaves a hole that is known as bad", async () => {
    const agent = here.start();
    here.values.set("d0/temp", 20);
    await env.advance(30 * minute);
    here.values.set("d0/temp", 24);
    await env.advance(15 * minute);
    here.silent.add("d0");
    await env.advance(15 * minute);
    const { point, name, unit, timeZone, bucketMs, buckets } = trend(agent, "d0/temp");
    expect([point, name, unit, timeZone, bucketMs]).toEqual(["d0/temp", "D0 temp", "Cel", "UTC", 15 * minute]);
    expect(buckets.map(({ min, max }) => [min, max])).toEqual([
      [20, 20],
      [20, 20],
      [20, 24],
      [24, 24],
    ]);
    expect(buckets.map(({ worst }) => worst)).toEqual(["good", "good", "good", "bad"]);
    expect(buckets[3]?.knownMs).toBeLessThan(minute);
    expect(buckets[1]?.from).toBe("2026-01-01T00:15:00.000Z");
    await agent.stop();
  });

  test("what is kept of a point is what its rules can tell apart: a tenth of a deadband, else any change", async () => {
    const agent = here.start();
    for (const [temp, door] of [
      [20, 0],
      [20.05, 0.01],
      [20.1, 0.02],
      [20.2, 0.02],
    ] as const) {
      here.values.set("d0/temp", temp).set("d0/door", door);
      await env.advance(10_000);
    }
    expect(["d0/temp", "d0/door"].map((point) => trend(agent, point, "1m", "1").buckets[0]?.count)).toEqual([2, 3]);
    await agent.stop();
  });

  test.each([
    ["d9/temp", "1h", "4", 'no device "d9"; expected one of d0, d1.'],
    ["d0/tmp", "1h", "4", 'no point of d0 "tmp"; expected one of temp, door. Did you mean "temp"?'],
    ["d0", "1h", "4", 'no point of d0 ""; expected one of temp, door.'],
    ["d0/temp", "soon", "4", 'since "soon": expected a duration such as 8h, 30m'],
    ["d0/temp", "1h", "0", 'buckets "0": expected a whole number from 1 to 1000'],
  ])("%s since %s in %s", async (target, since, buckets, message) => {
    const agent = here.start();
    expect(() => trend(agent, target, since, buckets)).toThrow(message);
    await agent.stop();
  });
});

test("a history that cannot be used stops nothing: it is set aside, and judging goes on as ever", async () => {
  writeFileSync(historyBeside(join(folder, "store.db")), "no database, but long enough to be looked at as one");
  const agent = here.start();
  await raise();
  expect(env.reports.map(({ code }) => code)).toContain("history.set_aside");
  expect(readdirSync(folder).filter((name) => name.startsWith("store-history.db.corrupt-"))).toHaveLength(1);
  expect(evidence(agent)).toHaveLength(2);
  await agent.stop();
});
