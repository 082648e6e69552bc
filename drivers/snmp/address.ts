import * as z from "zod";

/** Where a value is found: an instance of an object, a cell of a table, or what many rows of a table come to. */

/** The second arc ends at 39, as BER packs the first two arcs into one octet, and agents know no longer form. */
const oidText = /^[0-2]\.[1-3]?\d(\.(0|[1-9]\d{0,9}))+$/;
const arcsMax = 128; // RFC 3416, 4.1
const areArcs = (text: string): boolean => text.split(".").every((arc) => Number(arc) < 2 ** 32);
export const isOid = (text: string): boolean =>
  oidText.test(text) && text.split(".").length <= arcsMax && areArcs(text);
/** @param such an example for people */
export const oid = (such: string) =>
  z.string().refine(isOid, `expected a numeric OID without a leading dot, such as ${such}`);
const instance = oid("1.3.6.1.2.1.33.1.2.4.0");
const column = oid("1.3.6.1.2.1.33.1.4.4.1.5");

const expectedIndex = 'expected a row\'s index, such as 5, or "1.5" in quotes';
const indexText = /^(0|[1-9]\d{0,9})(\.(0|[1-9]\d{0,9}))*$/;
const isIndex = (text: string): boolean => indexText.test(text) && areArcs(text);
const index = z.union([z.number().int().min(0), z.string()]).refine((given) => isIndex(String(given)), expectedIndex);
const held = z.union([z.string().min(1), z.number()], "expected a text, a number or an OID that the column holds");

const options = z.strictObject({
  oid: instance
    .optional()
    .describe("Numeric OID with the instance: .0 for a scalar, the row's index for a table column."),
  column: column.optional().describe("Instead of oid: a column of a table, without an index."),
  row: index.optional().describe("The column's row, by its index."),
  where: z
    .record(column, held)
    .refine((given) => Object.keys(given).length > 0, "expected a column and what it holds")
    .optional()
    .describe("The row or the rows in which these columns hold these values: text, number or OID."),
  rows: z
    .enum(["count", "sum", "min", "max"])
    .optional()
    .describe("Of all rows of the table (where: of some): how many there are, or what their column comes to."),
  beside: instance
    .optional()
    .describe(
      "With rows: an object that every device with this table has; without rows it tells an empty table from none.",
    ),
  digits: column.optional().describe("Column of the same row: value = raw / 10^digits."),
  divisor: column.optional().describe("Column of the same row: value = raw / divisor."),
  as: z
    .enum(["DateAndTime"])
    .optional()
    .describe("DateAndTime (RFC 2579): seconds since 1970, UTC where none is said."),
});
type Options = z.infer<typeof options>;
type Option = keyof Options;

/** What each way to say it may have beside it. */
const forms = {
  oid: { takes: ["oid", "as"], what: "an oid" },
  cell: { takes: ["column", "row", "where", "digits", "divisor", "as"], what: "a cell" },
  rows: { takes: ["column", "rows", "where", "beside"], what: "rows" },
} as const satisfies Record<string, { takes: readonly Option[]; what: string }>;

const formOf = (given: Options) =>
  given.rows !== undefined ? forms.rows : given.oid !== undefined ? forms.oid : forms.cell;

export const address = options.superRefine((given, context) => {
  const refuse = (option: Option, message: string) => context.addIssue({ code: "custom", path: [option], message });
  const { takes, what } = formOf(given);
  for (const option of Object.keys(given) as Option[]) {
    const isOther = given[option] !== undefined && !(takes as readonly Option[]).includes(option);
    if (isOther) refuse(option, `does not go with ${what}; expected one of ${takes.join(", ")}`);
  }
  const { oid, column, row, where, rows, digits, divisor } = given;
  if (rows !== undefined) {
    if (rows === "count" && column === undefined && where === undefined)
      refuse("where", "missing; expected where or column");
    if (rows !== "count" && column === undefined)
      refuse("column", `missing; expected the column to take the ${rows} of`);
  } else if (oid === undefined && column === undefined) {
    refuse("oid", "missing; expected a numeric OID, or the column of a table");
  } else if (column !== undefined && row === undefined && where === undefined) {
    refuse("row", "missing; expected a row's index, or where to find the row");
  }
  if (`${column}.${row}`.split(".").length > arcsMax) refuse("row", `an OID has at most ${arcsMax} numbers`);
  if (digits !== undefined && divisor !== undefined) refuse("divisor", "expected digits or divisor, not both");
});
export type Address = z.infer<typeof address>;

/** What tells who a device is stands in one object. */
export const part = z.strictObject({
  oid: instance.describe("Numeric OID with the instance, such as 1.3.6.1.2.1.1.2.0."),
});
export type Part = z.infer<typeof part>;

export const isOverRows = ({ rows }: Address): boolean => rows !== undefined;

/** Whether its row is to be looked for. */
export const isNamed = ({ oid, row }: Address): boolean => oid === undefined && row === undefined;

export const conditionsOf = ({ where = {} }: Address): readonly (readonly [column: string, holds: string])[] =>
  Object.entries(where).map(([column, holds]) => [column, String(holds)]);

/**
 * What has to be asked for at once, the value first: an answer to one request is of one moment, so that no other row's
 * value is taken for this one's.
 * @param index of the row that was looked for; no matter where it is given
 */
export function oidsOf({ oid, column = "", row, digits, divisor, where = {} }: Address, index = ""): readonly string[] {
  if (oid !== undefined) return [oid];
  const columns = [column, ...Object.keys(where), ...[digits, divisor].filter((one) => one !== undefined)];
  return [...new Set(columns)].map((one) => `${one}.${row ?? index}`);
}

/** The columns of what is asked of all rows. */
export const columnsOf = ({ column, where = {} }: Address): readonly string[] => [
  ...new Set([...(column === undefined ? [] : [column]), ...Object.keys(where)]),
];

/** What the columns of one table have in common. */
export const tableOf = (column: string): string => column.slice(0, column.lastIndexOf("."));
