import { describe, expect, test } from "vitest";
import { sayProblem } from "../../../agent/config/problem.ts";
import { leakSite, loadLeak } from "../../scenarios/leak.ts";
import { crac as cracProfile, site as hall, linesOf, loadWith, ups } from "./hall.ts";

/** Which rules may tell the same, and what becomes of them in a site. */
const withRules = (rules: string): string[] =>
  linesOf(loadWith({ "site.yaml": hall.replace("      comm: null\n", `      comm: null\n${rules}`) }));

describe("rules that tell the same are named", () => {
  test.each([
    ["of another device", "      a: { type: comm, sameAs: [ups-1/low] }\n"],
    ["of its own device", "      a: { type: comm, sameAs: [high, crac-1/stopped] }\n"],
    ["by none", "      a: { type: comm, sameAs: [] }\n"],
    [
      "in two sets that have nothing in common",
      "      a: { type: comm, sameAs: [ups-1/low] }\n      b: { type: comm, sameAs: [crac-1/stopped] }\n",
    ],
    [
      "and may be read and explained by others",
      "      a: { type: comm, sameAs: [ups-1/low] }\n      b: { type: comm, suppressedBy: [ups-1/low, same-meter-1/a] }\n",
    ],
  ])("%s", (_, rules) => expect(withRules(rules)).toEqual([]));

  test.each([
    [
      "one that is not there",
      "      a: { type: comm, sameAs: [high, ups-1/lwo] }\n",
      [
        /^site\.yaml:16:39: devices\.0\.rules\.a\.sameAs\.1: no rule "ups-1\/lwo"; expected a rule of its own device, or DEVICE\/RULE\. Did you mean "ups-1\/low"\?$/,
      ],
    ],
    [
      "itself",
      "      a: { type: comm, sameAs: [a] }\n",
      [
        /^site\.yaml:16:33: devices\.0\.rules\.a\.sameAs\.0: meter-1\/a is this rule itself; expected others that tell the same$/,
      ],
    ],
    [
      "one twice",
      "      a: { type: comm, sameAs: [high, high] }\n",
      [/sameAs\.1: meter-1\/high is the same as meter-1\/a already; expected each rule in one set only$/],
    ],
    [
      "one of another set",
      "      a: { type: comm, sameAs: [high] }\n      b: { type: comm, sameAs: [high] }\n",
      [/^site\.yaml:17:33: .*meter-1\/high is the same as meter-1\/a already; expected each rule in one set only$/],
    ],
    [
      "one that names others",
      "      a: { type: comm, sameAs: [b] }\n      b: { type: comm, sameAs: [high] }\n",
      [/^site\.yaml:16:33: .*meter-1\/b names others itself; expected one rule of them to name all others$/],
    ],
    [
      "each other",
      "      a: { type: comm, sameAs: [b] }\n      b: { type: comm, sameAs: [a] }\n",
      [/rules\.a\.sameAs\.0: meter-1\/b names others itself/, /rules\.b\.sameAs\.0: meter-1\/a names others itself/],
    ],
    [
      "what means something else",
      "      a: { type: comm, sameAs: [b] }\n      b: { type: state, point: door, normal: [0], map: { 1: high }, means: leak }\n",
      [/sameAs\.0: meter-1\/b means leak, this rule unreachable; expected the same$/],
    ],
    [
      "a cause that is the fact itself",
      "      a: { type: comm, sameAs: [b] }\n      b: { type: comm, suppressedBy: [same-meter-1/a] }\n",
      [/rules refer to each other in a circle: .*same-meter-1\/a/],
    ],
    ["no list", "      a: { type: comm, sameAs: high }\n", [/rules\.a\.sameAs: .*expected/]],
  ] as [string, string, RegExp[]][])("but not %s", (_, rules, expected) => {
    const found = withRules(rules);
    expect(found).toHaveLength(expected.length);
    for (const [i, one] of expected.entries()) expect(found[i]).toMatch(one);
  });

  test("a device may not bear the name of the one incident", () => {
    const also =
      "  - { id: same-leak-1, profile: bms/test, bus: { protocol: bacnet, host: 127.0.0.1 }, address: { instance: 2 } }\n";
    expect(loadLeak({ also }).problems.map(sayProblem)).toEqual([
      "site.yaml:9:35: devices.0.rules.leak.sameAs: the one incident is called same-leak-1, as a device is; expected another id of that device",
    ]);
  });

  test("with something wrong in the rule that names them, that alone is told", () => {
    const told = loadLeak({ leak: "latch: 1, say: 5" }).problems.map(sayProblem);
    expect(told).toHaveLength(2);
    for (const one of told) expect(one).toMatch(/rules\.leak\.(latch|say): /);
  });
});

describe("the one incident", () => {
  test("is told as the rule that names the others, with the names by which people know who says so", () => {
    const also = `  - id: bms-2
    name: BMS
    profile: bms/test
    bus: { protocol: bacnet, host: 127.0.0.1 }
    address: { instance: 2 }
    points: { second: { address: { object: binary-input, instance: 2 } } }
    rules:
      water-east: { sameAs: [second] }
      second: { type: state, point: second, normal: [0], map: { 1: low }, say: { what: float } }
`;
    const { about } = leakSite({ also, leak: "runbook: 'https://wiki.example/leak', maxShelve: 1h" });
    expect(about.get("hall/same-leak-1/-/leak")).toMatchObject({
      device: { name: "leak-1", location: { room: "Hall 1", zone: "east" } },
      runbook: "https://wiki.example/leak",
      options: { means: "leak", latch: true, maxShelve: 3_600_000 },
      witnesses: [
        { rule: "leak-1/leak", name: "leak-1" },
        { rule: "bms/water-east", name: "BMS" },
      ],
    });
    expect(about.get("hall/same-bms-2/-/water-east")?.witnesses.map(({ name }) => name)).toEqual([
      "water-east",
      "float",
    ]);
  });

  const cooling = cracProfile.replace("map: { 0: high } }", "map: { 0: high }, means: cooling-lost }");
  const told = ups.replace("severity: high }] }", "severity: high }], means: cooling-lost }");
  const cooled = `${hall
    .replace(
      "    address: { instance: 1001 }\n",
      `    address: { instance: 1001 }
    location: { zone: east }
    rules: { stopped: { sameAs: [ups-1/low] } }
  - { id: crac-2, profile: crac/test, bus: { protocol: bacnet, host: 192.0.2.31 }, address: { instance: 2 }, location: { zone: east } }
`,
    )
    .replace(
      "    rules:\n      high: { onDelay: 5s }",
      "    location: { zone: east }\n    rules:\n      high: { onDelay: 5s, means: hot }",
    )}topology:
  needs: { east: 1 }
`;

  test("stands in the topology where that rule does, and its witnesses do not", () => {
    const { site, problems } = loadWith({
      "site.yaml": cooled,
      "profiles/crac/test.yaml": cooling,
      "profiles/ups/test.yaml": told,
    });
    expect(problems).toEqual([]);
    const hot = site!.model.rules.find(({ name }) => name === "meter-1/high")!;
    expect(hot.causes.map(({ rule }) => rule)).toEqual(["same-crac-1/stopped", "crac-2/stopped"]);
    const reserve = site!.about.get("hall/zone-east/-/redundancy-lost")!;
    expect(reserve.members).toEqual(["crac-2/stopped", "same-crac-1/stopped"]);
    expect(site!.about.get("hall/same-crac-1/-/stopped")?.shared).toEqual({
      of: "cooling of zone east",
      unit: "crac-1",
      units: ["crac-1", "crac-2"],
      need: 1,
    });
    expect(site!.about.get("hall/crac-1/running/stopped")?.shared).toBeNull();
  });
});
