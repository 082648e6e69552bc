import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mepwatch, type Running, run, until } from "../process.ts";
import { freePort } from "./mosquitto.ts";
import { requireProgram } from "./programs.ts";

/**
 * Another implementation answers the service: pymodbus over TCP, and over a serial line, which socat makes of two
 * pseudo-terminals.
 */
const present = ["/usr/bin/python3", "/usr/bin/socat"].every(requireProgram);

// Registers packed by Python's struct module; a block begins with the register of the same number.
const server = `
import struct, sys
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusSlaveContext, ModbusServerContext
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer

def words(fmt, value):
    data = struct.pack(">" + fmt, value)
    return list(struct.unpack(">%dH" % (len(data) // 2), data))

swapped = lambda all: [(word >> 8) | ((word & 255) << 8) for word in all]
holding = [51966] + words("i", -70000) + words("f", 21.5)[::-1] + swapped(words("d", 230.1)) + words("Q", 2 ** 53) + [0x9075]
slave = ModbusSlaveContext(
    hr=ModbusSequentialDataBlock(0, holding), ir=ModbusSequentialDataBlock(0, list(range(1000, 1300))),
    co=ModbusSequentialDataBlock(0, [True, False, True]), di=ModbusSequentialDataBlock(0, [False, True]), zero_mode=True)
context = ModbusServerContext(slaves={7: slave}, single=False)
print("serving", flush=True)
if sys.argv[1] == "tcp":
    StartTcpServer(context=context, address=("127.0.0.1", int(sys.argv[2])), allow_reuse_address=True)
else:
    StartSerialServer(context=context, framer=ModbusRtuFramer, port=sys.argv[2], baudrate=19200, timeout=0.1)
`;

const points = {
  u16: { address: { table: "holding", register: 0 }, says: 51966 },
  s32: { address: { table: "holding", register: 1, type: "s32" }, says: -70000 },
  f32: { address: { table: "holding", register: 3, type: "f32", order: "CDAB" }, says: 21.5 },
  f64: { address: { table: "holding", register: 5, type: "f64", order: "BADC" }, says: 230.1 },
  u64: { address: { table: "holding", register: 9, type: "u64" }, says: "implausible" },
  bcd: { address: { table: "holding", register: 13, type: "bcd16" }, says: 9075 },
  bits: { address: { table: "holding", register: 13, bit: 12, bits: 4 }, says: 9 },
  missing: { address: { table: "holding", register: 20 }, says: "no_such_point" },
  first: { address: { table: "input", register: 0 }, says: 1000 },
  far: { address: { table: "input", register: 124 }, says: 1124 },
  coil: { address: { table: "coil", register: 2 }, says: 1 },
  discrete: { address: { table: "discrete", register: 0 }, says: 0 },
};
const expected = Object.fromEntries(Object.entries(points).map(([name, { says }]) => [name, says]));
const profile = {
  ...{ profile: "pymodbus", describe: "A pymodbus server.", protocol: "modbus", class: "server", interval: "500ms" },
  points: Object.fromEntries(Object.entries(points).map(([name, { address }]) => [name, { address }])),
};

let folder: string;
let line: Running;
let served: Running;
const started: Running[] = [];
async function start(command: string, args: readonly string[], ready: RegExp): Promise<Running> {
  const running = run(command, args);
  started.push(running);
  await running.line(ready);
  return running;
}
const inFolder = (name: string): string => join(folder, name);
/** The two ends of a line: what is written to one is read from the other. */
const wire = (): Promise<Running> =>
  start(
    "/usr/bin/socat",
    ["-d", "-d", ...["ours", "theirs"].map((end) => `pty,raw,echo=0,link=${inFolder(end)}`)],
    /starting data transfer loop/,
  );
const serve = (...args: string[]): Promise<Running> =>
  start("/usr/bin/python3", [inFolder("server.py"), ...args], /serving/);

beforeAll(async () => {
  if (!present) return;
  folder = mkdtempSync(join(tmpdir(), "mepwatch-modbus-"));
  const port = await freePort();
  mkdirSync(inFolder("profiles"));
  writeFileSync(inFolder("profiles/pymodbus.yaml"), JSON.stringify(profile));
  writeFileSync(inFolder("server.py"), server);
  const common = { protocol: "modbus", timeout: "1s" };
  const devices = [
    { id: "tcp", profile: "pymodbus", address: { unit: 7 }, bus: { ...common, host: "127.0.0.1", port } },
    {
      id: "rtu",
      profile: "pymodbus",
      address: { unit: 7 },
      bus: { ...common, transport: "rtu", path: inFolder("ours") },
    },
  ];
  writeFileSync(inFolder("site.yaml"), JSON.stringify({ version: 1, site: { id: "s" }, devices }));
  line = await wire();
  [served] = await Promise.all([serve("rtu", inFolder("theirs")), serve("tcp", String(port))]);
  const nowhere = await freePort();
  const agent = mepwatch(["run", "--config", inFolder("site.yaml")], {
    MEPWATCH_MQTT_URL: `mqtt://127.0.0.1:${nowhere}`,
    MEPWATCH_STORE: inFolder("store.db"),
    MEPWATCH_SOCKET: inFolder("api.sock"),
  });
  started.push(agent);
});

afterAll(async () => {
  await Promise.all(started.toReversed().map((one) => one.kill("SIGKILL")));
  if (folder) rmSync(folder, { recursive: true });
});

/** What each point says now: the number, or why there is none. */
async function read(device: string): Promise<Record<string, unknown>> {
  const asked = mepwatch(["read", device, "--json", "--socket", inFolder("api.sock")]);
  await asked.ended;
  const all: { point: string; number: number; reason?: string }[] = JSON.parse(asked.stdout[0] ?? "[]");
  return Object.fromEntries(
    all.map(({ point, number, reason }) => [point.slice(device.length + 1), reason?.split(/[ :(]/)[0] ?? number]),
  );
}
const reads = (device: string, what: RegExp) =>
  until(async () => (what.test(String((await read(device)).u16)) ? true : null));

describe.skipIf(!present)("pymodbus", () => {
  test.each(["tcp", "rtu"])(
    "%s: values of every table and type come through, and what is not there is named",
    async (device) => {
      await reads(device, /51966/);
      for (let round = 0; round < 2; round++) expect(await read(device)).toEqual(expected);
    },
    60_000,
  );

  test("that stops is silent on its line, and well again after", async () => {
    await served.kill("SIGKILL");
    await reads("rtu", /timeout/);
    await serve("rtu", inFolder("theirs"));
    await reads("rtu", /51966/);
    expect(await read("rtu")).toEqual(expected);
  });

  test("behind a port that is pulled out is unreachable, and well again when that is back", async () => {
    await line.kill("SIGTERM");
    await reads("rtu", /unreachable/);
    await wire();
    await serve("rtu", inFolder("theirs"));
    await reads("rtu", /51966/);
    expect(await read("tcp")).toEqual(expected);
  });
});
