import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { builtInConfig, load, siteName } from "../../../agent/config/load.ts";
import type { Window } from "../../../agent/config/resolved.ts";
import { drivers } from "../../../drivers/index.ts";

const siteWith = (entries: string): string => `
version: 1
site: { id: s, timeZone: Europe/Berlin }
devices:
  - id: ups-a
    profile: ups/rfc1628
    bus: { protocol: snmp, host: 10.0.0.1, community: public }
    location: { room: Hall 1 }
maintenance:
${entries}
`;
const read = (entries: string) =>
  load(
    "site.yaml",
    (name) => (name === siteName ? siteWith(entries) : readFileSync(`${builtInConfig()}/${name}`, "utf8")),
    drivers,
    () => ({ problem: "none" }),
  );
const windowOf = (entry: string): Window => read(entry).site!.windows[0]!;
const iso = (run: ReturnType<Window["runAt"]>): string =>
  run === null ? "never" : `${new Date(run.from).toISOString()} ${new Date(run.to).toISOString()}`;

describe("a window runs", () => {
  const runs: [string, string, string, string][] = [
    [
      "each first Tuesday, in the site's time",
      '"0 9 * * TUE#1"',
      "2026-11-25T00:00Z",
      "2026-12-01T08:00:00.000Z 2026-12-01T10:00:00.000Z",
    ],
    [
      "as long as it lasts",
      '"0 9 * * TUE#1"',
      "2026-12-01T09:59Z",
      "2026-12-01T08:00:00.000Z 2026-12-01T10:00:00.000Z",
    ],
    [
      "not when it is over",
      '"0 9 * * TUE#1"',
      "2026-12-01T10:00Z",
      "2027-01-05T08:00:00.000Z 2027-01-05T10:00:00.000Z",
    ],
    [
      "in summer an hour earlier",
      '"0 9 * * 2"',
      "2026-07-01T00:00Z",
      "2026-07-07T07:00:00.000Z 2026-07-07T09:00:00.000Z",
    ],
    ["once", "2026-12-01T08:00", "2026-11-25T00:00Z", "2026-12-01T07:00:00.000Z 2026-12-01T09:00:00.000Z"],
    ["and no more", "2026-12-01T08:00", "2026-12-01T09:00Z", "never"],
  ];
  test.each(runs)("%s", (_, at, now, expected) => {
    const window = windowOf(`  - { id: w, what: room=Hall*, at: ${at}, for: 2h, reason: works }`);
    expect(iso(window.runAt(Date.parse(now)))).toBe(expected);
  });
});

test("it means what its selector selects, of a mode what that expects", () => {
  const all = windowOf('  - { id: w, what: room=Hall*, at: "0 9 * * 2", for: 2h, reason: works }');
  const mode = windowOf(
    '  - { id: w, what: room=Hall*, at: "0 9 * * 2", for: 2h, mode: generator-test, reason: works }',
  );
  expect(all).toMatchObject({ named: false, mode: null });
  expect(all.keys.length).toBeGreaterThan(mode.keys.length);
  expect(mode).toMatchObject({ named: true, mode: "generator-test" });
  expect(mode.keys).toContain("s/ups-a/output-source/on-battery");
});

describe("a window that cannot be meant so is refused where it stands", () => {
  const entry = { id: "w", what: "room=Hall*", at: '"0 9 * * 2"', for: "2h", reason: "works" };
  const written = (changed: Readonly<Record<string, string>>): string =>
    `  - ${Object.entries({ ...entry, ...changed })
      .map(([key, value]) => `${key}: ${value}`)
      .join("\n    ")}`;
  const mistakes: [string, Readonly<Record<string, string>>, string][] = [
    ["at no time", { at: "soon" }, "parts are required; expected a time such as 2026-12-01T08:00"],
    ["on a day that never is", { at: '"0 9 31 2 *"' }, "maintenance.0.at: never comes"],
    ["without an end", { at: '"0 * * * *"' }, "maintenance.0.at: comes again before it is over"],
    ["for more than a day", { for: "25h" }, "maintenance.0.for: expected more than 0s, at most 24h"],
    ["of nothing", { what: "room=Hall-9" }, "maintenance.0.what: selector room=Hall-9 selects nothing"],
    ["by no selector", { what: "ups-a" }, 'maintenance.0.what: selector: "ups-a" is no term'],
    ["of no mode", { mode: "generator-tset" }, "maintenance.0.mode: expected one of generator-test"],
    [
      "of what no mode expects",
      { mode: "generator-test", what: "rule=comm" },
      "maintenance.0.what: the mode generator-test",
    ],
    ["without a reason", { reason: '""' }, "maintenance.0.reason:"],
    ["with something else", { until: "10:00" }, 'maintenance.0.until: unknown option "until"'],
  ];
  test.each(mistakes)("%s", (_, changed, expected) => {
    const { site, problems } = read(written(changed));
    expect(site).toBeNull();
    expect(problems.map(({ path, what }) => `${path}: ${what}`).join("\n")).toContain(expected);
    expect(problems.every(({ line }) => line > 10)).toBe(true);
  });

  test("and two of one name", () => {
    const { problems } = read(`${written({})}\n${written({})}`);
    expect(problems.map(({ path, what }) => `${path}: ${what}`)).toEqual([
      'maintenance.1.id: "w" is there twice; expected another one',
    ]);
  });
});
