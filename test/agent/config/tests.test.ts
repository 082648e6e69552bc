import { describe, expect, test } from "vitest";
import { change, linesOf, loadWith, meter, site } from "./hall.ts";

/** The hall's site and one of its profiles, each with a test that is right; each case breaks something in it. */
const inSite = `${site}tests:
  - name: the meter is told above 80 kW
    interval: 10s
    series:
      meter-1/power: 70 85*3 70
      crac-1/$comm: 1
    do:
      - { at: 30s, ack: meter-1/high }
    rules: [meter-1/high]
    end: 1m
    expect:
      - { at: 20s, raise: meter-1/high, severity: low }
      - { at: 30s, ack: meter-1/high }
      - { at: 40s, clear: meter-1/high }
`;
const inMeter = `${meter}tests:
  - name: above 80 kW it is told
    series: { power: 70 85 70 }
    expect:
      - { at: 10s, raise: high, severity: low }
      - { at: 20s, clear: high }
`;
const told = (files: Readonly<Record<string, string>>): string[] => linesOf(loadWith(files));

test("right tests have no problem, and a profile that has some is a profile like any other", () => {
  const { site: loaded, suite, problems } = loadWith({ "site.yaml": inSite, "profiles/meter/test.yaml": inMeter });
  expect(problems).toEqual([]);
  expect(loaded?.devices).toHaveLength(3);
  expect(suite?.tests.map(({ name }) => name)).toEqual(["the meter is told above 80 kW"]);
  expect(suite?.tests[0]).toMatchObject({ file: "site.yaml", line: 24, intervalMs: 10_000, endMs: 60_000 });
});

describe("a mistake in a site's test is told where it stands, with what was expected", () => {
  test.each<[name: string, from: string, to: string, line: string]>([
    ["no name", "name: the meter is told above 80 kW\n    ", "", "24:5: tests.0.name: missing; expected a text"],
    [
      "a misspelt option",
      "interval: 10s\n    series",
      "intervall: 10s\n    series",
      '25:5: tests.0.intervall: unknown option "intervall". Did you mean "interval"?',
    ],
    [
      "a duration that is none",
      "end: 1m",
      "end: 60",
      '32:5: tests.0.end: expected a duration such as "10s", "5m", "500ms"',
    ],
    ["no time between entries", "interval: 10s", "interval: 0s", "25:5: tests.0.interval: expected at least 1ms"],
    [
      "an entry that is none",
      "70 85*3 70",
      "70 85x3 70",
      `27:7: tests.0.series.meter-1/power: entry 2, "85x3": x is promtool's and gives one entry more than it says; expected 85*3 for exactly 3`,
    ],
    [
      "more entries than anyone needs, in two series together",
      "70 85*3 70\n      crac-1/$comm: 1",
      "70*60000\n      crac-1/$comm: 1*60000",
      "26:5: tests.0.series: 120000 entries together; expected at most 100000",
    ],
    [
      "a misspelt point",
      "meter-1/power:",
      "meter-1/powr:",
      '27:7: tests.0.series.meter-1/powr: no point "meter-1/powr"; expected one of meter-1/power, meter-1/door, meter-1/$comm. Did you mean "meter-1/power"?',
    ],
    [
      "a misspelt device",
      "meter-1/power:",
      "meter-2/power:",
      '27:7: tests.0.series.meter-2/power: no point "meter-2/power"; expected DEVICE/POINT. Did you mean "meter-1/power"?',
    ],
    [
      "an answer that is none",
      "$comm: 1",
      "$comm: 1 2",
      "28:7: tests.0.series.crac-1/$comm: 2 is no answer; expected 1 (answered), 0 (did not) or _",
    ],
    [
      "a misspelt rule",
      "rules: [meter-1/high]",
      "rules: [meter-1/hihg, meter-1/high]",
      '31:13: tests.0.rules.0: no rule "meter-1/hihg"; expected one of meter-1/high. Did you mean "meter-1/high"?',
    ],
    [
      "a rule that is switched off",
      "clear: meter-1/high",
      "clear: meter-1/comm",
      '36:20: tests.0.expect.2.clear: no rule "meter-1/comm"; expected one of meter-1/high.',
    ],
    [
      "a rule of a device alone",
      "{ at: 30s, ack: meter-1/high }\n    rules",
      "{ at: 30s, ack: high }\n    rules",
      '30:20: tests.0.do.0.ack: no rule "high"; expected DEVICE/RULE.',
    ],
    [
      "a rule that this test does not judge",
      "clear: meter-1/high",
      "clear: crac-1/stopped",
      '36:20: tests.0.expect.2.clear: "crac-1/stopped" is not judged in this test; expected it among its rules, or a series that it reads',
    ],
    [
      "a side that the rule does not have",
      "clear: meter-1/high",
      "clear: meter-1/high, side: low",
      '36:20: tests.0.expect.2.clear: "meter-1/high" has nothing with side: low; expected side: high, point: power',
    ],
    [
      "no event",
      "raise: meter-1/high, ",
      "",
      "34:9: tests.0.expect.0: names no event; expected one of raise, update, clear, ack, close, shelve, unshelve, as  raise: RULE",
    ],
    [
      "two events in one",
      "raise: meter-1/high,",
      "raise: meter-1/high, clear: meter-1/high,",
      "34:9: tests.0.expect.0: names 2 events, raise and clear; expected one",
    ],
    [
      "a misspelt event",
      "raise: meter-1/high,",
      "rase: meter-1/high,",
      '34:20: tests.0.expect.0.rase: unknown option "rase". Did you mean "raise"?',
    ],
    [
      "a misspelt severity",
      "severity: low",
      "severity: lwo",
      '34:41: tests.0.expect.0.severity: expected one of info, low, medium, high, critical. Did you mean "low"?',
    ],
    [
      "a deed that is none",
      "ack: meter-1/high }\n    rules",
      "silence: meter-1/high }\n    rules",
      '30:20: tests.0.do.0.silence: unknown option "silence"; expected one of at, ack, reset, shelve, unshelve, maintenance, replaced, for, side, bit, point',
    ],
    [
      "maintenance without an end",
      "ack: meter-1/high }\n    rules",
      "maintenance: meter-1/high }\n    rules",
      "30:9: tests.0.do.0.for: missing; expected how long, such as 1h",
    ],
    [
      "an acknowledgement that lasts",
      "ack: meter-1/high }\n    rules",
      "ack: meter-1/high, for: 1h }\n    rules",
      "30:39: tests.0.do.0.for: expected only with shelve or maintenance",
    ],
    [
      "a new sensor for nothing",
      "ack: meter-1/high }\n    rules",
      "replaced: meter-1/doors }\n    rules",
      '30:20: tests.0.do.0.replaced: no point "meter-1/doors"; expected one of meter-1/power, meter-1/door, meter-1/$comm. Did you mean "meter-1/door"?',
    ],
    [
      "an event after the end",
      "at: 40s",
      "at: 40m",
      "36:11: tests.0.expect.2.at: the test ends at 1m; expected a time until then, or a later end",
    ],
    [
      "an end before the last entry",
      "70 85*3 70\n",
      "70 85*3 70*4\n",
      "32:5: tests.0.end: the last entry is at 70s; expected an end then or later",
    ],
  ])("%s", (_name, from, to, line) => {
    expect(told({ "site.yaml": change(inSite, from, to) })).toEqual([`site.yaml:${line}`]);
  });

  test("no list", () => {
    expect(told({ "site.yaml": `${site}tests: { name: a }\n` })).toEqual([
      "site.yaml:23:1: tests: expected a list, not options, as  name: value",
    ]);
  });

  test("points that no rule reads", () => {
    const text = `${site}tests:\n  - { name: nothing, series: { meter-1/door: 1 }, expect: [] }\n`;
    expect(told({ "site.yaml": text })).toEqual([
      "site.yaml:24:22: tests.0.series: no rule reads any of these points; expected a point that a rule is about",
    ]);
  });
});

describe("all at once, and each once", () => {
  test("a mistake in one test does not hide that in another, nor one in a device", () => {
    let text = change(inSite, "interval: 2s", "intervall: 2s");
    text = change(text, "70 85*3 70", "hot");
    text += "  - { name: other, series: { meter-1/powr: 1 }, expect: [] }\n";
    expect(told({ "site.yaml": text })).toEqual([
      expect.stringContaining("site.yaml:10:5: devices.0.intervall: "),
      expect.stringContaining("site.yaml:27:7: tests.0.series.meter-1/power: "),
      expect.stringContaining("site.yaml:37:30: tests.1.series.meter-1/powr: "),
    ]);
  });

  test.each([
    ["a rule with a mistake in it", change(inSite, "onDelay: 5s", "onDelay: 5")],
    ["a point with a mistake in it", change(inSite, "scale: 0.01", "scale: ten")],
    ["a device with a mistake in it", change(inSite, "profile: meter/test", "profile: meter/tset")],
    ["a device without a name", change(inSite, "id: meter-1", "id: 5")],
  ])("%s is not called unknown as well", (_name, text) => {
    expect(told({ "site.yaml": text })).toHaveLength(1);
  });

  test("one in a profile's test is told once, however many devices have it, and where it stands", () => {
    const more = `${site}  - { id: meter-2, profile: meter/test, bus: gateway, address: { unit: 4 } }\n`;
    const broken = change(inMeter, "clear: high", "clear: hihg");
    expect(told({ "site.yaml": more, "profiles/meter/test.yaml": broken })).toEqual([
      'profiles/meter/test.yaml:21:20: tests.0.expect.1.clear: no rule "hihg"; expected one of high, comm. Did you mean "high"?',
    ]);
  });

  test("a rule of the profile that has a mistake is told, its test is not", () => {
    const broken = change(inMeter, "{ limit: 80, severity: low }", "{ limit: 80, severity: lwo }");
    const lines = told({ "profiles/meter/test.yaml": broken });
    expect(lines).toEqual([expect.stringContaining("rules.high.levels.0.severity: expected one of")]);
  });
});
