import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { journalMax, journalMs } from "../../../agent/store/journal.ts";
import { migrations } from "../../../agent/store/migrations.ts";
import { type OutboundEvent, openStore, type Store } from "../../../agent/store/store.ts";

let folder: string;
let path: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-journal-"));
  path = join(folder, "store.db");
  store = openStore(path, () => "epoch-1");
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

interface Told {
  readonly seq: number;
  readonly at?: number;
  readonly key?: string;
  readonly incident?: string;
  readonly open?: boolean;
}
const event = ({ seq, at = seq, key = "k", incident = "i", open = true }: Told): OutboundEvent => ({
  seq,
  at,
  key,
  incident,
  open,
  persistedAt: at,
  record: `{"seq":${seq}}`,
});
const commit = (wallMs: number, ...events: readonly Told[]): void =>
  store.commit({
    clock: { engineMs: 0, wallMs, monoMs: 0, bootId: "b" },
    conditions: new Map(),
    events: events.map(event),
  });
const seqs = (records: readonly string[]): number[] => records.map((one) => (JSON.parse(one) as { seq: number }).seq);
const kept = (): number[] => seqs(store.journal.since(0, 0, 100_000));
const series = (from: number, to: number): Told[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ seq: from + i }));

describe("journal", () => {
  test("keeps events after their delivery, and through a restart", () => {
    commit(1, { seq: 1 }, { seq: 2, open: false });
    store.outbox.trim([1, 2]);
    store.close();
    store = openStore(path, () => "epoch-2");
    expect(store.outbox.depth).toBe(0);
    expect(kept()).toEqual([1, 2]);
  });

  test("the same commit twice is there once; one that fails is not there", () => {
    commit(1, { seq: 1 });
    commit(1, { seq: 1 });
    const broken = { ...event({ seq: 2 }), record: null as unknown as string };
    const clock = { engineMs: 0, wallMs: 1, monoMs: 0, bootId: "b" };
    expect(() => store.commit({ clock, conditions: new Map(), events: [broken] })).toThrow();
    expect(kept()).toEqual([1]);
  });

  test("one incident in order; the newest of a condition", () => {
    commit(1, { seq: 1, incident: "a" }, { seq: 2, key: "l", incident: "b" }, { seq: 3, incident: "a" });
    commit(2, { seq: 4, incident: "c" });
    const of = (...incidents: string[]) => seqs(store.journal.ofIncidents(incidents));
    expect([of("a"), of("z"), of("a", "z", "b"), of()]).toEqual([[1, 3], [], [1, 2, 3], []]);
    const newest = (...keys: string[]) => store.journal.newestOf(keys);
    expect([newest("k"), newest("l"), newest("m"), newest("l", "m", "k"), newest()]).toEqual([
      "c",
      "b",
      null,
      "c",
      null,
    ]);
  });

  test("what happened while the clock was wrong goes by what it says", () => {
    const now = journalMs + 1000;
    commit(now, { seq: 1, at: now });
    commit(now, { seq: 2, at: 1 });
    commit(now, { seq: 3, at: now });
    expect(kept()).toEqual([1, 3]);
  });

  test("of one epoch by number: what is kept, or still waits; and which those are", () => {
    commit(1, ...series(1, 200).map((one) => ({ ...one, at: 1 })));
    const later = journalMs + 1000;
    for (let seq = 201; seq < 210; seq++) commit(later, { seq, at: later });
    expect(store.journal.firstOf("epoch-1")).toBe(201);
    store.outbox.trim([...Array(60).keys()].map((i) => i + 41));
    const { journal } = store;
    expect(journal.rangesOf("epoch-1", 1, 999)).toEqual([
      [1, 40],
      [101, 209],
    ]);
    expect(journal.rangesOf("epoch-1", 30, 120)).toEqual([
      [30, 40],
      [101, 120],
    ]);
    expect(seqs(journal.between("epoch-1", 39, 102).map(({ record }) => record))).toEqual([39, 40, 101, 102]);
    expect([journal.rangesOf("other", 1, 999), journal.between("other", 1, 9), journal.firstOf("other")]).toEqual([
      [],
      [],
      null,
    ]);
  });

  test.each<[string, number, number, number, readonly number[]]>([
    ["all", 0, 0, 100, [1, 2, 3, 4, 5]],
    ["since a time, what happened just then too", 30, 0, 100, [3, 5]],
    ["a page", 0, 0, 2, [1, 2]],
    ["the next page", 0, 2, 2, [3, 4]],
    ["the last page", 0, 4, 2, [5]],
    ["nothing so late", 99, 0, 100, []],
  ])("events since: %s", (_, wall, seq, limit, expected) => {
    // Before the fourth the clock was set back.
    commit(1, ...[10, 20, 30, 5, 40].map((at, i) => ({ seq: i + 1, at })));
    expect(seqs(store.journal.since(wall, seq, limit))).toEqual(expected);
  });

  test("goes on through epochs, page by page", () => {
    commit(1, { seq: 1, incident: "a" }, { seq: 2, incident: "b" });
    store.close();
    const db = new Database(path);
    db.exec(`UPDATE meta SET value = 'epoch-2', sum = ${crc32("epoch", crc32("epoch-2"))} WHERE name = 'epoch'`);
    db.close();
    store = openStore(path, () => "none");
    commit(2, { seq: 1, incident: "a" }, { seq: 2, incident: "c" });
    expect(seqs(store.journal.since(0, 0, 100))).toEqual([1, 2, 1, 2]);
    expect(seqs(store.journal.since(0, 2, 100, "epoch-1"))).toEqual([1, 2]);
    expect(seqs(store.journal.since(0, 1, 100, "epoch-2"))).toEqual([2]);
    expect(seqs(store.journal.ofIncidents(["a"]))).toEqual([1, 1]);
    expect(store.journal.newestOf(["k"])).toBe("c");
  });

  test("the oldest go when there are too many, some with each commit and never more than a few", () => {
    for (let from = 1; from <= journalMax; from += 5000) commit(1, ...series(from, from + 4999));
    expect(kept().length).toBe(journalMax);
    commit(1, { seq: journalMax + 1 });
    expect([kept()[0], kept().length]).toEqual([2, journalMax]);
  });

  test("what is too old goes in steps; what waits or is open stays", () => {
    commit(1, ...series(1, 200).map((one) => ({ ...one, at: 1, key: `k${one.seq}` })));
    const later = journalMs + 1000;
    commit(later, { seq: 201, at: later });
    const left = kept();
    expect(left.length).toBeGreaterThan(100);
    expect(left.length).toBeLessThan(200);
    for (let seq = 202; seq < 210; seq++) commit(later, { seq, at: later });
    expect(kept()[0]).toBe(201);
    expect(store.outbox.depth).toBe(209);
    store.close();
    store = openStore(path, () => "epoch-2");
    expect(store.kept.incidents.size).toBe(201);
  });

  test("a store from before there was one goes on with all it has", () => {
    store.close();
    for (const name of [path, `${path}-last`]) rmSync(name);
    const old = new Database(path);
    old.exec(migrations[0]!);
    old.pragma("user_version = 1");
    old.exec(`
      INSERT INTO meta VALUES ('epoch', 'epoch-0'), ('lastSeq', '7');
      INSERT INTO condition VALUES ('k', '{"n":1}');
      INSERT INTO incident VALUES ('k', '{"seq":7}');
      INSERT INTO outbox VALUES ('epoch-0', 7, 70, '{"seq":7}');
      INSERT INTO parked VALUES ('epoch-0', 3, '{"seq":3}');`);
    old.close();
    store = openStore(path, () => "epoch-2");
    expect(store.kept).toMatchObject({ epoch: "epoch-0", lastSeq: 7 });
    expect([...store.kept.conditions, ...store.kept.incidents]).toEqual([
      ["k", '{"n":1}'],
      ["k", '{"seq":7}'],
    ]);
    expect(store.outbox.after(0, 10)).toEqual([{ position: 1, seq: 7, persistedAt: 70, record: '{"seq":7}' }]);
    expect(kept()).toEqual([]);
    commit(1, { seq: 8 });
    expect(kept()).toEqual([8]);
  });
});
