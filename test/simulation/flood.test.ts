import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Agent } from "../../agent/pipeline/agent.ts";
import type { EventRecord } from "../../agent/sinks/record.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, type World, world } from "./world.ts";

/** More alarms than people can follow, and who is called then. */
let folder: string;
let env: FakeEnv;
let here: World;
let agent: Agent;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-flood-"));
  env = fakeEnv();
  here = world(env, siteYaml(20), join(folder, "store.db"));
  agent = here.start();
  await env.advance(30_000);
});
afterEach(async () => {
  await agent.stop();
  rmSync(folder, { recursive: true });
});

const heat = (from: number, to: number, value: number): void => {
  for (let i = from; i < to; i++) here.values.set(`d${i}/temp`, value);
};
const isMode = ({ rule }: EventRecord): boolean => rule.id === "commissioning";
const isFlood = ({ rule }: EventRecord): boolean => rule.id === "flood";
const ofFlood = (): EventRecord[] => here.broker.received.filter(isFlood);
const alarms = (): EventRecord[] => here.broker.received.filter((one) => !isFlood(one) && !isMode(one));
const calls = (): string[] =>
  here.broker.received
    .filter(({ annunciate }) => annunciate)
    .map(({ kind, reason, conditionKey }) => [kind, ...(reason ? [reason] : []), conditionKey.slice(2)].join(" "));
const restart = async (): Promise<void> => {
  await agent.stop();
  agent = here.start();
};
const kpi = (name: string) => agent.kpis().find((one) => one.name === name)!;

describe("fifteen medium alarms at once", () => {
  beforeEach(async () => {
    heat(0, 15, 30);
    await env.advance(45_000);
  });

  test("call ten, then a flood; the rest calls in one digest a minute later; nothing is lost", async () => {
    expect(calls().filter((call) => call.startsWith("raise d"))).toHaveLength(10);
    expect(ofFlood()).toMatchObject([{ kind: "raise", severity: "medium", annunciate: true, open: true }]);
    expect(ofFlood()[0]!.text).toBe(
      "Alarm flood: 11 alarms in 10 min, most from hot (11). What is below high comes in a digest each minute.",
    );
    await env.advance(120_000);
    expect(ofFlood().map(({ kind, reason }) => reason ?? kind)).toEqual(["raise", "digest"]);
    expect(ofFlood()[1]).toMatchObject({
      annunciate: true,
      rev: 2,
      incidentId: ofFlood()[0]!.incidentId,
      text: expect.stringMatching(/^Alarm flood, 5 more alarms: 5 medium\. Worst: D\d+ temp; D\d+ temp\.$/),
    });
    expect(alarms().map(({ kind }) => kind)).toEqual(Array(15).fill("raise"));
    expect(alarms().filter(({ annunciate, digested }) => !annunciate && digested === true)).toHaveLength(5);
    expect(here.broker.received.map(({ seq }) => seq)).toEqual(Array.from({ length: 17 }, (_, i) => i + 1));
  });

  test("what is high calls at once all the same", async () => {
    here.values.set("d16/door", 1);
    await env.advance(10_500);
    expect(calls().at(-1)).toBe("raise d16/door/open");
    heat(0, 1, 40);
    await env.advance(10_500);
    expect(calls()).toContain("update severity_up d0/temp/hot");
  });

  test("it is over ten minutes later, and who calls then calls at once", async () => {
    await env.advance(540_000);
    expect(ofFlood().at(-1)).toMatchObject({ reason: "digest" });
    await env.advance(60_000);
    const [raise, , clear] = ofFlood();
    expect(clear).toMatchObject({ kind: "clear", open: false });
    const lastedMs = Date.parse(clear!.at) - Date.parse(raise!.at);
    expect(Math.abs(lastedMs - 600_000)).toBeLessThan(10_000);
    heat(15, 16, 30);
    await env.advance(45_000);
    expect(calls().at(-1)).toBe("raise d15/temp/hot");
  });

  test("what clears in it is in the digest", async () => {
    await env.advance(70_000);
    heat(0, 3, 20);
    await env.advance(100_000);
    expect(ofFlood().at(-1)!.text).toBe("Alarm flood, 0 more alarms; 3 cleared.");
    expect(alarms().slice(-3)).toMatchObject(Array(3).fill({ kind: "clear", annunciate: false, digested: true }));
  });

  test("a restart neither forgets the flood nor tells of it twice", async () => {
    await restart();
    await env.advance(70_000);
    heat(15, 16, 30);
    await env.advance(70_000);
    await restart();
    await env.advance(600_000);
    expect(ofFlood().map(({ kind, reason }) => reason ?? kind)).toEqual(["raise", "digest", "digest", "clear"]);
    expect(new Set(ofFlood().map(({ incidentId }) => incidentId)).size).toBe(1);
    expect(kpi("rate_max")).toMatchObject({ value: 16, isMet: false });
  });

  test("a commit that lands late changes nothing of what is told", async () => {
    here.disk = "doubtful";
    await env.advance(90_000);
    here.disk = "well";
    await env.advance(30_000);
    expect(ofFlood().map(({ kind, reason }) => reason ?? kind)).toEqual(["raise", "digest"]);
  });

  test("the figures of the day show it", async () => {
    await env.advance(900_000);
    expect(kpi("rate_max")).toMatchObject({ value: 15, isMet: false });
    const [raise, , clear] = ofFlood();
    const observedMs = 30_000 + 45_000 + 900_000;
    const floodMs = Date.parse(clear!.at) - Date.parse(raise!.at);
    expect(kpi("flood").value).toBeCloseTo(floodMs / observedMs, 3);
    expect(kpi("mix_medium")).toMatchObject({ value: 1, isMet: false });
    expect(kpi("chattering")).toMatchObject({ value: 0, isMet: true });
    expect(kpi("stale")).toMatchObject({ value: 0, isMet: true });
    await agent.stop();
    await env.advance(86_400_000);
    agent = here.start();
    await env.advance(30_000);
    expect(kpi("rate_max")).toMatchObject({ value: 0, isMet: true });
    expect(kpi("stale")).toMatchObject({ value: 15, isMet: false });
  });
});

test("what is being commissioned makes no flood and spoils no figure", async () => {
  const by = { user: "facilities", role: "supervisor" } as const;
  const deed = { target: "class=test", by, reason: "new hall", forMs: 3_600_000, mode: "commissioning" } as const;
  const done = agent.command({ name: "maintenance", ...deed }, false);
  expect(done).not.toHaveLength(0);
  heat(0, 20, 40);
  await env.advance(60_000);
  expect(alarms()).toHaveLength(20);
  expect(calls()).toEqual([]);
  expect(kpi("rate_max").value).toBe(0);
});
