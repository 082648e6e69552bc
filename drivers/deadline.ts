import type { Env } from "../agent/env.ts";

/** When a read has to be over. */
export interface Deadline {
  /** ms; no more than 0 when it is over. */
  leftMs(): number;
  /** Whether more than half of its time has passed. */
  isLate(): boolean;
  /** One in the middle of what is left, for what may have to be tried again. */
  half(): Deadline;
}

export function deadlineIn(env: Env, timeoutMs: number): Deadline {
  const at = env.clock.mono() + timeoutMs;
  const leftMs = (): number => at - env.clock.mono();
  return { leftMs, isLate: () => leftMs() < timeoutMs / 2, half: () => deadlineIn(env, leftMs() / 2) };
}
