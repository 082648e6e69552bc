import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sayUnknown } from "../../agent/api/explain.ts";
import { eventsPage, incidentSnapshot, openSnapshot } from "../../agent/api/incidents.ts";
import type { Agent } from "../../agent/pipeline/agent.ts";
import type { EventRecord } from "../../agent/sinks/record.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, switchedYaml, type World, world } from "./world.ts";

/** What led to an incident goes with it, and what happened can be looked up afterwards. */
let folder: string;
let env: FakeEnv;
let here: World;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-journal-"));
  env = fakeEnv();
  here = world(env, siteYaml(2), join(folder, "store.db"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** One reading of each, ten seconds apart. */
async function read(point: string, ...values: readonly number[]): Promise<void> {
  for (const value of values) {
    here.values.set(point, value);
    await env.advance(10_000);
  }
}
const valuesIn = ({ context = [] }: EventRecord): (number | null)[] => context.map(([, value]) => value);
const of = (kind: string, reason?: string): EventRecord => {
  const found = here.broker.received.find((one) => one.kind === kind && one.reason === reason);
  if (found === undefined) throw new Error(`no ${kind} was received`);
  return found;
};

describe("evidence", () => {
  test("a raise carries the samples that led to it, the deciding one last, and what its companions said", async () => {
    const agent = here.start();
    here.values.set("d0/door", 1);
    await read("d0/temp", 20, 21, 22, 28, 29, 30, 31, 31);
    const raised = here.broker.received.find(({ rule }) => rule.id === "hot")!;
    const { context = [] } = raised;
    expect(valuesIn(raised)).toEqual([20, 21, 22, 28, 29, 30, 30]);
    expect(context.map(([, , quality]) => quality)).toEqual(context.map(() => "good"));
    expect(context.at(-1)?.[0]).toBe(raised.monoMs);
    const steps = context.slice(1).map(([at], i) => at - context[i]![0]);
    // The last one was read when the delay ended, not an interval later.
    expect(steps.slice(0, -1)).toEqual(steps.slice(0, -1).map(() => 10_000));
    expect(raised.companions).toEqual([{ point: "d0/door", value: 1, unit: "1", quality: "good" }]);
    await agent.stop();
  });

  test("at most twenty; bad ones without a value; a worse severity has its own, other events none", async () => {
    const agent = here.start();
    await read("d0/temp", ...Array.from({ length: 30 }, () => 20));
    here.silent.add("d0");
    await env.advance(12_000);
    here.silent.delete("d0");
    await read("d0/temp", 36, 36, 20);
    await read("d1/temp", 30, 30, 30, 30, 40, 20, 20);
    const critical = of("raise");
    expect(critical.context).toHaveLength(20);
    expect(valuesIn(critical)).toContain(null);
    expect(valuesIn(critical).at(-1)).toBe(36);
    const worse = of("update", "severity_up");
    expect(valuesIn(worse).slice(-2)).toEqual([30, 40]);
    const others = here.broker.received.filter(({ kind, reason }) => kind !== "raise" && reason !== "severity_up");
    expect(others.length).toBeGreaterThan(0);
    for (const one of others) expect(one).not.toHaveProperty("context");
    await agent.stop();
  });

  test("samples that waited for the disk are evidence too", async () => {
    const agent = here.start();
    await read("d0/temp", 20, 21);
    here.disk = "refuses";
    await read("d1/door", 1);
    await read("d0/temp", 22, 23, 40);
    here.disk = "well";
    await env.advance(10_000);
    const hot = here.broker.received.find(({ rule }) => rule.id === "hot")!;
    expect(valuesIn(hot).slice(-5)).toEqual([21, 21, 22, 23, 40]);
    await agent.stop();
  });

  test("of an incident of silence: that the device did not answer", async () => {
    const agent = here.start();
    await read("d0/temp", 20, 20);
    here.silent.add("d0");
    await env.advance(200_000);
    const lost = here.broker.received.find(({ rule }) => rule.id === "comm")!;
    expect(valuesIn(lost).slice(-4)).toEqual([1, 0, 0, 0]);
    await agent.stop();
  });
});

describe("journal", () => {
  test("tells what happened, also what was delivered, also after a restart", async () => {
    let agent: Agent = here.start();
    await read("d0/temp", 20, 40, 20, 20);
    const sent = [...here.broker.received];
    expect(sent.map(({ kind }) => kind)).toEqual(["raise", "clear"]);
    await agent.stop();
    await env.advance(60_000);
    agent = here.start();
    const records = agent.journal.ofIncidents([sent[0]!.incidentId]).map((one) => JSON.parse(one));
    expect(records).toEqual(sent);
    expect(agent.journal.newestOf(["s/d0/temp/hot"])).toBe(sent[0]!.incidentId);
    expect(agent.journal.since(Date.parse(sent[1]!.at), 0, 10).map((one) => JSON.parse(one))).toEqual([sent[1]]);
    await agent.stop();
  });
});

describe("incidents", () => {
  const person = { user: "ana", role: "technician" } as const;
  const silence = (agent: Agent, name: "shelve" | "maintenance", target: string) =>
    agent.command({ name, target, by: person, reason: "works", forMs: 3_600_000 }, false);
  const open = (agent: Agent) =>
    openSnapshot(agent).incidents.map(({ conditionKey, calls, silences }) => [conditionKey, calls, silences.length]);

  test("what is open: those that call first, worst first; a silence counts at once, also one that no event tells", async () => {
    const agent = here.start();
    await read("d0/temp", 40, 40);
    await read("d1/temp", 40, 40);
    await read("d1/door", 1, 1);
    const [hot0, hot1, door1] = ["s/d0/temp/hot", "s/d1/temp/hot", "s/d1/door/open"];
    expect(open(agent)).toEqual([
      [hot0, true, 0],
      [hot1, true, 0],
      [door1, true, 0],
    ]);
    silence(agent, "maintenance", "d0/hot");
    silence(agent, "shelve", "d1/open");
    expect(open(agent)).toEqual([
      [hot1, true, 0],
      [hot0, false, 1],
      [door1, false, 1],
    ]);
    await agent.stop();
  });

  const detail = (agent: Agent, target: string) => {
    const found = incidentSnapshot(agent, target);
    if ("found" in found) throw new Error(sayUnknown(found));
    return found.incidents.map(({ conditionKey, open: isOpen, events }) => [
      conditionKey,
      isOpen,
      events.map(({ kind }) => kind),
    ]);
  };

  test("one by its id, open or over; of a condition, a rule or a device what is open, else the newest", async () => {
    const agent = here.start();
    await read("d0/temp", 40, 20, 20);
    await read("d0/door", 1, 0, 0);
    const [hot, door] = ["s/d0/temp/hot", "s/d0/door/open"].map((key) => [key, false, ["raise", "clear"]]);
    const [first] = here.broker.received;
    expect(detail(agent, first!.incidentId.toUpperCase())).toEqual([hot]);
    expect(detail(agent, "d0/hot")).toEqual([hot]);
    expect(detail(agent, "s/d0/temp/hot")).toEqual([hot]);
    expect(detail(agent, "d0")).toEqual([door]);
    await read("d0/temp", 40, 40);
    expect(detail(agent, "d0")).toEqual([["s/d0/temp/hot", true, ["raise"]]]);
    expect(detail(agent, first!.incidentId)).toEqual([hot]);
    expect(() => detail(agent, "d1/hot")).toThrow(
      'no incident, open or of the last days, of "d1/hot"; expected one of s/d0/temp/hot.',
    );
    expect(() => detail(agent, "d1/hit")).toThrow(/Did you mean "hot"/);
    expect(incidentSnapshot(agent, "d0/hot")).toMatchObject({
      incidents: [{ cause: "cooling lost", action: "Check the CRAC", consequence: null }],
    });
    await agent.stop();
  });

  test("what it comes from, and what comes from it", async () => {
    const switched = world(env, switchedYaml(2), join(folder, "switched.db"));
    const agent = switched.start();
    await env.advance(30_000);
    switched.silent.add("d1");
    await env.advance(100_000);
    switched.silent.add("d0");
    await env.advance(200_000);
    const key = (one: { readonly conditionKey: string }) => one.conditionKey;
    const of = (target: string) => {
      const found = incidentSnapshot(agent, target);
      return "found" in found ? [] : found.incidents.map((one) => [one.causes.map(key), one.consequences.map(key)]);
    };
    expect(of("d0/comm")).toEqual([[[], ["s/d1/-/comm"]]]);
    expect(of("d1/comm")).toEqual([[["s/d0/-/comm"], []]]);
    expect(openSnapshot(agent).incidents).toMatchObject([
      { conditionKey: "s/d0/-/comm", calls: true, causes: [] },
      { conditionKey: "s/d1/-/comm", calls: false, causes: ["s/d0/-/comm"] },
    ]);
    await agent.stop();
  });

  test("what happened, page by page, from any time on", async () => {
    const agent = here.start();
    for (let i = 0; i < 120; i++) await read("d0/door", 1, 0);
    const began = agent.status().startedAt;
    const page = (after: number) => eventsPage(agent, { since: new Date(began).toISOString(), after: String(after) });
    const seqs = (told: ReturnType<typeof page>) => ("error" in told ? [] : told.map(({ seq }) => seq));
    const pages = [page(0), page(200), page(400)].map(seqs);
    expect(pages.flat()).toEqual(Array.from({ length: pages.flat().length }, (_, i) => i + 1));
    expect(pages.map((one) => one.length)).toEqual([200, expect.any(Number), 0]);
    expect(eventsPage(agent, { since: "yesterday" })).toEqual({ error: expect.stringContaining("expected a time") });
    expect(eventsPage(agent, { since: "2026-01-01", after: "x" })).toEqual({
      error: expect.stringContaining("expected a sequence number"),
    });
    await agent.stop();
  });
});
