import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, ask } from "../../../agent/api/client.ts";
import { type Api, serveApi } from "../../../agent/api/server.ts";
import type { TrendSnapshot } from "../../../agent/api/trend.ts";
import type { Agent } from "../../../agent/pipeline/agent.ts";
import { fakeEnv } from "../../env.ts";
import { siteYaml, world } from "../../simulation/world.ts";

/** The trend as the local API gives it, over its socket. */
let folder: string;
let agent: Agent;
let api: Api;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-api-"));
  const env = fakeEnv();
  const here = world(env, siteYaml(1), join(folder, "store.db"));
  here.values.set("d0/temp", 21);
  agent = here.start();
  await env.advance(600_000);
  api = await serveApi(agent, "1", join(folder, "api.sock"), "viewer");
});
afterAll(async () => {
  await api.close();
  await agent.stop();
  rmSync(folder, { recursive: true });
});
const answer = (path: string): Promise<Answer> => ask(join(folder, "api.sock"), path);

test("of eight hours in 24 buckets, where nothing else is asked for", async () => {
  const { body } = (await answer("/trend/d0/temp")) as { body: TrendSnapshot };
  expect(body).toMatchObject({ site: "s", point: "d0/temp", name: "D0 temp", unit: "Cel", bucketMs: 1_200_000 });
  expect(body.buckets).toHaveLength(24);
  expect(body.buckets.at(-1)).toMatchObject({ min: 21, mean: 21, max: 21, worst: "good" });
  expect(Date.parse(body.at) - Date.parse(body.buckets[0]?.from ?? "")).toBe(8 * 3_600_000);
});

test("as far back and as fine as is asked for", async () => {
  const { body } = (await answer("/trend/d0/temp?since=5m&buckets=5")) as { body: TrendSnapshot };
  expect(body.buckets.map(({ mean, knownMs }) => [mean, knownMs])).toEqual(Array(5).fill([21, 60_000]));
});

test.each([
  ["/trend/d0/tmp", 'no point of d0 "tmp"; expected one of temp, door. Did you mean "temp"?'],
  ["/trend/d1/temp", 'no device "d1"; expected one of d0.'],
  ["/trend/d0/temp?since=0s", 'since "0s": expected a duration such as 8h, 30m'],
  ["/trend/d0/temp?buckets=1.5", 'buckets "1.5": expected a whole number from 1 to 1000'],
])("%s is refused, saying what was expected", async (path, message) => {
  expect(await answer(path)).toMatchObject({ ok: false, why: "refused", message: expect.stringContaining(message) });
});
