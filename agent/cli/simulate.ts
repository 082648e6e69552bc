import { appendFileSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { snmpFaults } from "../../drivers/snmp/faults.ts";
import { realEnv } from "../env.ts";
import { type Story, stories } from "../simulate/story.ts";
import type { AddCommand, Context } from "./context.ts";
import { exit } from "./output.ts";
import { loadFrom, tellAll, tellProblems } from "./site.ts";

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
  readonly config?: string;
  readonly truth?: string;
  readonly snmprec?: string;
  readonly port: number;
  readonly fault: (typeof snmpFaults)[number];
}

export const addSimulate: AddCommand = (program, context) => {
  program
    .command("simulate")
    .summary("devices that are not there, on loopback over their real protocols")
    .description(
      "Simulates the devices of a site file, to which a story happens; or with --snmprec one SNMP device as it was recorded, " +
        "for community public and, by SNMPv3, user public without keys.",
    )
    .option("--config <file>", "site file")
    .addOption(storyOption())
    .option("--seed <number>", "of the sensors' noise", whole, 1)
    .option("--speed <factor>", "story seconds per second", positive, 1)
    .option("--truth <file>", "append what truly is to this file, a JSON line for each change")
    .addOption(new Option("--snmprec <file>", "recording of a device, as snmpsim makes them").conflicts("config"))
    .option("--port <number>", "of a recording; default: any", whole, 0)
    .addOption(new Option("--fault <name>", "what a recorded device does wrong").choices(snmpFaults).default("none"))
    .addHelpText(
      "after",
      "\nExamples:\n  $ mepwatch simulate --config config/demo-site.yaml --story calm\n" +
        "  $ mepwatch simulate --snmprec ups.snmprec --port 1161 --fault tooBig",
    )
    .action(async (options: Options) => {
      if (options.snmprec !== undefined) return replay(options.snmprec, options, context);
      if (options.config !== undefined) return simulateSite(options.config, options, context);
      context.output.message("nothing to simulate; expected --config with a site file, or --snmprec with a recording");
      context.exit(exit.usage);
    });
};

async function simulateSite(config: string, { truth, ...options }: Options, context: Context): Promise<void> {
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
}

async function replay(file: string, { port, fault }: Options, context: Context): Promise<void> {
  const { serveSnmp } = await import("../../drivers/snmp/simulator.ts");
  const { readSnmprec } = await import("../../drivers/snmp/snmprec.ts");
  const text = readRecording(file);
  if (text === null) {
    tellAll([`${file}: cannot be read; expected a recording, lines of OID|tag|value`], context);
    context.exit(exit.config);
    return;
  }
  const { objects, flaws } = readSnmprec(text);
  if (flaws.length > 0 || objects.size === 0) {
    const told = flaws.map(({ line, cause }) => `${file}:${line}: ${cause}; expected OID|tag|value`);
    tellAll(told.length > 0 ? told : [`${file}: nothing is recorded; expected lines of OID|tag|value`], context);
    context.exit(exit.config);
    return;
  }
  const running = await serveSnmp({ host: "127.0.0.1", port, objects });
  running.misbehave(fault);
  context.output.data(JSON.stringify({ ports: { [basename(file, ".snmprec")]: running.port } }));
  await context.stopped;
  await running.close();
  context.exit(exit.ok);
}

function readRecording(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
