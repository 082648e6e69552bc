import type { Env } from "../env.ts";

/** Whether one more may pass: `burst` at once, and then so many a second. */
export function budgetOf({ clock }: Pick<Env, "clock">, burst: number, perSecond: number): () => boolean {
  let left = burst;
  let at = clock.mono();
  return () => {
    const now = clock.mono();
    left = Math.min(burst, left + ((now - at) / 1000) * perSecond);
    at = now;
    if (left < 1) return false;
    left--;
    return true;
  };
}
