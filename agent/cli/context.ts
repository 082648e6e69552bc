import type { Command } from "commander";
import type { Output } from "./output.ts";

/** What every command is given. */
export interface Context {
  readonly output: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** This program, to start it again as another process of the demo. */
  readonly program: string;
  /** Resolves once, when the process is asked to stop (Ctrl-C, SIGTERM). */
  readonly stopped: Promise<void>;
  /** Ends the command with this exit code, once everything it began has settled. */
  exit(code: number): void;
}

/** One file a command: it adds itself to the program. */
export type AddCommand = (program: Command, context: Context) => void;
