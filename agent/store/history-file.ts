import Database from "better-sqlite3";

/**
 * The file of the history: tables and the statements on them, no policy. Samples stand in it three times in their life: a
 * row with all that came in some seconds (`fresh`), from which memory is filled again after a restart; a row for a stretch
 * of one point (`block`), so that looking at a point reads its own pages only; a row with 15-minute figures of two hours
 * (`roll`). All rows are appended, and the oldest go first: pages are written once. Times are the file's own, see history.ts.
 */
const schema = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
  CREATE TABLE point (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE fresh (id INTEGER PRIMARY KEY, stamp INTEGER NOT NULL, packed BLOB NOT NULL);
  CREATE TABLE block (
    id INTEGER PRIMARY KEY,
    point INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    stamp INTEGER NOT NULL, -- what makes wall time of its times, ms
    packed BLOB NOT NULL
  );
  CREATE INDEX block_point ON block (point, last);
  CREATE TABLE roll (
    id INTEGER PRIMARY KEY,
    point INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    packed BLOB NOT NULL
  );
  CREATE INDEX roll_point ON roll (point, last);

  -- Samples of a point around a raise: still to be put together, and there.
  CREATE TABLE wanted (
    incident TEXT NOT NULL,
    point INTEGER NOT NULL,
    raised INTEGER NOT NULL,
    PRIMARY KEY (incident, point)
  ) WITHOUT ROWID;
  CREATE TABLE evidence (
    id INTEGER PRIMARY KEY,
    incident TEXT NOT NULL,
    point INTEGER NOT NULL,
    raised INTEGER NOT NULL,
    first INTEGER NOT NULL,
    grown INTEGER NOT NULL, -- bytes of all that were ever kept, this one included
    packed BLOB NOT NULL
  );
  CREATE INDEX evidence_incident ON evidence (incident, point);
  PRAGMA user_version = 1;
`;
const version = 1;

export interface Block {
  readonly point: number;
  readonly first: number;
  readonly last: number;
  readonly stamp: number;
  readonly packed: Uint8Array;
}

export type HistoryFile = ReturnType<typeof openHistoryFile>;

/**
 * @param bytesMax more than this it never takes: what is to be added then throws SQLITE_FULL
 * @throws when it cannot be opened or is no history of this version
 */
export function openHistoryFile(path: string, bytesMax: number) {
  const db = new Database(path);
  try {
    db.pragma("locking_mode = EXCLUSIVE");
    db.pragma("journal_mode = WAL");
    // What a power cut takes away is some seconds of samples.
    db.pragma("synchronous = NORMAL");
    db.pragma("journal_size_limit = 8388608");
    const found = Number(db.pragma("user_version", { simple: true }));
    if (found === 0) db.exec(schema);
    else if (found !== version) throw new Database.SqliteError(`version ${found}, expected ${version}`, "SQLITE_ERROR");
    const pageBytes = Number(db.pragma("page_size", { simple: true }));
    const pagesMax = Math.max(64, Math.floor(bytesMax / pageBytes));
    db.pragma(`max_page_count = ${pagesMax}`);
    const count = (what: "page_count" | "freelist_count"): number => Number(db.pragma(what, { simple: true }));
    return {
      ...meta(db),
      ...blocks(db),
      ...rolls(db),
      ...evidence(db),
      /** Of what it may take. */
      usedShare: () => (count("page_count") - count("freelist_count")) / pagesMax,
      inOne: (work: () => void): void => db.transaction(work)(),
      close: () => void db.close(),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function meta(db: Database.Database) {
  const get = db.prepare<[string], { value: string | number }>("SELECT value FROM meta WHERE name = ?");
  const put = db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)");
  const intern = db.prepare("INSERT OR IGNORE INTO point (name) VALUES (?)");
  const idOf = db.prepare<[string], { id: number }>("SELECT id FROM point WHERE name = ?");
  const ids = db.transaction((names: readonly string[]): number[] =>
    names.map((name) => {
      const known = idOf.get(name);
      return known === undefined ? Number(intern.run(name).lastInsertRowid) : known.id;
    }),
  );
  const nameOf = db.prepare<[number], { name: string }>("SELECT name FROM point WHERE id = ?");
  return {
    meta: (name: string) => get.get(name)?.value ?? null,
    setMeta: (name: string, value: string | number): void => void put.run(name, value),
    /** Numbers for points, in their order; the same ones for ever. */
    ids,
    nameOf: (id: number): string | null => nameOf.get(id)?.name ?? null,
  };
}

function blocks(db: Database.Database) {
  const addFresh = db.prepare("INSERT INTO fresh VALUES (?, ?, ?)");
  const allFresh = db.prepare<[], { id: number; stamp: number; packed: Buffer }>("SELECT * FROM fresh ORDER BY id");
  const dropFresh = db.prepare("DELETE FROM fresh WHERE id < ?");
  const add = db.prepare("INSERT INTO block (point, first, last, stamp, packed) VALUES (?, ?, ?, ?, ?)");
  const of = db.prepare<[number, number], Block>("SELECT * FROM block WHERE point = ? AND last >= ? ORDER BY last");
  const drop = db.prepare("DELETE FROM block WHERE point = ? AND last < ?");
  const oldest = db.prepare<[], Pick<Block, "point" | "first" | "last">>(
    "SELECT point, first, last FROM block ORDER BY id LIMIT 1",
  );
  const firstOf = db.prepare<[number], { first: number }>(
    "SELECT first FROM block WHERE point = ? ORDER BY last LIMIT 1",
  );
  const lastOf = db.prepare<[number], { last: number }>(
    "SELECT last FROM block WHERE point = ? ORDER BY last DESC LIMIT 1",
  );
  // What is written last may end before what is written with it.
  const newest = db.prepare<[], { last: number; stamp: number }>(
    "SELECT last, stamp FROM (SELECT last, stamp FROM block ORDER BY id DESC LIMIT 5000) ORDER BY last DESC LIMIT 1",
  );
  const newestFresh = db.prepare<[], { stamp: number }>("SELECT stamp FROM fresh ORDER BY id DESC LIMIT 1");
  const dropOldest = db.prepare("DELETE FROM block WHERE id IN (SELECT id FROM block ORDER BY id LIMIT ?)");
  return {
    addFresh: (id: number, stamp: number, packed: Uint8Array): void => void addFresh.run(id, stamp, packed),
    fresh: () => allFresh.iterate(),
    dropFreshBefore: (id: number): void => void dropFresh.run(id),
    addBlock: ({ point, first, last, stamp, packed }: Block): void => void add.run(point, first, last, stamp, packed),
    /** Those of a point that reach to `from` or beyond, in the order of time. */
    blocksOf: (point: number, from: number) => of.iterate(point, from),
    /** Gives how many went. */
    dropBlocks: (point: number, before: number): number => drop.run(point, before).changes,
    oldestBlock: () => oldest.get() ?? null,
    /** Time of the newest sample in one. */
    newestBlock: (): number => newest.get()?.last ?? Number.NEGATIVE_INFINITY,
    newestStamp: (): number => newestFresh.get()?.stamp ?? newest.get()?.stamp ?? 0,
    firstOf: (point: number): number | null => firstOf.get(point)?.first ?? null,
    lastOf: (point: number): number => lastOf.get(point)?.last ?? Number.NEGATIVE_INFINITY,
    dropOldestBlocks: (count: number): number => dropOldest.run(count).changes,
  };
}

function rolls(db: Database.Database) {
  type Roll = Omit<Block, "stamp">;
  const add = db.prepare("INSERT INTO roll (point, first, last, packed) VALUES (?, ?, ?, ?)");
  const of = db.prepare<[number, number], Roll>("SELECT * FROM roll WHERE point = ? AND last > ? ORDER BY last");
  const lastOf = db.prepare<[number], { last: number }>(
    "SELECT last FROM roll WHERE point = ? ORDER BY last DESC LIMIT 1",
  );
  const drop = db.prepare(
    "DELETE FROM roll WHERE id IN (SELECT id FROM roll ORDER BY id LIMIT @count) AND last < @before",
  );
  return {
    addRoll: ({ point, first, last, packed }: Roll): void => void add.run(point, first, last, packed),
    rollsOf: (point: number, from: number) => of.iterate(point, from),
    /** Up to where a point is rolled up. */
    rolledUntil: (point: number): number => lastOf.get(point)?.last ?? Number.NEGATIVE_INFINITY,
    dropOldestRolls: (count: number, before: number): number => drop.run({ count, before }).changes,
  };
}

export interface Wanted {
  readonly incident: string;
  readonly point: number;
  readonly raised: number;
}

export interface Kept extends Wanted {
  readonly first: number;
  readonly packed: Uint8Array;
}

function evidence(db: Database.Database) {
  const want = db.prepare("INSERT OR IGNORE INTO wanted VALUES (?, ?, ?)");
  const wanted = db.prepare<[number, number], Wanted>("SELECT * FROM wanted WHERE raised <= ? LIMIT ?");
  const wantedOf = db.prepare<[string], Wanted>("SELECT * FROM wanted WHERE incident = ?");
  const unwant = db.prepare("DELETE FROM wanted WHERE incident = ? AND point = ?");
  const ends = db.prepare<[], { oldest: number | null; newest: number | null }>(`SELECT
    (SELECT grown - length(packed) FROM evidence ORDER BY id LIMIT 1) AS oldest,
    (SELECT grown FROM evidence ORDER BY id DESC LIMIT 1) AS newest`);
  const add = db.prepare(
    "INSERT INTO evidence (incident, point, raised, first, grown, packed) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const of = db.prepare<[string], Kept>("SELECT * FROM evidence WHERE incident = ? ORDER BY id");
  const drop = db.prepare(
    "DELETE FROM evidence WHERE id IN (SELECT id FROM evidence ORDER BY id LIMIT @count) AND raised < @before",
  );
  return {
    want: ({ incident, point, raised }: Wanted): void => void want.run(incident, point, raised),
    wanted: (raisedUntil: number, limit: number): readonly Wanted[] => wanted.all(raisedUntil, limit),
    allWanted: (): readonly Wanted[] => wanted.all(Number.MAX_SAFE_INTEGER, -1),
    wantedOf: (incident: string): readonly Wanted[] => wantedOf.all(incident),
    keepEvidence({ incident, point, raised, first, packed }: Kept): void {
      const grown = Number(ends.get()?.newest ?? 0) + packed.length;
      add.run(incident, point, raised, first, grown, packed);
      unwant.run(incident, point);
    },
    evidenceOf: (incident: string): readonly Kept[] => of.all(incident),
    /** Bytes of samples. */
    evidenceBytes(): number {
      const { oldest, newest } = ends.get() ?? { oldest: null, newest: null };
      return (newest ?? 0) - (oldest ?? 0);
    },
    dropOldestEvidence: (count: number, before: number): number => drop.run({ count, before }).changes,
  };
}
