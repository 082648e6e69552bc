import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Document as Parsed,
  parseDocument,
  visit,
  type YAMLError,
} from "yaml";
import type { Problem } from "./problem.ts";

/** Where problems of a value are shown. */
export interface Place {
  problem(path: Path, what: string): Problem;
}

/**
 * A YAML file with the position of everything in it, so that what a schema finds wrong can be shown where it stands.
 * Total: any text gives a document, its value perhaps useless, and the problems found on the way.
 */
export interface Document extends Place {
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

export type Path = readonly PropertyKey[];

/** A place deeper in a document: paths are counted from `base`. */
export const inside = (place: Place, base: Path): Place => ({
  problem: (path, what) => place.problem([...base, ...path], what),
});

/** A value of two layers: what the upper one says itself is shown there, the rest where the lower one says it. */
export const layered = (upper: Place, said: object, lower: Place): Place => ({
  problem: (path, what) => (path[0] === undefined || Object.hasOwn(said, path[0]) ? upper : lower).problem(path, what),
});

/** A map in a document's value, as far as there is one. */
export function given({ value }: Pick<Document, "value">, key: string): object {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return typeof found === "object" && found !== null ? found : {};
}

/** More is no configuration written by people, and could keep the parser busy for long. */
const sizeMax = 1024 * 1024;

export function readDocument(file: string, text: string): Document {
  if (text.length > sizeMax) return broken(file, `larger than ${sizeMax} characters; expected a file written by hand`);
  const lines = new LineCounter();
  const parsed = parse(text, lines);
  if (parsed === null) return broken(file, "nested too deep; expected a file written by hand");
  const at = (offset: number, path: Path, what: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, path: path.map(String).join("."), what };
  };
  const problem = (path: Path, what: string): Problem => at(offsetOf(parsed, path), path, what);
  const problems = telling([...parsed.errors, ...parsed.warnings]).map((error) =>
    at(error.pos[0], [], sayError(error)),
  );
  if (problems.length === 0) problems.push(...dangling(parsed).map(({ offset, what }) => at(offset, [], what)));
  if (problems.length > 0) return { value: null, problems, problem };
  try {
    return { value: parsed.toJS({ maxAliasCount: 100 }) as unknown, problems, problem };
  } catch {
    // All that toJS refuses by itself: aliases of aliases that would grow without end.
    return broken(file, "aliases (*name) repeat too much of the file; expected fewer of them");
  }
}

/** Null where the parser, which recurses, ran out of stack; sometimes it throws then, sometimes it is an error. */
function parse(text: string, lineCounter: LineCounter): Parsed.Parsed | null {
  try {
    const parsed = parseDocument(text, { lineCounter, prettyErrors: false, strict: true });
    return parsed.errors.some(({ code }) => code === "RESOURCE_EXHAUSTION") ? null : parsed;
  } catch {
    return null;
  }
}

/** Of errors of syntax the first: the others follow from it. */
function telling(errors: readonly YAMLError[]): YAMLError[] {
  const first = errors.find(({ code }) => code !== "DUPLICATE_KEY");
  return errors.filter((error) => error === first || error.code === "DUPLICATE_KEY");
}

/** As `readDocument`, of a file that may not be empty. */
export function readFilled(file: string, text: string): Document {
  const document = readDocument(file, text);
  const empty = document.value === null && document.problems.length === 0;
  return empty ? broken(file, "the file is empty; expected YAML as in config/example-site.yaml") : document;
}

const broken = (file: string, what: string): Document => {
  const problem = { file, line: 0, column: 0, path: "", what };
  return { value: null, problems: [problem], problem: () => problem };
};

const sayError = ({ code, message }: YAMLError): string => {
  if (code === "DUPLICATE_KEY") return "this key is there twice; expected it once";
  if (code === "MULTIPLE_DOCS") return "a second document begins here (---); expected one";
  // What is no text at all would be repeated in full.
  return `not YAML: ${message.replaceAll(/\s+/g, " ").slice(0, 200)}; expected YAML as in config/example-site.yaml`;
};

/** Aliases to anchors that are not there. */
function dangling(parsed: Parsed.Parsed): { offset: number; what: string }[] {
  const found: { offset: number; what: string }[] = [];
  visit(parsed, {
    Alias(_key, alias) {
      if (alias.resolve(parsed) !== undefined) return;
      const what = `no anchor for *${alias.source}; expected &${alias.source} before it`;
      found.push({ offset: alias.range?.[0] ?? 0, what });
    },
  });
  return found;
}

/** The offset of the node at a path; of its nearest ancestor where the path ends early; of a key itself for maps. */
function offsetOf(parsed: Parsed.Parsed, path: Path): number {
  let node: unknown = parsed.contents;
  let offset = parsed.contents?.range?.[0] ?? 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(parsed);
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
      );
      if (pair === undefined || !isScalar(pair.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else {
      const items: unknown = typeof node === "object" && node !== null && "items" in node ? node.items : undefined;
      const item: unknown = Array.isArray(items) ? items[Number(step)] : undefined;
      if (typeof item !== "object" || item === null || !("range" in item)) break;
      offset = (item as { range?: readonly number[] | null }).range?.[0] ?? offset;
      node = item;
    }
  }
  return offset;
}
