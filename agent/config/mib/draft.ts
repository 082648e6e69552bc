import { idMax, inOneLine, kebab, quoted, section, short, uniqueIds } from "../drafting.ts";
import type { MibObject } from "./objects.ts";
import { unitOf } from "./units.ts";

/** A profile's first draft, in YAML, from the objects of a MIB: numbers are points, all else is told in comments. */
export interface Draft {
  readonly root: string;
  readonly objects: readonly MibObject[];
  /** The index of the row that is wanted, such as `1` or `1.2`, by table. */
  readonly rows: ReadonlyMap<string, string>;
}

export function draftOf({ root, objects, rows }: Draft): string {
  const modules = [...new Set(objects.map(({ module }) => module))];
  const [first = "mib"] = modules;
  const isNumber = ({ kind }: MibObject): boolean => kind === "number" || kind === "ticks";
  const located = objects.map((object) => ({ object, instance: instanceOf(object, rows) }));
  const points = located.filter(({ object, instance }) => instance !== null && isNumber(object));
  const texts = located.filter(({ object, instance }) => instance !== null && !isNumber(object));
  const name = nameOf();
  return [
    `# Drafted from ${modules.join(", ")}: all that can be read under ${root}. Keep what matters, name it, set its class,`,
    "# the numbers that mean no value (notAvailable, sentinels, range), and the rules with their tests.",
    `profile: draft/${kebab(first)}`,
    `describe: ${quoted(`Drafted from ${modules.join(", ")}.`)}`,
    "protocol: snmp",
    "class: draft",
    ...section("Texts, which are no points; some tell who the device is (identity)", texts.map(shownOf)),
    ...tablesIn(objects, rows),
    "",
    ...(points.length === 0 ? ["points: {}"] : ["points:"]),
    ...points.flatMap(({ object, instance }) => pointOf(object, instance ?? "", name)),
    "",
  ].join("\n");
}

/** A scalar's instance is 0; null: of a table of which no row is wanted. */
const instanceOf = ({ table }: MibObject, rows: Draft["rows"]): string | null =>
  table === null ? "0" : (rows.get(table.name) ?? null);

const shownOf = ({ object: { name, oid }, instance }: { object: MibObject; instance: string | null }): string =>
  `${name}: ${oid}.${instance}`;

/** Which row of a table is meant, no MIB says. */
function tablesIn(objects: readonly MibObject[], rows: Draft["rows"]): string[] {
  const tables = new Map<string, MibObject[]>();
  for (const object of objects) {
    const { table } = object;
    if (table !== null && !rows.has(table.name)) tables.set(table.name, [...(tables.get(table.name) ?? []), object]);
  }
  return [...tables].flatMap(([table, columns]) => {
    const index = columns[0]?.table?.index.join(".") || "INDEX";
    const title = `Columns of ${table}; --row ${table}=${index} makes points of one of its rows`;
    return section(
      title,
      columns.map(({ name, oid, type }) => `${name}: ${oid}.${index} (${type})`),
    );
  });
}

function pointOf(object: MibObject, instance: string, name: (object: MibObject, instance: string) => string): string[] {
  const { oid, kind: sort, type, names, units, description, decimals } = object;
  const { unit, scale, kind } =
    sort === "ticks" ? { unit: "s", scale: 0.01 } : unitOf(units, description, names.length > 0 ? 0 : decimals);
  const told = names.length > 0 ? { kind: "state", unit: "1", scale: 1 } : { kind, unit, scale };
  return [
    `  ${name(object, instance)}:`,
    ...comment(description, units),
    ...(told.kind === undefined ? [] : [`    kind: ${told.kind}`]),
    `    address: { oid: ${oid}.${instance} } # ${object.name}, ${type}${access(object)}`,
    ...(told.unit === "1" ? [] : [`    unit: ${quoted(told.unit)}`]),
    ...(told.scale === 1 ? [] : [`    scale: ${told.scale}`]),
    ...(names.length === 0 ? [] : ["    texts:", ...textsOf(names)]),
  ];
}

const access = ({ type }: MibObject): string =>
  /^Counter(32|64)?$/.test(type) ? "; give it `counter`, with the highest rate that can be true" : "";

/** Each number once: of two names the first. */
const textsOf = (names: MibObject["names"]): string[] =>
  [...new Map(names.toReversed())].reverse().map(([number, text]) => `      ${number}: ${quoted(words(text))}`);

/** The first sentence, in one line. */
function comment(description: string, units: string): string[] {
  const [sentence = ""] = inOneLine(description).split(/(?<=\.)\s/);
  const shown = [short(sentence), units === "" ? "" : `[${inOneLine(units)}]`].filter((part) => part !== "").join(" ");
  return shown === "" ? [] : [`    # ${shown}`];
}

/** Ids of points, each once. */
function nameOf(): (object: MibObject, instance: string) => string {
  const unique = uniqueIds();
  return ({ name, table }, instance) => {
    const row = table === null ? "" : `-${instance.replaceAll(".", "-")}`;
    return unique(`${kebab(name).slice(0, idMax - row.length)}${row}`);
  };
}

const words = (name: string): string => kebab(name).replaceAll("-", " ");
