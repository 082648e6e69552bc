import type { Env } from "../../../agent/env.ts";
import type { Search } from "../../driver.ts";
import { fault } from "../answer.ts";
import type { Ask } from "../reader.ts";
import type { Bus, Device } from "../schema.ts";
import type { Hub } from "../wire/hub.ts";
import type { Peer } from "../wire/line.ts";
import type { IAm, IHave } from "../wire/whois.ts";
import { pause, sweep } from "./sweep.ts";

/** How devices are asked for that nobody knows yet, and then asked themselves. */

/** More is no network, but somebody who makes them up. */
const answersMax = 50_000;

/** Asks for all numbers, and waits for the last answers. */
export async function gather(
  { host, port }: Bus,
  env: Env,
  hub: Hub,
  { ranges, signal, timeoutMs, tried }: Omit<Search, "found">,
  question: (low: number, high: number) => Buffer,
  take: (told: IAm | IHave, peer: Peer) => void,
): Promise<string | null> {
  let lost: string | null = null;
  let count = 0;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const to = host === undefined ? null : { host, port };
  const failed = (error: Error): void => {
    lost = error.message;
    stop.abort();
  };
  const end = hub.onFound((told, peer) => {
    // Others may be introducing themselves, or answering somebody else.
    const isThere = host === undefined || (peer.host === host && peer.port === port);
    if (!isThere || count >= answersMax || !ranges.some(({ from, to }) => told.device >= from && told.device <= to))
      return;
    count++;
    take(told, peer);
  });
  const ask = (low: number, high: number): void => hub.call(question(low, high), to, failed);
  await sweep(env, { ranges, signal: either, ask, answers: () => count, tried });
  await pause(env, timeoutMs, either);
  end();
  return lost;
}

/** In a bus with a host a device is behind its router by network and mac; otherwise Who-Is finds it again. */
export const addressOf = ({ host }: Bus, instance: number, { station }: Peer): Device =>
  host === undefined || station === null ? { instance } : { instance, ...station };

/** Asks one device, each question for so long; nobody once `signal` is aborted. */
export function askerOf(hub: Hub, peer: Peer, timeoutMs: number, signal: AbortSignal): Ask {
  return async (encode) => {
    if (signal.aborted) return fault("unreachable", "stopped");
    const { answer, cancel } = hub.line(peer).ask(encode, timeoutMs);
    const stop = (): void => cancel("stopped");
    signal.addEventListener("abort", stop);
    return answer.finally(() => signal.removeEventListener("abort", stop));
  };
}
