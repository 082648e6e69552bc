import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addTest } from "../../../agent/cli/test.ts";
import { files, meter, site } from "../config/hall.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-test-"));
  for (const [name, text] of Object.entries(files)) write(name, text);
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** The command as main.ts runs it, its output kept; none of the secrets that the site file names is there. */
async function run(...args: string[]) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const codes: number[] = [];
  const program = new Command("mepwatch");
  addTest(program, {
    output: { data: (line) => stdout.push(line), message: (line) => stderr.push(line), colour: false },
    environment: {},
    version: "0",
    program: "mepwatch",
    stopped: new Promise(() => {}),
    exit: (code) => codes.push(code),
  });
  await program.parseAsync(["test", ...args], { from: "user" });
  const relative = (line: string): string => line.replaceAll(`${folder}/`, "");
  return { codes, stdout: stdout.map(relative), stderr: stderr.map(relative) };
}

const right = `tests:
  - name: above 80 kW it is told
    series: { power: 70 85 70 }
    expect: [{ at: 10s, raise: high }, { at: 20s, clear: high }]
`;
const wrong = `tests:
  - name: above 90 kW it is told
    series: { meter-1/power: 70 95*3 85 70 }
    do: [{ at: 5s, ack: meter-1/high }]
    expect:
      - { at: 10s, raise: meter-1/high, severity: high }
      - { at: 50s, clear: meter-1/high }
  - name: it is told after five seconds
    interval: 2s
    series: { meter-1/power: 70 95*4 }
    expect: [{ at: 8s, raise: meter-1/high }]
`;

test("all passed: how many, and 0", async () => {
  const profile = write("profiles/meter/test.yaml", meter + right);
  expect(await run(profile)).toEqual({ codes: [0], stdout: ["1 passed, 0 failed"], stderr: [] });
});

test("one failed: where it stands, what was missing and what was extra, what decided, and 1", async () => {
  expect(await run(write("site.yaml", site + wrong))).toEqual({
    codes: [1],
    stdout: [
      "site.yaml:24: above 90 kW it is told",
      "  refused  5s   ack     meter-1/high                       there is no open incident to acknowledge",
      "  missing  10s  raise   meter-1/high  high",
      "  extra    20s  raise   meter-1/high  high                 meter-1/power 95 kW",
      "  extra    40s  update  meter-1/high  low   severity_down  meter-1/power 85 kW",
      "           50s  clear   meter-1/high  low                  meter-1/power 70 kW",
      "1 passed, 1 failed",
    ],
    stderr: [],
  });
});

test("several files are counted together", async () => {
  const profile = write("profiles/meter/test.yaml", meter + right);
  const { codes, stdout } = await run(write("site.yaml", site + wrong), profile);
  expect(codes).toEqual([1]);
  expect(stdout.at(-1)).toBe("2 passed, 1 failed");
});

test("for machines, a line for each test", async () => {
  const { codes, stdout } = await run("--json", write("site.yaml", site + wrong));
  expect(codes).toEqual([1]);
  const [first, second, ...rest] = stdout.map((line) => JSON.parse(line));
  expect(rest).toEqual([]);
  expect(second).toMatchObject({ name: "it is told after five seconds", passed: true, broken: null });
  expect(first).toMatchObject({ file: "site.yaml", line: 24, name: "above 90 kW it is told", passed: false });
  expect(first.events.slice(0, 3)).toEqual([
    expect.objectContaining({ is: "refused", atMs: 5000, kind: "ack", rule: "meter-1/high" }),
    expect.objectContaining({ is: "missing", atMs: 10_000, kind: "raise", severity: "high", annunciate: true }),
    expect.objectContaining({ is: "extra", atMs: 20_000, kind: "raise", by: "meter-1/power 95 kW" }),
  ]);
});

test("a file with problems is 78, whatever else passed, and the other files are run", async () => {
  const profile = write("profiles/meter/test.yaml", meter + right);
  const broken = write("broken.yaml", `${site}${wrong.replace("raise: meter-1/high", "raise: meter-1/hihg")}`);
  expect(await run(broken, profile)).toEqual({
    codes: [78],
    stdout: ["1 passed, 0 failed"],
    stderr: [
      'broken.yaml:28:20: tests.0.expect.0.raise: no rule "meter-1/hihg"; expected one of meter-1/high. Did you mean "meter-1/high"?',
      "1 problem.",
    ],
  });
});

test("a file without tests says so, and is no failure", async () => {
  expect(await run(join(folder, "site.yaml"))).toEqual({
    codes: [0],
    stdout: [],
    stderr: ["site.yaml: there are no tests in it; write some under  tests:"],
  });
});

test("a file that is not there is 78", async () => {
  expect(await run(join(folder, "none.yaml"))).toEqual({
    codes: [78],
    stdout: [],
    stderr: ["none.yaml: no such file; expected a site file in YAML", "1 problem."],
  });
});

test("so much is extra that not all of it is shown", async () => {
  const text = `${site}tests:\n  - { name: chatter, interval: 6s, series: { meter-1/power: ${"95 95 70 ".repeat(50)} }, expect: [] }\n`;
  const { stdout } = await run(write("site.yaml", text));
  expect(stdout).toHaveLength(1 + 40 + 1 + 1);
  expect(stdout.at(-2)).toBe("  … and 109 more");
});
