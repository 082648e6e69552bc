import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Agent } from "../../agent/pipeline/agent.ts";
import type { EventRecord } from "../../agent/sinks/record.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, type World, world } from "./world.ts";

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
    const records = agent.journal.ofIncident(sent[0]!.incidentId).map((one) => JSON.parse(one));
    expect(records).toEqual(sent);
    expect(agent.journal.newestOf("s/d0/temp/hot")).toBe(sent[0]!.incidentId);
    expect(agent.journal.since(Date.parse(sent[1]!.at), 0, 10)).toEqual([JSON.stringify(sent[1])]);
    await agent.stop();
  });
});
