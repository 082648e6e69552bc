#!/usr/bin/env node
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { commands } from "./cli/index.ts";
import { exit, terminal } from "./cli/output.ts";
import { version } from "./version.ts";

/** The program: environment → terminal → the command that was asked for. */
const output = terminal(process.env);
const stopped = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
});
const program = new Command("mepwatch")
  .description("Facility telemetry edge agent: polls plant over Modbus, SNMP and BACnet, forwards incidents over MQTT.")
  .version(version())
  .showHelpAfterError("(mepwatch --help lists the commands)")
  .addHelpText(
    "after",
    "\nExamples:\n  $ mepwatch demo\n  $ mepwatch validate site.yaml\n  $ mepwatch run --config /etc/mepwatch/site.yaml\n  $ mepwatch status",
  )
  .exitOverride();
const context = {
  output,
  environment: process.env,
  version: version(),
  program: realpathSync(fileURLToPath(import.meta.url)),
  stopped,
  exit: (code: number) => {
    process.exitCode = code;
  },
};
for (const add of commands) add(program, context);
for (const command of program.commands) command.exitOverride();
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? exit.ok : exit.usage;
}
