import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { EventRecord } from "../../agent/sinks/record.ts";
import { openStore } from "../../agent/store/store.ts";
import { event } from "../agent/sinks/event.ts";
import { type FakeEnv, fakeEnv } from "../env.ts";
import { siteYaml, type World, world } from "./world.ts";

/** A start with more behind it than the quota held: the broker was away. */
let folder: string;
let env: FakeEnv;
let here: World;
beforeEach(() => {
  folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "mepwatch-backlog-"));
  env = fakeEnv();
  here = world(env, siteYaml(1), join(folder, "store.db"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const happened = 1200;

/** What an agent left that could send nothing; how many of its events are still there. */
function leave(): { readonly epoch: string; readonly first: number } {
  const store = openStore(join(folder, "store.db"), env.uuid, { quotaMiB: 32 });
  const { epoch } = store;
  const labels = { filler: "x".repeat(24_000) };
  for (let seq = 1; seq <= happened; seq += 20) {
    const records = Array.from(
      { length: 20 },
      (_, i): EventRecord => ({
        ...event(seq + i),
        epoch,
        labels,
        open: i % 2 === 0,
        conditionKey: `s/d0/-/r${i >> 1}`,
      }),
    );
    store.commit({
      clock: { engineMs: 0, wallMs: env.clock.wall(), monoMs: 0, bootId: "b" },
      conditions: new Map(),
      events: records.map((record) => ({
        seq: record.seq,
        at: 1,
        incident: record.incidentId,
        key: record.conditionKey,
        open: record.open,
        persistedAt: env.clock.wall(),
        record: JSON.stringify(record),
      })),
    });
  }
  const [oldest] = store.outbox.after(0, 1);
  store.close();
  return { epoch, first: oldest!.seq };
}

test("what was given up is told first, once; then what is left, in its order", async () => {
  const { epoch, first } = leave();
  expect(first).toBeGreaterThan(1);
  const agent = here.start();
  expect(agent.status().heartbeat).toMatchObject({ epoch, lastSeq: happened, depth: happened - first + 1 });
  here.broker.up = false;
  await env.advance(10_000);
  expect(here.broker.gaps).toEqual([]);
  here.broker.up = true;
  await env.advance(60_000);
  expect(here.broker.gaps).toEqual([{ epoch, first: 1, last: first - 1, count: first - 1 }]);
  expect(here.broker.received.map(({ seq }) => seq)).toEqual(
    Array.from({ length: happened - first + 1 }, (_, i) => first + i),
  );
  expect(agent.status().heartbeat.depth).toBe(0);
  await agent.stop();
});
