import { type EngineeringUnit, engineeringUnits } from "../../../drivers/bacnet/units.ts";
import { type Unit, unitOf } from "../mib/units.ts";

/** What a unit-code says, a number by the standard or, as some makers write, the unit itself; a text: why it says nothing. */
export function unitIn(cell: string, names: ReadonlyMap<string, string>): Unit | string {
  if (/^[-–—]*$/.test(cell)) return none;
  const code = /^\d+$/.test(cell) ? Number(cell) : (codes.get(plain(cell)) ?? -1);
  const unit = engineeringUnits.get(code);
  if (unit !== undefined) return told(code, unit);
  const said = unitOf(cell, "", 0);
  if (said.unit !== "1") return said;
  if (codesOfUcum.has(cell)) return { unit: cell, scale: 1 };
  const called = names.get(cell) ?? "";
  return `unit-code ${cell}${called === "" ? "" : ` (${called})`} is no unit of the standard`;
}

const none: Unit = { unit: "1", scale: 1 };

function told(code: number, { name, ucum, factor }: EngineeringUnit): Unit | string {
  if (ucum === null) return `unit-code ${code} (${name}) has no UCUM code`;
  const kind = kinds.get(code);
  return { unit: ucum, scale: factor, ...(kind === undefined ? {} : { kind }) };
}

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, "");

const codesOfUcum = new Set([...engineeringUnits.values()].map(({ ucum }) => ucum));
const codes: ReadonlyMap<string, number> = new Map(
  [...engineeringUnits].map(([code, { name }]) => [plain(name), code]),
);

/** What is measured where the unit leaves no doubt (config/points.yaml). A percentage may be of anything. */
const kinds: ReadonlyMap<number, string> = new Map(
  Object.entries({
    temperature: [62, 64],
    humidity: [29],
    voltage: [5, 6, 7, 124],
    current: [2, 3],
    power: [47, 48, 49, 132],
    "apparent-power": [8, 9, 10],
    "reactive-power": [11, 12, 13],
    "power-factor": [15],
    frequency: [27, 129],
    energy: [16, 17, 18, 19, 126, 146],
    "reactive-energy": [203, 204, 205, 242, 243, 244],
    pressure: [53, 54, 55, 56, 57, 58, 59, 60, 61, 133, 134, 206],
    flow: [84, 85, 86, 87, 88, 89, 135, 136, 142, 165, 191, 192],
  }).flatMap(([kind, codes]) => codes.map((code) => [code, kind] as const)),
);
