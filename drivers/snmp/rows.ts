import type { PlannedPoint, Reading } from "../driver.ts";
import { type Address, columnsOf, conditionsOf } from "./address.ts";
import type { Element } from "./ber.ts";
import { numberOf, wordOf } from "./codec.ts";
import type { Flaw } from "./getter.ts";
import type { Row, Table } from "./walker.ts";

/** What the rows of a table come to, and which of them is meant. Pure and total. */

type Point = Pick<PlannedPoint<unknown, Address>, "id" | "address">;

/** The index of the one row that is meant. */
export function rowIn(table: Table, address: Address): { readonly index: string } | Flaw {
  const [first, ...others] = [...table].filter(([, row]) => isMeant(address, (column) => row.get(column)));
  const wanted = said(conditionsOf(address));
  if (first === undefined)
    return { fault: "no_such_point", detail: `no row with ${wanted}; there is ${shown(table, address)}` };
  if (others.length === 0) return { index: first[0] };
  const indexes = [first, ...others].slice(0, shownMax).map(([index]) => index);
  return { fault: "no_such_point", detail: `${others.length + 1} rows with ${wanted}, such as ${indexes.join(", ")}` };
}

/** Whether a row's columns hold what names it. */
export const isMeant = (address: Address, held: (column: string) => Element | undefined): boolean =>
  conditionsOf(address).every(([column, holds]) => {
    const value = held(column);
    return value !== undefined && wordOf(value) === holds;
  });

/** What the rows come to; of an empty table nothing but their count and their sum, which are 0. */
export function overRows({ id, address }: Point, table: Table): Reading {
  const { rows, column } = address;
  const meant = matching(table, address);
  if (rows === "count" || column === undefined) return { point: id, value: meant.length };
  const numbers: number[] = [];
  for (const [index, row] of meant) {
    const value = row.get(column);
    const number = value === undefined ? notThere : numberOf(value);
    if (typeof number !== "number") return { point: id, fault: number.fault, detail: `row ${index}: ${number.detail}` };
    numbers.push(number);
  }
  if (rows === "sum") return { point: id, value: numbers.reduce((sum, one) => sum + one, 0) };
  if (numbers.length === 0) return { point: id, fault: "not_available", detail: `no row to take the ${rows} of` };
  const most = numbers.reduce((a, b) => ((rows === "max") === a > b ? a : b));
  return { point: id, value: most };
}

const notThere: Flaw = { fault: "no_such_point", detail: "no such column" };

/** A row that lacks one of the columns is just appearing, or going. */
function matching(table: Table, address: Address): (readonly [index: string, row: Row])[] {
  const columns = columnsOf(address);
  return [...table].filter(
    ([, row]) => columns.every((column) => row.has(column)) && isMeant(address, (column) => row.get(column)),
  );
}

const shownMax = 5;
const lengthMax = 40;

/** What the table has instead, for whoever renamed or removed the row. */
function shown(table: Table, address: Address): string {
  const columns = conditionsOf(address).map(([column]) => column);
  const all = [...table.values()].map((row) => said(columns.map((column) => [column, wordIn(row, column)])));
  const first = [...new Set(all)].slice(0, shownMax);
  const rest = table.size - first.length;
  if (first.length === 0) return "none at all";
  return `${first.join("; ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

function wordIn(row: Row, column: string): string {
  const value = row.get(column);
  const word = value === undefined ? "" : wordOf(value);
  return typeof word === "string" ? word : word.detail;
}

/** The columns' names are not known, so what they hold has to tell them. */
const said = (conditions: readonly (readonly [string, string])[]): string =>
  conditions.map(([, holds]) => JSON.stringify(holds.slice(0, lengthMax))).join(", ");
