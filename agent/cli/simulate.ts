import { appendFileSync } from "node:fs";
import { InvalidArgumentError, Option } from "commander";
import { realEnv } from "../env.ts";
import { type Story, stories } from "../simulate/story.ts";
import type { AddCommand, Context } from "./context.ts";
import { exit } from "./output.ts";
import { loadFrom, tellProblems } from "./site.ts";

/** The options that a story takes, shared with the demo. */
export interface StoryOptions {
  readonly story: Story;
  readonly seed: number;
  readonly speed: number;
}

function storyNamed(name: string): Story {
  const found = stories.find((story) => story.name === name);
  if (found === undefined)
    throw new InvalidArgumentError(`expected one of ${stories.map((story) => story.name).join(", ")}`);
  return found;
}

export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("expected a number above 0");
  return value;
}

export function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("expected a whole number, 0 or more");
  return value;
}

export const storyOption = (): Option =>
  new Option("--story <name>", `what happens: ${stories.map(({ name }) => name).join(", ")}`)
    .argParser(storyNamed)
    .default(storyNamed("outage"), "outage");

interface Options extends StoryOptions {
  readonly config: string;
  readonly truth?: string;
  readonly fault: readonly FaultOption[];
}

interface FaultOption {
  /** A device, or a bus. */
  readonly who: string;
  readonly how: string;
}

function faultOption(text: string, before: readonly FaultOption[]): readonly FaultOption[] {
  const [, who, how] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (who === undefined || how === undefined)
    throw new InvalidArgumentError("expected DEVICE=FAULT, such as ups-a=silent");
  return [...before, { who, how }];
}

const help = `
A bus with transport: rtu is a serial line: a pseudo-terminal at its path, made by socat.

Faults of every device: silent, slow (answers after 3 s), rubbish, error, flood. More of Modbus:
drivers/modbus/README.md.

Examples:
  $ mepwatch simulate --config config/demo-site.yaml --story calm
  $ mepwatch simulate --config site.yaml --fault ups-a=silent --fault meter-1=hole:input/52-53`;

export const addSimulate: AddCommand = (program, context) => {
  program
    .command("simulate")
    .summary("the devices of a site file, simulated on loopback over their real protocols")
    .requiredOption("--config <file>", "site file")
    .addOption(storyOption())
    .option("--seed <number>", "of the sensors' noise", whole, 1)
    .option("--speed <factor>", "story seconds per second", positive, 1)
    .option("--truth <file>", "append what truly is to this file, a JSON line for each change")
    .option(
      "--fault <device=fault>",
      "what a device, or each on a bus, does wrong; may be given again",
      faultOption,
      [],
    )
    .addHelpText("after", help)
    .action(async (options: Options) => context.exit(await play(options, context)));
};

async function play({ config, truth, fault, ...options }: Options, context: Context): Promise<number> {
  const loaded = loadFrom(config, context);
  if (loaded.site === null) {
    tellProblems(loaded, context);
    return exit.config;
  }
  const { simulate } = await import("../simulate/site.ts"); // only here: the service does not load simulators
  const env = realEnv({ logLevel: "warn" });
  const onTruth = (line: unknown): void => {
    if (truth !== undefined) appendFileSync(truth, `${JSON.stringify(line)}\n`);
  };
  const { output, stopped } = context;
  const site = await simulate(env, loaded.site, { ...options, host: "127.0.0.1", onTruth }).catch(sayWhy);
  if (typeof site === "string") {
    output.message(`simulate: ${site}`);
    return exit.unavailable;
  }
  try {
    for (const { who, how } of fault) site.misbehave(who, how);
    const [ports, lines] = [Object.fromEntries(site.ports), Object.fromEntries(site.lines)];
    output.data(JSON.stringify({ ports, lines }));
    await stopped;
    return exit.ok;
  } catch (error) {
    output.message(`--fault: ${sayWhy(error)}`);
    return exit.usage;
  } finally {
    await site.close();
  }
}

const sayWhy = (error: unknown): string => (error instanceof Error ? error.message : String(error));
