import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { type AgentEventCode, agentEvents, type Facts } from "./events.ts";

/**
 * The outside world, in one place: clock, timers, randomness, reporting, crash sites. Nothing else reads a
 * clock or starts a timer, so that the whole agent runs in a deterministic simulation with another Env.
 */
export interface Env {
  readonly clock: {
    /** Milliseconds, monotonic; its origin holds until the machine restarts, not only the process. */
    mono(): number;
    /** Milliseconds since the Unix epoch; may step. */
    wall(): number;
    /** Whether the system says that the wall clock is synchronised; null: it does not say. Never rejects. */
    synced(): Promise<boolean | null>;
  };
  /** Calls back once after `ms`; the function returned cancels. */
  after(ms: number, callback: () => void): () => void;
  /** Uniform in [0, 1). */
  random(): number;
  uuid(): string;
  report(code: AgentEventCode, facts?: Facts): void;
  /** A named place where the tests kill the process; does nothing in production. */
  crashSite(name: CrashSite): void;
  /** Tells the service manager (READY=1, WATCHDOG=1 …); does nothing where there is none. */
  notify(state: string): void;
  /** Differs after each start of the machine; "" where the system does not tell. */
  readonly bootId: string;
}

/**
 * Where the order of two steps matters, and what of them is done there. A kill at any of them loses nothing that was
 * committed, and lets nothing be told twice under another id: test/faults.
 */
export const crashSites = {
  "in-migration": "inside the transaction: the tables are changed, the version is not noted",
  "before-epoch": "a new file has its tables, and no epoch yet",
  "before-accept": "a configuration is checked, the store holds the one before",
  "after-accept": "the store holds it, nothing runs by it",
  "before-commit": "a cycle is judged, nothing of it is written",
  "between-state-and-events": "inside the transaction: conditions are written, their events are not",
  "between-event-and-incident": "inside the transaction: an event waits, its incident is not noted",
  "before-commit-ends": "inside the transaction: all is written",
  "after-commit": "on disk; nobody was told, the state is not adopted",
  "before-publish": "read from the outbox, not sent",
  "after-publish": "sent, not acknowledged",
  "after-ack": "acknowledged, still in the outbox",
  "in-trim": "inside the transaction: one of those delivered is gone, the others are not",
  "after-trim": "gone from the outbox",
  "in-park": "inside the transaction: set aside, still in the outbox",
} as const;
export type CrashSite = keyof typeof crashSites;

/** Settles with `late()` when `work` has not settled within `ms`; `work` goes on, its outcome ignored. */
export function within<T>(env: Env, ms: number, work: Promise<T>, late: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = env.after(ms, () => resolve(late()));
    work.then(resolve, reject).finally(cancel);
  });
}

export function realEnv(options: { readonly logLevel: string; readonly crash?: string | undefined }): Env {
  const log = pino(
    { level: options.logLevel, base: null },
    pino.destination({ dest: 2, sync: true }), // stdout is for data
  );
  const crash = crashPlan(options.crash);
  return {
    clock: {
      mono() {
        const [seconds, nanoseconds] = process.hrtime();
        return seconds * 1000 + nanoseconds / 1e6;
      },
      wall: () => Date.now(),
      synced: askWhetherSynced,
    },
    after(ms, callback) {
      const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
      return () => clearTimeout(timer);
    },
    random: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
    uuid: () => randomUUID(),
    report(code, facts = {}) {
      const { level, message, ...rest } = agentEvents[code];
      log[level]({ code, ...facts, ...rest }, message);
    },
    crashSite: crash,
    notify(state) {
      // Node has no Unix datagram sockets; the helper that comes with systemd has.
      if (process.env.NOTIFY_SOCKET) execFile("systemd-notify", [state], { timeout: 2000 }, () => {});
    },
    bootId: readBootId(),
  };
}

/** Whatever keeps the time (systemd-timesyncd, chrony, ntpd): the kernel knows, and systemd asks it. */
const askWhetherSynced = (): Promise<boolean | null> =>
  new Promise((resolve) => {
    const asked = ["show", "--property=NTPSynchronized", "--value"];
    execFile("timedatectl", asked, { timeout: 2000 }, (error, said) => {
      const answer = error === null ? said.trim() : "";
      resolve(answer === "yes" ? true : answer === "no" ? false : null);
    });
  });

/**
 * `SITE:N` kills this process at the Nth passage of SITE.
 * @throws on a site that there is none of: that plan would never be carried out
 */
function crashPlan(plan: string | undefined): Env["crashSite"] {
  if (!plan) return () => {};
  const [site = "", times] = plan.split(":");
  if (!(site in crashSites)) throw new Error(`no crash site "${site}"; expected ${Object.keys(crashSites).join(", ")}`);
  let left = Number(times ?? 1);
  return (name) => {
    if (name === site && --left === 0) process.kill(process.pid, "SIGKILL");
  };
}

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
