import type { Env } from "../env.ts";
import { type EventRecord, eventRecord } from "../sinks/record.ts";
import type { Delivery, Sink } from "../sinks/sink.ts";
import type { Outbox, Waiting } from "../store/outbox.ts";

/**
 * Empties the outbox into a sink, in its order, a window at a time; what was given up is told before what came after it. The outbox is the truth:
 * an event leaves it when its delivery was acknowledged, and after any doubt everything unacknowledged is sent again
 * under the same ids.
 */
export interface Forwarder {
  /** There may be something to send: events were committed, or the sink has connected. */
  wake(): void;
  stop(): void;
}

const batch = 50;
/** Before trying again what the sink, though connected, did not take. */
const retryMs = 1000;

export function forwarder(env: Env, outbox: Outbox, sink: Sink): Forwarder {
  /** Everything up to here is on its way or delivered. */
  let sent = 0;
  let stopped = false;
  let cancelRetry = (): void => {};
  let isTellingGap = false;
  const flying = new Set<number>();
  /** Grows with each restart of the sequence: what was sent before it no longer counts. */
  let attempt = 0;

  const pump = (): void => {
    tellGap();
    while (!stopped && sink.connected && flying.size < sink.window) {
      const rows = outbox.after(sent, Math.min(batch, sink.window - flying.size));
      if (rows.length === 0) return;
      for (const row of rows) send(row);
    }
  };

  const send = (row: Waiting): void => {
    const mine = attempt;
    sent = row.position;
    flying.add(row.position);
    const underWay = deliver(sink, row);
    env.crashSite("after-publish");
    void underWay.then((delivery) => {
      if (stopped || mine !== attempt) return;
      flying.delete(row.position);
      if (delivery === "retry") {
        startOver();
        return;
      }
      env.crashSite("after-ack");
      if (delivery === "delivered") outbox.trim([row.position]);
      else {
        env.report("outbox.poison", { seq: row.seq });
        outbox.park(row.position);
      }
      env.crashSite("after-trim");
      pump();
    });
  };

  const tellGap = (): void => {
    if (stopped || isTellingGap || !sink.connected) return;
    const { gap } = outbox;
    if (gap === null) return;
    isTellingGap = true;
    void sink.tellGap(gap).then((delivery) => {
      isTellingGap = false;
      if (stopped) return;
      if (delivery === "retry") return startOver();
      outbox.toldOf(gap);
      pump();
    });
  };

  const startOver = (): void => {
    attempt++;
    sent = 0;
    flying.clear();
    cancelRetry();
    cancelRetry = env.after(retryMs, pump);
  };

  return {
    wake: pump,
    stop() {
      stopped = true;
      cancelRetry();
    },
  };
}

/** A row that cannot be read is as undeliverable as one that the other side refuses. */
async function deliver(sink: Sink, { record, persistedAt }: Waiting): Promise<Delivery> {
  const event = parse(record);
  return event === null ? "poison" : await sink.deliver(event, persistedAt);
}

function parse(record: string): EventRecord | null {
  try {
    return eventRecord.parse(JSON.parse(record));
  } catch {
    return null;
  }
}
