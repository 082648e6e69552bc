import { expect, test } from "vitest";
import type { Bus } from "../../../agent/config/resolved.ts";
import { turns } from "../../../agent/pipeline/turns.ts";
import type { Driver, Reading } from "../../../drivers/driver.ts";
import { fakeEnv } from "../../env.ts";

/** A session that keeps its contract, or does not, on a machine that is busy, or is not. */

const request = { points: [{ id: "d/p" }] };
const good: Reading[] = [{ point: "d/p", value: 1 }];

/** Timers run when the test says so, however late that is. */
function stage(answers: (nth: number) => Promise<Reading[]>) {
  const env = fakeEnv();
  let now = 0;
  const timers = new Set<{ readonly at: number; run(): void }>();
  let opened = 0;
  let nth = 0;
  const driver = {
    open: () => {
      opened++;
      return { read: () => answers(nth++), close: async () => {} };
    },
  } as unknown as Driver;
  const late = {
    ...env,
    clock: { ...env.clock, mono: () => now },
    after(ms: number, run: () => void) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const line = turns(late, { id: "b", driver, options: {}, timeoutMs: 1000 } as Bus, { close: async () => {} });
  return {
    line,
    env,
    opened: () => opened,
    /** The clock is so far when those that are due run at last. */
    async at(ms: number): Promise<void> {
      now = ms;
      for (const timer of [...timers].filter(({ at }) => at <= now)) {
        timers.delete(timer);
        timer.run();
      }
      for (let turn = 0; turn < 10; turn++) await null;
    },
  };
}

test("a session that answers too late is replaced, and what it was asked is a fault", async () => {
  const { line, env, opened, at } = stage((nth) => (nth === 0 ? new Promise(() => {}) : Promise.resolve(good)));
  const reading = line.read(request);
  for (let turn = 0; turn < 10; turn++) await null;
  await at(1500);
  expect(await reading).toMatchObject([{ fault: "timeout" }]);
  expect(env.reports.map(({ code }) => code)).toEqual(["session.bug"]);
  expect(await line.read(request)).toEqual(good);
  expect(opened()).toBe(2);
});

test("on a machine that lets timers wait, a session has its grace once more", async () => {
  let answer = (_: Reading[]): void => {};
  const { line, env, opened, at } = stage(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  const reading = line.read(request);
  for (let turn = 0; turn < 10; turn++) await null;
  await at(9000); // 7.5 s late
  answer(good);
  expect(await reading).toEqual(good);
  expect([opened(), env.reports]).toEqual([1, []]);
});
