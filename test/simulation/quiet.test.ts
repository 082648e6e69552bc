import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Agent } from "../../agent/pipeline/agent.ts";
import type { Deed } from "../../agent/pipeline/deeds.ts";
import type { QuietFacts } from "../../agent/sinks/quiet.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, type World, world } from "./world.ts";

/** What the centre is told of what it will not hear: what people silenced, and what the agent cannot see. */
let folder: string;
let env: FakeEnv;
let here: World;
let agent: Agent;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-quiet-"));
  env = fakeEnv();
  here = world(env, siteYaml(2), join(folder, "store.db"));
  agent = here.start();
  await env.advance(30_000);
});
afterEach(async () => {
  await agent.stop();
  rmSync(folder, { recursive: true });
});

const said = (): QuietFacts[] => here.broker.quiet;
const last = (): QuietFacts => said().at(-1)!;
const seconds = (n: number): Promise<void> => env.advance(n * 1000);
const [one, other] = ["d0", "d1"] as const;
const deed = (also: Partial<Deed>): Deed => ({
  name: "shelve",
  target: `${one}/hot`,
  by: { user: "anna", role: "supervisor" },
  reason: "being looked at",
  forMs: 600_000,
  ...also,
});
const until = (ms: number): string => new Date(env.clock.wall() + ms).toISOString();
const key = (device: string, rest: string): string => `s/${device}/${rest}`;

describe("silences", () => {
  test.each([
    { did: deed({}), told: { how: "shelved", count: 1, conditions: [key(one, "temp/hot")] } },
    {
      did: deed({ name: "maintenance", target: `device=${one}` }),
      told: { how: "maintenance", conditions: expect.arrayContaining([key(one, "temp/hot"), key(one, "door/open")]) },
    },
    {
      did: deed({ name: "out_of_service", forMs: null }),
      told: { how: "out_of_service", until: null, conditions: [key(one, "temp/hot")] },
    },
  ])("$told.how of what is normal is told a second later, once, with who, why and until", async ({ did, told }) => {
    const before = said().length;
    const end = did.forMs === null ? null : until(did.forMs);
    agent.command(did, false);
    expect(said()).toHaveLength(before);
    await seconds(2);
    expect(said()).toHaveLength(before + 1);
    await seconds(30);
    expect(said()).toHaveLength(before + 1);
    expect(last().silences).toEqual([
      { by: "anna", reason: "being looked at", until: end, count: expect.any(Number), ...told },
    ]);
    expect(last().silences[0]!.count).toBe(last().silences[0]!.conditions.length);
  });

  test("end by themselves, or by hand, and that is told", async () => {
    agent.command(deed({ forMs: 60_000 }), false);
    agent.command(deed({ target: `${other}/hot`, forMs: 3_600_000 }), false);
    await seconds(2);
    expect(last().silences.flatMap(({ conditions }) => conditions)).toHaveLength(2);
    await seconds(90);
    expect(last().silences.flatMap(({ conditions }) => conditions)).toEqual([key(other, "temp/hot")]);
    agent.command(deed({ name: "unshelve", target: `${other}/hot` }), false);
    await seconds(2);
    expect(last().silences).toEqual([]);
  });

  test("of a mode are told with the mode in force, which a restart tells again", async () => {
    agent.command(deed({ name: "maintenance", target: `device=${one}`, mode: "commissioning" }), false);
    await seconds(2);
    const mode = { mode: "commissioning", target: `device=${one}`, by: "anna", overdue: false };
    expect(last().modes).toEqual([expect.objectContaining(mode)]);
    expect(last().silences).toEqual([expect.objectContaining({ how: "mode", mode: "commissioning" })]);
    await agent.stop();
    here = world(env, siteYaml(2), join(folder, "store.db"));
    agent = here.start();
    await seconds(30);
    expect(last().modes).toEqual([expect.objectContaining(mode)]);
    expect(last().silences[0]!.conditions).toContain(key(one, "door/open"));
  });
});

describe("what is not seen", () => {
  test("is nothing while all is read, and is not told again and again", async () => {
    expect(last().blind).toEqual([]);
    expect(last().pointsExpected).toBe(4);
    const before = said().length;
    await seconds(600);
    expect(said()).toHaveLength(before);
  });

  test("is a whole device that does not answer, since its first silence, until it answers", async () => {
    here.silent.add(one);
    const from = env.clock.wall();
    await seconds(40);
    expect(last().blind).toEqual([{ device: one, why: "timeout", since: expect.any(String), count: 2 }]);
    const since = Date.parse(last().blind[0]!.since);
    expect([since > from, since < from + 12_000]).toEqual([true, true]);
    await seconds(600);
    expect(Date.parse(last().blind[0]!.since)).toBe(since);
    here.silent.delete(one);
    await seconds(60);
    expect(last().blind).toEqual([]);
  });

  test("is one point, by name, with the reason", async () => {
    here.values.set(`${other}/temp`, Number.NaN);
    await seconds(15);
    expect(last().blind).toEqual([
      { device: other, why: "not_finite", since: expect.any(String), count: 1, points: ["temp"] },
    ]);
  });

  test("is everything, before anything was read", async () => {
    const fresh = world(env, siteYaml(1), join(folder, "fresh.db"));
    const second = fresh.start();
    await env.advance(1_000);
    await second.stop();
    expect(fresh.broker.quiet[0]?.blind).toEqual([
      { device: "d0", why: "not_read", since: expect.any(String), count: 2 },
    ]);
  });
});
