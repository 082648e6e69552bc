import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Agent } from "../../agent/pipeline/agent.ts";
import type { Deed } from "../../agent/pipeline/deeds.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, type World, world } from "./world.ts";

/** Who did what to the agent, as it writes it down. */
let folder: string;
let env: FakeEnv;
let here: World;
let agent: Agent;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-audited-"));
  env = fakeEnv();
  here = world(env, siteYaml(2), join(folder, "store.db"));
  agent = here.start();
});
afterEach(async () => {
  await agent.stop();
  rmSync(folder, { recursive: true, force: true });
});
const deed = (one: Partial<Deed>): Deed => ({
  name: "ack",
  target: "d0/open",
  by: { user: "anna", role: "technician" },
  reason: "",
  forMs: null,
  ...one,
});
const told = (): string[] => agent.audit.since(0).map(({ by, what, target }) => `${by} ${what} ${target}`);

test("every deed is there, obeyed or refused, with what came of it; a preview is none", async () => {
  here.values.set("d0/door", 1);
  await env.advance(15_000);
  agent.command(deed({}), true);
  agent.command(deed({}), false);
  agent.command(deed({ name: "shelve", target: "class=test", reason: "works", forMs: 60_000 }), false);
  agent.command(deed({ name: "out_of_service", reason: "broken" }), false);
  agent.command(deed({ target: "nothing" }), false);
  expect(told()).toEqual([
    "agent start s",
    "anna ack d0/open",
    "anna shelve class=test",
    "anna out_of_service d0/open",
    "anna ack nothing",
  ]);
  const facts = agent.audit.since(0).map((line) => line.facts);
  expect(facts[0]).toMatchObject({ before: null, isChanged: true, configRejected: false });
  expect(facts[1]).toMatchObject({ role: "technician", obeyed: 1, refused: 0, condition: "s/d0/door/open" });
  expect(facts[2]).toMatchObject({ obeyed: 6, refused: 2, codes: "forbidden", forMs: 60_000 });
  expect(facts[3]).toMatchObject({ obeyed: 0, refused: 1, codes: "forbidden" });
  expect(facts[4]).toMatchObject({ obeyed: 0, detail: expect.stringContaining('no device "nothing"') });
  expect(agent.audit.verify().broken).toEqual([]);
  const noted = here.broker.diags.filter(({ code }) => code === "audit");
  expect(noted.map(({ text }) => text.replace(":", ""))).toEqual(told());
  expect(noted.map((one) => ({ ...one.facts, reason: undefined }))).toEqual(facts);
});

test("a start says whether the configuration is another one; the chain goes on", async () => {
  await agent.stop();
  agent = here.start();
  await agent.stop();
  agent = world(env, siteYaml(3), join(folder, "store.db")).start();
  const starts = agent.audit.since(0).filter(({ what }) => what === "start");
  expect(starts.map(({ facts }) => facts.isChanged)).toEqual([true, false, true]);
  expect(starts[2]!.facts.before).toBe(starts[1]!.facts.configHash);
  expect(agent.audit.verify()).toMatchObject({ lines: 5, first: 1, broken: [] });
});

test("what cannot be written down is done all the same, and reported", async () => {
  here.values.set("d0/door", 1);
  await env.advance(15_000);
  rmSync(join(folder, "store-audit"), { recursive: true });
  expect(agent.command(deed({}), false)).toMatchObject([{ refused: null }]);
  expect(env.reports.filter(({ code }) => code === "audit.failed")).toHaveLength(1);
});
