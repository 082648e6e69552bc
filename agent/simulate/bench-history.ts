import { statSync } from "node:fs";
import type { Sample } from "../core/sample.ts";
import { openHistory } from "../store/history.ts";
import type { Row } from "./bench.ts";

const points = 10_000;
const seconds = 300;
const flushSeconds = 5;

/** What the history costs: 10,000 points at one a second, in virtual time on a real file. */
export function benchHistory(path: string, cpuMs: () => number): Row[] {
  return [
    ...fed(`${path}-rest`, "all at rest", cpuMs, () => 20, 0.5),
    ...fed(`${path}-noise`, "one in ten moves", cpuMs, (i, p) => (p % 10 === 0 ? 20 + ((i * 7) % 13) : 20), 0.75),
    ...fed(`${path}-moves`, "all move, none thinned out", cpuMs, (i, p) => 20 + ((i * 7 + p) % 13), 1.5),
  ];
}

function fed(path: string, how: string, cpuMs: () => number, value: (i: number, p: number) => number, goal: number) {
  let mono = 0;
  let flush = (): void => {};
  const clock = { mono: () => mono, wall: () => mono };
  const after = (_ms: number, callback: () => void) => {
    flush = callback;
    return () => {};
  };
  const all = Array.from({ length: points }, (_, p) => ({ id: `d${p % 100}/p${p}`, deadband: 0.1 }));
  const history = openHistory({
    env: { clock, after, report: () => {} },
    path,
    points: all,
    epoch: "e",
    lastSeq: 0,
    keepMs: 72 * 3_600_000,
    bytesMax: 2 ** 30,
    now: { at: 0, wall: 0 },
  });
  let [ms, longest] = [0, 0];
  for (let i = 1; i <= seconds; i++) {
    mono = i * 1000;
    const samples = all.map(
      ({ id }, p): Sample => ({ point: id, at: mono, wall: mono, quality: "good", value: value(i, p) }),
    );
    const began = cpuMs();
    history.note(samples);
    if (i % flushSeconds === 0) flush();
    ms += cpuMs() - began;
    longest = Math.max(longest, cpuMs() - began);
  }
  history.close();
  const metric = `CPU-s per million samples, ${points.toLocaleString("en")} points, ${how}`;
  const ours = Math.round((ms * 1e6) / seconds / points) / 1000;
  const turn = Math.round(longest * 10) / 10;
  return [
    { bench: "history", metric, unit: "s", ours, baseline: null, goal: `≤ ${goal}`, ok: ours <= goal },
    {
      bench: "history",
      metric: `longest turn, ${how}`,
      unit: "ms",
      ours: turn,
      baseline: null,
      goal: "≤ 50",
      ok: turn <= 50,
    },
    row("size of its file", Math.round(statSync(path).size / 2 ** 20), "MiB", 1024),
  ];
}

const row = (metric: string, ours: number, unit: string, goal: number): Row => ({
  bench: "history",
  metric,
  unit,
  ours,
  baseline: null,
  goal: `≤ ${goal}`,
  ok: ours <= goal,
});
