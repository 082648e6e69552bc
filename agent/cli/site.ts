import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { drivers } from "../../drivers/index.ts";
import { fromDisk, type Loaded, load } from "../config/load.ts";
import { sayProblem } from "../config/problem.ts";
import { machineSecrets } from "../config/secrets.ts";
import { type ReadSettings, readSettings } from "../config/settings.ts";
import type { Context } from "./context.ts";

/** The site file and the settings beside it, as the commands read them. */
export const loadFrom = (file: string, { environment }: Context): Loaded =>
  load(file, fromDisk(file), drivers, machineSecrets(environment));

export function settingsBeside(file: string, { environment }: Context): ReadSettings {
  const name = join(dirname(file), "settings.yaml");
  let text: string | null = null;
  try {
    if (existsSync(name)) text = readFileSync(name, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const problem = `${name}: cannot be read (${code}); expected a file in YAML that this user may read`;
    return { settings: null, problems: [problem] };
  }
  return readSettings(text === null ? null : { name, text }, environment, machineSecrets(environment));
}

export const tellProblems = ({ problems }: Loaded, context: Context): void =>
  tellAll(problems.map(sayProblem), context);

/** A line each, and how many there are. */
export function tellAll(lines: readonly string[], { output }: Context): void {
  for (const line of lines) output.message(line);
  output.message(`${lines.length} ${lines.length === 1 ? "problem" : "problems"}.`);
}
