import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, switchedYaml, type World, world } from "./world.ts";

let folder: string;
let env: FakeEnv;
let here: World;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-sim-"));
  env = fakeEnv();
  here = world(env, siteYaml(3), join(folder, "store.db"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const story = (): string[] =>
  here.broker.received.map(({ seq, kind, reason, severity, conditionKey }) =>
    [seq, kind, ...(reason ? [reason] : []), severity, conditionKey.replace("s/", "")].join(" "),
  );

describe("the whole agent under virtual time", () => {
  test("poll → incident → broker, and back to normal", async () => {
    const agent = here.start();
    await env.advance(30_000);
    here.values.set("d1/temp", 30);
    await env.advance(60_000);
    here.values.set("d1/temp", 40);
    await env.advance(20_000);
    here.values.set("d1/temp", 20);
    await env.advance(20_000);
    expect(story()).toEqual([
      "1 raise medium d1/temp/hot",
      "2 update severity_up critical d1/temp/hot",
      "3 clear critical d1/temp/hot",
    ]);
    const [raise, , clear] = here.broker.received;
    expect(raise!.text).toMatch(/^D1 temp 30 °C \(limit 27\) since \d\d:\d\d; cooling lost\. Check the CRAC\.$/);
    expect(new Set(here.broker.received.map(({ incidentId }) => incidentId)).size).toBe(1);
    expect(here.broker.received.map(({ rev }) => rev)).toEqual([1, 2, 3]);
    expect(clear).toMatchObject({ active: false, state: "normal", value: 20, quality: "good" });
    expect(here.broker.active.size).toBe(0);
    expect(agent.status().heartbeat).toMatchObject({
      depth: 0,
      lastSeq: 3,
      ackedSeq: 3,
      pointsExpected: 6,
      pointsGood: 6,
    });
    await agent.stop();
  });

  test("what was wrong already in the first poll, or when a device comes back, may have begun before; all else began then", async () => {
    here.values.set("d0/temp", 30);
    const agent = here.start();
    await env.advance(60_000);
    here.values.set("d1/temp", 30);
    here.silent.add("d2");
    await env.advance(60_000);
    here.values.set("d2/temp", 30);
    here.silent.delete("d2");
    here.values.set("d0/temp", 20);
    await env.advance(120_000);
    const told = here.broker.received.filter(({ rule }) => rule.id === "hot");
    expect(told.map(({ kind, point, onsetUncertain }) => [point.device, kind, onsetUncertain])).toEqual([
      ["d0", "raise", true],
      ["d1", "raise", undefined],
      ["d0", "clear", true],
      ["d2", "raise", true],
    ]);
    await agent.stop();
  });

  test("a delay is confirmed when it ends, not a whole interval later", async () => {
    const agent = here.start();
    await env.advance(30_000);
    here.values.set("d1/temp", 30);
    await env.advance(60_000);
    const { onsetAt, raisedAt } = here.broker.received[0]!;
    const waitedMs = Date.parse(raisedAt) - Date.parse(onsetAt);
    expect(waitedMs).toBeGreaterThanOrEqual(25_000);
    expect(waitedMs).toBeLessThan(25_500);
    await agent.stop();
  });

  test("a silent device raises comm after three failures and delays nobody; its stale is absorbed", async () => {
    const agent = here.start();
    await env.advance(30_000);
    const before = here.reads.filter(({ points }) => points[0]!.startsWith("d0/")).length;
    here.silent.add("d2");
    await env.advance(200_000);
    expect(story()).toEqual(["1 raise high d2/-/comm"]);
    expect(here.reads.filter(({ points }) => points[0]!.startsWith("d0/")).length - before).toBe(20);
    expect(env.reports.filter(({ code }) => code === "device.lost").length).toBe(1);
    here.silent.delete("d2");
    await env.advance(40_000);
    expect(story()).toEqual(["1 raise high d2/-/comm", "2 clear high d2/-/comm"]);
    await agent.stop();
  });

  test("what is reached through a silent switch says nothing, also after a restart; what was lost before is suppressed", async () => {
    here = world(env, switchedYaml(4), join(folder, "switched.db"));
    const agent = here.start();
    await env.advance(30_000);
    here.silent.add("d1");
    await env.advance(60_000);
    for (const device of ["d0", "d2", "d3"]) here.silent.add(device);
    await env.advance(300_000);
    await agent.stop();
    const again = here.start();
    await env.advance(300_000);
    expect(story()).toEqual(["1 raise high d1/-/comm", "2 raise high d0/-/comm", "3 update suppressed high d1/-/comm"]);
    const [lost, parent, child] = here.broker.received;
    expect(parent).toMatchObject({ annunciate: true, impacted: { devices: 4, points: 8 } });
    expect(lost).toMatchObject({ annunciate: true, impacted: { devices: 1, points: 2 } });
    expect(child).toMatchObject({ annunciate: false, state: "suppressed", causeIds: [parent!.incidentId] });
    for (const device of ["d0", "d2", "d3"]) here.silent.delete(device);
    await env.advance(60_000);
    expect(story().slice(3)).toEqual(["4 clear high d0/-/comm"]);
    await env.advance(120_000);
    expect(story().slice(4)).toEqual(["5 update unsuppressed high d1/-/comm"]);
    expect(here.broker.received.at(-1)).toMatchObject({ annunciate: true, state: "active-unacked" });
    await again.stop();
  });

  test("a value that no list of a state rule has is reported once, and nothing is judged by it", async () => {
    const agent = here.start();
    await env.advance(20_000);
    here.values.set("d1/door", 7);
    await env.advance(60_000);
    expect(story()).toEqual([]);
    expect(env.reports.filter(({ code }) => code === "value.odd").map(({ facts }) => facts)).toEqual([
      { rule: "d1/open", point: "d1/door", value: 7 },
    ]);
    await agent.stop();
  });

  test("a broker that is away loses nothing, and order holds; what waited for it comes as late", async () => {
    const agent = here.start();
    await env.advance(20_000);
    here.broker.up = false;
    for (const [device, value] of [
      ["d0", 1],
      ["d1", 1],
      ["d0", 0],
      ["d2", 1],
    ] as const) {
      here.values.set(`${device}/door`, value);
      await env.advance(15_000);
    }
    expect(agent.status().heartbeat).toMatchObject({ depth: 4, lastSeq: 4, ackedSeq: 0 });
    expect(here.broker.received).toEqual([]);
    here.broker.up = true;
    await env.advance(10_000);
    expect(story().map((line) => line.split(" ")[0])).toEqual(["1", "2", "3", "4"]);
    expect([...here.broker.active.keys()].sort()).toEqual(["s/d1/door/open", "s/d2/door/open"]);
    expect(agent.status().heartbeat.depth).toBe(0);
    here.values.set("d0/door", 1);
    await env.advance(15_000);
    expect([here.broker.late, here.broker.received.length]).toEqual([[1, 2, 3, 4], 5]);
    expect(here.broker.births[1]).toMatchObject({ firstSeq: 1, waitingFrom: 1, lastSeq: 4 });
    here.broker.up = false;
    await env.advance(2000);
    here.broker.up = true;
    await env.advance(2000);
    expect(here.broker.births[2], "all can still be had, none waits").toMatchObject({ firstSeq: 1, waitingFrom: 6 });
    await agent.stop();
  });

  test("lost acknowledgements give duplicates with the same ids, never new ones", async () => {
    const agent = here.start();
    await env.advance(20_000);
    here.broker.forgetful = true;
    here.values.set("d0/door", 1);
    await env.advance(20_000);
    here.broker.forgetful = false;
    await env.advance(10_000);
    expect(here.broker.received.length).toBeGreaterThan(1);
    expect(new Set(here.broker.received.map(({ epoch, seq }) => `${epoch}:${seq}`)).size).toBe(1);
    expect(agent.status().heartbeat.depth).toBe(0);
    await agent.stop();
  });

  for (const disk of ["refuses", "doubtful"] as const) {
    test(`a disk that ${disk === "refuses" ? "takes nothing" : "throws after it took it"} loses and doubles nothing`, async () => {
      const agent = here.start();
      await env.advance(20_000);
      here.disk = disk;
      here.values.set("d0/door", 1);
      await env.advance(25_000);
      here.values.set("d1/door", 1);
      await env.advance(25_000);
      expect(here.broker.received.length).toBe(0);
      here.disk = "well";
      await env.advance(25_000);
      expect(story()).toEqual(["1 raise high d0/door/open", "2 raise high d1/door/open"]);
      expect(agent.status().heartbeat).toMatchObject({ depth: 0, lastSeq: 2 });
      await agent.stop();
    });
  }

  test("no event while nothing is wrong, whatever the wall clock does", async () => {
    const agent = here.start();
    await env.advance(60_000);
    env.step(3_600_000);
    await env.advance(60_000);
    env.step(-7_200_000);
    await env.advance(600_000);
    expect(story()).toEqual([]);
    expect(env.reports.filter(({ code }) => code === "clock.step").map(({ facts }) => facts.ms)).toEqual([
      3_600_000, -7_200_000,
    ]);
    await agent.stop();
  });
});

describe("a restart", () => {
  test("what began while the agent was down is found by the first poll, and told as such", async () => {
    const first = here.start();
    await env.advance(30_000);
    await first.stop();
    await env.advance(600_000);
    here.values.set("d1/temp", 30);
    const second = here.start();
    await env.advance(60_000);
    expect(story()).toEqual(["1 raise medium d1/temp/hot"]);
    expect(here.broker.received[0]).toMatchObject({ onsetUncertain: true });
    await second.stop();
  });

  test("neither raises twice nor loses a clear", async () => {
    let agent = here.start();
    await env.advance(20_000);
    here.values.set("d0/door", 1);
    here.values.set("d1/door", 1);
    await env.advance(20_000);
    await agent.stop();
    here.values.set("d1/door", 0);
    await env.advance(100_000);
    agent = here.start();
    await env.advance(60_000);
    expect(story().sort()).toEqual([
      "1 raise high d0/door/open",
      "2 raise high d1/door/open",
      "3 clear high d1/door/open",
    ]);
    const ids = here.broker.received
      .filter(({ conditionKey }) => conditionKey === "s/d1/door/open")
      .map(({ incidentId }) => incidentId);
    expect(new Set(ids).size).toBe(1);
    await agent.stop();
  });

  test("goes on with a delay that was running", async () => {
    let agent = here.start();
    await env.advance(20_000);
    here.values.set("d0/temp", 30);
    await env.advance(12_000);
    await agent.stop();
    await env.advance(5_000);
    agent = here.start();
    await env.advance(40_000);
    const [raise] = here.broker.received;
    expect(raise).toMatchObject({ kind: "raise", conditionKey: "s/d0/temp/hot" });
    expect(Date.parse(raise!.raisedAt) - Date.parse(raise!.onsetAt)).toBeLessThan(36_000);
    await agent.stop();
  });

  test("closes the incidents of rules that are gone, with a reason", async () => {
    let agent = here.start();
    await env.advance(20_000);
    here.values.set("d2/door", 1);
    await env.advance(20_000);
    await agent.stop();
    const { received } = here.broker;
    const smaller = world(env, siteYaml(2), join(folder, "store.db"));
    agent = smaller.start();
    await env.advance(20_000);
    expect(received.map(({ kind }) => kind)).toEqual(["raise"]);
    expect(smaller.broker.received).toMatchObject([
      {
        kind: "clear",
        reason: "rule_disabled",
        conditionKey: "s/d2/door/open",
        rev: 2,
        seq: 2,
        incidentId: received[0]!.incidentId,
      },
    ]);
    // What led to the raise was told with it.
    expect(received[0]).toHaveProperty("context");
    expect(smaller.broker.received[0]).not.toHaveProperty("context");
    await agent.stop();
  });
});
