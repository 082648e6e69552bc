import type { Env } from "../env.ts";
import type { Agent } from "./agent.ts";

/**
 * Feeds the service manager's watchdog three times in its period, as long as every loop makes progress; a wedged
 * agent is thus restarted. `periodUs`: systemd's WATCHDOG_USEC; absent: nobody watches.
 */
export function feedWatchdog(env: Env, agent: Agent, periodUs: string | undefined): () => void {
  const periodMs = Number(periodUs ?? 0) / 1000;
  if (!(periodMs > 0)) return () => {};
  let cancel = env.after(periodMs / 3, function feed() {
    if (agent.alive()) env.notify("WATCHDOG=1");
    cancel = env.after(periodMs / 3, feed);
  });
  return () => cancel();
}
