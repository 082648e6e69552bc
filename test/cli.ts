import { Command, CommanderError } from "commander";
import type { AddCommand } from "../agent/cli/context.ts";

/** A command as main.ts runs it, in this process; its output kept. */
export interface Called {
  /** Null: it ended with none. */
  readonly code: number | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

export async function call(
  add: AddCommand,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  stopped: Promise<void> = new Promise(() => {}),
): Promise<Called> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  let code: number | null = null;
  const program = new Command("mepwatch").exitOverride();
  add(program, {
    output: { data: (line) => stdout.push(line), message: (line) => stderr.push(line), colour: false },
    ...{ environment, version: "0", program: "mepwatch", stopped },
    exit(given) {
      code = given;
    },
  });
  for (const command of program.commands) {
    command
      .exitOverride()
      .configureOutput({ writeErr: (text) => stderr.push(text), writeOut: (text) => stdout.push(text) });
  }
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    code = error.exitCode === 0 ? 0 : 2;
  }
  return { code, stdout, stderr };
}
