import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AuditEntry, openAudit, verifyAudit } from "../../../agent/store/audit.ts";

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "mepwatch-audit-")), "audit");
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true }));

const at = (text: string): number => Date.parse(`${text}Z`);
const entry = (what: string, also: Partial<AuditEntry> = {}): AuditEntry => ({
  what,
  by: "anna",
  target: "ups-a",
  facts: { obeyed: 1 },
  ...also,
});
const newest = (): string => join(folder, readdirSync(folder).sort().at(-1)!);
const linesIn = (file: string): string[] => readFileSync(file, "utf8").trimEnd().split("\n");

describe("what was done is written down", () => {
  test("in order, with who, what and why, also over a restart and the end of a month", () => {
    const audit = openAudit(folder);
    audit.note(entry("ack"), at("2026-11-30T23:59:59"));
    audit.note(entry("shelve", { reason: "door open" }), at("2026-12-01T00:00:01"));
    const again = openAudit(folder);
    again.note(entry("unshelve"), at("2026-12-01T08:00:00"));
    expect(readdirSync(folder).sort()).toEqual(["2026-11.jsonl", "2026-12.jsonl"]);
    expect(again.since(0).map(({ n, what, reason = "" }) => `${n} ${what} ${reason}`)).toEqual([
      "1 ack ",
      "2 shelve door open",
      "3 unshelve ",
    ]);
    expect(again.since(at("2026-12-01T00:00:01")).map(({ n }) => n)).toEqual([2, 3]);
    expect(again.verify()).toEqual({ lines: 3, first: 1, head: again.since(0)[2]!.hash, broken: [] });
  });

  test("behind what there is, also by a clock that went back", () => {
    const audit = openAudit(folder);
    audit.note(entry("ack"), at("2026-11-30T12:00:00"));
    audit.note(entry("unack"), at("1970-01-01T00:00:05"));
    expect(readdirSync(folder)).toEqual(["2026-11.jsonl"]);
    expect(audit.verify().broken).toEqual([]);
  });

  test("an empty one is whole", () => {
    expect(openAudit(folder).verify()).toEqual({ lines: 0, first: null, head: "", broken: [] });
  });
});

describe("that a line was tampered with shows, and where", () => {
  const tampered: [string, (lines: string[]) => string[], RegExp][] = [
    ["changed", (lines) => lines.map((line) => line.replace("what3", "what9")), /:3: line 3 is not what was written/],
    ["left out", ([a, b, _, ...rest]) => [a!, b!, ...rest], /:3: line 4 follows line 2; what was between/],
    ["told twice", ([a, ...rest]) => [a!, a!, ...rest], /:2: line 1 follows line 1/],
    ["put elsewhere", ([a, b, c, ...rest]) => [a!, c!, b!, ...rest], /:2: line 3 follows line 1/],
    [
      "made of other things",
      ([a, _, ...rest]) => [a!, '{"n":2,"at":"2026-11-01","what":"x"}', ...rest],
      /:2: is no line/,
    ],
    ["no line at all", ([a, _, ...rest]) => [a!, "{", ...rest], /:2: is no line of an audit/],
  ];
  test.each(tampered)("%s", (_, change, expected) => {
    const audit = openAudit(folder);
    for (let i = 1; i <= 5; i++) audit.note(entry(`what${i}`), at("2026-11-01T00:00:00") + i);
    expect(audit.verify().broken).toEqual([]);
    writeFileSync(newest(), `${change(linesIn(newest())).join("\n")}\n`);
    expect(verifyAudit(folder).broken[0]).toMatch(expected);
  });

  test("made anew with a right hash of its own, by the next one", () => {
    const other = openAudit(`${folder}-2`);
    const audit = openAudit(folder);
    for (let i = 1; i <= 3; i++) audit.note(entry(`what${i}`), i);
    for (let i = 1; i <= 3; i++) other.note(entry(i === 2 ? "forged" : `what${i}`), i);
    const [one, , three] = linesIn(newest());
    const forged = linesIn(join(`${folder}-2`, "1970-01.jsonl"))[1]!;
    writeFileSync(newest(), `${[one, forged, three].join("\n")}\n`);
    expect(verifyAudit(folder).broken).toEqual([
      expect.stringMatching(/:3: line 3 follows another line 2 than was written/),
    ]);
  });

  test("cut off at the end, by who has noted the head", () => {
    const audit = openAudit(folder);
    for (let i = 1; i <= 3; i++) audit.note(entry(`what${i}`), i);
    const { head } = audit.verify();
    writeFileSync(newest(), `${linesIn(newest()).slice(0, 2).join("\n")}\n`);
    expect(verifyAudit(folder)).toMatchObject({ broken: [], lines: 2 });
    expect(verifyAudit(folder).head).not.toBe(head);
  });
});

test("half a line that a power cut left is taken away, and that is written down", () => {
  openAudit(folder).note(entry("ack"), 1);
  appendFileSync(newest(), '{"n":2,"at":"1970');
  const audit = openAudit(folder);
  audit.note(entry("unack"), 2);
  expect(audit.since(0).map(({ what, facts }) => `${what} ${JSON.stringify(facts)}`)).toEqual([
    'ack {"obeyed":1}',
    'audit torn {"bytesLost":17}',
    'unack {"obeyed":1}',
  ]);
  expect(audit.verify().broken).toEqual([]);
});

test("a line that the disk does not take is told, and leaves nothing behind", () => {
  const audit = openAudit(folder);
  audit.note(entry("ack"), 1);
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  expect(() => audit.note(entry("x", { facts: circle as never }), 2)).toThrow();
  rmSync(folder, { recursive: true });
  expect(() => audit.note(entry("lost"), 3)).toThrow(/ENOENT/);
});

test("fourteen months stay whatever they take; older ones go when all take more than the quota", () => {
  const audit = openAudit(folder);
  const month = (i: number): number => Date.UTC(2026, i, 1);
  const big = "x".repeat(4 * 2 ** 20 - 1000);
  for (let i = 0; i < 18; i++) audit.note(entry(`what${i}`, { target: big }), month(i));
  const files = readdirSync(folder).sort();
  expect(files[0]).toBe("2026-03.jsonl");
  expect(files).toHaveLength(16);
  for (let i = 18; i < 20; i++) audit.note(entry(`what${i}`, { target: big + big + big }), month(i));
  expect(readdirSync(folder).sort()[0]).toBe("2026-07.jsonl");
  expect(readdirSync(folder)).toHaveLength(14);
  expect(audit.verify()).toMatchObject({ broken: [], lines: 14, first: 7 });
});
