import { address } from "../../drivers/snmp/address.ts";
import { draftOf } from "../config/mib/draft.ts";
import { type MibFile, objectsIn } from "../config/mib/objects.ts";
import { sayProblem } from "../config/problem.ts";
import type { AddCommand, Context } from "./context.ts";
import { givenFile } from "./given-file.ts";
import { exit } from "./output.ts";
import { tellAll } from "./site.ts";

interface Options {
  readonly root: string;
  readonly row?: readonly string[];
}

export const addImportMib: AddCommand = (profiles, context) => {
  profiles
    .command("import-mib")
    .argument("<files...>", "the MIB, and those whose names it imports")
    .requiredOption("--root <oid>", "only what stands under this OID, such as 1.3.6.1.2.1.33")
    .option("--row <table=index...>", "make points of this row of a table, such as upsInputTable=1")
    .summary("draft a profile from a MIB")
    .description(
      "Writes the draft of a profile to standard output: a point for each number that can be read, its OID, unit and texts. " +
        "Exits 0, or 78 with every problem. The agent itself never needs the MIB.",
    )
    .addHelpText(
      "after",
      "\nExample:\n  $ mepwatch profiles import-mib UPS-MIB.txt --root 1.3.6.1.2.1.33 > profiles/draft/ups-mib.yaml",
    )
    .action((files: string[], { root, row = [] }: Options) => context.exit(draft(files, root, row, context)));
};

function draft(files: readonly string[], written: string, row: readonly string[], context: Context): number {
  const { output } = context;
  const root = written.replace(/^\./, "");
  if (!address.safeParse({ oid: root }).success) {
    output.message(`--root ${written}: expected a numeric OID, such as 1.3.6.1.2.1.33`);
    return exit.usage;
  }
  const rows = rowsOf(row);
  if (typeof rows === "string") {
    output.message(rows);
    return exit.usage;
  }
  const read = files.map(readMib);
  const unread = read.filter((one) => typeof one === "string");
  const { objects, problems } = objectsIn(
    read.filter((one) => typeof one !== "string"),
    root,
  );
  const wrong = [...unread, ...problems.map(sayProblem), ...(unread.length > 0 ? [] : unknownTables(rows, objects))];
  if (objects.length === 0 && wrong.length === 0) wrong.push(`${files.join(", ")}: nothing under ${root} can be read`);
  if (wrong.length > 0) {
    tellAll(wrong, context);
    return exit.config;
  }
  output.data(draftOf({ root, objects, rows }).trimEnd());
  return exit.ok;
}

/** A text: what is wrong with them. */
function rowsOf(written: readonly string[]): ReadonlyMap<string, string> | string {
  const rows = written.map((one) => /^([\w-]+)=(\d+(?:\.\d+)*)$/.exec(one));
  const at = rows.indexOf(null);
  if (at >= 0) return `--row ${written[at]}: expected TABLE=INDEX, such as upsInputTable=1`;
  return new Map(rows.map((found) => [found?.[1] ?? "", found?.[2] ?? ""]));
}

function unknownTables(rows: ReadonlyMap<string, string>, objects: ReturnType<typeof objectsIn>["objects"]): string[] {
  const tables = new Set(objects.flatMap(({ table }) => (table === null ? [] : [table.name])));
  const unknown = [...rows.keys()].filter((name) => !tables.has(name));
  const expected = tables.size === 0 ? "there is no table under this OID" : `expected one of ${[...tables].join(", ")}`;
  return objects.length === 0 ? [] : unknown.map((name) => `--row ${name}: no such table; ${expected}`);
}

/** A text: why not. */
function readMib(name: string): MibFile | string {
  const bytes = givenFile(name, "a MIB file");
  return typeof bytes === "string" ? bytes : { name, text: bytes.toString("latin1") };
}
