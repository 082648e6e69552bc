import { appendFileSync } from "node:fs";
import { InvalidArgumentError, Option } from "commander";
import { realEnv } from "../env.ts";
import { type Story, stories } from "../simulate/story.ts";
import type { AddCommand } from "./context.ts";
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
}

export const addSimulate: AddCommand = (program, context) => {
  program
    .command("simulate")
    .summary("the devices of a site file, simulated on loopback over their real protocols")
    .requiredOption("--config <file>", "site file")
    .addOption(storyOption())
    .option("--seed <number>", "of the sensors' noise", whole, 1)
    .option("--speed <factor>", "story seconds per second", positive, 1)
    .option("--truth <file>", "append what truly is to this file, a JSON line for each change")
    .addHelpText("after", "\nExample:\n  $ mepwatch simulate --config config/demo-site.yaml --story calm")
    .action(async ({ config, truth, ...options }: Options) => {
      const loaded = loadFrom(config, context);
      if (loaded.site === null) {
        tellProblems(loaded, context);
        context.exit(exit.config);
        return;
      }
      const { simulate } = await import("../simulate/site.ts"); // only here: the service does not load simulators
      const env = realEnv({ logLevel: "warn" });
      const onTruth = (line: unknown): void => {
        if (truth !== undefined) appendFileSync(truth, `${JSON.stringify(line)}\n`);
      };
      const site = await simulate(env, loaded.site, { ...options, host: "127.0.0.1", onTruth });
      context.output.data(JSON.stringify({ ports: Object.fromEntries(site.ports) }));
      await context.stopped;
      await site.close();
      context.exit(exit.ok);
    });
};
