import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { explanations } from "../../agent/api/explain.ts";
import { incidentSnapshot, openSnapshot } from "../../agent/api/incidents.ts";
import { explainView } from "../../agent/cli/explain-view.ts";
import type { Agent } from "../../agent/pipeline/agent.ts";
import type { EventRecord } from "../../agent/sinks/record.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, type World, world } from "./world.ts";

/** The whole agent with a door that two devices watch: what is sent, kept, shown and done. */
let folder: string;
let env: FakeEnv;
let here: World;
const yaml = siteYaml(2).replace("{ id: d0,", "{ id: d0, rules: { open: { sameAs: [d1/open], latch: true } },");
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-witnesses-"));
  env = fakeEnv();
  here = world(env, yaml, join(folder, "store.db"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const fact = "s/same-d0/-/open";
const by = { user: "ana", role: "technician" } as const;
const said = ({ kind, reason = "", conditionKey, annunciate }: EventRecord): string =>
  [kind, reason, conditionKey, annunciate ? "calls" : ""].filter((part) => part !== "").join(" ");

async function say(point: string, value: number): Promise<void> {
  here.values.set(point, value);
  await env.advance(11_000);
}

function view(agent: Agent, target: string): string {
  const answer = agent.explain(target);
  if (!answer.found) throw new Error(`nothing is known of ${target}`);
  const lines: string[] = [];
  const output = { data: (line: string) => void lines.push(line), message: () => {}, colour: false };
  explainView(explanations(agent.status().site, answer), target, output);
  return lines.join("\n");
}

test("one incident is told, shown and attended to, through a restart", async () => {
  let agent = here.start();
  await env.advance(11_000);
  await say("d0/door", 1);
  await agent.stop();
  agent = here.start();
  await say("d1/door", 1);

  expect(openSnapshot(agent).incidents.map(({ conditionKey, calls }) => [conditionKey, calls])).toEqual([
    [fact, true],
    ["s/d0/door/open", false],
    ["s/d1/door/open", false],
  ]);
  expect(here.broker.active.get(fact)).toMatchObject({
    annunciate: true,
    witnesses: [
      { rule: "d0/open", name: "D0", says: "active" },
      { rule: "d1/open", name: "D1", says: "active" },
    ],
    text: "D0 door open since 00:00; D0 and D1 say so.",
  });
  const shown = incidentSnapshot(agent, "d1/open");
  expect("incidents" in shown && shown.incidents.map(({ conditionKey }) => conditionKey)).toEqual(
    expect.arrayContaining([fact, "s/d1/door/open"]),
  );
  expect(view(agent, "d1/open")).toContain(`a witness of ${fact}, which is what calls: nobody is called`);
  expect(view(agent, "same-d0/open")).toContain("rule d1/open: active");

  expect(agent.command({ name: "shelve", target: "d1/open", by, reason: "broken", forMs: 60_000 }, false)).toEqual([
    { key: "s/d1/door/open", refused: null },
  ]);
  expect(view(agent, "same-d0/open")).toContain("rule d1/open: silenced");
  await say("d0/door", 0);
  for (const name of ["ack", "reset"] as const) {
    expect(agent.command({ name, target: "d1/open", by, reason: "", forMs: null }, false)).toEqual([
      { key: fact, refused: null },
    ]);
  }
  await env.advance(1000);
  expect(here.broker.received.filter(({ rule }) => rule.id === "open").map(said)).toEqual([
    "raise s/d0/door/open",
    `raise ${fact} calls`,
    "raise s/d1/door/open",
    `update value ${fact} calls`,
    "shelve s/d1/door/open",
    `update value ${fact} calls`,
    "clear s/d0/door/open",
    `update rtn_latched ${fact} calls`,
    `ack ${fact} calls`,
    `clear ${fact} calls`,
    `close ${fact} calls`,
  ]);
  expect(
    new Set(here.broker.received.filter(({ rule }) => rule.id === "open").map(({ correlationId }) => correlationId))
      .size,
  ).toBe(1);
  await agent.stop();
});
