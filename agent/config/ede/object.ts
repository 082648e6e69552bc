import { type ObjectName, objectTypes } from "../../../drivers/bacnet/schema.ts";
import type { Unit } from "../mib/units.ts";
import type { Column, Entry, Names, ObjectList } from "./files.ts";
import { unitIn } from "./units.ts";

const { "notification-class": _, ...valued } = objectTypes;
/** How the driver calls the types whose objects have a value. */
export const readable: ReadonlyMap<number, ObjectName> = new Map(
  Object.entries(valued).map(([name, type]) => [type, name as ObjectName]),
);

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

/** Where an object stands, and whom to tell what is wrong there. */
export interface Place {
  readonly list: ObjectList;
  readonly entry: Entry;
  readonly names: Names;
  readonly tell: (what: string) => void;
}

export function objectOf(object: ObjectName, instance: number, place: Place): EdeObject {
  const { entry, names, tell } = place;
  const isState = hasStates(object);
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

export const hasStates = (object: ObjectName): boolean => /^(binary|multi-state)-/.test(object);

export const noUnit: Unit = { unit: "1", scale: 1 };

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

/** Digits only; null: something else. */
export function numbered(entry: Entry, column: Column): number | null {
  const cell = entry.cell(column);
  return /^\d{1,10}$/.test(cell) ? Number(cell) : null;
}

/** With a decimal point or comma; null: no number, or one that only says that there is no bound. */
function amount(cell: string): number | null {
  if (!/^[+-]?\d+([.,]\d+)?(e[+-]?\d+)?$/i.test(cell)) return null;
  const value = Number(cell.replace(",", "."));
  return Math.abs(value) < 1e30 ? value : null;
}

/** As it stands in the file, for problems. */
export const shown = (entry: Entry, column: Column): string => JSON.stringify(entry.cell(column).slice(0, 40));
