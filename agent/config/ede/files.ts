import { basename } from "node:path";
import type { Problem } from "../problem.ts";
import { type Row, type Sheet, sheetOf } from "./rows.ts";

/** Which of the four kinds of EDE files each is, and what stands in its columns (EDE of the B.I.G.-EU, layouts 2.1 to 2.3). */
export interface EdeFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The objects of an EDE file, a row each. */
export interface ObjectList {
  readonly file: string;
  /** "" if it has none. */
  readonly project: string;
  readonly entries: readonly Entry[];
  /** Those that belong to it; null: none were given. */
  readonly stateTexts: StateTexts | null;
}

export interface Entry {
  readonly line: number;
  /** "" where the row or the file has no such column. */
  cell(column: Column): string;
}

export interface StateTexts {
  readonly file: string;
  /** By their reference. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

/** What a project calls the numbers of its own. */
export interface Names {
  readonly units: ReadonlyMap<string, string>;
  readonly types: ReadonlyMap<string, string>;
}

/** As layouts and makers write them, letters and digits only. */
const columns = {
  key: ["keyname"],
  device: ["deviceobjinstance", "deviceobjectinstance", "deviceinstance"],
  name: ["objectname"],
  type: ["objecttype"],
  instance: ["objectinstance"],
  description: ["description"],
  least: ["minpresentvalue", "minvalue"],
  most: ["maxpresentvalue", "maxvalue"],
  settable: ["settable", "commandable"],
  high: ["hilimit", "highlimit"],
  low: ["lowlimit", "lolimit"],
  texts: ["statetextreference"],
  unit: ["unitcode"],
} satisfies Readonly<Record<string, readonly string[]>>;
export type Column = keyof typeof columns;
const needed = { device: "device obj.-instance", type: "object-type", instance: "object-instance" } as const;

/** By the end of its name, or by what it says of itself above its rows. */
const roles = [
  { role: "states", end: /state[ _-]?(text)?s?\.[^.]+$/i, title: /state.?text/i },
  { role: "types", end: /obj(ect)?[ _-]?(type)?s?\.[^.]+$/i, title: /of bacnet object.?types/i },
  { role: "units", end: /units?([ _-]?text)?s?\.[^.]+$/i, title: /of bacnet engineering.?units/i },
] as const;
const edeEnd = /ede\.[^.]+$/i;

type Read = Sheet & { readonly name: string };

/** Total: what can be used, and what is wrong with the rest. */
export function readFiles(files: readonly EdeFile[]): {
  readonly lists: readonly ObjectList[];
  readonly names: Names;
  readonly problems: readonly Problem[];
} {
  const read = files.map(({ name, bytes }): Read => ({ name, ...sheetOf(bytes) }));
  const problems = read.flatMap(({ name, wrong }) => (wrong === null ? [] : [problemAt(name, wrong.line, wrong.what)]));
  const as = (wanted: ReturnType<typeof roleOf>) => read.filter((one) => one.rows.length > 0 && roleOf(one) === wanted);
  const states = as("states").map((one) => ({ stem: stemOf(one.name), file: one.name, texts: textsIn(one.rows) }));
  const names = { units: namesIn(as("units")), types: namesIn(as("types")) };
  const lists = as("objects").flatMap((one) => {
    const own = states.find(({ stem }) => stem === stemOf(one.name)) ?? (states.length === 1 ? states[0] : undefined);
    return objectsIn(one, own ?? null, problems);
  });
  problems.push(...as(null).map(({ name }) => problemAt(name, 1, noColumns)));
  problems.push(
    ...read.filter(isEmpty).map(({ name }) => problemAt(name, 0, "the file is empty; expected rows of EDE")),
  );
  return { lists, names, problems };
}

const noColumns =
  "no row of column names; expected keyname, device obj.-instance, object-name, object-type, object-instance … above the objects";

const isEmpty = ({ rows, wrong }: Read): boolean => rows.length === 0 && wrong === null;

function roleOf({ name, rows }: Read): "objects" | (typeof roles)[number]["role"] | null {
  if (rows.some(isColumnRow)) return "objects";
  const titles = rows.slice(0, 2).map(({ cells }) => cells[0] ?? "");
  const byName = roles.find(({ end }) => end.test(basename(name)));
  return (byName ?? roles.find(({ title }) => titles.some((one) => title.test(one))))?.role ?? null;
}

/** What the files of one project have in common: P of P_EDE.csv and P_StateTexts.csv. */
const stemOf = (name: string): string =>
  [edeEnd, ...roles.map(({ end }) => end)].reduce((stem, end) => stem.replace(end, ""), name).replace(/[ _-]+$/, "");

const plain = (cell: string): string => cell.toLowerCase().replace(/[^a-z0-9]+/g, "");

const isColumnRow = ({ cells }: Row): boolean => {
  const found = cells.map(plain);
  return [...columns.type, ...columns.instance].every((name) => found.includes(name));
};

function objectsIn({ name: file, rows }: Read, stateTexts: StateTexts | null, problems: Problem[]): ObjectList[] {
  const at = rows.findIndex(isColumnRow);
  const header = rows[at]?.cells.map(plain) ?? [];
  const place = (column: Column): number => header.findIndex((cell) => columns[column].includes(cell));
  const missing = (Object.keys(needed) as (keyof typeof needed)[]).filter((column) => place(column) < 0);
  if (missing.length > 0) {
    const what = `no column ${missing.map((column) => needed[column]).join(", ")}; expected it among the column names`;
    problems.push(problemAt(file, rows[at]?.line ?? 0, what));
    return [];
  }
  const places = new Map((Object.keys(columns) as Column[]).map((column) => [column, place(column)]));
  const project = rows.slice(0, at).find(({ cells }) => plain(cells[0] ?? "") === "projectname")?.cells[1] ?? "";
  const entries = rows.slice(at + 1).filter(({ cells }) => !isComment(cells));
  return [
    {
      ...{ file, project, stateTexts },
      entries: entries.map(({ line, cells }) => ({ line, cell: (column) => cells[places.get(column) ?? -1] ?? "" })),
    },
  ];
}

const isComment = ([first = ""]: readonly string[]): boolean => first.startsWith("#");

const textsIn = (rows: readonly Row[]): StateTexts["texts"] =>
  new Map(
    rows.filter(({ cells }) => !isComment(cells)).map(({ cells: [reference = "", ...texts] }) => [reference, texts]),
  );

const namesIn = (read: readonly Read[]): ReadonlyMap<string, string> =>
  new Map(read.flatMap(({ rows }) => rows.map(({ cells: [code = "", name = ""] }) => [code, name])));

export const problemAt = (file: string, line: number, what: string): Problem => ({
  file,
  line,
  column: 1,
  path: "",
  what,
});
