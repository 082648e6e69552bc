import type { Env } from "../../../agent/env.ts";
import type { Network } from "../schema.ts";
import { type Address, registration } from "./packet.ts";

/**
 * The agent as a foreign device of a BBMD (ASHRAE 135, J.5.2): registered, and again when half of the time is over. A registration
 * that is not confirmed is tried again and again; the BBMD keeps one for 30 s more than was asked for, and after that it is lost.
 */
export interface Foreign {
  /** A BVLC-Result of the BBMD. */
  result(code: number): void;
  isRegistered(): boolean;
  /** Why it is not; null: it is, or nobody knows yet. */
  trouble(): string | null;
  close(): void;
}

const retryMs = 5000;
/** The BBMD's grace (J.5.2.3). */
const graceMs = 30_000;
/** Register-Foreign-Device NAK (J.2.1.1). */
const refused = 0x0030;
/** Distribute-Broadcast-To-Network NAK: it does not know the agent, as after a restart. */
const unknown = 0x0060;

/** @param changed told when a registration is lost (with the reason), and when it is there again or for the first time (null) */
export function foreignDevice(
  env: Env,
  { host, port, ttl }: NonNullable<Network["bbmd"]>,
  send: (datagram: Buffer, to: Address, failed: (error: Error) => void) => void,
  changed: (lost: string | null) => void,
): Foreign {
  const at = `${host}:${port}`;
  /** Of the last one that was confirmed; before the first one, of the start, so that the first has its time, too. */
  let goodAt = env.clock.mono();
  let state: "new" | "registered" | "lost" = "new";
  let why = `the BBMD ${at} does not answer`;
  let isAwaited = false;
  let cancel = (): void => {};
  let cancelLost = (): void => {};

  const lose = (): void => {
    if (state === "lost") return;
    state = "lost";
    changed(why);
  };
  const watch = (): void => {
    cancelLost();
    cancelLost = env.after(Math.max(0, goodAt + ttl + graceMs - env.clock.mono()), lose);
  };
  const register = (): void => {
    isAwaited = true;
    cancel = env.after(retryMs, register);
    send(registration(Math.round(ttl / 1000)), { host, port }, (error) => {
      why = error.message;
    });
  };
  watch();
  register();

  return {
    result(code) {
      // Of a broadcast, never of a registration.
      if (code === unknown && !isAwaited) {
        cancel();
        register();
      }
      if (code === unknown || !isAwaited) return;
      isAwaited = false;
      if (code !== 0) {
        why = code === refused ? `the BBMD ${at} refuses foreign devices` : `the BBMD ${at} says result ${code}`;
        if (state === "new") lose();
        return;
      }
      goodAt = env.clock.mono();
      cancel();
      cancel = env.after(ttl / 2, register);
      watch();
      if (state === "registered") return;
      state = "registered";
      changed(null);
    },
    isRegistered: () => state === "registered",
    trouble: () => (state === "lost" ? why : null),
    close() {
      cancel();
      cancelLost();
    },
  };
}
