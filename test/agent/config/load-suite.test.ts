import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadSuite } from "../../../agent/config/load-suite.ts";
import { sayProblem } from "../../../agent/config/problem.ts";
import { runTests } from "../../../agent/simulate/tests.ts";
import { drivers } from "../../../drivers/index.ts";
import { change, crac, files, meter, site } from "./hall.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-suite-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}
const told = (path: string): string[] =>
  loadSuite(path, drivers).problems.map((problem) => sayProblem(problem).replaceAll(`${folder}/`, ""));

const ofMeter = `${meter}tests: [{ name: it, series: { power: 85 }, expect: [{ at: 0s, raise: high }] }]\n`;

test("a profile needs no site, bus or address; its names stand alone, its interval is that of its tests", () => {
  const quick = change(ofMeter, "class: meter", "class: meter\ninterval: 3s");
  const { suite } = loadSuite(write("profiles/meter/test.yaml", quick), drivers);
  expect([...suite!.points.keys()]).toEqual(["power", "door", "$comm"]);
  expect(new Set([...suite!.conditions.values()].map(({ rule }) => rule))).toEqual(new Set(["high", "comm"]));
  expect(suite!.tests).toMatchObject([{ name: "it", intervalMs: 3000 }]);
});

test("rules of a profile that tell the same are one there, too; those of other devices may be there in a site", () => {
  const rules = `  trap: { type: state, point: door, normal: [0], map: { 1: high }, sameAs: [status, bms/door], latch: true }
  status: { type: state, point: door, normal: [0], map: { 1: low } }
`;
  const tests = `tests:
  - name: it
    rules: [same-device/trap, status]
    series: { door: 0 1 0*2 }
    do: [{ at: 20s, ack: status }, { at: 25s, reset: trap }]
    expect:
      - { at: 20s, ack: same-device/trap }
      - { at: 25s, clear: same-device/trap }
      - { at: 25s, close: same-device/trap }
      - { at: 10s, raise: same-device/trap, severity: high }
      - { at: 10s, update: same-device/trap, reason: value }
      - { at: 10s, raise: status, severity: low, annunciate: false }
      - { at: 20s, update: same-device/trap, reason: severity_down }
      - { at: 20s, update: same-device/trap, reason: rtn_latched }
      - { at: 20s, clear: status, annunciate: false }
`;
  const { suite, problems } = loadSuite(write("two.yaml", `${meter}${rules}${tests}`), drivers);
  expect(problems).toEqual([]);
  expect(runTests(suite!)).toMatchObject([{ passed: true }]);
});

test("a profile that lies about may have any name, one among profiles has its file's", () => {
  expect(told(write("draft.yaml", ofMeter))).toEqual([]);
  expect(told(write("profiles/meter/other.yaml", ofMeter))).toEqual([
    "profiles/meter/other.yaml:1:1: profile: does not fit the file's name; expected meter/other",
  ]);
});

test("what points measure is looked up where the site file would be", () => {
  const kind = change(ofMeter, "unit: kW,", "unit: kW, kind: prestige,");
  expect(told(write("profiles/meter/test.yaml", kind))).toEqual([
    expect.stringContaining('points.power.kind: no kind "prestige" in points.yaml'),
  ]);
  write("points.yaml", "prestige: Of a data hall.\n");
  expect(told(write("profiles/meter/test.yaml", kind))).toEqual([]);
});

test("all that is wrong with a profile is told, as it stands in the file", () => {
  const broken = change(change(ofMeter, "type: f32", "type: f23"), "raise: high", "raise: hihg");
  expect(told(write("profiles/meter/test.yaml", change(broken, "severity: low", "severity: lwo")))).toEqual([
    expect.stringContaining("profiles/meter/test.yaml:6:"),
    expect.stringContaining("profiles/meter/test.yaml:13:"),
    expect.stringContaining("profiles/meter/test.yaml:16:"),
  ]);
});

test("a misspelt point among the inputs of a rule is told, one of another device may be there in a site", () => {
  const voting = `${crac}  both: { type: vote, k: 1, inputs: [{ point: runing, limit: 1 }, { point: other/p, limit: 1 }] }\n`;
  expect(told(write("profiles/crac/test.yaml", voting))).toEqual([
    'profiles/crac/test.yaml:9:3: rules.both: no point "device/runing"; expected a point of its own device, or DEVICE/POINT. Did you mean "device/running"?',
  ]);
});

test("a site needs none of its secrets, nor of the addresses that are kept elsewhere", () => {
  for (const [name, text] of Object.entries(files)) write(name, text);
  expect(told(write("site.yaml", change(site, "192.0.2.30", '"${env:CRAC}"')))).toEqual([]);
});
