import type { Env } from "../agent/env.ts";

/** Timers that are cancelled together, as those of a simulated device are when it is switched off. */
export function timersOf(env: Pick<Env, "after">) {
  const pending = new Set<() => void>();
  return {
    after(ms: number, work: () => void): void {
      const cancel = env.after(ms, () => {
        pending.delete(cancel);
        work();
      });
      pending.add(cancel);
    },
    cancel(): void {
      for (const cancel of pending) cancel();
      pending.clear();
    },
  };
}
