import { expect, test } from "vitest";
import { engineClock } from "../../../agent/pipeline/clock.ts";
import { fakeEnv } from "../../env.ts";

const saved = { engineMs: 10_000, wallMs: Date.UTC(2026, 0, 1), monoMs: 50_000, bootId: "boot-1" };
const day = 86_400_000;

test.each([
  ["a new store begins at 0", null, {}, 0],
  [
    "the same run of the machine: its monotonic clock tells how long we were away",
    saved,
    { mono: 53_000, wall: saved.wallMs + 9 * day },
    13_000,
  ],
  ["after a reboot the wall clock tells", saved, { mono: 5, bootId: "boot-2", wall: saved.wallMs + 60_000 }, 70_000],
  [
    "a wall clock that went back tells nothing",
    saved,
    { mono: 5, bootId: "boot-2", wall: saved.wallMs - 60_000 },
    10_000,
  ],
  [
    "nor does one that says more than 30 days",
    saved,
    { mono: 5, bootId: "boot-2", wall: saved.wallMs + 31 * day },
    10_000,
  ],
  [
    "a machine that does not name its run has the wall clock only",
    { ...saved, bootId: "" },
    { mono: 60_000, bootId: "", wall: saved.wallMs + 1000 },
    11_000,
  ],
])("%s", (_, before, world, expected) => {
  expect(engineClock(fakeEnv(world), before).now().at).toBe(expected);
});

test("goes on evenly while the wall clock is stepped, and tells the step once", async () => {
  const env = fakeEnv();
  const clock = engineClock(env, null);
  await env.advance(5000);
  env.step(-3_600_000);
  expect([clock.now().at, clock.stepped(), clock.stepped()]).toEqual([5000, -3_600_000, 0]);
});
