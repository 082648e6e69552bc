import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../../agent/store/store.ts";
import { requireProgram } from "../interop/programs.ts";
import { forgetfulDisk } from "./disk.ts";
import { type Held, heldAfter, heldIn, nothing, operations } from "./operations.ts";
import { callsIn, canTrace, record } from "./recording.ts";
import { chance, seed } from "./seed.ts";

/**
 * The power is cut. The system calls of a busy store are recorded and replayed up to a random one; what was not synced is
 * dropped, reordered and torn. Whatever had returned before must be there, whole, and the next operation all or nothing.
 */
const busy = fileURLToPath(new URL("../../dist/test/faults/busy.js", import.meta.url));
const isTraced = requireProgram("/usr/bin/strace") && canTrace();
if (!isTraced) console.warn("skipped: this machine lets nobody trace a process");
const rounds = Number(process.env.FAULTS_ROUNDS ?? 1);
const cuts = 400 * rounds;
const all = operations(300);
const wanted = heldAfter(all);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-power-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Of all cuts: how many left a store that lacks something that had returned, and how many one that is broken. */
interface Outcome {
  readonly lost: number;
  readonly broken: readonly string[];
}

async function cutOften(weaker?: string): Promise<Outcome> {
  const place = join(folder, weaker ?? "as-it-is");
  mkdirSync(place);
  const recording = `${place}.strace`;
  const options = weaker === undefined ? [] : [weaker];
  record(recording, [process.execPath, busy, join(place, "store.db"), String(all.length), ...options]);
  const calls = await callsIn(recording, place);
  const random = chance(`power ${weaker}`);
  const points = new Set(Array.from({ length: cuts }, () => Math.floor(random() * calls.length)));
  while (points.size < Math.min(cuts, calls.length)) points.add(Math.floor(random() * calls.length));
  const disk = forgetfulDisk(place);
  const broken: string[] = [];
  let [returned, lost] = [-1, 0];
  for (const [i, call] of calls.entries()) {
    disk.apply(call);
    if (call.kind === "said") returned = Number(/^done (\d+)\n$/.exec(call.text)?.[1]);
    if (!points.has(i)) continue;
    const verdict = afterCut(disk.cut(random), returned);
    if (verdict === "lost") lost++;
    else if (verdict !== "well") broken.push(`call ${i}, ${returned} operations: ${verdict}`);
  }
  expect(returned).toBe(all.length);
  const onDisk = readdirSync(place).map((name) => [join(place, name), readFileSync(join(place, name))] as const);
  expect(isDeepStrictEqual(disk.live(), new Map(onDisk)), "the replay ends with the very files that are there").toBe(
    true,
  );
  return { lost, broken };
}

/** @param returned the last operation that had returned, 0 being to open the store; -1: none */
function afterCut(files: ReadonlyMap<string, Buffer>, returned: number): string {
  const place = join(folder, "after");
  mkdirSync(place);
  try {
    for (const [file, bytes] of files) writeFileSync(join(place, basename(file)), bytes);
    const store = openStore(join(place, "store.db"), () => "00000000-0000-4000-8000-000000000002");
    const held = heldIn(store);
    const isNew = store.kept.epoch.endsWith("2");
    store.close();
    const db = new Database(join(place, "store.db"));
    const integrity = db.pragma("integrity_check", { simple: true });
    db.close();
    return integrity === "ok" ? verdictOn(held, isNew, returned) : String(integrity);
  } catch (error) {
    return String(error);
  } finally {
    rmSync(place, { recursive: true });
  }
}

function verdictOn(held: Held, isNew: boolean, returned: number): string {
  const states = [wanted[returned] ?? nothing, wanted[returned + 1]];
  if (states.some((one) => isDeepStrictEqual(held, one)) && (!isNew || returned < 0)) return "well";
  const isOlder = wanted.slice(0, Math.max(0, returned)).some((one) => isDeepStrictEqual(held, one));
  return isOlder || isNew ? "lost" : "what it holds was never true";
}

describe.skipIf(!isTraced)(`a power cut at each of ${cuts} moments (FAULTS_SEED=${seed})`, () => {
  test("nothing that had returned is lost, nothing is there by halves", async () => {
    expect(await cutOften()).toEqual({ lost: 0, broken: [] });
  });

  test("with synchronous=NORMAL much would be lost: this test can see a loss", async () => {
    const { lost, broken } = await cutOften("NORMAL");
    console.info(`with synchronous=NORMAL ${lost} of ${cuts} cuts lost something, ${broken.length} broke the store`);
    expect(lost).toBeGreaterThan(cuts / 10);
  });
});
