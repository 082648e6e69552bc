import { isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import type * as z from "zod";
import { didYouMean, type Problem } from "./problem.ts";

/**
 * A YAML file with the position of everything in it, so that what a schema finds wrong can be shown where it stands.
 * Total: any text gives a document, its value perhaps useless, and the problems found on the way.
 */
export interface Document {
  readonly file: string;
  readonly value: unknown;
  readonly problems: readonly Problem[];
  problem(path: Path, what: string): Problem;
}

export type Path = readonly PropertyKey[];

/** More is no configuration written by people, and could keep the parser busy for long. */
const sizeMax = 1024 * 1024;

export function readDocument(file: string, text: string): Document {
  if (text.length > sizeMax) return broken(file, `larger than ${sizeMax} characters; expected a file written by hand`);
  try {
    return parsed(file, text);
  } catch (error) {
    // Nested too deeply, or grown by aliases: what the parser does not take is no configuration.
    return broken(file, `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parsed(file: string, text: string): Document {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true });
  const problem = (path: Path, what: string): Problem => {
    const offset = offsetOf(yaml.contents, path);
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, path: path.map(String).join("."), what };
  };
  const problems = [...yaml.errors, ...yaml.warnings].map(({ pos, message }) => {
    const { line, col } = lines.linePos(pos[0]);
    return { file, line, column: col, path: "", what: message };
  });
  if (problems.length > 0) return { file, value: null, problems, problem };
  return { file, value: yaml.toJS({ maxAliasCount: 100 }) as unknown, problems, problem };
}

const broken = (file: string, what: string): Document => {
  const problem = { file, line: 0, column: 0, path: "", what };
  return { file, value: null, problems: [problem], problem: () => problem };
};

/** The offset of the node at a path; of its nearest ancestor where the path ends early; of a key itself for maps. */
function offsetOf(root: Node | null, path: Path): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
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
      offset = (item as Node).range?.[0] ?? offset;
      node = item;
    }
  }
  return offset;
}

/** Checks part of a document against a schema; what is wrong goes to `problems`, null is returned then. */
export function check<T>(
  document: Document,
  path: Path,
  schema: z.ZodType<T>,
  value: unknown,
  problems: Problem[],
): T | null {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    for (const { at, what } of explain(issue, schema)) problems.push(document.problem([...path, ...at], what));
  }
  return null;
}

/**
 * Like `check`, but what is wrong is left out, `standIn` put in its place, and the rest used where that is possible, so
 * that one misspelt option does not hide all that is wrong further on. Null where too little is left.
 */
export function salvage<T>(
  document: Document,
  path: Path,
  schema: z.ZodType<T>,
  value: unknown,
  problems: Problem[],
  standIn: object = {},
): T | null {
  const whole = check(document, path, schema, value, problems);
  if (whole !== null) return whole;
  const { error } = schema.safeParse(value);
  const rest = structuredClone(value);
  for (const issue of error?.issues ?? []) {
    const wrong = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    for (const at of wrong) remove(rest, at);
  }
  return schema.safeParse(isRecord(rest) && !Array.isArray(rest) ? { ...standIn, ...rest } : rest).data ?? null;
}

function remove(from: unknown, path: Path): void {
  let here: unknown = from;
  for (const step of path.slice(0, -1)) here = isRecord(here) ? here[String(step)] : null;
  const last = path.at(-1);
  if (isRecord(here) && !Array.isArray(here) && last !== undefined) delete here[String(last)];
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

function explain(issue: z.core.$ZodIssue, schema: z.ZodType): { at: Path; what: string }[] {
  if (issue.code !== "unrecognized_keys") return [{ at: issue.path, what: say(issue) }];
  const known = keysAt(schema, issue.path);
  return issue.keys.map((key) => {
    const hint = didYouMean(key, known);
    const expected = known.length > 0 && hint === "" ? ` Expected one of ${known.join(", ")}.` : hint;
    return { at: [...issue.path, key], what: `unknown option "${key}".${expected}` };
  });
}

/** What people call what zod expects. */
const kinds: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list (- …)",
  object: "options (name: value)",
  record: "options (name: value)",
  tuple: "a list",
  nonoptional: "options (name: value)",
};

function say(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_value") {
    const expected = issue.values.map(String);
    const given = typeof issue.input === "string" ? didYouMean(issue.input, expected) : "";
    return `expected one of ${expected.join(", ")}.${given}`;
  }
  if (issue.code === "invalid_type" && !issue.message.startsWith("expected")) {
    const found = issue.input === undefined ? "is missing" : issue.input === null ? "is empty" : "is something else";
    return `${found}; expected ${kinds[issue.expected] ?? issue.expected}`;
  }
  if (issue.code === "too_big") return `expected at most ${issue.maximum}${many(issue.origin)}`;
  if (issue.code === "too_small") return `expected at least ${issue.minimum}${many(issue.origin)}`;
  return issue.message;
}

const many = (origin: string): string => ({ array: " in the list", string: " characters" })[origin] ?? "";

/** The options known at a path of a schema, as far as it is made of plain objects. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let here: unknown = schema;
  for (const step of path) {
    const unwrapped = unwrap(here);
    here = childOf(unwrapped, step);
  }
  const shape = shapeOf(unwrap(here));
  return shape === null ? [] : Object.keys(shape);
}

function unwrap(schema: unknown): unknown {
  let here = schema;
  for (let depth = 0; depth < 10; depth++) {
    if (typeof here !== "object" || here === null || !("def" in here)) return here;
    const def: unknown = here.def;
    if (typeof def !== "object" || def === null || !("innerType" in def)) return here;
    here = def.innerType;
  }
  return here;
}

function childOf(schema: unknown, step: PropertyKey): unknown {
  const shape = shapeOf(schema);
  if (shape !== null) return shape[String(step)];
  if (typeof schema !== "object" || schema === null || !("def" in schema)) return undefined;
  const def = schema.def as { element?: unknown; valueType?: unknown };
  return def.element ?? def.valueType;
}

function shapeOf(schema: unknown): Record<string, unknown> | null {
  if (typeof schema !== "object" || schema === null || !("shape" in schema)) return null;
  const { shape } = schema;
  return typeof shape === "object" && shape !== null ? (shape as Record<string, unknown>) : null;
}
