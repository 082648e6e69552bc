import { fakeEnv } from "../env.ts";

/** What a test of faults leaves to chance follows from one number: `FAULTS_SEED=N` repeats it, or tries another. */
export const seed = Number(process.env.FAULTS_SEED ?? 1);

/** Uniform in [0, 1), the same for the same name and seed. */
export const chance = (name: string): (() => number) =>
  fakeEnv({ seed: [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), seed) }).random;

export function shuffled<T>(all: readonly T[], random: () => number): T[] {
  return all
    .map((one) => ({ one, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}
