import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cycle, type Kept, openStore, type Store } from "../../../agent/store/store.ts";

/**
 * A store as a killed agent leaves it, file and write-ahead log, is damaged in all sorts of ways. It must open each time, and
 * either have exactly what was committed, or say that it has not.
 */
const events = 400;
const epoch = "00000000-0000-4000-8000-000000000001";
/** Without a disk below it, where there is one. */
const scratch = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
let made: string;
/** As it is after a good end: there is no log. */
let closed: string;
let truth: Kept;
let unsent: string[];

const cycle = (n: number): Cycle => ({
  clock: { engineMs: n, wallMs: n, monoMs: n, bootId: "b" },
  calls: `{"n":${n}}`,
  conditions: new Map([[`c${n % 20}`, JSON.stringify({ n, latches: [], text: "x".repeat(100) })]]),
  events: [
    {
      seq: n,
      at: n,
      incident: `i${n % 20}`,
      key: `c${n % 20}`,
      open: n % 3 !== 0,
      persistedAt: n,
      record: JSON.stringify({ epoch, seq: n, conditionKey: `c${n % 20}`, text: "y".repeat(300) }),
    },
  ],
});
const recordsOf = (store: Store): string[] => store.outbox.after(0, 10_000).map(({ record }) => record);
const parts = ["store.db", "store.db-wal", "store.db-last"] as const;

beforeAll(() => {
  const folder = mkdtempSync(join(scratch, "mepwatch-damage-"));
  made = mkdtempSync(join(scratch, "mepwatch-made-"));
  const path = join(folder, "store.db");
  let store = openStore(path, () => epoch);
  store.acceptConfig({ "site.yaml": "version: 1" });
  for (let n = 1; n <= events; n++) store.commit(cycle(n));
  store.close();
  store = openStore(path, () => epoch);
  for (let n = events + 1; n <= events + 40; n++) store.commit(cycle(n));
  // As it is when the process is killed now.
  for (const part of parts) copyFileSync(join(folder, part), join(made, part));
  store.close();
  store = openStore(path, () => epoch);
  truth = store.kept;
  unsent = recordsOf(store);
  store.close();
  closed = folder;
});
afterAll(() => {
  for (const folder of [made, closed]) rmSync(folder, { recursive: true });
});

let state = 20_260_101;
const random = (below: number): number => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

interface Outcome {
  readonly what: string;
  readonly isTold: boolean;
  readonly isTrue: boolean;
}

/** Opens what `damage` left of the store, looks whether it has what it had, and whether it works. */
function opened(what: string, damage: (folder: string) => void, from = made): Outcome {
  const folder = mkdtempSync(join(scratch, "mepwatch-damaged-"));
  try {
    for (const part of readdirSync(from)) copyFileSync(join(from, part), join(folder, part));
    damage(folder);
    const told: string[] = [];
    const path = join(folder, "store.db");
    const store = openStore(path, () => "00000000-0000-4000-8000-000000000002", {
      wall: () => Date.UTC(2026, 0, 1),
      report: (code) => void told.push(code),
    });
    const isKept = ["epoch", "lastSeq", "clock", "calls", "conditions", "incidents"].every(
      (name) => JSON.stringify(plain(store.kept)[name]) === JSON.stringify(plain(truth)[name]),
    );
    const records = recordsOf(store);
    // An unreadable one is empty, and set aside by whoever sends it.
    const isUnsent = records.length === unsent.length && records.every((one, i) => one === "" || one === unsent[i]);
    const isTold = told.includes("storage.reset");
    expect(store.health.loss !== null, what).toBe(isTold);
    if (isTold) {
      expect(store.kept.epoch, what).not.toBe(epoch);
      expect(store.health.loss!.file === null || existsSync(store.health.loss!.file), what).toBe(true);
    }
    const seq = store.kept.lastSeq + 1;
    const next = cycle(1000);
    store.commit({ ...next, events: next.events.map((one) => ({ ...one, seq })) });
    store.close();
    const again = openStore(path, () => "epoch-3");
    expect(again.kept.lastSeq, what).toBe(seq);
    again.close();
    return { what, isTold, isTrue: isKept && isUnsent };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const plain = (kept: Kept): Record<string, unknown> => ({
  ...kept,
  conditions: [...kept.conditions],
  incidents: [...kept.incidents],
});

describe("a damaged store", () => {
  test("200 corruptions: opens each time, and never says less, or something else, than it had without telling", () => {
    const outcomes = Array.from({ length: 200 }, (_, i) => {
      const from = i % 4 < 2 ? closed : made;
      const part = parts[i % 4 === 3 ? 1 : 0];
      const size = statSync(join(from, part)).size;
      // Half of them in the first two pages, where a file says what it is.
      const at = random(i % 2 === 0 ? size : 8192);
      const bytes = 1 + random(i % 5 === 0 ? 600 : 4);
      const fill = i % 5 === 0 ? 0 : null;
      return opened(
        `${i}: ${bytes} bytes of ${part} at ${at}`,
        (folder) => {
          const content = readFileSync(join(folder, part));
          for (let k = at; k < Math.min(content.length, at + bytes); k++)
            content[k] = fill ?? content[k]! ^ (1 + random(255));
          writeFileSync(join(folder, part), content);
        },
        from,
      );
    });
    expect(outcomes.filter(({ isTold, isTrue }) => !isTold && !isTrue)).toEqual([]);
    // Otherwise nothing was tried.
    expect(outcomes.filter(({ isTold }) => isTold).length).toBeGreaterThan(50);
  });

  test("50 truncations: opens each time, and tells what is missing", () => {
    const outcomes = Array.from({ length: 50 }, (_, i) => {
      const part = parts[i % 2]!;
      const { size } = statSync(join(made, part));
      const to = i < 4 ? [0, 0, 100, 32][i]! : random(size);
      return opened(`${i}: ${part} cut to ${to}`, (folder) => truncateSync(join(folder, part), to));
    });
    expect(outcomes.filter(({ isTold, isTrue }) => !isTold && !isTrue)).toEqual([]);
  });

  test.each([0, 1, 2, 4, 99])("a header that says version %i is no other version", (version) => {
    const folder = mkdtempSync(join(scratch, "mepwatch-version-"));
    const path = join(folder, "store.db");
    for (const part of readdirSync(closed)) copyFileSync(join(closed, part), join(folder, part));
    const content = readFileSync(path);
    content.writeUInt32BE(version, 60);
    writeFileSync(path, content);
    const store = openStore(path, () => "epoch-2");
    expect(store.health.loss?.why).toMatch(/it says of itself to be of version/);
    store.close();
    rmSync(folder, { recursive: true });
  });

  test.each([
    ["a condition", '{"n":440,"latches"', "{"],
    ["an open incident", '{"epoch":"00000000-0000-4000-8000-000000000001","seq":440', "{"],
    ["the clock", '{"engineMs":440', "{"],
    ["the configuration", '"version: 1"', "v"],
  ])("one letter of %s: SQLite sees nothing wrong, and it is told all the same", (_, needle, letter) => {
    const folder = mkdtempSync(join(scratch, "mepwatch-letter-"));
    const path = join(folder, "store.db");
    for (const part of readdirSync(closed)) copyFileSync(join(closed, part), join(folder, part));
    const content = readFileSync(path);
    let found = 0;
    for (let at = content.indexOf(needle); at >= 0; at = content.indexOf(needle, at + 1)) {
      content[content.indexOf(letter, at)] = "#".charCodeAt(0);
      found++;
    }
    expect(found).toBeGreaterThan(0);
    writeFileSync(path, content);
    const store = openStore(path, () => "epoch-2");
    expect(store.acceptedConfig()).toBeNull();
    expect([store.epoch, store.health.loss?.why]).toEqual([
      "epoch-2",
      expect.stringMatching(/is not what was written/),
    ]);
    store.close();
    rmSync(folder, { recursive: true });
  });

  test("what is set aside keeps every byte, and what it tells is told", () => {
    const folder = mkdtempSync(join(scratch, "mepwatch-aside-"));
    const path = join(folder, "store.db");
    const content = readFileSync(join(made, "store.db"));
    content.fill(0, 4096 * 3, 4096 * 4);
    writeFileSync(path, content);
    const told: Record<string, unknown>[] = [];
    const store = openStore(path, () => "epoch-2", {
      wall: () => Date.UTC(2026, 0, 1, 12),
      report: (code, facts) => void told.push({ code, ...facts }),
    });
    const aside = `${path}.corrupt-20260101T120000Z`;
    expect(readdirSync(folder)).toContain("store.db.corrupt-20260101T120000Z");
    expect(readFileSync(aside).equals(content)).toBe(true);
    expect(told).toMatchObject([{ code: "storage.reset", file: aside }]);
    expect(store.acceptedConfig()).toBeNull();
    // Whoever compares them must not take the new connection for an older one.
    expect(store.nextBdSeq()).toBeGreaterThan(1_000_000);
    // Until it is told, each start has it to tell.
    store.close();
    const second = openStore(path, () => "none");
    expect(second.health.loss).not.toBeNull();
    second.lossTold();
    second.close();
    const third = openStore(path, () => "none");
    expect(third.health.loss).toBeNull();
    third.close();
    rmSync(folder, { recursive: true });
  });

  test("no more than three stay beside it", () => {
    const folder = mkdtempSync(join(scratch, "mepwatch-many-"));
    const path = join(folder, "store.db");
    for (let n = 0; n < 5; n++) {
      writeFileSync(path, `no database, the ${n}th`.repeat(300));
      openStore(path, () => "e", { wall: () => n * 1000 }).close();
    }
    const asides = readdirSync(folder).filter((name) => /corrupt-\w+$/.test(name));
    expect(asides.sort()).toEqual([2, 3, 4].map((n) => `store.db.corrupt-19700101T00000${n}Z`));
    rmSync(folder, { recursive: true });
  });

  test("damage that shows only later: a new file, a new epoch, and what comes is kept", () => {
    const folder = mkdtempSync(join(scratch, "mepwatch-later-"));
    const path = join(folder, "store.db");
    /** Together more than SQLite's cache. */
    const big = (n: number): Cycle => {
      const { events: some, ...rest } = cycle(n);
      return { ...rest, events: some.map((one) => ({ ...one, record: "z".repeat(500_000) })) };
    };
    const store = openStore(path, () => `epoch-${readdirSync(folder).length}`);
    for (let n = 1; n <= 60; n++) store.commit(big(n));
    const { epoch: before } = store;
    // Behind the agent's back: SQLite has what it read last in its cache, and finds out when it reads what is older.
    const content = readFileSync(path);
    writeFileSync(path, content.fill(0xff, 4096), { flag: "r+" });
    store.outbox.after(0, 10_000);
    expect(store.epoch).not.toBe(before);
    expect(store.health).toMatchObject({ degraded: null, loss: { file: expect.stringContaining(".corrupt-") } });
    store.commit({ ...cycle(1), incidents: new Map([["k", "{}"]]) });
    expect(recordsOf(store).length).toBe(1);
    store.close();
    const again = openStore(path, () => "none");
    expect(again.kept.incidents.has("k")).toBe(true);
    again.close();
    rmSync(folder, { recursive: true });
  });
});
