import type { Env } from "../env.ts";
import { type EventRecord, sendable } from "../sinks/record.ts";
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
/** Those delivered leave the outbox together this often, since each time waits for the disk. A kill before it sends them anew. */
const trimMs = 100;

export function forwarder(env: Env, outbox: Outbox, sink: Sink): Forwarder {
  /** Everything up to here is on its way or delivered. */
  let sent = 0;
  /** What comes next, read a batch at a time. */
  let ahead: Waiting[] = [];
  let stopped = false;
  let cancelRetry = (): void => {};
  let isTellingGap = false;
  const flying = new Set<number>();
  const delivered = trimmer(env, outbox);
  /** Grows with each restart of the sequence: what was sent before it no longer counts. */
  let attempt = 0;

  const pump = (): void => {
    tellGap();
    while (!stopped && sink.connected && flying.size < sink.window) {
      if (ahead.length === 0) ahead = [...outbox.after(sent, batch)];
      const row = ahead.shift();
      if (row === undefined) return;
      send(row);
    }
  };

  const send = (row: Waiting): void => {
    const mine = attempt;
    sent = row.position;
    flying.add(row.position);
    env.crashSite("before-publish");
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
      if (delivery === "delivered") delivered.add(row.position);
      else {
        env.report("outbox.poison", { seq: row.seq });
        outbox.park(row.position);
      }
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
  let positions: number[] = [];
  let cancel = (): void => {};
  const later = (ms: number): void => {
    cancel();
    cancel = env.after(ms, trim);
  };
  const trim = (): void => {
    cancel();
    if (positions.length === 0) return;
    try {
      outbox.trim(positions);
    } catch (error) {
      env.report("trim.failed", { error: error instanceof Error ? error.message : String(error) });
      later(retryMs);
      return;
    }
    positions = [];
    env.crashSite("after-trim");
  };
  return {
    trim,
    add(position: number): void {
      if (positions.push(position) === 1) later(trimMs);
    },
    stop(): void {
      trim();
      cancel();
    },
  };
}

/** A row that cannot be read is as undeliverable as one that the other side refuses. */
async function deliver(sink: Sink, { record: json, position, persistedAt }: Waiting): Promise<Delivery> {
  const event = parse(json);
  return event === null ? "poison" : await sink.deliver({ event, json, position, persistedAt });
}

function parse(record: string): EventRecord | null {
  try {
    const event = JSON.parse(record) as EventRecord;
    return sendable.safeParse(event).success ? event : null;
  } catch {
    return null;
  }
}
