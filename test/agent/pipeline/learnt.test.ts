import { expect, test } from "vitest";
import { learntOf } from "../../../agent/pipeline/learnt.ts";
import { fakeEnv } from "../../env.ts";

/** What the sessions of a bus learnt, as they see it. */

function kept(texts: Record<string, string> = {}) {
  const all = new Map(Object.entries(texts));
  const disk = { isFull: false };
  const store = {
    learnt: (bus: string) => all.get(bus) ?? null,
    keepLearnt(bus: string, json: string) {
      if (disk.isFull) throw new Error("disk full");
      all.set(bus, json);
    },
  };
  return { all, disk, store };
}

test("is there for the next session, also of the same agent, and for that bus only", () => {
  const { store } = kept();
  const env = fakeEnv();
  const learnt = learntOf(env, store, "meters");
  expect(learnt.before).toBe(null);
  learnt.keep({ holes: [7] });
  expect(learnt.before).toEqual({ holes: [7] });
  expect(learntOf(env, store, "meters").before).toEqual({ holes: [7] });
  expect(learntOf(env, store, "pdus").before).toBe(null);
});

test("is known to this agent where the disk takes it not, which is told", () => {
  const { store, disk } = kept({ meters: "[1]" });
  const env = fakeEnv();
  const learnt = learntOf(env, store, "meters");
  disk.isFull = true;
  learnt.keep([2]);
  expect(learnt.before).toEqual([2]);
  expect(env.reports).toEqual([{ code: "learnt.unkept", facts: { bus: "meters", error: "Error: disk full" } }]);
});

test("is nothing where it cannot be read", () => {
  const { store } = kept({ meters: "{" });
  expect(learntOf(fakeEnv(), store, "meters").before).toBe(null);
  const broken = {
    ...store,
    learnt: () => {
      throw new Error("I/O error");
    },
  };
  expect(learntOf(fakeEnv(), broken, "meters").before).toBe(null);
});
