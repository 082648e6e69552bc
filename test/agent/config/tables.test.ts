import { expect, test } from "vitest";
import { load } from "../../../agent/config/load.ts";
import { sayProblem } from "../../../agent/config/problem.ts";
import { drivers } from "../../../drivers/index.ts";

/** What a profile writes once, and a device has once a row. */

const column = "1.3.6.1.4.1.318.1.1.26.9.4.3.1.6";
const pdu = `
profile: pdu/test
describe: a PDU
protocol: snmp
class: pdu
points:
  power: { address: { oid: 1.3.6.1.4.1.318.1.1.26.4.3.1.5.1 } }
tables:
  outlet:
    rows: 1..3
    points:
      current: { name: { en: "current of outlet {row}", de: "Strom Dose {row}" }, unit: A, scale: 0.1, address: { column: ${column}, row: "{row}" } }
      state: { address: { column: ${column}0, where: { ${column}1: "Outlet {row}" } } }
    rules:
      overload:
        type: level
        point: current
        levels: [{ limit: 10, severity: high }]
        companions: [state, power]
        suppressedBy: [off]
        say: { what: "outlet {row}" }
      off: { type: state, point: state, normal: [1], alarm: [2], severity: low }
rules:
  comm: { type: comm, severity: medium }
`;

function loaded({ device = "", profile = pdu }: { readonly device?: string; readonly profile?: string }) {
  const one = `{ id: d, profile: pdu/test, bus: { protocol: snmp, host: 127.0.0.1 }${device === "" ? "" : `, ${device}`} }`;
  const files: Record<string, string> = {
    "site.yaml": `version: 1\nsite: { id: s }\ndevices:\n  - ${one}\n`,
    "profiles/pdu/test.yaml": profile,
  };
  const { site, problems } = load(
    "site.yaml",
    (name) => files[name] ?? null,
    drivers,
    () => ({ problem: "" }),
  );
  return { site, problems: problems.map(sayProblem) };
}
const pointsOf = (device: string) => loaded({ device }).site?.devices[0]?.points.map(({ own }) => own);
const rulesOf = (device: string) =>
  loaded({ device })
    .site?.model.rules.map(({ name }) => name)
    .filter((name) => name.startsWith("d/"));

test("each row has each point and each rule, with its own words, addresses and companions", () => {
  const { site, problems } = loaded({});
  expect(problems).toEqual([]);
  const points = site!.devices[0]!.points;
  expect(points.map(({ own }) => own)).toEqual([
    "power",
    ...["1", "2", "3"].flatMap((row) => [`outlet-${row}-current`, `outlet-${row}-state`]),
  ]);
  expect(points[3]).toMatchObject({
    id: "d/outlet-2-current",
    name: "current of outlet 2",
    address: { column, row: "2" },
    unit: "A",
    definition: { scale: 0.1 },
  });
  expect(points[4]).toMatchObject({ name: "outlet 2 state", address: { where: { [`${column}1`]: "Outlet 2" } } });
  const about = site!.about.get("s/d/outlet-2-current/outlet-2-overload")!;
  expect(about.companions.map(({ own }) => own)).toEqual(["outlet-2-state", "power"]);
  expect(about.say.what).toBe("outlet 2");
  const rule = site!.model.rules.find(({ name }) => name === "d/outlet-2-overload")!;
  expect(rule.causes.map(({ rule: cause }) => cause)).toContain("d/outlet-2-off");
});

test.each<[string, string, readonly string[]]>([
  ["as the profile says", "", ["1", "2", "3"]],
  ["a list", "rows: { outlet: [1, 5] }", ["1", "5"]],
  ["a range", "rows: { outlet: 7..9 }", ["7", "8", "9"]],
  ["ranges and others", 'rows: { outlet: [1..2, "1.8"] }', ["1", "2", "1-8"]],
  ["one", "rows: { outlet: 4 }", ["4"]],
  ["none", "rows: { outlet: [] }", []],
])("rows: %s", (_, device, rows) => {
  expect(pointsOf(device)).toEqual([
    "power",
    ...rows.flatMap((row) => [`outlet-${row}-current`, `outlet-${row}-state`]),
  ]);
  expect(rulesOf(device)).toEqual([
    "d/comm",
    ...rows.flatMap((row) => [`outlet-${row}-overload`, `outlet-${row}-off`]).map((one) => `d/${one}`),
  ]);
});

test("a site changes what one row has, as it does with any point and rule", () => {
  const { site, problems } = loaded({
    device:
      "rows: { outlet: 1..2 }, points: { outlet-2-current: { scale: 0.01 } }, rules: { outlet-1-overload: null, outlet-2-overload: { levels: [{ limit: 16, severity: high }] } }",
  });
  expect(problems).toEqual([]);
  const [device] = site!.devices;
  expect(device!.points.map(({ definition }) => definition.scale)).toEqual([1, 0.1, 1, 0.01, 1]);
  expect(site!.model.rules.map(({ name }) => name)).not.toContain("d/outlet-1-overload");
  expect(site!.about.get("s/d/outlet-2-current/outlet-2-overload")?.options).toMatchObject({ levels: [{ limit: 16 }] });
});

const changed = (from: string, to: string): string => {
  expect(pdu).toContain(from);
  return pdu.replace(from, to);
};
test.each<[string, Parameters<typeof loaded>[0], string, number]>([
  [
    "a table that there is not",
    { device: "rows: { outlets: 1..2 }" },
    'site.yaml:4:83: devices.0.rows.outlets: no table "outlets" in profile pdu/test; expected one of outlet. Did you mean "outlet"?',
    1,
  ],
  [
    "rows that are none",
    { device: "rows: { outlet: { from: 1 } }" },
    "site.yaml:4:83: devices.0.rows.outlet: expected rows, such as 1..24 or [1, 2, 5], by index or by name",
    1,
  ],
  [
    "too many rows",
    { device: "rows: { outlet: 1..9999 }" },
    "site.yaml:4:83: devices.0.rows.outlet: expected at most 256 rows",
    1,
  ],
  [
    "two rows of one name",
    { device: "rows: { outlet: [5, 1..9] }" },
    'profiles/pdu/test.yaml:12:7: tables.outlet.points.current: of its rows one comes to "outlet-5-current", which is there already; expected another name or other rows',
    2,
  ],
  [
    "a mistake in a point, told once and where it is",
    { profile: changed(`column: ${column}, row`, "column: upsLoad, row") },
    "profiles/pdu/test.yaml:12:",
    1,
  ],
  [
    "a mistake in a rule, told once and where it is",
    { profile: changed("point: current", "point: curent") },
    "profiles/pdu/test.yaml:17:",
    1,
  ],
  [
    "a rule that there is not",
    { profile: changed("suppressedBy: [off]", "suppressedBy: [of]") },
    'profiles/pdu/test.yaml:15:7: tables.outlet.rules.overload: no rule "d/of"',
    1,
  ],
])("%s", (_, given, expected, count) => {
  const { problems } = loaded(given);
  expect(problems[0]).toContain(expected);
  expect(problems.slice(0, 9)).toHaveLength(count);
});
