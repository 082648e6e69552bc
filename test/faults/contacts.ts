import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startModbusSimulator } from "../../drivers/modbus/simulator.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import type { Heard } from "./centre.ts";

/** Sites of a few alarm contacts each, which close and open whether their agent lives or not. */
const contacts = 4;
/** A contact stays as it is until that was heard, and up to this much longer, ms. */
const lingerMs = 400;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const profile = `
profile: relay
describe: Alarm contacts.
protocol: modbus
class: test
interval: 100ms
points:
${Array.from({ length: contacts }, (_, i) => `  c${i}: { address: { table: holding, register: ${i} } }`).join("\n")}
rules:
  on: { type: state, point: "*", normal: [0], map: { "1": high }, onDelay: 100ms, offDelay: 100ms, ackRequired: false }
`;

/** The contacts of all sites, a unit of one simulated device each; the value of contact i of unit u is that of `u/ci`. */
export function startContacts(units: number, values: ReadonlyMap<string, number>): Promise<RunningSimulator> {
  const points = Array.from({ length: units * contacts }, (_, i) => {
    const [unit, register] = [1 + Math.floor(i / contacts), i % contacts];
    const address = { table: "holding", register, type: "u16", order: "ABCD" };
    return { id: `${unit}/c${register}`, device: { unit }, address };
  });
  return startModbusSimulator({ host: "127.0.0.1", port: 0, points, value: (id) => values.get(id) ?? 0 });
}

/** The folder with the files of a site, and its id. */
export function siteOf(unit: number, port: number): { readonly folder: string; readonly id: string } {
  const id = `s${unit}`;
  const folder = mkdtempSync(join(tmpdir(), "mepwatch-kill-"));
  const bus = { protocol: "modbus", host: "127.0.0.1", port, timeout: "500ms" };
  const site = { version: 1, site: { id }, devices: [{ id: "r", profile: "relay", bus, address: { unit } }] };
  writeFileSync(join(folder, "site.yaml"), JSON.stringify(site));
  mkdirSync(join(folder, "profiles"));
  writeFileSync(join(folder, "profiles/relay.yaml"), profile);
  return { folder, id };
}

export interface Truth {
  raises: number;
  clears: number;
}

export interface Living {
  /** What happened to each condition, by its key. */
  readonly truth: ReadonlyMap<string, Truth>;
  /** Lets each contact open again; false: within `ms` not everything was heard. */
  settle(ms: number): Promise<boolean>;
}

/** Lets the contacts of a unit live, each at its own pace. */
export function live(unit: number, values: Map<string, number>, heard: Heard, random: () => number): Living {
  const truth = new Map<string, Truth>();
  let [ending, gaveUp] = [false, false];
  const hear = async (key: string, kind: string, times: number): Promise<void> => {
    while (!gaveUp && heard.count(key, kind) < times) await pause(20);
  };
  const contact = async (i: number): Promise<void> => {
    const key = `s${unit}/r/c${i}/on`;
    const told = { raises: 0, clears: 0 };
    truth.set(key, told);
    while (!ending) {
      await pause(lingerMs * random());
      values.set(`${unit}/c${i}`, 1);
      await hear(key, "raise", ++told.raises);
      await pause(lingerMs * random());
      values.set(`${unit}/c${i}`, 0);
      await hear(key, "clear", ++told.clears);
    }
  };
  const all = Promise.all(Array.from({ length: contacts }, (_, i) => contact(i)));
  return {
    truth,
    async settle(ms) {
      ending = true;
      const inTime = await Promise.race([all.then(() => true), pause(ms).then(() => false)]);
      gaveUp = true;
      await all;
      return inTime;
    },
  };
}
