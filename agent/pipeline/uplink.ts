import type { Env } from "../env.ts";
import type { Sink, SinkHooks } from "../sinks/sink.ts";
import type { Store } from "../store/store.ts";
import type { Diag } from "./diag.ts";
import { type Forwarder, type Forwarding, forwarder } from "./forwarder.ts";

/** The way to the centre: the sink, and what empties the outbox into it. */
export interface Uplink {
  readonly sink: Sink;
  readonly forward: Forwarder;
}

export interface UplinkOptions {
  readonly env: Env;
  readonly store: Store;
  readonly forwarding: Forwarding;
  /** What `env` reports is told there. */
  readonly diag: Diag;
  openSink(hooks: SinkHooks): Sink;
}

export function uplinkOf(
  { env, store, forwarding, diag, openSink }: UplinkOptions,
  asked: Pick<SinkHooks, "birth" | "quiet" | "orders">,
): Uplink {
  const sink = openSink({
    ...asked,
    onConnected({ lastPosition }) {
      forward.connected(lastPosition);
      diag.flush(sink);
    },
    onHeard: () => forward.wake(),
    onAck: (arrived) => forward.arrived(arrived),
    onLost: () => {},
  });
  const forward = forwarder(env, store.outbox, store.journal, sink, forwarding);
  return { sink, forward };
}
