import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/**
 * Who did what, and what was changed: a line of JSON for each, appended and synced, a file a month. Each line has the hash
 * of the one before it, so that a line that was changed, left out or put in breaks the chain.
 */
export interface Audit {
  /** On the disk when it returns. @throws where it is not */
  note(entry: AuditEntry, wall: number): void;
  /** Those of `wall` (ms since the Unix epoch) or later, oldest first; what is no line of an audit is left out. */
  since(wall: number): readonly AuditLine[];
  /** The newest that tells of this; null: none does. */
  newest(what: string): AuditLine | null;
  verify(): Verified;
}

export interface AuditEntry {
  readonly what: string;
  readonly by: string;
  /** What it is about: a selector, a device, a configuration's hash. */
  readonly target: string;
  readonly reason?: string;
  /** What came of it, and what else is to be known. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

export interface AuditLine extends AuditEntry {
  /** 1, 2, …, never twice. */
  readonly n: number;
  /** RFC 3339, UTC. */
  readonly at: string;
  /** Of the line before; "" of the first. */
  readonly prev: string;
  /** SHA-256 over `prev` and the line without it, 64 hex digits. */
  readonly hash: string;
}

export interface Verified {
  readonly lines: number;
  /** Number of the first line that is still kept: those before it had become too old. */
  readonly first: number | null;
  /** The newest line's; who has noted it elsewhere can tell that none was cut off. */
  readonly head: string;
  /** Where the chain is broken, and how; empty: nowhere. */
  readonly broken: readonly string[];
}

/** ≥ 13 months, whatever they take; older ones go when all take more than the quota. */
const monthsMin = 14;
const quotaBytes = 64 * 2 ** 20;
const monthFile = /^\d{4}-\d{2}\.jsonl$/;

/** The folder of the audit of a store. */
export const auditBeside = (store: string): string => `${store.replace(/\.db$/, "")}-audit`;

/** @throws when the folder can be neither read nor made */
export function openAudit(folder: string): Audit {
  if (!existsSync(folder)) mkdirSync(folder);
  let owed = mendTail(folder);
  let last = newestLine(folder, () => true);
  const note: Audit["note"] = (entry, wall) => {
    const file = fileFor(folder, wall);
    const line = chained(entry, wall, last);
    append(file, JSON.stringify(line));
    last = line;
    dropOld(folder);
  };
  return {
    note(entry, wall) {
      if (owed > 0) note({ what: "audit torn", by: "agent", target: folder, facts: { bytesLost: owed } }, wall);
      owed = 0;
      note(entry, wall);
    },
    newest: (what) => newestLine(folder, (line) => line.what === what),
    since(wall) {
      // A line is never in a file of a month before its own.
      const files = filesIn(folder).filter((file) => file >= monthIn(folder, wall));
      return files.flatMap(linesIn).flatMap(({ line }) => (line !== null && Date.parse(line.at) >= wall ? [line] : []));
    },
    verify: () => verifyAudit(folder),
  };
}

/** Whether nothing was changed, left out or put in. */
export function verifyAudit(folder: string): Verified {
  const broken: string[] = [];
  let before: AuditLine | null = null;
  let first: number | null = null;
  let lines = 0;
  for (const { place, line } of linesOf(folder)) {
    lines++;
    if (line === null) {
      broken.push(`${place}: is no line of an audit`);
      continue;
    }
    first ??= line.n;
    if (line.hash !== hashOf(line)) broken.push(`${place}: line ${line.n} is not what was written`);
    else if (before !== null && line.n !== before.n + 1)
      broken.push(`${place}: line ${line.n} follows line ${before.n}; what was between them is missing`);
    else if (before !== null && line.prev !== before.hash)
      broken.push(`${place}: line ${line.n} follows another line ${before.n} than was written`);
    before = line;
  }
  return { lines, first, head: before?.hash ?? "", broken };
}

/** The month's, but never one before the newest: a clock that went back must not put new lines before old ones. */
function fileFor(folder: string, wall: number): string {
  const month = monthIn(folder, wall);
  const newest = filesIn(folder).at(-1);
  return newest !== undefined && newest > month ? newest : month;
}

const monthIn = (folder: string, wall: number): string =>
  join(folder, `${new Date(wall).toISOString().slice(0, 7)}.jsonl`);

function chained(entry: AuditEntry, wall: number, last: AuditLine | null): AuditLine {
  const { what, by, target, reason, facts } = entry;
  const said = { what, by, target, ...(reason === undefined ? {} : { reason }), facts };
  const line = { n: (last?.n ?? 0) + 1, at: new Date(wall).toISOString(), ...said, prev: last?.hash ?? "", hash: "" };
  return { ...line, hash: hashOf(line) };
}

const hashOf = ({ hash: _, ...line }: AuditLine): string =>
  createHash("sha256").update(line.prev).update(JSON.stringify(line)).digest("hex");

function append(file: string, line: string): void {
  const isNew = !existsSync(file);
  const descriptor = openSync(file, "a", 0o640);
  const before = statSync(file).size;
  try {
    writeSync(descriptor, `${line}\n`);
    fsyncSync(descriptor);
  } catch (error) {
    // Half a line would spoil the next one.
    ftruncateSync(descriptor, before);
    throw error;
  } finally {
    closeSync(descriptor);
  }
  if (isNew) syncFolder(join(file, ".."));
}

/** So that a new file is still there after a power cut. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A power cut may leave half a line, which was not yet said to be there; how many bytes it had. */
function mendTail(folder: string): number {
  const newest = filesIn(folder).at(-1);
  if (newest === undefined) return 0;
  const text = readFileSync(newest);
  const whole = text.lastIndexOf("\n") + 1;
  if (whole === text.length) return 0;
  const descriptor = openSync(newest, "r+");
  try {
    ftruncateSync(descriptor, whole);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return text.length - whole;
}

function dropOld(folder: string): void {
  const files = filesIn(folder).map((file) => ({ file, bytes: statSync(file).size }));
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { file, bytes } of files.slice(0, -monthsMin)) {
    if (total <= quotaBytes) return;
    rmSync(file);
    total -= bytes;
  }
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => monthFile.test(name))
    .sort()
    .map((name) => join(folder, name));

interface Placed {
  readonly place: string;
  /** Null: it is none. */
  readonly line: AuditLine | null;
}

const linesOf = (folder: string): Placed[] => filesIn(folder).flatMap(linesIn);

const linesIn = (file: string): Placed[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .flatMap((text, i) => (text === "" ? [] : [{ place: `${file}:${i + 1}`, line: parsed(text) }]));

/** From the newest file on, so that as a rule one is read, however many there are. */
function newestLine(folder: string, isMeant: (line: AuditLine) => boolean): AuditLine | null {
  for (const file of filesIn(folder).toReversed()) {
    const found = linesIn(file).findLast(({ line }) => line !== null && isMeant(line))?.line ?? null;
    if (found !== null) return found;
  }
  return null;
}

function parsed(text: string): AuditLine | null {
  try {
    const line = JSON.parse(text) as AuditLine;
    const { n, at, what, by, target, facts, prev, hash } = line;
    const isOne = Number.isSafeInteger(n) && [at, what, by, target, prev, hash].every(isText) && isFacts(facts);
    return isOne && !Number.isNaN(Date.parse(line.at)) ? line : null;
  } catch {
    return null;
  }
}

const isFacts = (value: unknown): boolean => typeof value === "object" && value !== null;
const isText = (value: unknown): boolean => typeof value === "string";
