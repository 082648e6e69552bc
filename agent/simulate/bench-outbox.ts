import { join } from "node:path";
import type { Env } from "../env.ts";
import type { EventRecord } from "../sinks/record.ts";
import { openBare } from "../store/bare.ts";
import { type Cycle, openStore } from "../store/store.ts";
import type { Row } from "./bench.ts";

/** How fast events get on the disk, and what it costs to begin with many that wait. */
export const queued = 100_000;

const epoch = "00000000-0000-4000-8000-000000000001";
const perCycle = 100;
const cycles = 200;

/** Raises and clears of 500 conditions in turn, as long as an event of a real site. */
export function eventOf(seq: number): EventRecord {
  const [open, device, n] = [seq % 2 === 1, `rack-${Math.ceil(seq / 2) % 500}`, Math.ceil(seq / 2)];
  const at = new Date(Date.UTC(2026, 0, 1) + seq * 1000).toISOString();
  return {
    ...{ epoch, seq, kind: open ? "raise" : "clear", rev: open ? 1 : 2 },
    incidentId: `00000000-0000-8000-8000-${String(n).padStart(12, "0")}`,
    conditionKey: `fra-1/${device}/inlet-temperature/inlet-warm`,
    ...{ severity: "high", priorityHint: "P2", state: open ? "active-acked" : "normal", open, active: open },
    ...{ acked: false, latched: false, shelved: false, suppressed: false, outOfService: false, flapping: false },
    annunciate: true,
    rule: { id: "inlet-warm", type: "level", version: "1f0c8a52", configHash: "9c1185a5c5e9fc54" },
    point: {
      ...{ id: `${device}/inlet-temperature`, device, deviceClass: "rack", protocol: "snmp" },
      ...{ address: '{"oid":"1.3.6.1.4.1.318.1.1.26.10.2.2.1.8.1"}', name: "inlet" },
    },
    location: { site: "fra-1", building: "A", room: "Hall 1", row: "B", rack: "B2", zone: "east" },
    ...{ value: 29.1, unit: "Cel", quality: "good", measure: 29.1, measureUnit: "Cel", limit: 27, deadband: 1 },
    ...{ level: "high", onsetAt: at, observedAt: at, raisedAt: at, at, bootId: "boot", monoMs: seq * 1000 },
    clock: { synced: null, source: null, offsetMs: null, lastSyncAt: null },
    ...(open ? { context: Array.from({ length: 20 }, (_, i) => [seq * 1000 - i * 10_000, 27 + i / 10, "good"]) } : {}),
    historical: false,
    text: "Hall 1 rack B2 inlet 29.1 °C (limit 27) since 04:28; cooling lost or air recirculates. Check the zone's CRACs.",
    labels: { owner: "facilities" },
  } as EventRecord;
}

/** The cycle whose first event has this sequence number. */
export function cycleOf(first: number, count: number): Cycle {
  const events = Array.from({ length: count }, (_, i) => eventOf(first + i)).map((event) => ({
    ...{ seq: event.seq, at: Date.parse(event.at), incident: event.incidentId, key: event.conditionKey },
    ...{ open: event.open, persistedAt: Date.parse(event.at), record: JSON.stringify(event) },
  }));
  const clock = { engineMs: first * 1000, wallMs: Date.UTC(2026, 0, 1) + first * 1000, monoMs: 0, bootId: "boot" };
  const conditions = new Map(
    events.map(({ key, open }) => [key, JSON.stringify({ latches: [{ since: first }], open })]),
  );
  return { clock, conditions, events };
}

/** Both write each cycle, now one first, now the other, so that a disk that is slow for a while is so for both. */
export function benchCommits(env: Env, folder: string): Row {
  const store = openStore(join(folder, "commits.db"), () => epoch);
  const bare = openBare(join(folder, "bare.db"));
  const took = new Map([
    [store.commit, 0],
    [bare.commit, 0],
  ]);
  for (let i = 0; i < cycles; i++) {
    const cycle = cycleOf(i * perCycle + 1, perCycle);
    const inTurn = [...took];
    for (const [commit, before] of i % 2 === 0 ? inTurn : inTurn.toReversed()) {
      const began = env.clock.mono();
      commit(cycle);
      took.set(commit, before + env.clock.mono() - began);
    }
  }
  store.close();
  bare.close();
  const metric = `durable events/s, ${perCycle} a cycle, synchronous=FULL; better-sqlite3 alone, the same rows`;
  const [rate = 0, baseline = 0] = [...took.values()].map((ms) => perSecond(cycles * perCycle, ms));
  return { bench: "outbox", metric, unit: "1/s", ours: rate, baseline, goal: "≥ 70 %", ok: rate >= 0.7 * baseline };
}

export const perSecond = (count: number, ms: number): number => Math.round((count * 1000) / ms);

/** A store in which as many events wait; `isSent`: in which they did. */
export function fill(path: string, count: number, isSent: boolean): void {
  const store = openStore(path, () => epoch);
  for (let seq = 1; seq <= count; seq += 1000) {
    const cycle = cycleOf(seq, Math.min(1000, count + 1 - seq));
    store.commit(cycle);
    if (isSent) store.outbox.trim(cycle.events.map((event) => event.seq));
  }
  store.close();
}

export interface Opening {
  readonly ms: number;
  readonly bytes: number;
}

/**
 * Opens a store and asks of it what the agent does at its start: birth, heartbeat, the first events to send.
 * @param memory resident bytes of this process, which has done nothing else before
 */
export function opening(env: Env, path: string, memory: () => number): Opening {
  const [before, began] = [memory(), env.clock.mono()];
  const { outbox, close } = openStore(path, () => epoch);
  const waiting = [outbox.first, outbox.depth, outbox.oldestAt, outbox.after(0, 50)];
  const ms = env.clock.mono() - began;
  const bytes = memory() - before;
  close();
  if (waiting.length === 0) throw new Error("bug: nothing was asked");
  return { ms, bytes };
}

/** @param open opens a store in a process of its own */
export function benchStart(folder: string, open: (path: string) => Opening): Row[] {
  const [full, empty] = [join(folder, "full.db"), join(folder, "empty.db")];
  fill(full, queued, false);
  fill(empty, queued, true);
  const runs = Array.from({ length: 5 }, () => ({ full: open(full), empty: open(empty) }));
  const middle = (of: (run: (typeof runs)[number]) => number): number => runs.map(of).sort((a, b) => a - b)[2] ?? 0;
  const mib = Math.max(0, Math.round(middle(({ full, empty }) => full.bytes - empty.bytes) / 2 ** 18) / 4);
  const [ours, baseline] = [middle((run) => run.full.ms), middle((run) => run.empty.ms)].map((ms) => tenth(ms));
  const many = `start with ${queued.toLocaleString("en")} events queued`;
  const row = { bench: "outbox", ours: ours ?? 0, baseline: baseline ?? 0 };
  return [
    {
      ...row,
      metric: `${many}: memory above an empty queue`,
      unit: "MiB",
      ours: mib,
      baseline: null,
      goal: "< 32",
      ok: mib < 32,
    },
    { ...row, metric: `${many}: time; an empty queue`, unit: "ms", goal: "≤ 200 %", ok: row.ours <= 2 * row.baseline },
  ];
}

const tenth = (ms: number): number => Math.round(ms * 10) / 10;
