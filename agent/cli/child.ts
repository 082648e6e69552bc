import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Another process of this program, started and stopped for a demo. */
export interface Child {
  readonly pid: number;
  /** The first line it wrote to stdout, as JSON: how it says that it is ready. */
  readonly ready: Promise<unknown>;
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Asks it to stop, and kills it if it does not within 3 s. */
  stop(): Promise<void>;
}

const patienceMs = 3000;

export function start(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  after: (ms: number, callback: () => void) => () => void,
): Child {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...environment },
    stdio: ["ignore", "pipe", "inherit"],
    // A Ctrl-C goes to the whole terminal group; the demo stops its parts itself, in order.
    detached: true,
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.once("error", () => resolve(null));
  });
  return {
    pid: child.pid ?? 0,
    ready: firstLine(child, args[0] ?? ""),
    ended,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const cancel = after(patienceMs, () => child.kill("SIGKILL"));
      await ended;
      cancel();
    },
  };
}

async function firstLine(child: ChildProcess, name: string): Promise<unknown> {
  if (child.stdout === null) throw new Error(`${name} has no stdout`);
  for await (const line of createInterface({ input: child.stdout })) {
    child.stdout.resume();
    return JSON.parse(line);
  }
  throw new Error(`${name} ended before it was ready`);
}
