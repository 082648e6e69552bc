import { accessSync, closeSync, constants, existsSync, openSync, rmSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Settings } from "../config/settings.ts";
import type { Env } from "../env.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

/** Whether this machine is fit for an agent: its clock, and the folder of the store. */

const dayMs = 86_400_000;

/** @param file whose last change is in the past, if the clock is right */
export async function clockFinding(env: Env, file: string): Promise<Finding> {
  const wall = env.clock.wall();
  const at = new Date(wall).toISOString();
  const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const remedy = "Have the system keep it, as by timedatectl set-ntp true or chrony; incidents are stamped with it.";
  if (wall < written - dayMs)
    return wrong("clock", `it is ${at}, and ${file} was written on ${new Date(written).toISOString()}`, remedy);
  const synced = await env.clock.synced();
  if (synced === false) return wrong("clock", `it is ${at}; the system says that it is not synchronised`, remedy);
  if (synced === null) return note("clock", `it is ${at}; the system does not say whether it is synchronised`);
  return ok("clock", `it is ${at}, synchronised`);
}

/** As the agent makes it: with the folder above it at most. */
export function storeFinding({ store, storeQuotaMiB }: Settings): Finding {
  const own = dirname(store);
  const folder = existsSync(own) ? own : dirname(own);
  const elsewhere = "or set MEPWATCH_STORE to a file that the service's user may write.";
  if (!existsSync(folder)) return wrong("store", `${own}: there is no such folder`, `Make it, ${elsewhere}`);
  try {
    tryWriting(folder);
    if (existsSync(store)) accessSync(store, constants.R_OK | constants.W_OK);
  } catch (error) {
    const { code = "failed", path = folder } = error as NodeJS.ErrnoException;
    return wrong("store", `${path} cannot be written (${code})`, `Let this user write there, ${elsewhere}`);
  }
  const { bavail, bsize } = statfsSync(folder);
  const freeMiB = Math.floor((bavail * bsize) / 2 ** 20);
  const room = `${folder} can be written, ${freeMiB} MiB free`;
  if (freeMiB >= storeQuotaMiB) return ok("store", room);
  return note("store", `${room}; the store may take ${storeQuotaMiB}`, "Make room, or lower storeQuota.");
}

/** What else tells whether a folder takes a file, on a full or failing disk too? */
function tryWriting(folder: string): void {
  const path = join(folder, `.mepwatch-doctor-${process.pid}`);
  closeSync(openSync(path, "wx", 0o600));
  rmSync(path);
}
