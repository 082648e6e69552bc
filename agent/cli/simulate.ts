import { appendFileSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { InvalidArgumentError, Option } from "commander";
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
  readonly trapsTo?: number;
  readonly snmprec?: string;
  readonly port: number;
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
A bus with transport: rtu is a serial line: a pseudo-terminal at its path, made by socat. Devices of a BACnet bus without
host are found on this machine by bacnet: { address: 127.0.0.1, broadcast: 127.255.255.255 } in the site file.

Faults of every device: silent, slow (answers after 3 s), rubbish, error, flood. More of Modbus:
drivers/modbus/README.md, of SNMP: tooBig, endlessWalk, reboot, wrongSource, and of BACnet: wrong-invoke-id, wrong-peer, abort,
small-apdu, no-rpm, no-cov, segmented, malformed, reboot.

Examples:
  $ mepwatch simulate --config config/demo-site.yaml --story calm
  $ mepwatch simulate --snmprec ups.snmprec --port 1161 --fault ups=tooBig
  $ mepwatch simulate --config site.yaml --fault ups-a=silent --fault meter-1=hole:input/52-53`;

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
    .option(
      "--traps-to <port>",
      "UDP port of this machine to which devices send traps: by SNMPv2c, and BACnet's event notifications",
      whole,
    )
    .option("--truth <file>", "append what truly is to this file, a JSON line for each change")
    .addOption(new Option("--snmprec <file>", "recording of a device, as snmpsim makes them").conflicts("config"))
    .option("--port <number>", "of a recording; default: any", whole, 0)
    .option(
      "--fault <who=fault>",
      "what a device, each on a bus, or a recording (by its name) does wrong; may be given again",
      faultOption,
      [],
    )
    .addHelpText("after", help)
    .action(async (options: Options) => {
      const { config, snmprec } = options;
      if (snmprec !== undefined) return context.exit(await replay(snmprec, options, context));
      if (config !== undefined) return context.exit(await simulateSite(config, options, context));
      context.output.message("nothing to simulate; expected --config with a site file, or --snmprec with a recording");
      context.exit(exit.usage);
    });
};

async function simulateSite(
  config: string,
  { truth, fault, trapsTo, ...options }: Options,
  context: Context,
): Promise<number> {
  const loaded = loadFrom(config, context);
  if (loaded.site === null) {
    tellProblems(loaded, context);
    return exit.config;
  }
  const { simulate } = await import("../simulate/site.ts"); // only here: the service does not load simulators
  const env = realEnv({ logLevel: "warn" });
  const host = "127.0.0.1";
  const to = trapsTo === undefined ? undefined : { address: host, port: trapsTo };
  const onTruth = (line: unknown): void => {
    if (truth !== undefined) appendFileSync(truth, `${JSON.stringify(line)}\n`);
  };
  const { output } = context;
  const site = await simulate(env, loaded.site, { ...options, host, onTruth, trapsTo: to }).catch(sayWhy);
  if (typeof site === "string") {
    output.message(`simulate: ${site}`);
    return exit.unavailable;
  }
  return await serving(site, fault, context, () => ({
    ports: Object.fromEntries(site.ports),
    lines: Object.fromEntries(site.lines),
  }));
}

interface Served {
  misbehave(who: string, how: string): void;
  close(): Promise<void>;
}

/** Serves until it is stopped; told on stdout once it does. */
async function serving(
  served: Served,
  fault: readonly FaultOption[],
  { output, stopped }: Context,
  ready: () => object,
): Promise<number> {
  try {
    for (const { who, how } of fault) served.misbehave(who, how);
    output.data(JSON.stringify(ready()));
    await stopped;
    return exit.ok;
  } catch (error) {
    output.message(`--fault: ${sayWhy(error)}`);
    return exit.usage;
  } finally {
    await served.close();
  }
}

async function replay(file: string, { port, fault }: Options, context: Context): Promise<number> {
  const { serveSnmp } = await import("../../drivers/snmp/simulator.ts");
  const { readSnmprec } = await import("../../drivers/snmp/snmprec.ts");
  const text = readRecording(file);
  const { objects, flaws } = readSnmprec(text ?? "");
  if (text === null || flaws.length > 0 || objects.size === 0) {
    const told = flaws.map(({ line, cause }) => `${file}:${line}: ${cause}; expected OID|tag|value`);
    const why =
      text === null
        ? "cannot be read; expected a recording, lines of OID|tag|value"
        : "nothing is recorded; expected lines of OID|tag|value";
    tellAll(told.length > 0 ? told : [`${file}: ${why}`], context);
    return exit.config;
  }
  const name = basename(file, ".snmprec");
  const running = await serveSnmp({ host: "127.0.0.1", port, objects });
  const served: Served = {
    misbehave(who, how) {
      if (who !== name) throw new Error(`no device "${who}"; expected ${name}`);
      running.misbehave(how);
    },
    close: () => running.close(),
  };
  return await serving(served, fault, context, () => ({ ports: { [name]: running.port } }));
}

function readRecording(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

const sayWhy = (error: unknown): string => (error instanceof Error ? error.message : String(error));
