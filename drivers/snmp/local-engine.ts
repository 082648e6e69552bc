import type { Env } from "../../agent/env.ts";

/** Our own engine, which is the authoritative one for informs (RFC 3411, 5; RFC 3414, 2.2). */
export interface LocalEngine {
  readonly engineId: Buffer;
  /** Starts of it, this one too. */
  readonly boots: number;
  /** Seconds since this one. */
  time(): number;
}

interface Kept {
  /** In hexadecimal. */
  readonly engineId: string;
  readonly boots: number;
}

const bootsMax = 2 ** 31 - 1;
/** Of no maker; then "octets" (RFC 3411, 5). */
const prefix = "8000000005";

/** Senders remember the engine: it has the same id after a restart, and has booted once more. */
export function localEngine(env: Env, kept: string | null, keep: (text: string) => void): LocalEngine {
  const startedAt = env.clock.mono();
  const before = read(kept) ?? { engineId: prefix + idOf(env), boots: 0 };
  const now: Kept = { ...before, boots: before.boots + 1 };
  keep(JSON.stringify(now));
  return {
    engineId: Buffer.from(now.engineId, "hex"),
    boots: now.boots,
    time: () => Math.floor((env.clock.mono() - startedAt) / 1000),
  };
}

/** Null: there is none, it cannot be read, or it has booted as often as can be said; then there is to be another. */
function read(kept: string | null): Kept | null {
  try {
    const { engineId, boots } = JSON.parse(kept ?? "{}") as Partial<Kept>;
    const isGood = typeof engineId === "string" && /^([0-9a-f]{2}){5,32}$/.test(engineId);
    return isGood && typeof boots === "number" && boots < bootsMax - 1 ? { engineId, boots } : null;
  } catch {
    return null;
  }
}

const idOf = (env: Env): string => {
  const octets = Array.from({ length: 8 }, () => Math.floor(env.random() * 256));
  return Buffer.from(octets).toString("hex");
};
