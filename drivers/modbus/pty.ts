import { spawn } from "node:child_process";
import { existsSync, lstatSync, readlinkSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";

/** A serial line that is not there: whoever opens `path` speaks with this process. */
export interface Pty {
  write(bytes: Buffer, taken?: () => void): void;
  onData(heard: (chunk: Buffer) => void): void;
  close(): Promise<void>;
}

/**
 * A pseudo-terminal, which socat makes, and a link to it at `path`; both are gone after `close`, or with this process.
 * @throws where there is no socat, something stands at `path` already, or it may not be made, with the remedy
 */
export async function openPty(path: string): Promise<Pty> {
  refuseTaken(path);
  const asked = `pty,raw,echo=0,link=${path.replace(/[\\,:"'!()[\]{}]/g, "\\$&")}`;
  const socat = spawn("socat", ["-d", "-d", asked, "STDIO"], { stdio: ["pipe", "pipe", "pipe"] });
  let why: Error | undefined;
  socat.once("error", ({ message }) => {
    why = noLine(path, `socat cannot be run (${message})`, installIt);
  });
  const ended = new Promise<void>((resolve) => {
    for (const end of ["close", "error"]) socat.once(end, () => resolve());
  });
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: socat.stderr }).on("line", (line) => {
      if (/ [EF] /.test(line)) why ??= noLine(path, line.replace(/^.* [EF] /, ""), otherPath);
      if (line.includes("starting data transfer loop")) resolve();
    });
    void ended.then(() => reject(why ?? noLine(path, "socat ended", otherPath)));
  });
  socat.stdin.on("error", () => {}); // socat that goes away; the line goes with it
  return {
    write: (bytes, taken) => void (socat.stdin.writable && socat.stdin.write(bytes, () => taken?.())),
    onData: (heard) => void socat.stdout.on("data", heard),
    async close() {
      socat.kill("SIGTERM");
      await ended;
    },
  };
}

const installIt = "install it (Debian: apt-get install socat), or give the bus transport: rtu-over-tcp";
const otherPath = "give the bus a path in a folder that you may write to, such as /tmp/line";

const noLine = (path: string, cause: string, remedy: string): Error =>
  new Error(`no serial line at ${path}: ${cause}; ${remedy}`);

/** socat would remove what stands there. A link of a simulator that was killed leads nowhere, and is in nobody's way. */
function refuseTaken(path: string): void {
  const link = lstatSync(path, { throwIfNoEntry: false });
  if (link === undefined) return;
  const isLeft = link.isSymbolicLink() && readlinkSync(path).startsWith("/dev/pts/") && !existsSync(path);
  if (!isLeft)
    throw noLine(
      path,
      "something stands there already, perhaps a real port",
      "remove it, or give the bus another path",
    );
  rmSync(path);
}
