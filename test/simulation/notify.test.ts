import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Agent } from "../../agent/pipeline/agent.ts";
import type { Deed } from "../../agent/pipeline/deeds.ts";
import type { News } from "../../agent/sinks/notify/notice.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, type World, world } from "./world.ts";

/** The whole agent, its broker away, and a channel past it. */
const minute = 60_000;
let folder: string;
let env: FakeEnv;
let here: World;
let agent: Agent;
let took: News[];
let takes: boolean;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-notify-"));
  env = fakeEnv();
  here = world(env, siteYaml(3), join(folder, "store.db"));
  took = [];
  takes = true;
  const send = async (news: News) => {
    if (takes) took.push(news);
    return takes ? { delivered: true, said: "taken" } : { delivered: false, said: "HTTP 503" };
  };
  here.notify = { afterMs: 5 * minute, notifiers: [{ channel: "webhook", send }] };
  agent = here.start();
  await env.advance(60_000);
});
afterEach(async () => {
  await agent.stop();
  rmSync(folder, { recursive: true });
});

const kinds = (): string[] =>
  took.map(({ kind, severity, conditionKey = "" }) => `${kind} ${severity} ${conditionKey}`.trim());
const restart = async (awayMs = 0): Promise<void> => {
  await agent.stop();
  await env.advance(awayMs);
  agent = here.start();
};
const openDoor = (device: string): void => void here.values.set(`${device}/door`, 1);
const deed = (name: Deed["name"], forMs: number | null): Deed => ({
  ...{ name, target: "d0", by: { user: "kim", role: "supervisor" }, reason: "works", forMs },
});
const obeyed = expect.objectContaining({ key: "s/d0/door/open", refused: null });
const reported = (code: string): number => env.reports.filter((one) => one.code === code).length;

test("an outage: what the centre did not get is told once, with the id that it gets later, and then no more", async () => {
  openDoor("d0");
  await env.advance(minute);
  here.broker.up = false;
  await env.advance(minute);
  openDoor("d1");
  here.values.set("d2/temp", 30); // medium
  await env.advance(3 * minute);
  expect(kinds()).toEqual([]);
  await env.advance(30 * minute);
  expect(kinds()).toEqual(["raise high s/d1/door/open"]);
  expect(took[0]!.text).toMatch(/^D1 door open since/);
  expect(reported("notify.down")).toBe(1);

  here.values.set("d2/temp", 40);
  await env.advance(minute);
  here.values.set("d1/door", 0);
  await env.advance(minute);
  expect(kinds().slice(1)).toEqual([
    "raise critical s/d2/temp/hot",
    "uplink_down critical",
    "clear high s/d1/door/open",
  ]);
  expect(took[2]!.text).toMatch(/^Uplink down for 34 min, critical incidents active: 1\. D2 temp 40 °C/);
  expect(took[3]!.text).toMatch(/^D1 door back to normal/);

  here.broker.up = true;
  await env.advance(10 * minute);
  expect(kinds().slice(4)).toEqual(["uplink_back info"]);
  expect(took[4]!.text).toMatch(/incidents that follow: 2\.$/);
  const byCentre = here.broker.received.find(({ conditionKey }) => conditionKey === "s/d1/door/open");
  expect(took[0]).toMatchObject({ incidentId: byCentre!.incidentId, raisedAt: byCentre!.raisedAt });
  expect(took[3]).toMatchObject({ incidentId: byCentre!.incidentId });
  expect(reported("notify.sent")).toBe(5);
  here.values.set("d2/temp", 20);
  await env.advance(10 * minute);
  expect(took).toHaveLength(5);
});

test("with the link up, nothing is ever told past it", async () => {
  for (const device of ["d0", "d1", "d2"]) openDoor(device);
  here.values.set("d0/temp", 40);
  await env.advance(60 * minute);
  expect(took).toEqual([]);
  expect(here.broker.received.length).toBeGreaterThan(3);
});

test("a restart in the middle of the outage tells nothing twice, and the outage goes on", async () => {
  here.broker.up = false;
  openDoor("d0");
  await env.advance(3 * minute);
  await restart();
  await env.advance(3 * minute);
  expect(kinds()).toEqual(["raise high s/d0/door/open"]);
  await restart(minute);
  here.values.set("d0/door", 0);
  await env.advance(5 * minute);
  expect(kinds()).toEqual(["raise high s/d0/door/open", "clear high s/d0/door/open"]);
});

test("a start with a broker that is there again tells only that, if anything was told", async () => {
  here.broker.up = false;
  openDoor("d0");
  await env.advance(4 * minute);
  await restart(60 * minute);
  await env.advance(20_000); // it takes a while until the broker is found
  here.broker.up = true;
  await env.advance(10 * minute);
  expect(took).toEqual([]);
  expect(here.broker.received.some(({ conditionKey }) => conditionKey === "s/d0/door/open")).toBe(true);
});

test("what is in maintenance, of which no event tells, is not told; at its end it is", async () => {
  openDoor("d0");
  here.broker.up = false;
  await env.advance(minute);
  expect(agent.command(deed("maintenance", 20 * minute), false)).toContainEqual(obeyed);
  await env.advance(15 * minute);
  expect(kinds()).toEqual([]);
  await env.advance(10 * minute);
  expect(kinds()).toEqual(["raise high s/d0/door/open"]);
});

test("what the centre knows, and what was shelved meanwhile, calls again when the shelf ends", async () => {
  openDoor("d0");
  await env.advance(minute);
  here.broker.up = false;
  await env.advance(10 * minute);
  expect(agent.command(deed("shelve", 10 * minute), false)).toContainEqual(obeyed);
  await env.advance(9 * minute);
  expect(kinds()).toEqual([]);
  await env.advance(5 * minute);
  expect(kinds()).toEqual(["raise high s/d0/door/open"]);
});

test("who has acknowledged it on the spot does not change what it says", async () => {
  here.broker.up = false;
  openDoor("d0");
  await env.advance(minute);
  expect(agent.command(deed("ack", null), false)).toContainEqual(obeyed);
  await env.advance(10 * minute);
  expect(took.map(({ text }) => text)).toEqual([expect.stringMatching(/^D0 door open since/)]);
});

test("a channel that takes nothing is reported once, shows in the status, and hinders nothing", async () => {
  here.broker.up = false;
  takes = false;
  openDoor("d0");
  await env.advance(8 * minute);
  expect(reported("notify.failed")).toBe(1);
  expect(agent.status().notify).toEqual([{ channel: "webhook", trouble: "HTTP 503", waiting: 1 }]);
  takes = true;
  await env.advance(5 * minute);
  expect(kinds()).toEqual(["raise high s/d0/door/open"]);
  expect(agent.status().notify).toEqual([{ channel: "webhook", trouble: null, waiting: 0 }]);
});
