import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Explanation } from "../../agent/core/explanation.ts";
import type { Agent } from "../../agent/pipeline/agent.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, type World, world } from "./world.ts";

/** What a technician is told by the running agent. */
let folder: string;
let env: FakeEnv;
let here: World;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-explain-"));
  env = fakeEnv();
  here = world(env, siteYaml(2), join(folder, "store.db"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function explained(agent: Agent, target: string): readonly Explanation[] {
  const answer = agent.explain(target);
  if (!answer.found) throw new Error(`nothing is known of ${target}`);
  return answer.conditions.map(({ explanation }) => explanation);
}
const keysOf = (agent: Agent, target: string): string[] => explained(agent, target).map(({ key }) => key);

describe("the agent is asked why", () => {
  test("of a device, a point, a rule, a condition or an open incident", async () => {
    const agent = here.start();
    await env.advance(20_000);
    here.values.set("d1/door", 1);
    await env.advance(20_000);
    const [record] = here.broker.received;
    const hot = "s/d1/temp/hot";
    const of = (target: string) => keysOf(agent, target).sort();
    expect(of("d1")).toEqual(["s/d1/-/comm", "s/d1/door/open", hot, "s/d1/temp/stale"]);
    expect(of("d1/temp")).toEqual([hot, "s/d1/temp/stale"]);
    expect(of("d1/hot")).toEqual([hot]);
    expect(of(hot)).toEqual([hot]);
    expect(of(record!.incidentId)).toEqual(["s/d1/door/open"]);
    expect(of(record!.incidentId.toUpperCase())).toEqual(["s/d1/door/open"]);
    const own = ["config_rejected", "flood", "storage_degraded", "storage_reset"];
    expect(of("agent")).toEqual(own.map((rule) => `s/agent/-/${rule}`));
    expect(agent.explain("d1/open")).toMatchObject({ conditions: [{ record, about: { rule: "open" } }] });
    await agent.stop();
  });

  test.each([
    ["d9", "device", "d9", ["agent", "d0", "d1"], /Did you mean "d0"/],
    ["d9/temp", "device", "d9", ["agent", "d0", "d1"], /d0/],
    ["d1/tmp", "point or rule of d1", "tmp", ["temp", "door", "hot", "open", "comm", "stale"], /"temp"/],
    ["s/d1/temp/hott", "condition of d1", "s/d1/temp/hott", expect.arrayContaining(["s/d1/temp/hot"]), /temp\/hot"/],
    ["s/d9/temp/hot", "device", "d9", ["agent", "d0", "d1"], /d0/],
    ["01234567-89ab-8cde-8f01-23456789abcd", "open incident", expect.anything(), [], /^$/],
    ["", "device", "", ["agent", "d0", "d1"], /^.*$/],
  ])("of %s there is nothing, and it says what there is", async (target, what, name, known, hint) => {
    const agent = here.start();
    await env.advance(20_000);
    expect(agent.explain(target)).toEqual({ found: false, what, name, known, hint: expect.stringMatching(hint) });
    await agent.stop();
  });

  test("a delay, its end by the wall clock as it is now, the incident, and what holds it", async () => {
    const agent = here.start();
    await env.advance(30_000);
    expect(explained(agent, "d1/hot")).toMatchObject([{ state: "normal", why: "within-limits" }]);
    here.values.set("d1/temp", 30);
    await env.advance(12_000);
    env.step(3_600_000);
    const [waiting] = explained(agent, "d1/hot");
    expect(waiting).toMatchObject({ state: "pending-on", levels: [{ waiting: { by: "sample" } }, { waiting: null }] });
    const { firesAt } = waiting!.levels[0]!.waiting!;
    await env.advance(25_500);
    const [raised] = here.broker.received;
    // The device answers 20 ms after it is asked.
    expect(Math.abs(Date.parse(raised!.raisedAt) - firesAt.wall)).toBeLessThan(100);
    expect(explained(agent, "d1/hot")).toMatchObject([{ state: "active", why: "beyond-limit" }]);
    here.silent.add("d1");
    await env.advance(100_000);
    const silent = { state: "active", why: "device-unreachable", measure: null };
    expect(explained(agent, "d1/hot")).toMatchObject([{ ...silent, inputs: [{ quality: "bad", reason: "timeout" }] }]);
    expect(explained(agent, "d1/stale")).toMatchObject([{ state: "normal", facts: { unreachableBy: "d1/comm" } }]);
    await agent.stop();
  });

  test("after a restart it is as it was left, and nothing was read yet", async () => {
    let agent = here.start();
    await env.advance(20_000);
    here.values.set("d1/temp", 40);
    await env.advance(20_000);
    const [before] = explained(agent, "d1/hot");
    await agent.stop();
    await env.advance(100_000);
    agent = here.start();
    const [after] = explained(agent, "d1/hot");
    expect(after).toMatchObject({ state: "active", why: "never-seen", incident: { raised: before!.incident!.raised } });
    await env.advance(20_000);
    expect(explained(agent, "d1/hot")).toMatchObject([{ state: "active", why: "beyond-limit" }]);
    await agent.stop();
  });

  test("while a commit is refused it tells what was committed last", async () => {
    const agent = here.start();
    await env.advance(20_000);
    here.disk = "refuses";
    here.values.set("d0/door", 1);
    await env.advance(40_000);
    expect(explained(agent, "d0/open")).toMatchObject([
      { state: "normal", why: "within-limits", inputs: [{ value: 0 }] },
    ]);
    here.disk = "well";
    await env.advance(20_000);
    expect(explained(agent, "d0/open")).toMatchObject([{ state: "active", inputs: [{ value: 1 }] }]);
    await agent.stop();
  });
});
