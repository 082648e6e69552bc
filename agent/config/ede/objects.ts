import {
  address,
  device as deviceAddress,
  deviceObject,
  type ObjectName,
  objectTypes,
} from "../../../drivers/bacnet/schema.ts";
import type { Unit } from "../mib/units.ts";
import type { Problem } from "../problem.ts";
import { type Column, type EdeFile, type Entry, type Names, type ObjectList, problemAt, readFiles } from "./files.ts";
import { typeIn, typeName } from "./object-types.ts";
import { unitIn } from "./units.ts";

/** An object that the driver reads, all of it known. */
export interface EdeObject {
  readonly object: ObjectName;
  readonly instance: number;
  /** Its object-name, or else its key. */
  readonly name: string;
  readonly description: string;
  readonly isSettable: boolean;
  readonly isState: boolean;
  readonly unit: Unit;
  /** Why it has no unit although the file gives one; "" otherwise. */
  readonly unitless: string;
  /** Names of its values. */
  readonly texts: readonly (readonly [number, string])[];
  /** From the least to the greatest value that it can have, in the device's unit; null: not told. */
  readonly range: readonly [number, number] | null;
  /** At which the device itself alarms, in its unit; null: not told. */
  readonly limits: { readonly low: number | null; readonly high: number | null };
}

export interface EdeDevice {
  readonly instance: number;
  /** As its device object is called; "" where the files have none. */
  readonly name: string;
  readonly description: string;
  readonly project: string;
  readonly files: readonly string[];
  readonly objects: readonly EdeObject[];
  /** How many it has that are not read, by type. */
  readonly unread: ReadonlyMap<string, number>;
  readonly problems: readonly Problem[];
}

/** What is being gathered of a device. */
interface Gathered {
  readonly instance: number;
  readonly project: string;
  name: string;
  description: string;
  readonly files: Set<string>;
  readonly objects: EdeObject[];
  readonly unread: Map<string, number>;
  readonly problems: Problem[];
  /** Where each object was given first. */
  readonly given: Map<string, string>;
}

interface Place {
  readonly list: ObjectList;
  readonly entry: Entry;
  readonly names: Names;
  readonly tell: (what: string) => void;
}

/** Total: the devices in the order of their first objects; what is wrong with one object keeps no other one from being read. */
export function devicesIn(files: readonly EdeFile[]): {
  readonly devices: readonly EdeDevice[];
  readonly problems: readonly Problem[];
} {
  const { lists, names, problems: unread } = readFiles(files);
  const problems = [...unread];
  const devices = new Map<number, Gathered>();
  for (const list of lists) {
    for (const entry of list.entries) {
      const instance = numbered(entry, "device");
      if (instance === null || !deviceAddress.safeParse({ instance }).success) {
        problems.push(
          problemAt(list.file, entry.line, `device obj.-instance ${shown(entry, "device")}: ${ofInstances}`),
        );
        continue;
      }
      const device = devices.get(instance) ?? begun(instance, list.project);
      devices.set(instance, device);
      device.files.add(list.file);
      const tell = (what: string): void => void device.problems.push(problemAt(list.file, entry.line, what));
      gather(device, { list, entry, names, tell });
    }
  }
  const done = [...devices.values()].map((device) => ({
    ...device,
    files: [...device.files],
    problems: once(device.problems),
  }));
  return { devices: done, problems: once(problems) };
}

const begun = (instance: number, project: string): Gathered => ({
  ...{ instance, project, name: "", description: "", files: new Set(), objects: [], unread: new Map(), problems: [] },
  given: new Map(),
});

const ofInstances = "expected a number from 0 to 4194302; the row is left out";

/** How the driver calls the types that it reads. */
const readable: ReadonlyMap<number, ObjectName> = new Map(
  Object.entries(objectTypes).map(([name, type]) => [type, name as ObjectName]),
);

function gather(device: Gathered, place: Place): void {
  const { entry, names, tell } = place;
  const type = typeIn(entry.cell("type"));
  if (type === null) {
    tell(
      `object-type ${shown(entry, "type")}: expected its number or name, such as 0 or analog-input; the row is left out`,
    );
    return;
  }
  if (type === deviceObject) {
    device.name = entry.cell("name") || entry.cell("key");
    device.description = entry.cell("description");
    return;
  }
  const object = readable.get(type);
  if (object === undefined) {
    const called = typeName(type) ?? `type ${[type, names.types.get(String(type))].filter(Boolean).join(", ")}`;
    if (typeName(type) === undefined) tell(`object-type ${type} is none of the standard; its objects are not read`);
    device.unread.set(called, (device.unread.get(called) ?? 0) + 1);
    return;
  }
  const instance = numbered(entry, "instance");
  if (instance === null || !address.safeParse({ object, instance }).success) {
    tell(`object-instance ${shown(entry, "instance")}: ${ofInstances}`);
    return;
  }
  const at = `${place.list.file}:${entry.line}`;
  const before = device.given.get(`${object} ${instance}`);
  if (before !== undefined) {
    tell(`${object} ${instance} is there already, in ${before}; this row is left out: delete the wrong one`);
    return;
  }
  device.given.set(`${object} ${instance}`, at);
  device.objects.push(objectOf(object, instance, place));
}

function objectOf(object: ObjectName, instance: number, place: Place): EdeObject {
  const { entry, names, tell } = place;
  const isState = /^(binary|multi-state)-/.test(object);
  const said = isState ? noUnit : unitIn(entry.cell("unit"), names.units);
  const unitless = typeof said === "string" ? said : "";
  if (unitless !== "") tell(`${unitless}; the point has none: set unit and scale yourself`);
  const [least, most] = [amount(entry.cell("least")), amount(entry.cell("most"))];
  return {
    ...{ object, instance, isState, unitless },
    name: entry.cell("name") || entry.cell("key"),
    description: entry.cell("description"),
    isSettable: /^(y|yes|j|ja|true|1)$/i.test(entry.cell("settable")),
    unit: typeof said === "string" ? noUnit : said,
    texts: isState ? textsOf(object, place) : [],
    range: !isState && least !== null && most !== null && least < most ? [least, most] : null,
    limits: isState ? { low: null, high: null } : { low: amount(entry.cell("low")), high: amount(entry.cell("high")) },
  };
}

const noUnit: Unit = { unit: "1", scale: 1 };

/** A binary object is 0 inactive (its first text) or 1 active, a multi-state one counts from 1. */
function textsOf(object: ObjectName, { list, entry, tell }: Place): EdeObject["texts"] {
  const reference = entry.cell("texts");
  if (reference === "") return [];
  if (list.stateTexts === null) {
    tell("state-text-reference: there are no state texts; give the _StateTexts.csv of this file, too");
    return [];
  }
  const texts = list.stateTexts.texts.get(reference);
  if (texts === undefined) {
    tell(
      `state-text-reference ${reference}: no such row in ${list.stateTexts.file}; its states have no names: add the row`,
    );
    return [];
  }
  const first = object.startsWith("binary-") ? 0 : 1;
  return texts.map((text, at) => [first + at, text] as const).filter(([, text]) => text !== "");
}

function numbered(entry: Entry, column: Column): number | null {
  const cell = entry.cell(column);
  return /^\d{1,10}$/.test(cell) ? Number(cell) : null;
}

/** With a decimal point or comma; null: no number, or one that only says that there is no bound. */
function amount(cell: string): number | null {
  if (!/^[+-]?\d+([.,]\d+)?(e[+-]?\d+)?$/i.test(cell)) return null;
  const value = Number(cell.replace(",", "."));
  return Math.abs(value) < 1e30 ? value : null;
}

const shown = (entry: Entry, column: Column): string => JSON.stringify(entry.cell(column).slice(0, 40));

/** What is wrong in the same way in many rows is told at the first. */
function once(problems: readonly Problem[]): Problem[] {
  const rows = new Map<string, readonly Problem[]>();
  for (const problem of problems) {
    const key = `${problem.file} ${problem.what}`;
    rows.set(key, [...(rows.get(key) ?? []), problem]);
  }
  return [...rows.values()].flatMap(([first, ...more]) => {
    if (first === undefined) return [];
    return [more.length === 0 ? first : { ...first, what: `${first.what} (and in ${more.length} more rows)` }];
  });
}
