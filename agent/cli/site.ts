import { dirname, join } from "node:path";
import { drivers } from "../../drivers/index.ts";
import { fromDisk, type Loaded, load, type Needs, readText } from "../config/load.ts";
import { didYouMean, sayProblem } from "../config/problem.ts";
import { machineSecrets } from "../config/secrets.ts";
import { type ReadSettings, readSettings } from "../config/settings.ts";
import type { Context } from "./context.ts";

/** The site file and the settings beside it, as the commands read them. */
export const loadFrom = (file: string, { environment }: Context, needs?: Needs): Loaded =>
  load(file, fromDisk(file), drivers, machineSecrets(environment), needs);

export function settingsBeside(file: string, { environment }: Context): ReadSettings {
  const name = join(dirname(file), "settings.yaml");
  const text = readText(name);
  if (text !== null && typeof text !== "string") return { settings: null, problems: [`${name}: ${text.unreadable}`] };
  return readSettings(text === null ? null : { name, text }, environment, machineSecrets(environment));
}

export const tellProblems = ({ problems }: Loaded, context: Context): void =>
  tellAll(problems.map(sayProblem), context);

/** That the site file has no such bus, and which it has; `what` is "bus", or a narrower word. */
export function sayNoBus(what: string, name: string, known: readonly string[]): string {
  if (known.length === 0)
    return `no ${what} "${name}": the site file has none that will do; add it there, under buses or in a device.`;
  return `no ${what} "${name}"; expected one of ${known.join(", ")}.${didYouMean(name, known)}`;
}

/** A line each, and how many there are. */
export function tellAll(lines: readonly string[], { output }: Context): void {
  for (const line of lines) output.message(line);
  output.message(`${lines.length} ${lines.length === 1 ? "problem" : "problems"}.`);
}

/** The address of a device as the file has it, texts in quotes, as "10" is not 10: unit: 3. */
export const sayAddress = (address: unknown): string =>
  Object.entries(address as Readonly<Record<string, unknown>>)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(", ");

/** Whether a device of the site file is the one found; the file may say more of it than where it is, such as its pause. */
export const isAt = (written: unknown, found: unknown): boolean =>
  Object.entries(found as object).every(([name, value]) => (written as Record<string, unknown>)[name] === value);
