import type { Instant } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { SavedClock } from "../store/store.ts";

/**
 * Engine time: whole milliseconds that only go forward, continued across restarts, so that a delay which began
 * before one ends when it should. Within one run of the machine its monotonic clock bridges the gap exactly;
 * beyond it the wall clock does, if what it says is believable.
 */
export interface EngineClock {
  now(): Instant;
  save(): SavedClock;
  /** Milliseconds the wall clock was stepped since the last call; 0 if it was not. */
  stepped(): number;
}

const plausibleMs = 30 * 86_400_000;
const stepMs = 1000;

export function engineClock(env: Env, saved: SavedClock | null): EngineClock {
  const startMono = env.clock.mono();
  const start = resume(env, saved, startMono);
  const engine = (mono: number): number => Math.floor(start + mono - startMono);
  let offset = env.clock.wall() - startMono;
  return {
    now: () => ({ at: engine(env.clock.mono()), wall: Math.round(env.clock.wall()) }),
    save() {
      const monoMs = env.clock.mono();
      return { engineMs: engine(monoMs), wallMs: env.clock.wall(), monoMs, bootId: env.bootId };
    },
    stepped() {
      const now = env.clock.wall() - env.clock.mono();
      const by = now - offset;
      offset = now;
      return Math.abs(by) > stepMs ? Math.round(by) : 0;
    },
  };
}

function resume(env: Env, saved: SavedClock | null, mono: number): number {
  if (saved === null) return 0;
  const sameRun = saved.bootId !== "" && saved.bootId === env.bootId && mono >= saved.monoMs;
  const away = sameRun ? mono - saved.monoMs : env.clock.wall() - saved.wallMs;
  return saved.engineMs + (away >= 0 && away <= plausibleMs ? away : 0);
}
