import * as z from "zod";
import type { Document, Path, Place } from "./document.ts";
import { given } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";
import type { Profiled } from "./resolve.ts";

/** Points and rules that a profile writes once and a device has once a row: outlets, phases, sensors. */

const expectedRows = "expected rows, such as 1..24 or [1, 2, 5], by index or by name";
const range = /^(\d{1,5})\.\.(\d{1,5})$/;
const row = z.union([z.number().int().min(0), z.string().min(1).max(40)], expectedRows);
/** More are no list that somebody has written on purpose. */
const rowsMax = 256;

/** Each row by its index or its name. */
export const rowList = z
  .union([row, z.array(row)], expectedRows)
  .transform((written) => [written].flat().flatMap((one) => expanded(String(one))))
  .refine((rows) => rows.length <= rowsMax, `expected at most ${rowsMax} rows`);

function expanded(written: string): string[] {
  const [, first, last] = range.exec(written) ?? [];
  if (first === undefined || last === undefined) return [written];
  const length = Math.min(rowsMax + 1, Math.max(0, Number(last) - Number(first) + 1));
  return Array.from({ length }, (_, nth) => String(Number(first) + nth));
}

type Named = Readonly<Record<string, unknown>>;

interface Made {
  readonly name: string;
  readonly options: unknown;
  /** Where it is written. */
  readonly from: Path;
}

/**
 * A profile with all that its tables come to for these rows, so that whoever reads it meets plain points and rules. What is wrong
 * in one is shown where it is written.
 * @param rows of the tables that have others than the profile says
 */
export function withRows(profiled: Profiled, rows: Named, place: Place, problems: Problem[]): Profiled {
  const { profile, document } = profiled;
  const tables = Object.entries(profile.tables);
  const known = tables.map(([name]) => name);
  for (const name of Object.keys(rows).filter((name) => !known.includes(name))) {
    const expected = known.length === 0 ? "it has no tables" : `expected one of ${known.join(", ")}`;
    const what = `no table "${name}" in profile ${profile.profile}; ${expected}.${didYouMean(name, known)}`;
    problems.push(place.problem([name], what));
  }
  if (tables.length === 0) return profiled;
  const made = (kind: "points" | "rules"): Made[] =>
    tables.flatMap(([table, one]) => {
      const listed = (rows[table] as readonly string[] | undefined) ?? one.rows;
      const own = [...Object.keys(one.points), ...Object.keys(one.rules)];
      return listed.flatMap((row) =>
        Object.entries(one[kind] as Named).map(([name, options]) => ({
          name: nameOf(table, row, name),
          options: kind === "points" ? filled(options, row) : ofRow(filled(options, row), own, table, row),
          from: ["tables", table, kind, name],
        })),
      );
    });
  const points = made("points");
  const rules = made("rules");
  problems.push(...taken(points, profile.points, document), ...taken(rules, profile.rules, document));
  const parts = { points: { ...profile.points, ...record(points) }, rules: { ...profile.rules, ...record(rules) } };
  return {
    ...profiled,
    profile: { ...profile, ...(parts as Pick<typeof profile, "points" | "rules">) },
    document: shown(document, { points, rules }),
  };
}

/** What cannot stand in a name is left out of it: "Outlet 5" is Outlet-5, 1.3 is 1-3. */
const nameOf = (table: string, row: string, name: string): string =>
  `${table}-${row.replaceAll(/[^A-Za-z0-9_-]+/g, "-")}-${name}`;

const record = (made: readonly Made[]): Record<string, unknown> =>
  Object.fromEntries(made.map(({ name, options }) => [name, options]));

/** {row} in any text is the row. */
function filled(options: unknown, row: string): unknown {
  if (typeof options === "string") return options.replaceAll("{row}", row);
  if (Array.isArray(options)) return options.map((one) => filled(one, row));
  if (typeof options !== "object" || options === null) return options;
  return Object.fromEntries(Object.entries(options).map(([key, one]) => [key, filled(one, row)]));
}

/** By the names that a rule's table gives them it means points and rules of its own row. */
function ofRow(options: unknown, own: readonly string[], table: string, row: string): unknown {
  if (typeof options !== "object" || options === null) return options;
  const named = (name: unknown): unknown =>
    typeof name === "string" && own.includes(name) ? nameOf(table, row, name) : name;
  const entries = Object.entries(options).map(([key, one]) => {
    if (!naming.includes(key)) return [key, one];
    return [key, Array.isArray(one) ? one.map(named) : named(one)];
  });
  return Object.fromEntries(entries);
}

const naming: readonly string[] = ["point", "companions", "suppressedBy", "sameAs"];

/** Two things of one name, or a name that is none: the first of each is told. */
function taken(made: readonly Made[], written: Named, document: Document): Problem[] {
  const seen = new Set(Object.keys(written));
  const wrong = made.filter(({ name }) => {
    const isWrong = seen.has(name) || name.length > nameMax;
    seen.add(name);
    return isWrong;
  });
  return wrong.slice(0, 1).map(({ name, from }) => {
    const why = name.length > nameMax ? `is longer than ${nameMax} characters` : "is there already";
    return document.problem(
      from,
      `of its rows one comes to "${name}", which ${why}; expected another name or other rows`,
    );
  });
}

const nameMax = 64;

/** The document as if all that was made were written in it, each at the one place where it is. */
function shown(document: Document, made: Readonly<Record<"points" | "rules", readonly Made[]>>): Document {
  const places = new Map<string, Path>(
    (["points", "rules"] as const).flatMap((kind) =>
      made[kind].map(({ name, from }) => [`${kind} ${name}`, from] as const),
    ),
  );
  const parts = (["points", "rules"] as const).map((kind) => [
    kind,
    { ...given(document, kind), ...record(made[kind]) },
  ]);
  return {
    ...document,
    value: { ...Object(document.value), ...Object.fromEntries(parts) },
    problem([kind, name, ...rest], what) {
      const from = places.get(`${String(kind)} ${String(name)}`);
      const path = [kind, name, ...rest].filter((one) => one !== undefined);
      return document.problem(from === undefined ? path : [...from, ...rest], what);
    },
  };
}
