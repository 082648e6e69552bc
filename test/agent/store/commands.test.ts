import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Begun, commandMs, commandsMax } from "../../../agent/store/commands.ts";
import { inMemory, openFile } from "../../../agent/store/file.ts";
import { toDisk, toMemory } from "../../../agent/store/handover.ts";
import { migrations } from "../../../agent/store/migrations.ts";
import { openStore, type Store } from "../../../agent/store/store.ts";

/** What the store remembers of the centre's commands. */
let folder: string;
let path: string;
let store: Store;
const now = Date.UTC(2026, 0, 1);
const reports: string[] = [];
const open = (): Store =>
  openStore(path, () => "epoch", { wall: () => now, report: (code) => void reports.push(code) });
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-commands-"));
  path = join(folder, "store.db");
  reports.length = 0;
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});
const reopen = (): void => {
  store.close();
  store = open();
};
const one = (n: number, at = now, exp = at + 60_000): Begun => ({ cmdId: `c${n}`, nonce: `n${n}`, issuedAt: at, exp });
const count = (): number => {
  store.close();
  const db = new Database(path, { readonly: true });
  const found = db.prepare("SELECT count(*) AS n FROM command").get() as { n: number };
  db.close();
  store = open();
  return found.n;
};

test("before its effect it is known by its id and its nonce, after it with what came of it; also after a restart", () => {
  expect([store.commands.find("c1"), store.commands.taker("n1")]).toEqual([null, null]);
  expect(store.commands.begin(one(1), now)).toBe(true);
  expect(store.commands.begin(one(2), now)).toBe(true);
  store.commands.end("c2", '{"status":"ok"}');
  for (let round = 0; round < 2; round++) {
    expect(store.commands.find("c1")).toEqual({ result: null });
    expect(store.commands.find("c2")).toEqual({ result: '{"status":"ok"}' });
    expect([store.commands.taker("n1"), store.commands.taker("n2"), store.commands.taker("n3")]).toEqual([
      "c1",
      "c2",
      null,
    ]);
    reopen();
  }
});

test("it is forgotten after a day, not before, and from when on is known", () => {
  store.commands.begin(one(1, now - 1000), now);
  store.commands.begin(one(2, now + 5), now + commandMs);
  expect(store.commands.find("c1")).not.toBe(null);
  expect(store.commands.forgottenTo).toBe(0);
  store.commands.begin(one(3), now + commandMs + 1);
  expect([store.commands.find("c1"), store.commands.taker("n1")]).toEqual([null, null]);
  expect(store.commands.find("c2")).not.toBe(null);
  reopen();
  expect(store.commands.forgottenTo).toBe(now - 1000);
});

test("one that holds longer than a day, by a clock that is wrong, is kept as long as it holds", () => {
  store.commands.begin(one(1, now + 10 * commandMs), now);
  store.commands.begin(one(2, now + 5 * commandMs), now + 5 * commandMs);
  expect(store.commands.find("c1")).not.toBe(null);
});

const memory = () =>
  openFile(inMemory, { newEpoch: () => "m", crashSite: () => {}, pagesMax: 8192, checkpointPages: 64 });

test("there are never too many: the oldest that is over goes, and one that still holds never does", () => {
  const { commands, db } = memory();
  for (let n = 0; n < commandsMax; n++)
    expect(commands.begin(one(n, now + n, n === 0 ? now + commandMs : now + 10_000), now + 1000)).toBe(true);
  expect(commands.begin(one(-1), now + 1000)).toBe(false);
  expect(commands.find("c-1")).toBe(null);
  const later = now + 10_001;
  for (let n = commandsMax; n < commandsMax + 10; n++) expect(commands.begin(one(n, later), later)).toBe(true);
  expect(db.prepare("SELECT count(*) AS n FROM command").get()).toEqual({ n: commandsMax });
  expect(commands.find("c0")).not.toBe(null);
  expect([1, 10, 11].map((n) => commands.find(`c${n}`) === null)).toEqual([true, true, false]);
  expect(commands.forgottenTo).toBe(now + 10);
});

test("noted twice, since the disk seemed not to have taken it, it is there once", () => {
  const { commands } = memory();
  expect([commands.begin(one(1), now), commands.begin(one(1), now)]).toEqual([true, true]);
  commands.end("c1", "{}");
  expect(commands.find("c1")).toEqual({ result: "{}" });
});

test("it goes with the store into memory, and back onto the disk with what was commanded meanwhile", () => {
  const [disk, stand] = [memory(), memory()];
  disk.commands.begin(one(1, now - 5, now - 4), now - commandMs - 1);
  disk.commands.begin(one(2), now);
  disk.commands.begin(one(3), now);
  disk.commands.end("c2", '{"n":2}');
  const carriedTo = toMemory(disk, stand, 0);
  expect(stand.commands.find("c2")).toEqual({ result: '{"n":2}' });
  expect([stand.commands.taker("n3"), stand.commands.forgottenTo]).toEqual(["c3", now - 5]);
  stand.commands.end("c3", '{"n":3}');
  stand.commands.begin(one(4), now);
  toDisk(stand, disk, carriedTo, { epoch: disk.kept.epoch, lastSeq: 0 });
  expect(["c2", "c3", "c4"].map((id) => disk.commands.find(id)?.result)).toEqual(['{"n":2}', '{"n":3}', null]);
  expect([disk.commands.taker("n4"), disk.commands.forgottenTo]).toEqual(["c4", now - 5]);
});

test("a row that is not what was written makes a damaged store of it", () => {
  store.commands.begin(one(1), now);
  store.close();
  const db = new Database(path);
  db.exec("UPDATE command SET nonce = 'n9'");
  db.close();
  store = open();
  expect(store.health.loss?.why).toBe("a command is not what was written");
  expect(reports).toContain("storage.reset");
});

test("a store of the version before has room for them", () => {
  store.close();
  rmSync(path);
  rmSync(`${path}-last`, { force: true });
  const db = new Database(path);
  db.function("crc", { varargs: true, deterministic: true }, () => 0);
  for (const sql of migrations.slice(0, 1)) db.exec(sql);
  db.pragma("user_version = 1");
  db.close();
  store = open();
  expect(store.commands.begin(one(1), now)).toBe(true);
  expect(count()).toBe(1);
});
