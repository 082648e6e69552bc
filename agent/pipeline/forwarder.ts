import type { Env } from "../env.ts";
import { type EventRecord, isSendable } from "../sinks/record.ts";
import type { Arrived, Delivery, Outgoing, Sink } from "../sinks/sink.ts";
import type { Lookback } from "../store/journal.ts";
import type { Gap, Outbox } from "../store/outbox.ts";
import { departuresOf } from "./departures.ts";
import { type Flight, lanesOf, type Replay } from "./lanes.ts";

/**
 * Empties the outbox into a sink, a window at a time: what happens now first, what waited beside it at a bounded rate, each
 * in its order; what was given up is told before what came after it. The outbox is the truth: an event leaves it when its
 * delivery was acknowledged, and after any doubt everything unacknowledged is sent again under the same ids.
 */
export interface Forwarder {
  /** There may be something to send: events were committed, or somebody listens again. */
  wake(): void;
  /** The sink has connected; what stands in the outbox up to this position waited for it. */
  connected(lastPosition: number): void;
  /** The centre says what has arrived, where that is what counts. */
  arrived(arrived: Arrived): void;
  /** Sends events of the last days once more; null: too much is asked for already. */
  replay(epoch: string, from: number, to: number): Replay | null;
  /** What keeps events in the outbox though they are sent, for people; null: nothing. Reports it when it begins. */
  trouble(): string | null;
  stop(): void;
}

export interface Forwarding {
  /** Events a second of those that waited; 0: as many as go. */
  readonly backfillRate: number;
  /** Whose acknowledgement counts. */
  readonly delivery: "broker" | "centre";
}

/** Before trying again what the sink, though connected, did not take: doubled each time in a row. */
const retryMs = 1000;
const retryMaxMs = 10_000;

export function forwarder(
  env: Env,
  outbox: Outbox,
  journal: Lookback,
  sink: Sink,
  { backfillRate, delivery }: Forwarding,
): Forwarder {
  let stopped = false;
  let cancelRetry = (): void => {};
  let failed = 0;
  const lanes = lanesOf(env, outbox, journal, backfillRate, () => pump());
  const flying = new Set<Flight>();
  const gone = departuresOf(env, outbox, delivery);
  /** Grows with each restart of the sequence: what was sent before it no longer counts. */
  let attempt = 0;

  const tellGap = gapTeller(outbox, sink, (gap, how) => {
    if (stopped) return;
    if (how === "retry") return startOver();
    outbox.toldOf(gap);
    pump();
  });

  const pump = (): void => {
    if (!stopped) tellGap();
    while (!stopped && sink.connected && sink.isHeard && flying.size < sink.window) {
      const flight = lanes.next();
      if (flight === undefined) return;
      send(flight);
    }
  };

  const send = (flight: Flight): void => {
    const mine = attempt;
    flying.add(flight);
    env.crashSite("before-publish");
    const event = parse(flight.row.record);
    const underWay = event === null ? Promise.resolve("poison" as const) : sink.deliver(outgoingOf(flight, event));
    env.crashSite("after-publish");
    void underWay.then((how) => {
      if (stopped || mine !== attempt) return;
      if (how === "retry") return startOver();
      flying.delete(flight);
      env.crashSite("after-ack");
      failed = 0;
      if (!flight.isReplay) gone.settle(flight.row, event, how);
      pump();
    });
  };

  /** From the first on that was not acknowledged, those behind it once more. */
  const startOver = (): void => {
    attempt++;
    gone.trim();
    lanes.rewind([...flying]);
    flying.clear();
    cancelRetry();
    cancelRetry = env.after(Math.min(retryMaxMs, retryMs * 2 ** Math.min(failed++, 10)), pump);
  };

  return {
    wake() {
      lanes.grown();
      pump();
    },
    connected(lastPosition) {
      attempt++;
      failed = 0;
      gone.trim();
      flying.clear();
      lanes.begin(lastPosition);
      pump();
    },
    arrived: gone.arrived,
    replay(epoch, from, to) {
      const found = lanes.replay(epoch, from, to);
      pump();
      return found;
    },
    trouble: gone.trouble,
    stop() {
      stopped = true;
      cancelRetry();
      lanes.stop();
      gone.stop();
    },
  };
}

/** Tells what was given up, one gap at a time. */
function gapTeller(outbox: Outbox, sink: Sink, onTold: (gap: Gap, how: Delivery) => void): () => void {
  let isTelling = false;
  return () => {
    if (isTelling || !sink.connected || !sink.isHeard) return;
    const { gap } = outbox;
    if (gap === null) return;
    isTelling = true;
    void sink.tellGap(gap).then((how) => {
      isTelling = false;
      onTold(gap, how);
    });
  };
}

const outgoingOf = ({ row, isLate }: Flight, event: EventRecord): Outgoing => {
  const { record: json, position, persistedAt } = row;
  return { event, json, position, persistedAt, isLate };
};

/** What cannot be read is as undeliverable as what the other side refuses; null. */
function parse(record: string): EventRecord | null {
  try {
    const event: unknown = JSON.parse(record);
    return isSendable(event) ? event : null;
  } catch {
    return null;
  }
}
