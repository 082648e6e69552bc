import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressSchema, busSchema } from "../../drivers/modbus/schema.ts";
import { startModbusSimulator } from "../../drivers/modbus/simulator.ts";
import type { RunningSimulator } from "../../drivers/simulator.ts";
import { run } from "../process.ts";
import { requireProgram } from "./programs.ts";

/** Another implementation asks the simulator: mbpoll, which is libmodbus, over TCP and over a serial line. */
const present = ["/usr/bin/mbpoll", "/usr/bin/socat"].every(requireProgram);

const points = [
  { address: { table: "holding", register: 100 }, value: 51966 },
  { address: { table: "holding", register: 101, type: "s16" }, value: -2 },
  { address: { table: "holding", register: 110, type: "f32" }, value: 3680.25 },
  { address: { table: "holding", register: 112, type: "f32", order: "CDAB" }, value: 230.5 },
  { address: { table: "input", register: 52, type: "s32" }, value: -70_000 },
  { address: { table: "coil", register: 0 }, value: 1 },
  { address: { table: "coil", register: 9 }, value: 1 },
  { address: { table: "discrete", register: 20 }, value: 1 },
].map(({ address, value }, i) => ({
  ...{ id: `d/p${i}`, device: { unit: 17 }, value },
  address: addressSchema.parse(address),
}));

let folder: string;
const served = new Map<string, RunningSimulator>();
const ways = ["tcp", "rtu"] as const;

beforeAll(async () => {
  if (!present) return;
  folder = mkdtempSync(join(tmpdir(), "mepwatch-mbpoll-"));
  const value = (id: string): number | null => points.find((point) => point.id === id)?.value ?? null;
  for (const transport of ways) {
    const where = transport === "tcp" ? { host: "127.0.0.1" } : { path: join(folder, "line") };
    const bus = busSchema.parse({ transport, ...where });
    served.set(transport, await startModbusSimulator({ host: "127.0.0.1", port: 0, bus, points, value }));
  }
});

afterAll(async () => {
  for (const one of served.values()) await one.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** What mbpoll shows of each reference, or what it complains of. `written`: what it is to write. */
async function mbpoll(transport: string, args: readonly string[], ...written: string[]): Promise<string[]> {
  const { port = 0, path = "" } = served.get(transport) ?? {};
  const way = transport === "tcp" ? ["-m", "tcp", "-p", String(port)] : ["-m", "rtu", "-b", "19200", "-P", "even"];
  const asked = run("/usr/bin/mbpoll", [
    ...[...way, "-a", "17", "-0", "-1", "-q", "-o", "5", ...args],
    ...[transport === "tcp" ? "127.0.0.1" : path, ...written],
  ]);
  await asked.ended;
  const values = asked.stdout.flatMap((line) => /^\[\d+\]:\s*(.*?)\s*$/.exec(line)?.[1] ?? []);
  return values.length > 0 ? values : asked.stderr.filter((line) => /failed|Illegal/.test(line));
}

describe.skipIf(!present).each(ways)("mbpoll over %s", (transport) => {
  test.each([
    ["holding registers, signed or not", ["-t", "4", "-r", "100", "-c", "2"], ["51966 (-13570)", "65534 (-2)"]],
    ["what lies between points", ["-t", "4:hex", "-r", "101", "-c", "3"], ["0xFFFE", "0x0000", "0x0000"]],
    ["a float, high word first", ["-t", "4:float", "-B", "-r", "110", "-c", "1"], ["3680.25"]],
    ["a float, low word first", ["-t", "4:float", "-r", "112", "-c", "1"], ["230.5"]],
    ["an integer in input registers", ["-t", "3:int", "-B", "-r", "52", "-c", "1"], ["-70000"]],
    ["coils", ["-t", "0", "-r", "0", "-c", "10"], ["1", "0", "0", "0", "0", "0", "0", "0", "0", "1"]],
    ["discrete inputs", ["-t", "1", "-r", "20", "-c", "2"], ["1", "0"]],
    ["an address where there is nothing", ["-t", "4", "-r", "5000", "-c", "1"], [/Illegal data address/]],
    ["the most registers at once", ["-t", "4", "-r", "100", "-c", "125"], { length: 125 }],
  ] as const)("%s", async (_, args, expected) => {
    const told = await mbpoll(transport, args);
    if ("0" in expected)
      expect(told).toEqual(expected.map((one) => (typeof one === "string" ? one : expect.stringMatching(one))));
    else expect(told).toHaveLength(expected.length);
  });

  test("a write is refused", async () => {
    expect(await mbpoll(transport, ["-t", "4", "-r", "100"], "42")).toEqual([
      expect.stringMatching(/Illegal function/),
    ]);
    expect(await mbpoll(transport, ["-t", "4", "-r", "100"])).toEqual(["51966 (-13570)"]);
  });

  test("a device that is silent times out, and answers when it is well", async () => {
    const one = served.get(transport)!;
    one.misbehave("silent", { unit: 17 });
    expect(await mbpoll(transport, ["-t", "4", "-r", "100", "-o", "0.3"])).toEqual([
      expect.stringMatching(/timed out/),
    ]);
    one.misbehave("none");
    expect(await mbpoll(transport, ["-t", "4", "-r", "100"])).toEqual(["51966 (-13570)"]);
  });
});
