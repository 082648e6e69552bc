import { describe, expect, test } from "vitest";
import { load, siteName } from "../../../agent/config/load.ts";
import { sayProblem } from "../../../agent/config/problem.ts";
import { drivers } from "../../../drivers/index.ts";

/** What a person is told who made a mistake: the place, what is wrong, what was expected. */
const profile = `
profile: box
describe: A box.
protocol: modbus
class: test
points:
  temp: { address: { table: holding, register: 0 }, unit: Cel, kind: temperature }
  door: { address: { table: coil, register: 3 } }
rules:
  hot: { type: level, point: temp, levels: [{ limit: 30, severity: high }] }
  comm: { type: comm }
`;
const snmpProfile = `
profile: card
describe: A card.
protocol: snmp
class: test
points: { up: { address: { oid: 1.3.6.1.2.1.1.3.0 } } }
`;
const secrets = (named: { name: string }) =>
  named.name === "known" ? { text: "hush-hush" } : { problem: `no secret "${named.name}"` };

function problemsOf(site: string, also: Readonly<Record<string, string>> = {}): string[] {
  const files: Record<string, string> = {
    [siteName]: site,
    "profiles/box.yaml": profile,
    "profiles/card.yaml": snmpProfile,
    "points.yaml": "temperature: Of air.\nhumidity: Of air.\n",
    ...also,
  };
  const { problems } = load("site.yaml", (name) => files[name] ?? null, drivers, secrets);
  return problems.map(sayProblem);
}

const site = (devices: string, rest = ""): string => `version: 1\nsite: { id: s }\n${rest}devices:\n${devices}\n`;
const bus = "{ protocol: modbus, host: 10.0.0.1 }";
const box = (rest = ""): string => `  - { id: a, profile: box, bus: ${bus}${rest} }`;
const hint = "Did you mean";

test("what is right has no problem", () => {
  expect(problemsOf(site(box()))).toEqual([]);
});

test.each(["", "devices: []"])("who only looks for devices needs none yet: %j", (devices) => {
  const files: Record<string, string> = {
    "site.yaml": `version: 1\nsite: { id: s }\nbuses: { plant: { protocol: modbus, host: h } }\n${devices}\n`,
  };
  const loaded = load(
    "site.yaml",
    (name) => files[name] ?? null,
    drivers,
    () => ({ problem: "none" }),
    "buses",
  );
  expect(loaded.problems).toEqual([]);
  expect(loaded.site?.buses.map(({ id }) => id)).toEqual(["plant"]);
});

describe("a mistake is told where it stands, with what was expected", () => {
  test.each<[string, string, RegExp]>([
    ["no YAML", "version: [1", /^site\.yaml:1:\d+: /],
    ["nothing", "", /^site\.yaml: the file is empty; expected YAML/],
    ["a list", "- 1", /^site\.yaml:1:1: .*expected options/],
    ["the same key twice", "version: 1\nversion: 1", /^site\.yaml:2:1: this key is there twice; expected it once/],
    ["a language of the future", site(box()).replace("1", "2"), /^site\.yaml:1:1: version: expected 1$/],
    ["no devices", "version: 1\nsite: { id: s }", /^site\.yaml:1:1: devices: missing; expected a list/],
    ["an empty list", "version: 1\nsite: { id: s }\ndevices: []", /devices: expected a device at least/],
    [
      "an id with a blank",
      site(box().replace("id: a", "id: a b")),
      /^site\.yaml:4:7: devices\.0\.id: expected 1 to 64/,
    ],
    ["a time zone that is none", site(box()).replace("id: s", "id: s, timeZone: Berlin"), /timeZone: expected an IANA/],
    [
      "a misspelt option",
      site(box(", intervall: 5s")),
      /devices\.0\.intervall: unknown option "intervall"\. Did you mean "interval"\?/,
    ],
    ["a number without a unit", site(box(", interval: 5")), /devices\.0\.interval: expected a duration such as "10s"/],
    [
      "a duration that is none",
      site(box(", interval: fast")),
      /devices\.0\.interval: expected a duration such as "10s"/,
    ],
    [
      "a profile that is not there",
      site(box().replace("profile: box", "profile: meter/eastron-sdm30")),
      /no profile "meter\/eastron-sdm30"; expected a file .* Did you mean "meter\/eastron-sdm630"\?/,
    ],
    [
      "a profile outside its folder",
      site(box().replace("profile: box", "profile: ../../etc/passwd")),
      /profile: expected class\/maker-model/,
    ],
    [
      "a bus that is not there",
      site(box().replace(bus, "lin1"), "buses: { line1: { protocol: modbus, host: h } }\n"),
      /no bus "lin1"; expected one of line1\. Did you mean "line1"\?/,
    ],
    [
      "a protocol that is none",
      site(box().replace("modbus", "modbuss")),
      /bus\.protocol: expected one of modbus, snmp, bacnet\. Did you mean "modbus"\?/,
    ],
    [
      "a profile of another protocol",
      site(box().replace("profile: box", "profile: card")),
      /profile card speaks snmp, its bus modbus; expected the same/,
    ],
    [
      "a device twice",
      site(`${box()}\n${box()}`),
      /^site\.yaml:5:7: devices\.1\.id: device id "a" is there twice; expected another one/,
    ],
    [
      "the agent's own name",
      site(box().replace("id: a", "id: agent")),
      /device id "agent" is kept for the agent itself/,
    ],
    [
      "a misspelt bus option",
      site(box().replace("host: 10.0.0.1", "host: h, prot: 503")),
      /bus\.prot: unknown option "prot"\. Did you mean "port"\?/,
    ],
    ["a unit out of range", site(box(", address: { unit: 256 }")), /devices\.0\.address\.unit: expected at most 255/],
    [
      "a register out of range",
      site(box(", points: { x: { address: { table: input, register: 65536 } } }")),
      /points\.x\.address\.register: expected at most 65535/,
    ],
    [
      "a float in a coil",
      site(box(", points: { x: { address: { table: coil, register: 1, type: f32 } } }")),
      /points\.x\.address\.type: /,
    ],
    [
      "an OID that is none",
      site(
        "  - { id: a, profile: card, bus: { protocol: snmp, host: h }, points: { x: { address: { oid: sysName } } } }",
      ),
      /points\.x\.address\.oid: /,
    ],
    [
      "a name where BACnet needs an address",
      site("  - { id: a, profile: card, bus: { protocol: bacnet, host: crac-1 } }"),
      /bus\.host: /,
    ],
    [
      "a kind that nobody knows",
      site(box(", points: { x: { kind: temprature, address: { table: coil, register: 1 } } }")),
      /points\.x\.kind: no kind "temprature" in points\.yaml; expected one of .*Did you mean "temperature"\?/,
    ],
    [
      "a rule of no type",
      site(box(", rules: { x: { point: temp } }")),
      /rules\.x: no rule "x"; expected a type or use to add it/,
    ],
    [
      "a misspelt type",
      site(box(", rules: { x: { type: levle, point: temp } }")),
      /rules\.x\.type: expected one of .*Did you mean "level"\?/,
    ],
    [
      "a rule about no point",
      site(box(", rules: { hot: { point: tmp } }")),
      /rules\.hot\.point: expected a point of this device \(temp, door\) or "\*"\. Did you mean "temp"\?/,
    ],
    [
      "a deadband wider than the span between levels",
      site(
        box(", rules: { hot: { levels: [{ limit: 20, severity: low }, { limit: 22, deadband: 3, severity: high }] } }"),
      ),
      /limit minus deadband of high must lie beyond that of low on the high side.*expected less deadband/,
    ],
    [
      "a window that holds too few readings",
      site(box(", rules: { r: { type: roc, point: temp, window: 15s, levels: [{ limit: 1, severity: low }] } }")),
      /rules\.r\.window: holds 2 readings at an interval of 10 s, 3 are needed; expected a longer window/,
    ],
    [
      "a limit that no plausible value passes",
      site(box(", points: { temp: { range: [0, 30] } }")),
      /levels: limit 30 is never passed, since values are plausible from 0 to 30 only/,
    ],
    [
      "a value that is normal and an alarm",
      site(box(", rules: { s: { type: state, point: door, normal: [0, 1], map: { 1: low } } }")),
      /rules\.s\.map: value 1 is normal and an alarm/,
    ],
    [
      "more votes than voters",
      site(box(", rules: { v: { type: vote, k: 2, inputs: [{ point: temp, limit: 1 }] } }")),
      /rules\.v\.k: 2 votes of 1 never come together; expected at most 1/,
    ],
    [
      "limits in another unit",
      site(box(", rules: { hot: { unit: '[degF]' } }")),
      /rules\.hot\.unit: limits in \[degF\], but the point is in Cel; expected the same/,
    ],
    ...(
      [
        [
          "a name that is none of the inputs",
          "t > 1.0 && x > 2.0",
          /when: Unknown variable: x at character 12; expected CEL over t/,
        ],
        ["a comparison of what cannot be compared", "t > (t > 1.0)", /when: no such overload: double > bool/],
        ["what is no comparison", "t + 1.0", /when: gives a double; expected a comparison/],
        ["what is no expression", "t >", /when: Unexpected token: EOF at character 4/],
        ["a loop", "[t].exists(x, x > 1.0)", /when: .*expected/],
        ["a call", 'double("1") > t', /when: "call" is not for rules; expected comparisons/],
      ] as const
    ).map(([what, when, expected]): [string, string, RegExp] => [
      `an expression with ${what}`,
      site(box(`, rules: { e: { type: expression, inputs: { t: temp }, when: '${when}' } }`)),
      expected,
    ]),
    [
      "a bus named like what every object has",
      site(box().replace(bus, "constructor")),
      /no bus "constructor"; expected none is declared under buses|no bus "constructor"; none is declared/,
    ],
    [
      "a device of its own bus named like a bus",
      site(box(), "buses: { a: { protocol: modbus, host: h } }\n"),
      /buses\.a: a device with a bus of its own is also called "a"; expected another name/,
    ],
    [
      "a rule to switch off that is not there",
      site(box(", rules: { hott: null }")),
      /rules\.hott: no rule "hott" to switch off; expected one of hot, comm\. Did you mean "hot"\?/,
    ],
    ["an interval without a pause", site(box(", interval: 0s")), /devices\.0\.interval: expected at least 100ms/],
    [
      "a range the wrong way round",
      site(box(", points: { temp: { range: [30, 0] } }")),
      /points\.temp\.range: expected the lower number first/,
    ],
    [
      "a vote of a point that is not there",
      site(box(", rules: { v: { type: vote, k: 1, inputs: [{ point: tmep, limit: 1 }] } }")),
      /rules\.v: no point "a\/tmep"; expected a point of its own device, or DEVICE\/POINT\. Did you mean "a\/temp"\?/,
    ],
    [
      "a vote about a point",
      site(box(", rules: { v: { type: vote, point: temp, k: 1, inputs: [{ point: temp, limit: 1 }] } }")),
      /a vote rule is about the points among its inputs; expected no point/,
    ],
    [
      "a set-point that is not there",
      site(
        box(
          ", rules: { v: { type: deviation, point: temp, ref: { point: b/x }, levels: [{ limit: 1, severity: low }] } }",
        ),
      ),
      /rules\.v: no point "b\/x"; expected/,
    ],
    [
      "a comm rule about a point",
      site(box(", rules: { comm: { point: temp } }")),
      /a comm rule is about the device; expected no point/,
    ],
    [
      "a misspelt rule option",
      site(box(", rules: { hot: { onDealy: 5s } }")),
      /rules\.hot\.onDealy: unknown option "onDealy"\. Did you mean "onDelay"\?/,
    ],
    [
      "a misspelt severity",
      site(box(", rules: { hot: { levels: [{ limit: 3, severity: hgih }] } }")),
      /levels\.0\.severity: expected one of info, low, medium, high, critical\. Did you mean "high"\?/,
    ],
    [
      "levels in the wrong order",
      site(box(", rules: { hot: { levels: [{ limit: 30, severity: low }, { limit: 20, severity: high }] } }")),
      /limit of high must lie beyond that of low on the high side/,
    ],
    [
      "a secret that stands here",
      site("  - { id: a, profile: card, bus: { protocol: snmp, host: h, community: hush-hush } }"),
      /bus\.community: a secret may not stand in this file; expected \$\{file:…\}/,
    ],
    [
      "a secret that is not there",
      site("  - { id: a, profile: card, bus: { protocol: snmp, host: h, community: '${env:NONE}' } }"),
      /bus\.community: no secret "NONE"/,
    ],
  ])("%s", (_what, text, expected) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
    expect(problems[0]).not.toContain("hush");
  });

  test("in a profile: with the profile's name and line, once for all devices that have it", () => {
    const wrong = { "profiles/box.yaml": profile.replace("limit: 30", "limt: 30") };
    expect(
      problemsOf(site(`${box()}\n${box().replace("id: a", "id: b").replace("10.0.0.1", "10.0.0.2")}`), wrong),
    ).toEqual([
      expect.stringMatching(/^profiles\/box\.yaml:10:\d+: rules\.hot\.levels\.0\.limit: missing; expected a number/),
      expect.stringMatching(
        /^profiles\/box\.yaml:10:\d+: rules\.hot\.levels\.0\.limt: unknown option "limt"\. Did you mean "limit"/,
      ),
    ]);
  });

  test("many at once, from top to bottom", () => {
    const text = site(
      `  - { profile: bax, bus: lin1, intervall: 5s }\n${box(", address: { unit: 300 }, rules: { hot: { point: tmp }, y: { type: rco } }")}`,
      "buses: { line1: { protocol: modbas, host: h } }\n",
    ).replace("id: s", "id: s s");
    const found = problemsOf(text).map((problem) =>
      /^site\.yaml:(\d+):\d+: ([\w.]+):/.exec(problem)?.slice(1).join(" "),
    );
    expect(found).toEqual([
      "2 site.id",
      "3 buses.line1.protocol",
      "5 devices.0.id",
      "5 devices.0.profile",
      "5 devices.0.bus",
      "5 devices.0.intervall",
      "6 devices.1.address.unit",
      "6 devices.1.rules.hot.point",
      "6 devices.1.rules.y.type",
    ]);
  });
});

test.each([
  [
    "aliases that grow without bound",
    `a: &a [x,x,x,x,x,x,x,x,x,x]\n${"bcdefghi"
      .split("")
      .map((c, i) => `${c}: &${c} [${Array(10).fill(`*${"abcdefghi"[i]}`).join(",")}]`)
      .join("\n")}`,
  ],
  ["a file of megabytes", `# ${"x".repeat(2 ** 20 + 1)}`],
  ["bytes that are no text", "\u0000\u0001\u0002"],
  ["a deep nest", "[".repeat(5000)],
])("%s are refused, not run into", (_what, text) => {
  expect(problemsOf(text).length).toBeGreaterThan(0);
});

test("a hint is given only where one is near", () => {
  expect(problemsOf(site(box(", intervall: 5s"))).join()).toContain(hint);
  expect(problemsOf(site(box(", colour: red"))).join()).not.toContain(hint);
});
