import type { Cycle, OutboundEvent, Store } from "../../agent/store/store.ts";

/** What a busy agent asks of its store, the same at each run, and what the store must hold after each of it. */
export type Operation =
  | { readonly kind: "commit"; readonly cycle: Cycle }
  | { readonly kind: "trim"; readonly seqs: readonly number[] }
  | { readonly kind: "accept"; readonly files: Readonly<Record<string, string>> };

/** What a store holds, as far as it is promised to be there after a restart. */
export interface Held {
  readonly lastSeq: number;
  readonly conditions: Readonly<Record<string, string>>;
  readonly incidents: Readonly<Record<string, string>>;
  readonly outbox: readonly number[];
  readonly journal: number;
  readonly config: string | null;
}

export const nothing: Held = { lastSeq: 0, conditions: {}, incidents: {}, outbox: [], journal: 0, config: null };

const keys = 40;
/** As long as the record of an event is. */
const padding = "x".repeat(1200);

export function operations(count: number): Operation[] {
  const all: Operation[] = [];
  let [seq, trimmed] = [0, 0];
  for (let i = 0; i < count; i++) {
    if (i % 50 === 7) all.push({ kind: "accept", files: { "site.yaml": `version: ${i}` } });
    else if (i % 4 === 3) {
      // Now and then the broker is away, and much waits.
      const most = i % 100 < 60 ? 3 : 12;
      const seqs = Array.from({ length: Math.min(most, seq - trimmed) }, (_, k) => trimmed + k + 1);
      trimmed += seqs.length;
      all.push({ kind: "trim", seqs });
    } else {
      const events = Array.from({ length: 1 + (i % 3) }, (_, k) => event(seq + k + 1));
      seq += events.length;
      const conditions = new Map(events.map(({ key }) => [key, `{"i":${i}}`]));
      all.push({ kind: "commit", cycle: { clock: clockAt(i), conditions, events } });
    }
  }
  return all;
}

const clockAt = (i: number) => ({ engineMs: i, wallMs: i, monoMs: i, bootId: "b" });

function event(seq: number): OutboundEvent {
  const key = `s/d/p${(seq * 7) % keys}/on`;
  const record = JSON.stringify({ seq, padding });
  return { seq, at: seq, incident: `i${seq}`, key, open: seq % 3 !== 0, persistedAt: seq, record };
}

export function perform(store: Store, operation: Operation): void {
  if (operation.kind === "commit") store.commit(operation.cycle);
  else if (operation.kind === "trim") store.outbox.trim(operation.seqs);
  else store.acceptConfig(operation.files);
}

/** What is held after each operation, beginning with none. */
export function heldAfter(all: readonly Operation[]): Held[] {
  const held = [nothing];
  for (const one of all) held.push(next(held.at(-1) ?? nothing, one));
  return held;
}

function next(held: Held, operation: Operation): Held {
  if (operation.kind === "accept") return { ...held, config: JSON.stringify(operation.files) };
  if (operation.kind === "trim") {
    const gone = new Set(operation.seqs);
    return { ...held, outbox: held.outbox.filter((seq) => !gone.has(seq)) };
  }
  const { events, conditions } = operation.cycle;
  const incidents = { ...held.incidents };
  for (const { key, open, record } of events) {
    if (open) incidents[key] = record;
    else delete incidents[key];
  }
  return {
    ...held,
    lastSeq: events.at(-1)?.seq ?? held.lastSeq,
    conditions: { ...held.conditions, ...Object.fromEntries(conditions) },
    incidents,
    outbox: [...held.outbox, ...events.map(({ seq }) => seq)],
    journal: held.journal + events.length,
  };
}

/** What a store holds that was just opened. */
export function heldIn({ kept, outbox, journal, acceptedConfig }: Store): Held {
  const config = acceptedConfig();
  return {
    lastSeq: kept.lastSeq,
    conditions: Object.fromEntries(kept.conditions),
    incidents: Object.fromEntries(kept.incidents),
    outbox: outbox.after(0, 1_000_000).map(({ seq }) => seq),
    journal: journal.since(0, 0, 1_000_000).length,
    config: config === null ? null : JSON.stringify(config),
  };
}
