import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type OutboundEvent, openStore, type Store } from "../../../agent/store/store.ts";

/** The broker is away, and more happens than the quota holds. */
const quotaMiB = 32;
const perCommit = 20;
const recordBytes = 12_000;

let folder: string;
let store: Store;
const reports: string[] = [];
const open = (): Store =>
  openStore(join(folder, "store.db"), () => "epoch-1", { quotaMiB, report: (code) => void reports.push(code) });
beforeEach(() => {
  folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "mepwatch-quota-"));
  reports.length = 0;
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

let seq = 0;
beforeEach(() => {
  seq = 0;
});
const event = (key: string, isOpen: boolean): OutboundEvent => {
  seq++;
  return {
    seq,
    at: seq,
    incident: `${key}-i`,
    key,
    open: isOpen,
    persistedAt: seq,
    record: JSON.stringify({ seq, key, filler: "x".repeat(recordBytes) }),
  };
};
const commit = (...events: readonly OutboundEvent[]): void =>
  store.commit({ clock: { engineMs: 0, wallMs: seq, monoMs: 0, bootId: "b" }, conditions: new Map(), events });
const bytes = (): number => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
const waiting = (): number[] => store.outbox.after(0, 1_000_000).map((one) => one.seq);

/** Conditions that come and go; their incidents are over. */
const churn = (commits: number): void => {
  for (let i = 0; i < commits; i++) {
    commit(...Array.from({ length: perCommit / 2 }, (_, k) => [event(`c${k}`, true), event(`c${k}`, false)]).flat());
  }
};

describe("a store that reaches its quota", () => {
  test("stays below it; the newest, and of each open incident the newest event, are there; what is lost is told", () => {
    store.heal();
    commit(...["a", "b", "c"].map((key) => event(key, true)));
    commit(event("a", true));
    let most = 0;
    for (let round = 0; round < 12; round++) {
      churn(14);
      most = Math.max(most, bytes());
    }
    expect(most).toBeLessThanOrEqual(quotaMiB * 2 ** 20);
    const left = waiting();
    // Those of open incidents stayed where they were.
    expect(left.slice(0, 4)).toEqual([1, 2, 3, 4]);
    expect(left.at(-1)).toBe(seq);
    const [firstKept = 0] = left.slice(4);
    expect(left.slice(4)).toEqual(Array.from({ length: seq - firstKept + 1 }, (_, i) => firstKept + i));
    expect(store.outbox.gap).toEqual({ epoch: "epoch-1", first: 5, last: firstKept - 1, count: seq - left.length });
    expect(store.outbox.depth).toBe(left.length);
    expect(reports).toContain("storage.gap");
    store.close();
    store = open();
    expect([...store.kept.incidents.keys()].sort()).toEqual(["a", "b", "c"]);
    expect([store.kept.lastSeq, store.outbox.depth, store.outbox.oldestAt]).toEqual([seq, left.length, 1]);
  });

  test("gives up what people look back at before it gives up what was not sent", () => {
    churn(70);
    const full = waiting().length;
    expect(full).toBe(seq);
    expect(store.journal.since(0, 0, 1_000_000).length).toBeLessThan(seq);
    expect(store.outbox.gap).toBeNull();
  });

  test("takes a commit larger than what is kept free for one, and the file stays as large as it may be", () => {
    churn(100);
    for (let i = 0; i < 10; i++) commit(...Array.from({ length: 100 }, () => event("a", true)));
    expect(store.health.degraded).toBeNull();
    expect(waiting().at(-1)).toBe(seq);
    expect(statSync(join(folder, "store.db")).size).toBeLessThanOrEqual((quotaMiB * 2 ** 20 * 7) / 8);
  });

  test("a gap that grew while it was told is told again, whole", () => {
    churn(150);
    const { gap } = store.outbox;
    churn(20);
    store.outbox.toldOf(gap!);
    expect(store.outbox.gap?.count).toBeGreaterThan(gap!.count);
    store.outbox.toldOf(store.outbox.gap!);
    expect(store.outbox.gap).toBeNull();
  });

  test("an incident that goes on for ever gives up its history, never its newest event, nor that of one that rests", () => {
    commit(event("rests", true));
    for (let i = 0; i < 150; i++) commit(...Array.from({ length: perCommit }, () => event("a", true)));
    const left = waiting();
    expect([left[0], left.at(-1), left.length < seq]).toEqual([1, seq, true]);
    expect(store.outbox.gap).toMatchObject({ first: 2, count: seq - left.length });
  });
});
