import type { Env } from "../env.ts";
import type { ClockTrust } from "../sinks/record.ts";

/** What the system says of its clock, asked for again and again: by it the centre knows what a time stamp is worth. */
export interface Trust {
  now(): ClockTrust;
  stop(): void;
}

const askMs = 60_000;

export function trustOf(env: Env): Trust {
  let trust: ClockTrust = { synced: null, source: null, offsetMs: null, lastSyncAt: null };
  let cancel = (): void => {};
  let stopped = false;
  const ask = async (): Promise<void> => {
    const synced = await env.clock.synced();
    if (stopped) return;
    if (synced === false && trust.synced !== false) env.report("clock.unsynced");
    if (synced === true && trust.synced === false) env.report("clock.synced");
    const lastSyncAt = synced === true ? new Date(env.clock.wall()).toISOString() : trust.lastSyncAt;
    trust = { ...trust, synced, lastSyncAt };
    cancel = env.after(askMs, () => void ask());
  };
  void ask();
  return {
    now: () => trust,
    stop() {
      stopped = true;
      cancel();
    },
  };
}
