/** The schema, one step a version; a step that was released is never changed, a new one is added. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- What outlives a restart of each condition that is not simply normal and never was anything else.
  CREATE TABLE condition (key TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;

  -- The newest event of each open incident.
  CREATE TABLE incident (key TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;

  -- Events on their way; a row goes when its delivery was acknowledged.
  CREATE TABLE outbox (
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    persisted_at INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (epoch, seq)
  ) WITHOUT ROWID;

  -- Events that no sink can ever deliver, for people to look at.
  CREATE TABLE parked (epoch TEXT NOT NULL, seq INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (epoch, seq));
  `,
  `
  -- Every event, kept after its delivery for people to look back; expendable, see journal.ts.
  CREATE TABLE journal (
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    key TEXT NOT NULL,
    incident TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (epoch, seq)
  );
  CREATE INDEX journal_at ON journal (epoch, at, seq);
  CREATE INDEX journal_key ON journal (epoch, key, seq);
  CREATE INDEX journal_incident ON journal (epoch, incident, seq);
  `,
  `
  -- Who each device was when it was accepted, JSON.
  CREATE TABLE pinned (device TEXT PRIMARY KEY, identity TEXT NOT NULL) WITHOUT ROWID;
  `,
  `
  -- A record is longer than what a table WITHOUT ROWID keeps in its tree: each took a page of its own. A file has one
  -- epoch, so the sequence number alone is the key.
  CREATE TABLE queue (epoch TEXT NOT NULL, seq INTEGER PRIMARY KEY, persisted_at INTEGER NOT NULL, record TEXT NOT NULL);
  INSERT INTO queue SELECT epoch, seq, persisted_at, record FROM outbox;
  DROP TABLE outbox;
  ALTER TABLE queue RENAME TO outbox;

  CREATE TABLE newest (key TEXT PRIMARY KEY, record TEXT NOT NULL);
  INSERT INTO newest SELECT key, record FROM incident;
  DROP TABLE incident;
  ALTER TABLE newest RENAME TO incident;

  DROP INDEX journal_key;
  DROP INDEX journal_incident;
  CREATE INDEX journal_key ON journal (key, seq);
  CREATE INDEX journal_incident ON journal (incident, seq);
  `,
  `
  -- A flipped bit is no other value: each row that something rests on has a checksum.
  ALTER TABLE meta ADD COLUMN sum INTEGER;
  UPDATE meta SET sum = crc(name, value);
  ALTER TABLE condition ADD COLUMN sum INTEGER;
  UPDATE condition SET sum = crc(key, state);
  ALTER TABLE incident ADD COLUMN sum INTEGER;
  UPDATE incident SET sum = crc(key, record);
  ALTER TABLE pinned ADD COLUMN sum INTEGER;
  UPDATE pinned SET sum = crc(device, identity);

  -- The outbox in the order in which things happened, through all epochs.
  CREATE TABLE waiting (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    persisted_at INTEGER NOT NULL,
    key TEXT NOT NULL,
    record TEXT NOT NULL,
    sum INTEGER NOT NULL,
    UNIQUE (epoch, seq)
  );
  INSERT INTO waiting (epoch, seq, persisted_at, key, record, sum)
    SELECT epoch, seq, persisted_at, coalesce(incident.key, ''), outbox.record,
      crc(epoch, seq, persisted_at, outbox.record)
    FROM outbox LEFT JOIN incident ON incident.record = outbox.record ORDER BY seq;
  DROP TABLE outbox;
  ALTER TABLE waiting RENAME TO outbox;

  -- How many wait, known without counting them.
  CREATE TABLE tally (waiting INTEGER NOT NULL);
  INSERT INTO tally SELECT count(*) FROM outbox;

  -- Events that were given up unsent, which the centre is told.
  CREATE TABLE gap (
    epoch TEXT PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL
  ) WITHOUT ROWID;

  -- Incidents outlive an epoch.
  DROP INDEX journal_at;
  DROP INDEX journal_key;
  DROP INDEX journal_incident;
  CREATE INDEX journal_at ON journal (at);
  CREATE INDEX journal_key ON journal (key);
  CREATE INDEX journal_incident ON journal (incident);
  `,
  `
  -- A person's question looks through all of this index, which takes a few ms; an index for each kind of question made
  -- each event write pages all over the file.
  DROP INDEX journal_at;
  DROP INDEX journal_key;
  DROP INDEX journal_incident;
  CREATE INDEX journal_at ON journal (at, key, incident);
  `,
  `
  -- The centre's commands of the last day; times in ms since the Unix epoch, result JSON, or null while it is being done.
  CREATE TABLE command (
    cmd_id TEXT NOT NULL UNIQUE,
    nonce TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    exp INTEGER NOT NULL,
    kept_until INTEGER NOT NULL,
    result TEXT,
    sum INTEGER NOT NULL
  );
  CREATE INDEX command_until ON command (kept_until);
  `,
];
