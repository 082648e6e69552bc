import { expect, test } from "vitest";
import { diagOf } from "../../../agent/pipeline/diag.ts";
import type { DiagFacts } from "../../../agent/sinks/sink.ts";
import { fakeEnv } from "../../env.ts";

const world = () => {
  const env = fakeEnv();
  const heard: DiagFacts[] = [];
  const diag = diagOf(env);
  const sink = { isThere: true, diag: (one: DiagFacts) => sink.isThere && heard.push(one) > 0 };
  return { env, heard, diag, sink };
};
const codes = (heard: readonly DiagFacts[]): string[] => heard.map(({ code }) => code);

test("the centre is told what is a warning or worse, and what people did; the log tells all as before", () => {
  const { env, heard, diag, sink } = world();
  diag.flush(sink);
  diag.env.report("clock.step", { ms: -3_600_000 });
  diag.env.report("agent.started", { site: "s" });
  diag.env.report("broker.away", { broker: "b", why: "no" });
  diag.tell({ level: "info", code: "audit", text: "ana: ack", facts: {} });
  expect(codes(heard)).toEqual(["clock.step", "audit"]);
  expect(heard[0]).toEqual({
    ...{ at: env.clock.wall(), level: "warn", code: "clock.step", facts: { ms: -3_600_000 } },
    text: expect.stringContaining("clock"),
  });
  expect(env.reports.map(({ code }) => code)).toEqual(["clock.step", "agent.started", "broker.away"]);
});

test("what it could not tell follows when it can, the newest hundred of it", async () => {
  const { env, heard, diag, sink } = world();
  for (let ms = 1; ms <= 150; ms++) {
    diag.env.report("clock.step", { ms });
    await env.advance(1000);
  }
  expect(heard).toEqual([]);
  diag.flush(sink);
  expect(heard.map(({ facts }) => facts.ms)).toEqual(Array.from({ length: 100 }, (_, i) => i + 51));
  sink.isThere = false;
  diag.env.report("trim.failed", { error: "full" });
  sink.isThere = true;
  diag.flush(sink);
  expect(codes(heard.slice(100))).toEqual(["trim.failed"]);
});

test("a flood is cut, and how much was left out is told", async () => {
  const { env, heard, diag, sink } = world();
  diag.flush(sink);
  for (let ms = 1; ms <= 1000; ms++) diag.env.report("clock.step", { ms });
  expect(heard).toHaveLength(60);
  await env.advance(3000);
  for (let ms = 1; ms <= 5; ms++) diag.env.report("clock.step", { ms });
  expect(heard.slice(60).map(({ facts }) => facts.leftOut ?? 0)).toEqual([940, 0, 0]);
});
