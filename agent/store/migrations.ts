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
];
