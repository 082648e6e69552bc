import { compareOids } from "../../../drivers/snmp/plan.ts";
import type { Problem } from "../problem.ts";
import { type Kind, knownNodes, knownTypes, truth } from "./known.ts";
import { type Module, modulesIn, type Node, type Type } from "./module.ts";
import { MibError } from "./tokens.ts";

/** A readable object of a device, all of it known: where it is, what type it has, whether there are many. */
export interface MibObject {
  readonly name: string;
  readonly oid: string;
  readonly kind: Kind;
  readonly type: string;
  readonly names: Type["names"];
  readonly decimals: number;
  readonly units: string;
  readonly description: string;
  readonly module: string;
  /** The table that it is a column of, and its index; null: a scalar. */
  readonly table: { readonly name: string; readonly index: readonly string[] } | null;
}

export interface MibFile {
  readonly name: string;
  readonly text: string;
}

type Found = Pick<MibObject, "kind" | "type" | "names" | "decimals">;

interface Place {
  readonly file: string;
  readonly module: Module;
}

const readable = new Set(["read-only", "read-write", "read-create"]);
/** Deeper than any tree: a name that is its own ancestor. */
const depthMax = 128;

/** Total: the objects under `root` in the order of their OIDs, or all that is wrong with the files. */
export function objectsIn(
  files: readonly MibFile[],
  root: string,
): { readonly objects: readonly MibObject[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const places = new Map<string, Place>();
  for (const { name: file, text } of files) {
    try {
      for (const module of modulesIn(text)) places.set(module.name, { file, module });
    } catch (error) {
      if (!(error instanceof MibError)) throw error;
      problems.push(problemAt(file, error.line, error.message));
    }
  }
  if (problems.length > 0) return { objects: [], problems };
  const objects: MibObject[] = [];
  for (const place of places.values()) {
    for (const node of place.module.nodes.values()) {
      const found = resolved(node, place, { places, root });
      if (typeof found === "string") problems.push(problemAt(place.file, node.line, found));
      else if (found !== undefined) objects.push(found);
    }
  }
  return { objects: objects.toSorted((a, b) => compareOids(a.oid, b.oid)), problems: mostTelling(problems) };
}

interface Wanted {
  readonly places: ReadonlyMap<string, Place>;
  readonly root: string;
}

/** A text: why it cannot be resolved. Undefined: nothing that can be read, or not under the root. */
function resolved(node: Node, place: Place, { places, root }: Wanted): MibObject | string | undefined {
  const { object } = node;
  if (object === undefined || !readable.has(object.access) || object.status === "obsolete") return undefined;
  const oid = oidOf(node, place, places, 0);
  if (typeof oid === "string") return oid;
  if (!`${oid.join(".")}.`.startsWith(`${root}.`)) return undefined;
  const type = typeOf(object.type, place, places);
  if (typeof type === "string") return type;
  const { units, description } = object;
  return {
    ...{ name: node.name, oid: oid.join("."), units, description, module: place.module.name, ...type },
    table: tableOf(node, place, places),
  };
}

function tableOf({ parent }: Node, place: Place, places: ReadonlyMap<string, Place>): MibObject["table"] {
  const row = place.module.nodes.get(parent ?? "");
  if (row?.object === undefined) return null;
  const { index, augments } = row.object;
  const from = place.module.imports.get(augments ?? "");
  const augmented = (from ? places.get(from.module) : place)?.module.nodes.get(augments ?? "");
  return { name: row.parent ?? row.name, index: index ?? augmented?.object?.index ?? [] };
}

function oidOf(node: Node, place: Place, places: ReadonlyMap<string, Place>, depth: number): number[] | string {
  const { name, parent, arcs } = node;
  if (parent === null) return [...arcs];
  if (depth > depthMax) return `${name} is its own ancestor; the file contradicts itself`;
  const own = place.module.nodes.get(parent);
  if (own !== undefined) return extended(oidOf(own, place, places, depth + 1), arcs);
  const known = knownNodes[parent];
  if (known !== undefined) return [...known.split(".").map(Number), ...arcs];
  const from = place.module.imports.get(parent);
  if (from === undefined) return `${parent} is neither defined here nor imported; it should stand in IMPORTS`;
  const other = places.get(from.module);
  if (other === undefined) return missing(parent, from.module);
  const there = other.module.nodes.get(parent);
  if (there === undefined) return `${parent} is imported from ${from.module}, which does not define it`;
  return extended(oidOf(there, other, places, depth + 1), arcs);
}

const extended = (oid: number[] | string, arcs: readonly number[]) =>
  typeof oid === "string" ? oid : [...oid, ...arcs];

function typeOf(type: Type, place: Place, places: ReadonlyMap<string, Place>, depth = 0): Found | string {
  const { base, names, decimals } = type;
  const kind = knownTypes[base];
  if (kind !== undefined) return { kind, type: base, names: base === "TruthValue" ? truth : names, decimals };
  if (depth > depthMax) return `type ${base} is made of itself; the file contradicts itself`;
  const own = place.module.types.get(base);
  const from = place.module.imports.get(base);
  const other = own === undefined && from !== undefined ? places.get(from.module) : place;
  if (from !== undefined && other === undefined) return missing(`type ${base}`, from.module);
  const found = other?.module.types.get(base);
  if (found === undefined || other === undefined) return `type ${base} is neither defined here nor imported`;
  const inner = typeOf(found, other, places, depth + 1);
  if (typeof inner === "string") return inner;
  return { ...inner, names: names.length > 0 ? names : inner.names, decimals: decimals || inner.decimals };
}

const missing = (symbol: string, module: string): string =>
  `${symbol} comes from ${module}, which is in none of the files; give its file too`;

const problemAt = (file: string, line: number, what: string): Problem => ({ file, line, column: 1, path: "", what });

/** What is wrong once is not told for each object that it keeps from being understood. */
function mostTelling(problems: readonly Problem[]): Problem[] {
  const told = new Set<string>();
  return problems.filter(({ file, what }) => {
    const isNew = !told.has(`${file} ${what}`);
    told.add(`${file} ${what}`);
    return isNew;
  });
}
