import type { Env } from "../env.ts";
import { type EventRecord, eventRecord } from "../sinks/record.ts";
import type { Delivery, Sink } from "../sinks/sink.ts";
import type { Outbox, Waiting } from "../store/outbox.ts";

/**
 * Empties the outbox into a sink, in the order of sequence numbers, a window at a time. The outbox is the truth:
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
/** Those delivered leave the outbox together this often, since each time waits for the disk. A kill before it sends them anew. */
const trimMs = 100;

export function forwarder(env: Env, outbox: Outbox, sink: Sink): Forwarder {
  /** Everything up to here is on its way or delivered. */
  let sent = 0;
  /** What comes next, read a batch at a time. */
  let ahead: Waiting[] = [];
  let stopped = false;
  let cancelRetry = (): void => {};
  const flying = new Set<number>();
  const delivered = trimmer(env, outbox);
  /** Grows with each restart of the sequence: what was sent before it no longer counts. */
  let attempt = 0;

  const pump = (): void => {
    while (!stopped && sink.connected && flying.size < sink.window) {
      if (ahead.length === 0) ahead = [...outbox.after(sent, batch)];
      const row = ahead.shift();
      if (row === undefined) return;
      send(row);
    }
  };

  const send = (row: Waiting): void => {
    const mine = attempt;
    sent = row.seq;
    flying.add(row.seq);
    env.crashSite("before-publish");
    const underWay = deliver(sink, row);
    env.crashSite("after-publish");
    void underWay.then((delivery) => {
      if (stopped || mine !== attempt) return;
      flying.delete(row.seq);
      if (delivery === "retry") {
        startOver();
        return;
      }
      env.crashSite("after-ack");
      if (delivery === "delivered") delivered.add(row.seq);
      else {
        env.report("outbox.poison", { seq: row.seq });
        outbox.park(row.seq);
      }
      pump();
    });
  };

  const startOver = (): void => {
    attempt++;
    delivered.trim();
    sent = 0;
    ahead = [];
    flying.clear();
    cancelRetry();
    cancelRetry = env.after(retryMs, pump);
  };

  return {
    wake: pump,
    stop() {
      stopped = true;
      cancelRetry();
      delivered.stop();
    },
  };
}

/** Takes what was delivered out of the outbox; what the disk does not take now is tried again, and at worst sent again. */
function trimmer(env: Env, outbox: Outbox) {
  let seqs: number[] = [];
  let cancel = (): void => {};
  const later = (ms: number): void => {
    cancel();
    cancel = env.after(ms, trim);
  };
  const trim = (): void => {
    cancel();
    if (seqs.length === 0) return;
    try {
      outbox.trim(seqs);
    } catch (error) {
      env.report("trim.failed", { error: error instanceof Error ? error.message : String(error) });
      later(retryMs);
      return;
    }
    seqs = [];
    env.crashSite("after-trim");
  };
  return {
    trim,
    add(seq: number): void {
      if (seqs.push(seq) === 1) later(trimMs);
    },
    stop(): void {
      trim();
      cancel();
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
