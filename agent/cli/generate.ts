import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import * as z from "zod";
import { drivers } from "../../drivers/index.ts";
import { profileSchemaJson, siteSchemaJson } from "../config/editor.ts";
import { builtInConfig } from "../config/load.ts";
import { ruleTypes } from "../core/rules/index.ts";
import { contractFiles } from "../sinks/mqtt/contract.ts";
import { notice } from "../sinks/notify/notice.ts";
import type { AddCommand } from "./context.ts";
import { exit } from "./output.ts";

/** Files of this repository that are made from its sources, by their place in config/; `npm run check` holds them fresh. */
export const generated: Readonly<Record<string, () => string>> = {
  "schema/site.schema.json": () => pretty(siteSchemaJson(drivers, ruleTypes)),
  "schema/profile.schema.json": () => pretty(profileSchemaJson(drivers, ruleTypes)),
  "schema/webhook.schema.json": () => pretty(z.toJSONSchema(notice, { target: "draft-7" })),
  ...Object.fromEntries(
    Object.entries(contractFiles).map(([name, make]) => [
      `contract/${name}`,
      () =>
        name.endsWith(".yaml") ? stringify(make(), { lineWidth: 0, aliasDuplicateObjects: false }) : pretty(make()),
    ]),
  ),
};

function pretty(json: unknown): string {
  return `${JSON.stringify(json, null, 1)}\n`;
}

export const addGenerate: AddCommand = (program, { output, exit: end }) => {
  program
    .command("generate", { hidden: true })
    .argument("[folder]", "only those of this folder of config/", "")
    .summary("writes the generated files of this repository")
    .action((folder: string) => {
      for (const [name, make] of Object.entries(generated)) {
        if (!name.startsWith(folder)) continue;
        const file = join(builtInConfig(), name);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, make());
        output.data(file);
      }
      end(exit.ok);
    });
};
