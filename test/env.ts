import type { CrashSite, Env } from "../agent/env.ts";
import type { AgentEventCode, Facts } from "../agent/events.ts";

/**
 * A world whose time moves only when a test says so. Timers run in order of their deadline; between two of them all
 * promises that can settle do.
 */
export interface FakeEnv extends Env {
  /** Moves both clocks on by `ms`, running what falls due. */
  advance(ms: number): Promise<void>;
  /** Steps the wall clock alone. */
  step(ms: number): void;
  /** What the system says of its wall clock. */
  synced: boolean | null;
  readonly reports: { readonly code: AgentEventCode; readonly facts: Facts }[];
  /** Called at each crash site. */
  onCrashSite: (name: CrashSite) => void;
}

export function fakeEnv(options: { seed?: number; mono?: number; wall?: number; bootId?: string } = {}): FakeEnv {
  const { seed = 1, mono = 1000, wall = Date.UTC(2026, 0, 1), bootId = "boot-1" } = options;
  let now = mono;
  let offset = wall - mono;
  let order = 0;
  let state = seed;
  const timers: { at: number; order: number; callback: () => void }[] = [];
  const reports: { code: AgentEventCode; facts: Facts }[] = [];
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await null;
  };
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const env: FakeEnv = {
    synced: null,
    clock: { mono: () => now, wall: () => now + offset, synced: async () => env.synced },
    after(ms, callback) {
      const timer = { at: now + Math.max(0, ms), order: order++, callback };
      timers.push(timer);
      return () => {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
      };
    },
    random,
    uuid: () =>
      `00000000-0000-4000-8000-${Math.floor(random() * 2 ** 48)
        .toString(16)
        .padStart(12, "0")}`,
    report: (code, facts = {}) => void reports.push({ code, facts }),
    crashSite: (name) => env.onCrashSite(name),
    onCrashSite: () => {},
    notify: () => {},
    bootId,
    reports,
    step: (ms) => {
      offset += ms;
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (let count = 0; ; count++) {
        if (count > 1_000_000) throw new Error("timers go round without time passing");
        timers.sort((a, b) => a.at - b.at || a.order - b.order);
        const next = timers[0];
        if (next === undefined || next.at > until) break;
        timers.shift();
        now = next.at;
        next.callback();
        await settle();
      }
      now = until;
    },
  };
  return env;
}
