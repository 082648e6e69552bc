import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { drivers } from "../../drivers/index.ts";
import { profileJsonSchema, siteJsonSchema } from "../config/json-schema.ts";
import { builtInConfig } from "../config/load.ts";
import type { AddCommand } from "./context.ts";
import { exit } from "./output.ts";

/** Files of config/ that are made from the sources, by name; test/tidy fails when they are out of date. */
export function generated(): ReadonlyMap<string, string> {
  const text = (json: object): string => `${JSON.stringify(json, null, 1)}\n`;
  return new Map([
    ["schema/site.schema.json", text(siteJsonSchema(drivers))],
    ["schema/profile.schema.json", text(profileJsonSchema(drivers))],
  ]);
}

export const addGenerate: AddCommand = (program, { output, exit: end }) => {
  program
    .command("generate", { hidden: true })
    .summary("write the files that are made from the sources: JSON Schemas for editors")
    .option("--to <folder>", "instead of config/ of this package", builtInConfig())
    .action(({ to }: { to: string }) => {
      for (const [name, text] of generated()) {
        mkdirSync(dirname(join(to, name)), { recursive: true });
        writeFileSync(join(to, name), text);
        output.data(join(to, name));
      }
      end(exit.ok);
    });
};
