import { type Env, within } from "../../agent/env.ts";
import type { Deadline } from "../deadline.ts";
import type { Answer, Dialect } from "./dialect.ts";
import { Exchange } from "./exchange.ts";
import { findPeer, type Peer } from "./peer.ts";

/** The requests of one device, one at a time; where it is, and what was learnt of it, is looked up again after a fault. */
export interface Requester {
  /** Never rejects, and settles by the deadline. */
  ask(request: Wanted): Promise<Answer>;
  close(): void;
}

interface Wanted {
  readonly oids: readonly string[];
  /** Not the objects themselves but what comes after them, as often as this. */
  readonly repetitions?: number;
  readonly by: Deadline;
}

/** @param found told where the device is, each time that it is asked */
export function requester(
  env: Env,
  { host, port }: { readonly host: string; readonly port: number },
  dialect: Dialect,
  found: (peer: Peer) => void = () => {},
): Requester {
  /** Looked up at the first request, and again after each fault: by then the name may be another address's. */
  let known: Promise<Peer | Error> | undefined;
  let current: Exchange | undefined;
  let closed = false;
  const unreachable = (detail: string): Answer => ({ kind: "fault", fault: "unreachable", detail });

  async function exchange({ oids, repetitions, by }: Wanted): Promise<Answer> {
    const leftMs = (): number => Math.floor(by.leftMs());
    if (leftMs() <= 0) return { kind: "fault", fault: "timeout", detail: "no time left in this read" };
    known ??= findPeer(host, port).catch((error: Error) => error);
    const peer = await within(env, leftMs(), known, () => new Error(`looking up ${host} takes too long`));
    if (closed) return unreachable("the session is closed");
    if (peer instanceof Error) return unreachable(peer.message);
    found(peer);
    current = new Exchange(env, { peer, turn: dialect.ask(oids, repetitions), timeoutMs: Math.max(1, leftMs()) });
    return current.answer;
  }

  return {
    async ask(request) {
      const answer = await exchange(request);
      if (answer.kind !== "fault") return answer;
      known = undefined;
      dialect.forget();
      return answer;
    },
    close() {
      closed = true;
      current?.cancel("the session is closed");
    },
  };
}
