import type { Env } from "../env.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { Arrived, Delivery } from "../sinks/sink.ts";
import type { Outbox, Waiting } from "../store/outbox.ts";

/** Those delivered leave the outbox together this often, since each time waits for the disk. A kill before it sends them anew. */
const trimMs = 100;
const retryMs = 1000;
/** Without a word from the centre for so long, something is wrong. */
const silentMs = 300_000;

/** How events leave the outbox. */
export function departuresOf(env: Env, outbox: Outbox, delivery: "broker" | "centre") {
  const gone = trimmer(env, outbox);
  const arrivals = delivery === "centre" ? arrivalsOf(env, gone.add) : null;
  return {
    ...{ trim: gone.trim, stop: gone.stop },
    /** What became of an event that was sent. */
    settle(row: Waiting, event: EventRecord | null, how: Delivery): void {
      if (how !== "delivered" || event === null) {
        env.report("outbox.poison", { seq: row.seq });
        outbox.park(row.position);
      } else if (arrivals === null) gone.add(row.position);
      else arrivals.sent(row.position, event);
    },
    arrived: (arrived: Arrived): void => arrivals?.note(arrived),
    trouble: (): string | null => arrivals?.trouble() ?? null,
  };
}

/** Where the centre's acknowledgement counts: what was sent stays until that comes. */
function arrivalsOf(env: Env, onArrived: (position: number) => void) {
  const waiting = new Map<number, { readonly epoch: string; readonly seq: number; readonly sentAt: number }>();
  const newest = new Map<string, Arrived>();
  let isTold = false;
  const take = (position: number): void => {
    waiting.delete(position);
    onArrived(position);
  };
  const oldestMs = (): number => {
    const [first] = waiting.values();
    return first === undefined ? 0 : env.clock.mono() - first.sentAt;
  };
  const trouble = (): string | null => {
    if (oldestMs() < silentMs) {
      isTold = false;
      return null;
    }
    const why = `the centre has acknowledged nothing of ${waiting.size} events sent, the oldest ${Math.floor(oldestMs() / 60_000)} min ago`;
    if (!isTold) env.report("centre.silent", { events: waiting.size });
    isTold = true;
    return why;
  };
  return {
    trouble,
    sent(position: number, { epoch, seq }: EventRecord): void {
      const known = newest.get(epoch);
      if (known !== undefined && hasArrived(known, { epoch, seq })) onArrived(position);
      else waiting.set(position, { epoch, seq, sentAt: waiting.get(position)?.sentAt ?? env.clock.mono() });
    },
    note(arrived: Arrived): void {
      newest.set(arrived.epoch, arrived);
      if (newest.size > epochsMax) newest.delete(newest.keys().next().value ?? "");
      for (const [position, one] of waiting) if (hasArrived(arrived, one)) take(position);
    },
  };
}

const epochsMax = 16;

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

/** Whether the centre says that this one has arrived. */
const hasArrived = ({ epoch, upTo, except }: Arrived, event: { epoch: string; seq: number }): boolean =>
  event.epoch === epoch && event.seq <= upTo && !except.some(([from, to]) => event.seq >= from && event.seq <= to);
