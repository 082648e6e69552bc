import { describe, expect, test } from "vitest";
import { change, linesOf, loadWith, site, ups } from "./hall.ts";
import { inProfile, inSite, profiles } from "./mistakes.ts";

test.each(inSite)("site: %s", (_name, from, to, lines) => {
  expect(linesOf(loadWith({ "site.yaml": change(site, from, to) }))).toEqual(lines);
});

test.each(inProfile)("profile %s: %s", (name, _what, from, to, lines) => {
  const broken = change(profiles[name], from, to);
  expect(linesOf(loadWith({ [`profiles/${name}.yaml`]: broken })).toSorted()).toEqual(lines.toSorted());
});

const whole: readonly [name: string, text: string | null, line: string][] = [
  ["no file", null, "site.yaml: no such file; expected a site file in YAML"],
  ["an empty file", "", "site.yaml: the file is empty; expected YAML as in config/example-site.yaml"],
  ["nothing but comments", "# later\n", "site.yaml: the file is empty; expected YAML as in config/example-site.yaml"],
  ["a text", "hello\n", "site.yaml:1:1: expected options, as  name: value, not a text"],
  ["a list", "- a\n", "site.yaml:1:1: expected options, as  name: value, not a list"],
  [
    "a huge file",
    "#".repeat(2 ** 20 + 1),
    "site.yaml: larger than 1048576 characters; expected a file written by hand",
  ],
  ["a deep file", "[".repeat(20_000), "site.yaml: nested too deep; expected a file written by hand"],
  [
    "aliases of aliases of aliases",
    `a: &a [${"x,".repeat(9)}]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\nd: [${"*c,".repeat(9)}]\n`,
    "site.yaml: aliases (*name) repeat too much of the file; expected fewer of them",
  ],
];

test.each(whole)("%s", (_name, text, line) => {
  const { problems, ...loaded } = loadWith({ "site.yaml": text });
  expect(loaded.site).toBeNull();
  expect(linesOf({ ...loaded, problems } as never)).toEqual([line]);
});

describe("all at once", () => {
  test("five mistakes of five kinds are five lines, as they stand in the files", () => {
    let text = change(site, "Europe/Berlin", "Europe/Berln");
    text = change(text, "interval: 2s", "intervall: 2s");
    text = change(text, "onDelay: 5s", "onDelay: 5");
    text = change(text, "instance: 1001", "instance: -1");
    const broken = change(ups, "limit: 20", "limit: twenty");
    expect(linesOf(loadWith({ "site.yaml": text, "profiles/ups/test.yaml": broken }))).toEqual([
      "site.yaml:2:19: site.timeZone: expected an IANA time zone, such as Europe/Berlin or UTC",
      'site.yaml:10:5: devices.0.intervall: unknown option "intervall". Did you mean "interval"?',
      'site.yaml:14:15: devices.0.rules.high.onDelay: expected a duration such as "10s", "5m", "500ms"',
      "site.yaml:22:16: devices.2.address.instance: expected at least 0",
      "profiles/ups/test.yaml:8:60: rules.low.levels.0.limit: expected a number, not a text",
    ]);
  });

  test("a device that lacks its name, profile and bus is still told of everything else", () => {
    const text = change(site, "  - id: meter-1\n    profile: meter/test\n    bus: gateway\n", "  - name: 5\n");
    expect(linesOf(loadWith({ "site.yaml": text }))).toEqual([
      "site.yaml:6:5: devices.0.id: missing; expected a text",
      'site.yaml:6:5: devices.0.name: expected a text, not a number; put it in "quotes"',
      "site.yaml:6:5: devices.0.profile: missing; expected class/maker-model, such as ups/rfc1628",
      "site.yaml:6:5: devices.0.bus: missing; expected the name of a bus, or a bus of its own",
    ]);
  });

  test("a mistake in a profile is told once, however many devices have it", () => {
    const more = `${site}  - { id: ups-2, profile: ups/test, bus: { protocol: snmp, host: ups-2.example } }\n`;
    const broken = change(ups, "point: charge", "point: charg");
    expect(linesOf(loadWith({ "site.yaml": more, "profiles/ups/test.yaml": broken }))).toHaveLength(1);
  });

  test("a mistake under an anchor is told once, where it stands", () => {
    const shared = change(site, "rules:\n      high:", "rules: &shared\n      high:");
    const text = change(shared, "onDelay: 5s", "onDelay: 5");
    const more = `${text}  - { id: meter-2, profile: meter/test, bus: gateway, rules: *shared }\n`;
    expect(linesOf(loadWith({ "site.yaml": more }))).toEqual([
      'site.yaml:14:15: devices.0.rules.high.onDelay: expected a duration such as "10s", "5m", "500ms"',
    ]);
  });

  test("a missing profile is told for each device that wants it, as each is to be mended", () => {
    expect(linesOf(loadWith({ "profiles/meter/test.yaml": null }))).toHaveLength(1);
  });
});
