import { Environment } from "@marcbachmann/cel-js";
import * as z from "zod";
import { duration } from "../duration.ts";
import { defineRule, exactly, fullName, type Measure, onOff, type Seen, severity, unknown } from "../rule.ts";
import type { Severity } from "../severity.ts";
import { goodValue, type Pair } from "../window.ts";

interface Config {
  readonly inputs: Readonly<Record<string, string>>;
  readonly when: string;
  readonly severity: Severity;
  readonly onUnknown: "hold" | "true";
  readonly staleAfter?: number;
  readonly onDelay?: number;
  readonly offDelay?: number;
  readonly pollMs: number;
}

/** The newest good value of each input; none while its last sample was not good. */
type Memory = Readonly<Record<string, Pair>>;

export const expression = defineRule<Config, Memory>({
  type: "expression",
  describe:
    "A condition over several points, in CEL: comparisons, arithmetic, && || ! and ?: – nothing that loops or calls.",
  about: "inputs",
  options: {
    inputs: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected a name such as supply"), z.string())
      .describe("Names for the points that the expression reads, each a number."),
    when: z.string().max(500).describe('True is the alarm, such as "supply - setpoint > 3.0 && running == 1.0".'),
    severity: severity.default("medium"),
    onUnknown: z
      .enum(["hold", "true"])
      .default("hold")
      .describe("What it is while inputs cannot be believed and matter. true: only where silence endangers life."),
    staleAfter: duration.optional().describe("An older value is unknown. Default: 3 × interval."),
  },
  check({ inputs, when }) {
    const program = compiled(inputs, when);
    return typeof program === "string" ? [{ at: "when", what: program }] : [];
  },
  inputs: ({ inputs }, scope) =>
    Object.fromEntries(Object.entries(inputs).map(([name, point]) => [name, fullName(scope, point)])),
  conditions: (config) => [onOff(config.severity, config)],
  empty: {},
  measure(config, before, seen) {
    const memory = observe(before, seen);
    return { memory, measures: [measureOf(config, memory, seen.at)], wakeAt: null };
  },
  shown: () => null,
  facts(config, memory, at) {
    const { lo, hi } = measureOf(config, memory, at);
    const silent = Object.keys(config.inputs).filter((name) => memory[name] === undefined);
    return {
      missing: lo === hi ? null : "inputs-unknown",
      when: config.when,
      unknownInputs: silent.length === 0 ? null : silent.join(", "),
    };
  },
  say: ({ when }) => `${when}`,
});

function observe(memory: Memory, { input, sample, at }: Seen): Memory {
  const value = goodValue(sample);
  const { [input]: _, ...others } = memory;
  return value === null ? others : { ...others, [input]: { at, value } };
}

/** An input that is not known is left out: CEL then decides, as far as the others decide it, and fails otherwise. */
function measureOf(config: Config, memory: Memory, at: number): Measure {
  const { inputs, when, staleAfter, pollMs, onUnknown } = config;
  const fresh = Object.entries(memory).filter(([, pair]) => at - pair.at <= (staleAfter ?? 3 * pollMs));
  const program = compiled(inputs, when);
  try {
    if (typeof program === "string") return unknown();
    return exactly(Number(program(Object.fromEntries(fresh.map(([name, { value }]) => [name, value]))) === true));
  } catch {
    return onUnknown === "true" ? exactly(1) : unknown();
  }
}

type Program = (values: Readonly<Record<string, number>>) => unknown;

/** The cost of one evaluation is bounded by the size of the expression, since nothing in it loops. */
const limits = { maxAstNodes: 100, maxDepth: 20, maxListElements: 0, maxMapEntries: 0, maxCallArguments: 3 };
const allowed = new Set([
  "id",
  "value",
  "&&",
  "||",
  "!_",
  "-_",
  "?:",
  ">",
  ">=",
  "<",
  "<=",
  "==",
  "!=",
  "+",
  "-",
  "*",
  "/",
]);

const programs = new Map<string, Program | string>();

/** The program, or what is wrong with it and where; made once for each expression. */
function compiled(inputs: Config["inputs"], when: string): Program | string {
  const key = `${Object.keys(inputs).join(" ")}\n${when}`;
  const known = programs.get(key);
  if (known !== undefined) return known;
  const made = compile(inputs, when);
  programs.set(key, made);
  return made;
}

function compile(inputs: Config["inputs"], when: string): Program | string {
  try {
    const environment = new Environment({ limits });
    for (const name of Object.keys(inputs)) environment.registerVariable(name, "double");
    const program = environment.parse(when);
    const foreign = operations(program.ast).find((op) => !allowed.has(op));
    if (foreign !== undefined) return `"${foreign}" is not for rules; expected comparisons, arithmetic, && || ! and ?:`;
    const { valid, type, error } = program.check();
    if (!valid) return explain(error, Object.keys(inputs));
    if (String(type) !== "bool") return `gives a ${String(type)}; expected a comparison, which is true or false`;
    return (values) => program(values);
  } catch (error) {
    return explain(error, Object.keys(inputs));
  }
}

function explain(error: unknown, names: readonly string[]): string {
  const { summary, range } = error as { summary?: string; range?: { start: number } };
  const place = range === undefined ? "" : ` at character ${range.start + 1}`;
  return `${summary ?? String(error)}${place}; expected CEL over ${names.join(", ")}, with numbers such as 3.0`;
}

function operations(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(operations);
  if (typeof node !== "object" || node === null || !("op" in node) || !("args" in node)) return [];
  return [String(node.op), ...operations(node.args)];
}
