import { MibError, type Token, tokensOf } from "./tokens.ts";

/** What a MIB module (SMIv1 or SMIv2) declares, as far as a profile wants to know it. Names are not resolved here. */
export interface Module {
  readonly name: string;
  /** By symbol: the module that it comes from, and the line that says so. */
  readonly imports: ReadonlyMap<string, { readonly module: string; readonly line: number }>;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly types: ReadonlyMap<string, Type>;
}

/** A name with a place in the tree of OIDs. */
export interface Node {
  readonly name: string;
  readonly line: number;
  /** The first of its path: a name; null: it begins at the root. */
  readonly parent: string | null;
  readonly arcs: readonly number[];
  /** Of an OBJECT-TYPE. */
  readonly object?: ObjectClauses;
}

export interface ObjectClauses {
  readonly type: Type;
  readonly access: string;
  readonly status: string;
  readonly units: string;
  readonly description: string;
  /** The columns that tell rows apart, of a row; null: it is none. */
  readonly index: readonly string[] | null;
  /** The row of another table that this one adds columns to, whose index it has. */
  readonly augments: string | null;
}

export interface Type {
  /** A name; of a constructed type `SEQUENCE`, `SEQUENCE OF` or `CHOICE`. */
  readonly base: string;
  readonly line: number;
  readonly names: readonly (readonly [number: number, name: string])[];
  /** How many decimals a textual convention shows its integer with (DISPLAY-HINT "d-2"), 0 if it says nothing of it. */
  readonly decimals: number;
}

/** @throws MibError */
export function modulesIn(text: string): Module[] {
  const reader = readerOf(tokensOf(text));
  const modules: Module[] = [];
  while (reader.peek().kind !== "end") modules.push(moduleIn(reader));
  return modules;
}

type Reader = ReturnType<typeof readerOf>;

function readerOf(tokens: readonly Token[]) {
  let at = 0;
  const peek = (ahead = 0): Token => tokens[Math.min(at + ahead, tokens.length - 1)] as Token;
  const next = (): Token => {
    const token = peek();
    at++;
    return token;
  };
  const is = (...texts: string[]): boolean =>
    texts.every((text, ahead) => peek(ahead).kind !== "string" && peek(ahead).text === text);
  const wrong = (expected: string): never => {
    const { text, line } = peek();
    throw new MibError(line, `expected ${expected}, found ${JSON.stringify(text.slice(0, 40))}`);
  };
  return {
    ...{ peek, next, is, wrong },
    /** Passes over these words if they come next. */
    skip(...texts: string[]): boolean {
      const found = is(...texts);
      if (found) at += texts.length;
      return found;
    },
    expect(text: string): void {
      if (!is(text)) wrong(`"${text}"`);
      at++;
    },
    of(kind: Token["kind"], expected: string): Token {
      return peek().kind === kind ? next() : wrong(expected);
    },
    /** Passes over a bracket and all that it holds. */
    balanced(): void {
      const { line } = peek();
      let depth = 0;
      do {
        const { kind, text } = next();
        if (kind === "end") throw new MibError(line, "what is opened here is not closed; expected its bracket");
        if (kind === "sign" && "{([".includes(text)) depth++;
        if (kind === "sign" && "})]".includes(text)) depth--;
      } while (depth > 0);
    },
  };
}

function moduleIn(reader: Reader): Module {
  const { text: name, line } = reader.of("word", "the name of a module");
  if (reader.is("{")) reader.balanced();
  reader.expect("DEFINITIONS");
  while (!reader.is("::=")) reader.of("word", '"::=" BEGIN');
  reader.expect("::=");
  reader.expect("BEGIN");
  const imports = new Map<string, { module: string; line: number }>();
  const nodes = new Map<string, Node>();
  const types = new Map<string, Type>();
  while (!reader.skip("END")) {
    if (reader.peek().kind === "end") throw new MibError(line, `${name} has no END; is the file cut off?`);
    if (reader.skip("IMPORTS")) importsIn(reader, imports);
    else if (reader.skip("EXPORTS")) while (!reader.skip(";")) reader.of(reader.peek().kind, '";"');
    else assignmentIn(reader, nodes, types);
  }
  return { name, imports, nodes, types };
}

function importsIn(reader: Reader, imports: Map<string, { module: string; line: number }>): void {
  let symbols: Token[] = [];
  while (!reader.skip(";")) {
    if (reader.skip("FROM")) {
      const { text: module, line } = reader.of("word", "the name of a module");
      for (const { text } of symbols) imports.set(text, { module, line });
      symbols = [];
    } else if (!reader.skip(",")) symbols.push(reader.of("word", 'a name, FROM or ";"'));
  }
}

function assignmentIn(reader: Reader, nodes: Map<string, Node>, types: Map<string, Type>): void {
  const name = reader.of("word", "a definition or END");
  const { text, line } = name;
  if (reader.skip("MACRO")) {
    while (!reader.skip("END")) if (reader.next().kind === "end") throw new MibError(line, `macro ${text} has no END`);
    return;
  }
  if (reader.skip("::=")) {
    types.set(text, reader.skip("TEXTUAL-CONVENTION") ? conventionIn(reader) : typeIn(reader));
    return;
  }
  if (reader.skip("OBJECT", "IDENTIFIER")) {
    nodes.set(text, { name: text, line, ...valueIn(reader) });
    return;
  }
  const macro = reader.of("word", '"::=", OBJECT IDENTIFIER or the name of a macro').text;
  const object = macro === "OBJECT-TYPE" ? clausesIn(reader, name) : passedOver(reader, name);
  // A TRAP-TYPE of SMIv1 has a number, and no place in the tree.
  if (reader.is("::=") && reader.peek(1).kind === "number") {
    reader.next();
    reader.next();
  } else nodes.set(text, { name: text, line, ...valueIn(reader), ...(object ? { object } : {}) });
}

function passedOver(reader: Reader, { text, line }: Token): undefined {
  while (!reader.is("::=")) {
    if (reader.peek().kind === "end") throw new MibError(line, `${text} has no "::=" with its OID`);
    reader.next();
  }
}

function valueIn(reader: Reader): { parent: string | null; arcs: number[] } {
  reader.expect("::=");
  reader.expect("{");
  let parent: string | null = null;
  const arcs: number[] = [];
  for (let first = true; !reader.skip("}"); first = false) {
    const named = reader.peek().kind === "word" ? reader.next().text : null;
    const isNumbered = named === null || reader.is("(");
    if (named !== null && !isNumbered && !first) reader.wrong(`a number in place of "${named}"`);
    if (named !== null && !isNumbered) parent = named;
    if (!isNumbered) continue;
    const inBrackets = reader.skip("(");
    const { text, line } = reader.of("number", 'a number or "}"');
    if (Number(text) < 0 || Number(text) >= 2 ** 32) throw new MibError(line, `${text} is no part of an OID`);
    if (inBrackets) reader.expect(")");
    arcs.push(Number(text));
  }
  return { parent, arcs };
}

function clausesIn(reader: Reader, { text, line }: Token): ObjectClauses {
  const clauses: Record<"access" | "status" | "units" | "description", string> = {
    ...{ access: "", status: "", units: "", description: "" },
  };
  let type: Type | undefined;
  let index: string[] | null = null;
  let augments: string | null = null;
  while (!reader.is("::=")) {
    if (reader.skip("SYNTAX")) type = typeIn(reader);
    else if (reader.skip("MAX-ACCESS") || reader.skip("ACCESS")) clauses.access = reader.of("word", "an access").text;
    else if (reader.skip("STATUS")) clauses.status = reader.of("word", "a status").text;
    else if (reader.skip("UNITS")) clauses.units = reader.of("string", "a text").text;
    else if (reader.skip("DESCRIPTION")) clauses.description = reader.of("string", "a text").text;
    else if (reader.skip("REFERENCE")) reader.of("string", "a text");
    else if (reader.skip("INDEX")) index = namesIn(reader);
    else if (reader.skip("AUGMENTS")) augments = namesIn(reader)[0] ?? null;
    else if (reader.skip("DEFVAL")) reader.balanced();
    else reader.wrong(`a clause of ${text} or "::="`);
  }
  if (type === undefined) throw new MibError(line, `${text} has no SYNTAX`);
  return { ...clauses, type, index, augments };
}

function namesIn(reader: Reader): string[] {
  reader.expect("{");
  const names: string[] = [];
  while (!reader.skip("}")) {
    if (reader.skip(",") || reader.skip("IMPLIED")) continue;
    names.push(reader.of("word", "the name of a column").text);
  }
  return names;
}

function conventionIn(reader: Reader): Type {
  let decimals = 0;
  while (!reader.skip("SYNTAX")) {
    if (reader.skip("DISPLAY-HINT"))
      decimals = Number(/^d-(\d)$/.exec(reader.of("string", "a text").text)?.[1] ?? decimals);
    else if (reader.is("::=") || reader.peek().kind === "end") reader.wrong("SYNTAX");
    else reader.next();
  }
  return { ...typeIn(reader), decimals };
}

function typeIn(reader: Reader): Type {
  if (reader.is("[")) reader.balanced();
  reader.skip("IMPLICIT");
  const { text, line } = reader.of("word", "a type");
  const plain = { line, names: [], decimals: 0 };
  if (text === "SEQUENCE" && reader.skip("OF")) {
    reader.of("word", "the type of a row");
    return { ...plain, base: "SEQUENCE OF" };
  }
  if (text === "SEQUENCE" || text === "CHOICE") {
    if (reader.is("{")) reader.balanced();
    return { ...plain, base: text };
  }
  const isTwo = (text === "OCTET" && reader.skip("STRING")) || (text === "OBJECT" && reader.skip("IDENTIFIER"));
  const names = reader.is("{") ? numbersIn(reader) : [];
  if (reader.is("(")) reader.balanced();
  return { ...plain, base: isTwo ? `${text} ${text === "OCTET" ? "STRING" : "IDENTIFIER"}` : text, names };
}

/** `{ ok(1), failed(2) }`; a comma too many does no harm. */
function numbersIn(reader: Reader): [number, string][] {
  reader.expect("{");
  const names: [number, string][] = [];
  while (!reader.skip("}")) {
    if (reader.skip(",")) continue;
    const { text } = reader.of("word", "the name of a number");
    reader.expect("(");
    names.push([Number(reader.of("number", "a number").text), text]);
    reader.expect(")");
  }
  return names;
}
