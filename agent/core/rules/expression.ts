import { Environment } from "@marcbachmann/cel-js";
import * as z from "zod";
import { duration } from "../duration.ts";
import {
  defineRule,
  exactly,
  fullName,
  type Measure,
  onOff,
  rulePoint,
  type Seen,
  severity,
  unknown,
} from "../rule.ts";
import type { Severity } from "../severity.ts";
import { goodValue, type Pair } from "../window.ts";

interface Config {
  readonly inputs: Readonly<Record<string, Input>>;
  readonly when: string;
  readonly severity: Severity;
  readonly onUnknown: "hold" | "true";
  readonly staleAfter?: number;
  readonly onDelay?: number;
  readonly offDelay?: number;
  readonly pollMs: number;
}

/** A point, which is a number, or a rule, which is true while it is active. */
type Input = string | { readonly rule: string };

/** The newest good value of each input; none while its last sample was not good. */
type Memory = Readonly<Record<string, Pair>>;

export const expression = defineRule<Config, Memory>({
  type: "expression",
  describe:
    "A condition over several points and rules, in CEL: comparisons, arithmetic, && || ! and ?: – nothing that loops or calls.",
  about: "inputs",
  options: {
    inputs: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected a name such as supply"),
        z.union([z.string(), z.strictObject({ rule: z.string().describe("Another rule: true while it is active.") })]),
      )
      .describe("Names for what the expression reads: points, each a number, and rules, each true or false."),
    when: z.string().max(500).describe('True is the alarm, such as "supply - setpoint > 3.0 && running == 1.0".'),
    severity: severity.default("medium"),
    onUnknown: z
      .enum(["hold", "true"])
      .default("hold")
      .describe("What it is while inputs cannot be believed and matter. true: only where silence endangers life."),
    staleAfter: duration.optional().describe("An older value is unknown. Default: 3 × interval."),
  },
  check(config) {
    const program = compiled(config);
    return typeof program === "string" ? [{ at: "when", what: program }] : [];
  },
  inputs: ({ inputs }, scope) =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, input]) => [
        name,
        typeof input === "string" ? fullName(scope, input) : rulePoint(fullName(scope, input.rule)),
      ]),
    ),
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
  const { inputs, staleAfter, pollMs, onUnknown } = config;
  // A rule speaks when it changes, and its word holds until then.
  const isRule = (name: string): boolean => typeof inputs[name] === "object";
  const fresh = Object.entries(memory).filter(
    ([name, pair]) => isRule(name) || at - pair.at <= (staleAfter ?? 3 * pollMs),
  );
  const program = compiled(config);
  try {
    if (typeof program === "string") return unknown();
    const values = fresh.map(([name, { value }]) => [name, isRule(name) ? value > 0 : value] as const);
    return exactly(Number(program(Object.fromEntries(values)) === true));
  } catch {
    return onUnknown === "true" ? exactly(1) : unknown();
  }
}

type Program = (values: Readonly<Record<string, number | boolean>>) => unknown;

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

const programs = new WeakMap<Config, Program | string>();

/** The program, or what is wrong with it and where; made once for each configuration. */
function compiled(config: Config): Program | string {
  const known = programs.get(config);
  if (known !== undefined) return known;
  const made = compile(config);
  programs.set(config, made);
  return made;
}

function compile({ inputs, when }: Config): Program | string {
  try {
    const environment = new Environment({ limits });
    for (const [name, input] of Object.entries(inputs)) {
      environment.registerVariable(name, typeof input === "string" ? "double" : "bool");
    }
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
