import { statSync } from "node:fs";
import type { Sample } from "../core/sample.ts";
import { openHistory } from "../store/history.ts";
import type { Row } from "./bench.ts";

/** What the history costs beside all else: 10,000 points at one sample a second, in virtual time on a real file. */
const points = 10_000;
const seconds = 300;
const flushSeconds = 5;
/** A sixth of what the whole agent may take. */
const goalSeconds = 0.5;

/** @param cpuMs what this process has used so far, of all cores */
export function benchHistory(path: string, cpuMs: () => number): Row[] {
  return [
    ...fed(`${path}-rest`, "all at rest", cpuMs, () => 20),
    ...fed(`${path}-tenth`, "one in ten moves", cpuMs, (i, p) => (p % 10 === 0 ? 20 + ((i * 7) % 13) : 20)),
    ...fed(`${path}-all`, "all move, none is thinned out", cpuMs, (i, p) => 20 + ((i * 7 + p) % 13)),
  ];
}

function fed(path: string, how: string, cpuMs: () => number, value: (i: number, p: number) => number): Row[] {
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
  let ms = 0;
  for (let i = 1; i <= seconds; i++) {
    mono = i * 1000;
    const samples = all.map(
      ({ id }, p): Sample => ({ point: id, at: mono, wall: mono, quality: "good", value: value(i, p) }),
    );
    const began = cpuMs();
    history.note(samples);
    if (i % flushSeconds === 0) flush();
    ms += cpuMs() - began;
  }
  history.close();
  const perMillion = Math.round((ms * 1e6) / seconds / points) / 1000;
  const bytes = Math.round((statSync(path).size * 10) / seconds / points) / 10;
  const row = (metric: string, unit: string, ours: number, goal: number): Row => {
    return { bench: "history", metric, unit, ours, baseline: null, goal: `≤ ${goal}`, ok: ours <= goal };
  };
  return [
    row(`CPU for a million samples, 10,000 points, ${how}`, "s", perMillion, goalSeconds),
    row(`room on the disk for a sample, ${how}`, "B", bytes, 20),
  ];
}
