import { spawnSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";

/** What a process did to the files of one folder, in order, as its system calls tell; and what it said meanwhile. */
export type Call =
  | { readonly kind: "create" | "unlink"; readonly file: string }
  | { readonly kind: "write"; readonly file: string; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly file: string; readonly size: number }
  | { readonly kind: "rename"; readonly file: string; readonly to: string }
  /** The folder's own path: its names are on disk. */
  | { readonly kind: "sync"; readonly file: string }
  | { readonly kind: "said"; readonly text: string };

/** Calls of the thread that runs JavaScript: SQLite is called from no other. */
const traced = [
  ...["openat", "close", "dup", "dup2", "dup3", "lseek", "write", "pwrite64", "writev", "pwritev", "ftruncate"],
  ...["truncate", "fallocate", "fsync", "fdatasync", "unlink", "unlinkat", "rename", "renameat", "renameat2"],
];
const stringMax = 1 << 20;

/** Whether this machine lets a process be traced. */
export const canTrace = (): boolean => spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0;

/** Runs a command and writes its calls to `file`. @throws with what it said when it failed */
export function record(file: string, command: readonly string[]): void {
  const options = ["-xx", "-s", String(stringMax), "-e", `trace=${traced.join(",")}`, "-o", file];
  const { status, stderr } = spawnSync("strace", [...options, ...command], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}: ${stderr}`);
}

/** The calls in a recording that have to do with `folder` or with stdout. */
export async function callsIn(recording: string, folder: string): Promise<Call[]> {
  const paths = new Map<number, string>([[1, "stdout"]]);
  const calls: Call[] = [];
  for await (const line of createInterface({ input: createReadStream(recording, "latin1") })) {
    const [, name = "", args = "", result = ""] = /^(\w+)\((.*)\) += (-?\d+)/.exec(line) ?? [];
    if (name !== "" && !result.startsWith("-")) calls.push(...callOf(name, args, Number(result), paths, folder));
  }
  return calls;
}

/** @param paths what each open descriptor of interest stands for; kept up to date */
function callOf(name: string, args: string, result: number, paths: Map<number, string>, folder: string): Call[] {
  const names = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = ""]) => bytesOf(hex));
  const file = names[0]?.toString() ?? "";
  const isMeant = file === folder || dirname(file) === folder;
  const descriptor = Number.parseInt(args, 10);
  const path = paths.get(descriptor);
  if (name === "openat") {
    if (!isMeant) return [];
    paths.set(result, file);
    return args.includes("O_CREAT") ? [{ kind: "create", file }] : [];
  }
  if (name === "unlink" || name === "unlinkat") return isMeant ? [{ kind: "unlink", file }] : [];
  if (name.startsWith("rename")) return isMeant ? [{ kind: "rename", file, to: names[1]?.toString() ?? "" }] : [];
  if (path === undefined) return [];
  const last = Number(args.split(", ").at(-1));
  if (name === "close") paths.delete(descriptor);
  else if (name.startsWith("dup")) paths.set(result, path);
  else if (name === "write" && path === "stdout") return [{ kind: "said", text: names[0]?.toString() ?? "" }];
  else if (name === "pwrite64") return [{ kind: "write", file: path, at: last, bytes: wholeOf(names[0], result) }];
  else if (name === "ftruncate") return [{ kind: "truncate", file: path, size: last }];
  else if (name === "fsync" || name === "fdatasync") return [{ kind: "sync", file: path }];
  else if (name !== "lseek") throw new Error(`${name} on ${path}: the replay does not know it`);
  return [];
}

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll("\\x", ""), "hex");

function wholeOf(bytes: Buffer | undefined, length: number): Buffer {
  if (bytes?.length !== length) throw new Error(`${length} bytes were written, ${bytes?.length} recorded`);
  return bytes;
}
