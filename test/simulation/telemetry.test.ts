import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Agent } from "../../agent/pipeline/agent.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, type World, world } from "./world.ts";

/** The values that an agent sends, under virtual time: polled each 10 s, temperatures judged with a deadband of 1. */
let folder: string;
let env: FakeEnv;
let here: World;
let agent: Agent;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-telemetry-"));
  env = fakeEnv();
  here = world(env, siteYaml(2), join(folder, "store.db"));
  here.telemetry = { everyMs: 30_000, beatMs: 120_000 };
});
afterEach(async () => {
  await agent.stop();
  rmSync(folder, { recursive: true });
});

const said = (point: string): unknown[] =>
  here.broker.telemetry.filter((one) => one.point === point).map(({ samples }) => samples.map(([, value]) => value));

test("is off unless it is asked for", async () => {
  here.telemetry = null;
  agent = here.start();
  await env.advance(300_000);
  expect(here.broker.telemetry).toEqual([]);
  expect(here.broker.births.at(-1)?.capabilities ?? []).not.toContain("telemetry");
});

test("says what is new, a batch a period, by the tenth of a deadband, and the rest with each beat", async () => {
  here.values.set("d0/temp", 20);
  agent = here.start();
  await env.advance(31_000);
  expect(here.broker.births.at(-1)?.capabilities).toContain("telemetry");
  expect(here.broker.telemetry.map(({ point }) => point).sort()).toEqual(["d0/door", "d0/temp", "d1/door", "d1/temp"]);
  expect(here.broker.telemetry.find(({ point }) => point === "d0/temp")!.unit).toBe("Cel");
  for (const value of [20.05, 20.2, 21]) {
    here.values.set("d0/temp", value);
    await env.advance(10_000);
  }
  expect(said("d0/temp")).toEqual([[20], [20.2, 21]]);
  expect(said("d1/temp")).toEqual([[0]]);
  here.silent.add("d1");
  await env.advance(30_000);
  expect(said("d1/temp")).toEqual([[0], [null]]);
  await env.advance(120_000);
  expect(said("d0/temp")).toEqual([[20], [20.2, 21], [21]]);
});

test("waits while the broker is away or busy, and incidents do not wait for it", async () => {
  agent = here.start();
  await env.advance(31_000);
  const before = here.broker.telemetry.length;
  here.broker.takesTelemetry = false;
  here.values.set("d0/door", 1);
  await env.advance(31_000);
  expect(here.broker.received.map(({ conditionKey }) => conditionKey)).toEqual(["s/d0/door/open"]);
  here.broker.up = false;
  here.broker.takesTelemetry = true;
  here.values.set("d0/door", 0);
  await env.advance(65_000);
  expect(here.broker.telemetry.length).toBe(before);
  here.broker.up = true;
  await env.advance(31_000);
  expect(said("d0/door").slice(1)).toEqual([[1, 0]]);
});

test("a busy broker is tried again within the period; nothing of it is sent after a stop", async () => {
  agent = here.start();
  here.broker.takesTelemetry = false;
  await env.advance(30_500);
  here.broker.takesTelemetry = true;
  await env.advance(200);
  expect(here.broker.telemetry.length).toBe(4);
  await agent.stop();
  here.values.set("d0/door", 1);
  await env.advance(60_000);
  expect(here.broker.telemetry.length).toBe(4);
});
