import { engineMutants } from "./engine.ts";
import { incidentMutants } from "./incidents.ts";
import { judgingMutants } from "./judging.ts";
import { lapseMutants } from "./lapses.ts";
import { ruleMutants } from "./rules.ts";
import { windowMutants } from "./windows.ts";

/** A change of one line to the engine that a user would notice: some test must fail with it. */
export interface Mutant {
  /** Below `agent/core/`. */
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
  /** What would go wrong for a user. */
  readonly why: string;
}

export const mutants: readonly Mutant[] = [
  ...judgingMutants,
  ...windowMutants,
  ...ruleMutants,
  ...incidentMutants,
  ...lapseMutants,
  ...engineMutants,
];

/** @throws Error unless the snippet occurs exactly once: the list is stale then */
export function mutated(source: string, { file, find, replace }: Mutant): string {
  const parts = source.split(find);
  if (parts.length !== 2) {
    throw new Error(`${file} has "${find}" ${parts.length - 1} times, expected once: mend the list in test/mutants`);
  }
  return parts.join(replace);
}
