import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CrashSite } from "../../../agent/env.ts";
import { inMemory, openFile } from "../../../agent/store/file.ts";
import { secondPathName, toMemory } from "../../../agent/store/handover.ts";
import { migrations } from "../../../agent/store/migrations.ts";
import { type Cycle, openStore, type Store } from "../../../agent/store/store.ts";

let folder: string;
let path: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-store-"));
  path = join(folder, "store.db");
  store = openStore(path, () => "epoch-1");
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const of = { at: 5, incident: "i" };
const clock = { engineMs: 5, wallMs: 6, monoMs: 7, bootId: "b" };
const cycle = (...seqs: number[]): Cycle => ({
  clock,
  conditions: new Map([["k", `{"n":${seqs.at(-1)}}`]]),
  events: seqs.map((seq) => ({ ...of, seq, key: "k", open: true, persistedAt: seq * 10, record: `{"seq":${seq}}` })),
});
const reopen = (): Store => {
  store.close();
  store = openStore(path, () => "epoch-2");
  return store;
};

const everythingIn = ({ kept, outbox, acceptedConfig }: Store) => ({
  kept,
  waiting: outbox.after(0, 10),
  config: acceptedConfig(),
});

describe("store", () => {
  test("what was committed is there after a restart", () => {
    store.commit({ ...cycle(1), calls: '{"n":1}' });
    store.commit(cycle(2));
    const { kept, outbox } = reopen();
    expect(kept).toEqual({
      epoch: "epoch-1",
      lastSeq: 2,
      clock,
      calls: '{"n":1}',
      plans: null,
      conditions: new Map([["k", '{"n":2}']]),
      incidents: new Map([["k", '{"seq":2}']]),
    });
    expect(outbox.after(0, 10).map(({ seq }) => seq)).toEqual([1, 2]);
    expect(outbox.depth).toBe(2);
  });

  test("what was learnt of a bus is there again, each bus's its own", () => {
    store.keepLearnt("meters", "[1]");
    store.keepLearnt("pdus", "[2]");
    store.keepLearnt("meters", "[3]");
    const again = reopen();
    expect(["meters", "pdus", "none"].map((bus) => again.learnt(bus))).toEqual(["[3]", "[2]", null]);
  });

  test("who a device is outlives a restart; the newest counts", () => {
    store.pin("d0", '{"parts":{"serial":"A"}}');
    store.pin("d1", "{}");
    store.pin("d0", '{"parts":{"serial":"B"}}');
    expect(reopen().pinned()).toEqual(
      new Map([
        ["d0", '{"parts":{"serial":"B"}}'],
        ["d1", "{}"],
      ]),
    );
  });

  test("what was told past the centre outlives a restart, and a disk that fails", () => {
    expect(store.secondPath()).toBeNull();
    store.keepSecondPath('{"n":1}');
    store.keepSecondPath('{"n":2}');
    expect(reopen().secondPath()).toBe('{"n":2}');
    const options = { newEpoch: () => "e", crashSite: () => {}, pagesMax: 1000, checkpointPages: 100 };
    const [disk, memory] = [openFile(join(folder, "other.db"), options), openFile(inMemory, options)];
    disk.meta.set(secondPathName, "told");
    toMemory(disk, memory, 0);
    expect(memory.meta.get(secondPathName)).toBe("told");
    disk.close();
    memory.close();
  });

  test("whether an event waits is known by its epoch and number", () => {
    store.commit(cycle(1, 2));
    store.outbox.trim([1]);
    expect([1, 2, 3].map((seq) => store.outbox.waits("epoch-1", seq))).toEqual([false, true, false]);
    expect(store.outbox.waits("epoch-2", 2)).toBe(false);
  });

  test("the same cycle twice is there once", () => {
    store.commit(cycle(1));
    store.commit(cycle(1));
    expect(store.outbox.after(0, 10).length).toBe(1);
    expect(reopen().outbox.depth).toBe(1);
  });

  test("a commit that fails leaves nothing behind, and can be repeated", () => {
    const broken = { ...cycle(1), conditions: new Map([["k", null as unknown as string]]) };
    expect(() => store.commit(broken)).toThrow();
    expect(store.outbox.depth).toBe(0);
    store.commit(cycle(1));
    expect(store.outbox.depth).toBe(1);
  });

  test("a cleared incident is no longer open", () => {
    store.commit(cycle(1));
    store.commit({ ...cycle(2), events: [{ ...of, seq: 2, key: "k", open: false, persistedAt: 1, record: "{}" }] });
    expect(reopen().kept.incidents.size).toBe(0);
  });

  test("trimmed and parked events are gone from the outbox for good", () => {
    store.commit(cycle(1, 2, 3));
    store.outbox.trim([1]);
    store.outbox.trim([1]);
    store.outbox.park(2);
    expect([store.outbox.first, store.outbox.depth, store.outbox.oldestAt]).toEqual([3, 1, 30]);
    expect(
      reopen()
        .outbox.after(0, 10)
        .map(({ seq }) => seq),
    ).toEqual([3]);
    store.outbox.trim([3]);
    expect([store.outbox.first, store.outbox.depth, store.outbox.oldestAt]).toEqual([null, 0, null]);
  });

  test("keeps the accepted configuration and never repeats a bdSeq", () => {
    expect(store.acceptedConfig()).toBeNull();
    store.acceptConfig({ "site.yaml": "version: 1" });
    expect([store.nextBdSeq(), store.nextBdSeq()]).toEqual([1, 2]);
    expect(reopen().acceptedConfig()).toEqual({ "site.yaml": "version: 1" });
    expect(store.nextBdSeq()).toBe(3);
  });

  /** What is broken off there must be as if it had never begun. */
  test.each<[CrashSite, (store: Store) => void]>([
    ["between-state-and-events", (one) => one.commit(cycle(4))],
    ["between-event-and-incident", (one) => one.commit(cycle(4))],
    ["before-commit-ends", (one) => one.commit(cycle(4))],
    ["in-trim", ({ outbox }) => outbox.trim([1, 2])],
    ["in-park", ({ outbox }) => outbox.park(2)],
    ["before-accept", (one) => one.acceptConfig({ "site.yaml": "version: 2" })],
  ])("%s is all or nothing", (site, work) => {
    store.acceptConfig({ "site.yaml": "version: 1" });
    store.commit(cycle(1, 2, 3));
    const before = everythingIn(reopen());
    store.close();
    let isBroken = false;
    const crashSite = (name: CrashSite): void => {
      isBroken = name === site;
      if (isBroken) throw new Error("broken off");
    };
    store = openStore(path, () => "epoch-2", { crashSite });
    expect(() => work(store)).toThrow("broken off");
    expect(everythingIn(reopen())).toEqual(before);
    work(store);
    expect(everythingIn(reopen())).not.toEqual(before);
  });

  test("what waits in a store of an older version waits in this one", () => {
    store.close();
    const old = join(folder, "old.db");
    const db = new Database(old);
    for (const sql of migrations.slice(0, 2)) db.exec(sql);
    db.pragma("user_version = 2");
    db.exec("INSERT INTO meta VALUES ('epoch', 'epoch-0'), ('lastSeq', '12')");
    for (const seq of [11, 12]) db.prepare("INSERT INTO outbox VALUES ('epoch-0', ?, 7, ?)").run(seq, `{"seq":${seq}}`);
    db.prepare("INSERT INTO incident VALUES ('k', ?)").run('{"seq":12}');
    db.close();
    store = openStore(old, () => "epoch-1");
    expect(store.kept).toMatchObject({ epoch: "epoch-0", lastSeq: 12, incidents: new Map([["k", '{"seq":12}']]) });
    expect(store.outbox.after(0, 10)).toEqual([
      { position: 1, seq: 11, persistedAt: 7, record: '{"seq":11}' },
      { position: 2, seq: 12, persistedAt: 7, record: '{"seq":12}' },
    ]);
    expect(store.outbox.depth).toBe(2);
  });

  test("refuses the store of a newer version, saying so", () => {
    store.close();
    const db = new Database(path);
    db.pragma("user_version = 99");
    db.exec(`INSERT OR REPLACE INTO meta VALUES ('schema', '99', ${crc32("schema", crc32("99"))})`);
    db.close();
    expect(() => openStore(path, () => "e")).toThrow(/newer version \(99\).*Upgrade/);
    store = openStore(join(folder, "other.db"), () => "e");
  });

  test("a migration keeps a copy of what was there, which the older version can use", () => {
    const old = join(folder, "old.db");
    makeOld(old);
    store.close();
    store = openStore(old, () => "none");
    expect(store.kept).toMatchObject({ epoch: "epoch-0", lastSeq: 7 });
    expect(store.outbox.depth).toBe(1);
    const copy = new Database(`${old}.before-${migrations.length}`, { readonly: true });
    expect(copy.pragma("user_version", { simple: true })).toBe(2);
    expect(copy.prepare("SELECT seq, record FROM outbox").all()).toEqual([{ seq: 7, record: '{"seq":7}' }]);
    copy.close();
  });

  test("a migration that fails leaves the old file as it was", () => {
    const old = join(folder, "old.db");
    // It stands in the way of what the migration makes.
    makeOld(old, "CREATE TABLE waiting (x)");
    expect(() => openStore(old, () => "none")).toThrow(/waiting already exists/);
    const left = new Database(old);
    expect(left.pragma("user_version", { simple: true })).toBe(2);
    expect(left.prepare("SELECT seq, record FROM outbox").all()).toEqual([{ seq: 7, record: '{"seq":7}' }]);
    expect(left.pragma("integrity_check", { simple: true })).toBe("ok");
    left.close();
  });

  test("the order of what waits goes on through an epoch; what was sent is not sent again", () => {
    store.commit(cycle(1, 2));
    const last = store.outbox.after(0, 10).at(-1)!.position;
    store.outbox.trim([1, 2]);
    reopen().commit(cycle(3));
    expect(store.outbox.after(last, 10).map(({ seq }) => seq)).toEqual([3]);
  });
});

function makeOld(path: string, more = ""): void {
  const old = new Database(path);
  for (const sql of migrations.slice(0, 2)) old.exec(sql);
  old.pragma("user_version = 2");
  old.exec(`
    INSERT INTO meta VALUES ('epoch', 'epoch-0'), ('lastSeq', '7');
    INSERT INTO outbox VALUES ('epoch-0', 7, 70, '{"seq":7}');
    ${more}`);
  old.close();
}
