import fc from "fast-check";
import { expect, test } from "vitest";
import { objectsIn } from "../../../../agent/config/mib/objects.ts";
import { sayProblem } from "../../../../agent/config/problem.ts";
import { acme, acmeRoot } from "./acme.ts";

const root = "1.3.6.1.4.1.99999";
const both = [
  { name: "ACME-UPS-MIB.txt", text: acme },
  { name: "ACME-ROOT-MIB.txt", text: acmeRoot },
];
const problemsOf = (...texts: string[]): string[] =>
  objectsIn(
    texts.map((text, at) => ({ name: `${at}.mib`, text })),
    "1.3.6.1.4.1",
  ).problems.map(sayProblem);

test("what can be read is found in the order of its OIDs, whichever file comes first", () => {
  for (const files of [both, both.toReversed()]) {
    const { objects, problems } = objectsIn(files, root);
    expect(problems).toEqual([]);
    expect(objects.map(({ name, oid, type }) => `${oid} ${name} ${type}`)).toEqual([
      `${root}.1.1 acmeAge INTEGER`,
      `${root}.1.7.1 acmeModel DisplayString`,
      `${root}.1.7.2.1 acmeBatteryStatus INTEGER`,
      `${root}.1.7.2.2 acmeBatteryVoltage Integer32`,
      `${root}.1.7.2.3 acmeBatteryTemperature INTEGER`,
      `${root}.1.7.2.4 acmeOnBattery TruthValue`,
      `${root}.1.7.2.5 acmeTimeLeft TimeTicks`,
      `${root}.1.7.2.7 acmeTransfers Counter32`,
      `${root}.1.7.3.1.3 acmeOutletCurrent Gauge32`,
      `${root}.1.7.4.1.1 acmeOutletAge Integer32`,
    ]);
  }
});

test("only what stands under the root, by arcs and not by letters", () => {
  const named = (under: string) => objectsIn(both, under).objects.map(({ name }) => name);
  expect(named(`${root}.1.7.3`)).toEqual(["acmeOutletCurrent"]);
  expect(named(`${root}.1.7.2.2`)).toEqual(["acmeBatteryVoltage"]);
  expect(named("1.3.6.1.4.1.9999")).toEqual([]);
});

test("enumerations, display hints and tables come with their object", () => {
  const { objects } = objectsIn(both, root);
  const object = (name: string) => objects.find((one) => one.name === name);
  expect(object("acmeBatteryStatus")?.names).toEqual([
    [1, "unknown"],
    [2, "allIsWell"],
    [3, "onFire"],
  ]);
  expect(object("acmeOnBattery")?.names).toEqual([
    [1, "true"],
    [2, "false"],
  ]);
  expect(object("acmeBatteryTemperature")?.decimals).toBe(1);
  const index = ["acmeOutletBank", "acmeOutletNumber"];
  expect(object("acmeOutletCurrent")?.table).toEqual({ name: "acmeOutletTable", index });
  expect(object("acmeOutletAge")?.table).toEqual({ name: "acmeOutletMoreTable", index });
});

test("a MIB whose imports are missing names them, each once, with the line that needs them", () => {
  const problems = problemsOf(acme);
  expect(problems).toEqual([
    expect.stringMatching(/^0\.mib:\d+:1: acmeProducts comes from ACME-ROOT-MIB, which is in none of the files; give/),
  ]);
});

test("what the root leaves out need not be understood", () => {
  const strange = acme.replace("SYNTAX Gauge32\n", "SYNTAX Furlongs\n");
  const files = [{ name: "a", text: strange }, both[1]!];
  expect(objectsIn(files, `${root}.1.7.2`).problems).toEqual([]);
  expect(objectsIn(files, root).problems).toHaveLength(1);
});

const wrap = (body: string): string => `A DEFINITIONS ::= BEGIN\nIMPORTS enterprises FROM SNMPv2-SMI;\n${body}\nEND\n`;
const object = (syntax: string, value: string): string =>
  `x OBJECT-TYPE SYNTAX ${syntax} MAX-ACCESS read-only STATUS current DESCRIPTION ""\n::= ${value}`;

test.each([
  ["no MIB at all", "%PDF-1.4", /^0\.mib:1:1: unexpected "%"; expected the text of a MIB/],
  ["another text", "profile: a", /^0\.mib:1:1: (unexpected|expected)/],
  ["nothing", "", /^$/],
  ["a text without end", wrap('x "y'), /^0\.mib:3:1: a text that begins here has no end/],
  ["a file cut off", "A DEFINITIONS ::= BEGIN\nx OBJECT IDENTIFIER ::= { iso 3 }\n", /^0\.mib:1:1: A has no END/],
  ["a bracket that is not closed", wrap("x OBJECT-TYPE\nSYNTAX INTEGER (1..2"), /^0\.mib:4:1: what is opened here/],
  ["no SYNTAX", wrap("x OBJECT-TYPE\nACCESS read-only ::= { enterprises 1 }"), /^0\.mib:3:1: x has no SYNTAX/],
  ["a clause that is none", wrap("x OBJECT-TYPE COLOUR red ::= { enterprises 1 }"), /:3:1: expected a clause of x/],
  ["a number for a name", wrap(object("INTEGER { 1(a) }", "{ enterprises 1 }")), /:3:1: expected the name of a number/],
  ["an arc too large", wrap(object("INTEGER", "{ enterprises 4294967296 }")), /:4:1: 4294967296 is no part of an OID/],
  ["a parent that nobody knows", wrap(object("INTEGER", "{ nowhere 1 }")), /:3:1: nowhere is neither defined here/],
  ["a type that nobody knows", wrap(object("Furlongs", "{ enterprises 1 }")), /:3:1: type Furlongs is neither defined/],
  [
    "a type made of itself",
    wrap(`T ::= U\nU ::= T\n${object("T", "{ enterprises 1 }")}`),
    /type [TU] is made of itself/,
  ],
  [
    "a name that is its own ancestor",
    wrap(`a OBJECT IDENTIFIER ::= { a 1 }\n${object("INTEGER", "{ a 1 }")}`),
    /ancestor/,
  ],
])("%s is told with file, line and remedy", (_, text, told) => {
  expect(problemsOf(text).join("\n")).toMatch(told);
});

test("a name that the other file does not define is told", () => {
  const [problem] = problemsOf(acme, acmeRoot.replace("acmeProducts  OBJECT", "acmeOthers OBJECT"));
  expect(problem).toMatch(/acmeProducts is .*does not define it|acmeProducts is neither/);
});

test("20,000 damaged MIBs: each is read or told, none throws", () => {
  const at = fc.nat(acme.length);
  const pieces = fc.constantFrom(
    "{",
    "}",
    "(",
    '"',
    "::=",
    "END",
    "BEGIN",
    ";",
    "--",
    "SYNTAX",
    "FROM",
    "9",
    "\0",
    "OF",
  );
  const edit = fc.record({ at, gone: fc.nat(40), put: fc.array(pieces, { maxLength: 3 }) });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = acme;
      for (const { at, gone, put } of edits) text = text.slice(0, at) + put.join(" ") + text.slice(at + gone);
      const { objects, problems } = objectsIn([{ name: "x", text }, both[1]!], root);
      for (const { oid } of objects) expect(oid).toMatch(/^1\.3\.6\.1\.4\.1\.99999(\.\d+)*$/);
      for (const { line, what } of problems) expect([line > 0, what.length > 10]).toEqual([true, true]);
    }),
    { numRuns: 20_000, seed: 7 },
  );
}, 600_000);
