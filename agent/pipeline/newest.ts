import type { PointId, Sample, Wall } from "../core/sample.ts";

/** The newest sample of each point that was judged; the engine keeps none, and who asks why wants to see it. */
export interface Newest {
  of(point: PointId): Sample | undefined;
  note(samples: readonly Sample[]): void;
}

export function newestSamples(): Newest {
  const newest = new Map<PointId, Sample>();
  const sources = new Map<PointId, Wall>();
  return {
    of: (point) => newest.get(point),
    note(samples) {
      for (const sample of samples) {
        const { point, sourceAt } = sample;
        // As the engine has it: what the device observed no later than what it told before is no news.
        if (sourceAt !== undefined && sourceAt <= (sources.get(point) ?? Number.NEGATIVE_INFINITY)) continue;
        if (sourceAt !== undefined) sources.set(point, sourceAt);
        newest.set(point, sample);
      }
    },
  };
}
