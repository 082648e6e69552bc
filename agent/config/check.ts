import type * as z from "zod";
import type { Path, Place } from "./document.ts";
import { didYouMean, type Problem } from "./problem.ts";

/** Checks a value against a schema; what is wrong goes to `problems`, null is returned then. */
export function check<T>(
  place: Place,
  path: Path,
  schema: z.ZodType<T>,
  value: unknown,
  problems: Problem[],
): T | null {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    for (const { at, what } of explain(issue, schema, value)) problems.push(place.problem([...path, ...at], what));
  }
  return null;
}

/**
 * As `check`, but goes on without what is wrong, so that the rest can be checked too: the answer is what is left, with
 * `instead` for what it cannot do without; null if nothing is left.
 */
export function salvage<T>(
  place: Place,
  path: Path,
  schema: z.ZodType<T>,
  value: unknown,
  problems: Problem[],
  instead: object = {},
): T | null {
  const checked = check(place, path, schema, value, problems);
  if (checked !== null || typeof value !== "object" || value === null || Array.isArray(value)) return checked;
  let rest: object = structuredClone(value);
  // Each round takes something away, so the last one comes.
  for (;;) {
    const result = schema.safeParse(rest);
    if (result.success) return result.data;
    const before = JSON.stringify(rest);
    for (const issue of result.error.issues) {
      const keys = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
      for (const wrong of keys) remove(rest, wrong);
    }
    rest = { ...instead, ...rest };
    if (JSON.stringify(rest) === before) return null;
  }
}

/** Takes away the entry of a map at a path; where it is missing, or in a list, the nearest one around it. */
function remove(root: object, path: Path): void {
  let holder: object | null = null;
  let key: PropertyKey = "";
  let here: unknown = root;
  for (const step of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step)) break;
    if (!Array.isArray(here)) [holder, key] = [here, step];
    here = (here as Record<PropertyKey, unknown>)[step];
  }
  if (holder !== null) Reflect.deleteProperty(holder, key);
}

interface Explained {
  readonly at: Path;
  readonly what: string;
}

function explain(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): Explained[] {
  if (issue.code !== "unrecognized_keys") return [{ at: issue.path, what: say(issue, valueAt(value, issue.path)) }];
  const known = keysAt(schema, issue.path);
  return issue.keys.map((key) => {
    const hint = didYouMean(key, known);
    const expected =
      hint !== "" ? `.${hint}` : known.length > 0 ? `; expected one of ${known.join(", ")}` : "; expected none";
    return { at: [...issue.path, key], what: `unknown option "${key}"${expected}` };
  });
}

/** What is wrong and what was expected. It never says the value itself, which may be a secret. */
function say(issue: z.core.$ZodIssue, given: unknown): string {
  const missing = given === undefined ? "missing; " : "";
  switch (issue.code) {
    case "invalid_type":
      if (!issue.message.startsWith("Invalid input")) return missing + issue.message;
      return missing === "" ? mistyped(issue.expected, given) : `${missing}expected ${word(issue.expected)}`;
    case "invalid_value": {
      const expected = issue.values.map(String);
      if (typeof given === "string" && expected.includes(given)) {
        return `expected one of ${expected.join(", ")}; take it out of its quotes`;
      }
      const hint = typeof given === "string" ? didYouMean(given, expected) : "";
      return `${missing}expected ${expected.length === 1 ? "" : "one of "}${expected.join(", ")}${hint === "" ? "" : `.${hint}`}`;
    }
    case "too_small":
      return issue.message.startsWith("Too small")
        ? `expected ${bound("at least", issue.minimum, issue)}`
        : issue.message;
    case "too_big":
      return issue.message.startsWith("Too big") ? `expected ${bound("at most", issue.maximum, issue)}` : issue.message;
    case "invalid_format":
      return issue.message.startsWith("Invalid") ? `expected ${formats[issue.format] ?? issue.format}` : issue.message;
    case "invalid_key":
      return `not a name: ${issue.issues.map(({ message }) => message).join(", ")}`;
    default:
      return missing + issue.message;
  }
}

const words: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "options, as  name: value",
  record: "options, as  name: value",
  array: "a list",
  tuple: "a list",
};
const word = (type: string): string => words[type] ?? type;

const formats: Readonly<Record<string, string>> = {
  ipv4: "a numeric IPv4 address, such as 192.0.2.30",
  url: "a URL, such as https://wiki.example/procedure",
};

function mistyped(expected: string, given: unknown): string {
  if (expected === "int" && typeof given === "number") return "expected a whole number";
  const type = given === null ? "nothing" : Array.isArray(given) ? "a list" : word(typeof given);
  const quotes = expected === "string" && typeof given !== "object" ? '; put it in "quotes"' : "";
  return `expected ${word(expected)}, not ${type}${quotes}`;
}

function bound(
  least: "at least" | "at most",
  limit: number | bigint,
  { origin, inclusive = true }: { readonly origin: string; readonly inclusive?: boolean | undefined },
): string {
  const of = origin === "string" ? " characters" : origin === "array" ? " entries" : "";
  const strictly = least === "at least" ? "more than" : "less than";
  return `${inclusive ? least : strictly} ${limit}${of}`;
}

function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step)) return undefined;
    here = (here as Record<PropertyKey, unknown>)[step];
  }
  return here;
}

/** The options known at a path of a schema, as far as it is made of plain objects. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let here: unknown = schema;
  for (const step of path) here = childOf(unwrap(here), step);
  const shape = shapeOf(unwrap(here));
  return shape === null ? [] : Object.keys(shape);
}

function unwrap(schema: unknown): unknown {
  let here = schema;
  for (let depth = 0; depth < 10; depth++) {
    if (typeof here !== "object" || here === null || !("def" in here)) return here;
    const def: unknown = here.def;
    if (typeof def !== "object" || def === null) return here;
    // A transformation is a pipe, of which people write what goes in.
    if ("innerType" in def) here = def.innerType;
    else if ("in" in def) here = def.in;
    else return here;
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
