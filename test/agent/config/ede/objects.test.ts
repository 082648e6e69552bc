import fc from "fast-check";
import { expect, test } from "vitest";
import type { EdeFile } from "../../../../agent/config/ede/files.ts";
import { devicesIn } from "../../../../agent/config/ede/objects.ts";
import { sayProblem } from "../../../../agent/config/problem.ts";
import { chiller, columnRow, crac, stateTexts } from "./plant.ts";

const file = (name: string, text: string): EdeFile => ({ name, bytes: Buffer.from(text, "latin1") });
const both = [file("Plant_EDE.csv", chiller), file("Plant_StateTexts.csv", stateTexts)];

function told(...files: EdeFile[]): string[] {
  const { devices, problems } = devicesIn(files);
  return [...problems, ...devices.flatMap((device) => device.problems)].map(sayProblem);
}

test("the objects of a device, with units, ranges and texts; what is not read is counted", () => {
  const { devices, problems } = devicesIn(both);
  expect(problems).toEqual([]);
  const [device, ...others] = devices;
  expect(others).toEqual([]);
  expect(device).toMatchObject({
    ...{ instance: 3000, name: "KM1", description: "Kältemaschine 1", project: "Kältezentrale", problems: [] },
    unread: new Map([
      ["trend-log", 2],
      ["notification-class", 1],
      ["schedule", 1],
    ]),
  });
  const cel = { unit: "Cel", scale: 1, kind: "temperature" };
  expect(device?.objects).toMatchObject([
    { object: "analog-input", instance: 1, unit: cel, range: [-10.5, 60], limits: { low: 4, high: 12 } },
    { object: "analog-input", instance: 3_000_109, unit: { unit: "kW", scale: 3.516_852_842 }, range: [0, 200] },
    { object: "analog-value", instance: 7, unit: cel, range: [5, 15], isSettable: true },
    { object: "analog-value", instance: 8, unit: { unit: "K", scale: 1 }, range: null, isSettable: false },
    {
      ...{ object: "binary-input", instance: 4, isState: true, range: null },
      texts: [
        [0, "in Ordnung"],
        [1, "gestört"],
      ],
    },
    {
      ...{ object: "multi-state-value", instance: 2, isState: true, range: null },
      texts: [
        [1, "aus"],
        [2, "ein; automatisch"],
        [4, "Hand"],
      ],
    },
    { object: "accumulator", instance: 1, unit: { unit: "kW.h", scale: 1, kind: "energy" } },
  ]);
});

test("columns in any order and words, types and units by name", () => {
  const { devices, problems } = devicesIn([file("export.txt", crac)]);
  expect(problems).toEqual([]);
  expect(devices).toMatchObject([
    {
      instance: 4000,
      objects: [
        { object: "analog-input", instance: 1, name: "ReturnTemp", unit: { unit: "Cel" }, isSettable: false },
        { object: "analog-output", instance: 2, name: "Fan", unit: { unit: "%" }, isSettable: true },
        { object: "multi-state-value", instance: 3, name: "Mode", texts: [] },
      ],
      problems: [],
    },
  ]);
});

test("devices of one file are apart; the key names an object without a name", () => {
  const rows = ["a;1;;0;1", "b;2;B;0;1", "c;1;C;0;2"];
  const { devices } = devicesIn([file("x_EDE.csv", [columnRow, ...rows].join("\n"))]);
  expect(devices.map(({ instance, objects }) => [instance, objects.map(({ name }) => name)])).toEqual([
    [1, ["a", "C"]],
    [2, ["B"]],
  ]);
});

test.each([
  ["-10;60", [-10, 60]],
  ["0,5;1.5E3", [0.5, 1500]],
  ["-3.402823E+38;3.402823E+38", null],
  ["0;0", null],
  [";100", null],
  ["1.000,5;2.000,5", null],
])("min- and max-present-value %j: %j", (cells, range) => {
  const { devices } = devicesIn([ede(`a;1;a;0;1;;;${cells}`)]);
  expect(devices[0]?.objects[0]?.range).toEqual(range);
});

test("rows that are comments, also names of columns again, are no objects", () => {
  expect(told(ede("# a;1;a;0;1", "a;1;a;0;1", columnRow))).toEqual([]);
});

test("state texts of the same project are meant, whichever come first", () => {
  const ede = (device: number) => `${columnRow}\na;${device};a;3;1;;;;;;;;;5`;
  const files = [
    file("A-StateTexts.csv", "#\n5;shut;open"),
    file("B-StateTexts.csv", "#\n5;off;on"),
    ...[file("B-EDE.csv", ede(2)), file("A-EDE.csv", ede(1))],
  ];
  const texts = devicesIn(files).devices.map(({ instance, objects }) => [instance, ...(objects[0]?.texts ?? [])]);
  expect(texts).toEqual([
    [2, [0, "off"], [1, "on"]],
    [1, [0, "shut"], [1, "open"]],
  ]);
});

const ede = (...rows: string[]) => file("x_EDE.csv", [columnRow, ...rows].join("\n"));
const unit = (code: string) => ede(`a;1;a;0;1;;;;;;;;;;${code}`);
const state = (reference: string) => ede(`a;1;a;3;1;;;;;;;;;${reference}`);

test.each<[string, EdeFile[], RegExp]>([
  [
    "no column row",
    [file("x_EDE.csv", "PROJECT_NAME;x\na;1;a;0;1")],
    /^x_EDE\.csv:1:1: no row of column names; expected/,
  ],
  ["some other file", [file("notes.txt", "hello")], /^notes\.txt:1:1: no row of column names/],
  ["an empty file", [file("x_EDE.csv", "\n")], /^x_EDE\.csv: the file is empty; expected rows of EDE/],
  ["a workbook", [file("x_EDE.csv", "PK\u0003\u0004")], /^x_EDE\.csv: a workbook .*save each of its sheets as CSV/],
  ["no device column", [file("x", "#\nobject-type;object-instance\n0;1")], /^x:2:1: no column device obj\.-instance;/],
  ["no device", [ede("a;;a;0;1")], /^x_EDE\.csv:2:1: device obj\.-instance "": expected a number from 0 to 4194302/],
  ["a device that none can be", [ede("a;4194303;a;0;1")], /device obj\.-instance "4194303": expected/],
  ["no type", [ede("a;1;a;;1")], /^x_EDE\.csv:2:1: object-type "": expected its number or name/],
  ["a word for a type", [ede("a;1;a;valve;1")], /object-type "valve": expected its number or name/],
  [
    "a type of a maker",
    [ede("a;1;a;300;1", "a;1;b;300;2")],
    /2:1: object-type 300 is none of .* \(and in 1 more row\)$/,
  ],
  ["no instance", [ede("a;1;a;0;")], /^x_EDE\.csv:2:1: object-instance "": expected a number/],
  [
    "an object twice",
    [ede("a;1;a;0;7", "b;1;b;0;7")],
    /3:1: analog-input 7 is there already, in x_EDE\.csv:2;.*delete/,
  ],
  ["a unit of a maker", [unit("309")], /2:1: unit-code 309 is no unit of the standard; .*set unit and scale yourself/],
  ["its name", [unit("309"), file("x_Units.csv", "#\n309;furlongs")], /unit-code 309 \(furlongs\) is no unit/],
  ["a unit without a code", [unit("105")], /unit-code 105 \(currency1\) has no UCUM code; .*set unit/],
  ["a unit that nobody knows", [unit("furlongs")], /unit-code furlongs is no unit of the standard/],
  ["no state texts", [state("5")], /2:1: state-text-reference: there are no state texts; give the _StateTexts\.csv/],
  [
    "no such text",
    [state("5"), file("x_StateTexts.csv", "#\n6;a")],
    /reference 5: no such row in x_StateTexts\.csv;.*add/,
  ],
  [
    "a quotation mark without end",
    [ede('"a;1;a;0;1')],
    /^x_EDE\.csv:2:1: from here on a cell begins with a quot.*close/,
  ],
])("%s is told with place, cause and remedy", (_, files, expected) => {
  expect(told(...files)).toEqual([expect.stringMatching(expected)]);
});

test("what is wrong with one row keeps no other from being read", () => {
  const { devices } = devicesIn([
    ede("a;x;a;0;1", "b;1;b;?;1", "c;1;c;0;x", "d;1;d;0;4;;;;;;;;;;309", "e;1;e;3;5;;;;;;;;;9"),
  ]);
  expect(devices[0]?.objects.map(({ name }) => name)).toEqual(["d", "e"]);
  expect(devices[0]?.problems).toHaveLength(4);
});

test("1,000 damaged files: each is read or told, none throws", () => {
  const pieces = fc.constantFrom(";", '"', "\n", "#", "3000", "-1", "9".repeat(12), "1,5", "ä", "\0", columnRow);
  const edit = fc.record({ at: fc.nat(chiller.length), gone: fc.nat(60), put: fc.array(pieces, { maxLength: 3 }) });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = chiller;
      for (const { at, gone, put } of edits) text = text.slice(0, at) + put.join("") + text.slice(at + gone);
      const { devices, problems } = devicesIn([file("Plant_EDE.csv", text), both[1]!]);
      for (const { instance } of devices.flatMap(({ objects }) => objects)) expect(instance).toBeLessThan(4_194_303);
      for (const { what } of problems) expect(what).toMatch(/;|expected/);
    }),
    { numRuns: 1000, seed: 7 },
  );
});
