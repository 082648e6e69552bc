import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realEnv } from "../../agent/env.ts";
import type { Found } from "../../drivers/driver.ts";
import { discover } from "../../drivers/modbus/discover.ts";
import { busSchema, partSchema } from "../../drivers/modbus/schema.ts";
import { openSession } from "../../drivers/modbus/session.ts";
import { mepwatch, type Running, run, until } from "../process.ts";
import { freePort } from "./mosquitto.ts";
import { requireProgram } from "./programs.ts";

/** Another implementation tells who it is: pymodbus, over TCP and over a serial line that socat makes; nobody else is there. */
const present = ["/usr/bin/python3", "/usr/bin/socat"].every(requireProgram);

// "long": an identification that does not fit into one answer. "plain": none, so that the server id is left.
const server = `
import sys
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusSlaveContext, ModbusServerContext
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer

block = lambda: ModbusSequentialDataBlock(0, [7, 8, 9])
slave = lambda: ModbusSlaveContext(hr=block(), ir=block(), zero_mode=True)
context = ModbusServerContext(slaves={3: slave(), 9: slave()}, single=False)
size = 40 if sys.argv[3] == "long" else 1
identity = None if sys.argv[3] == "plain" else ModbusDeviceIdentification(info_name={
    "VendorName": "Maker" * size, "ProductCode": "M1" * size, "MajorMinorRevision": "1.4",
    "VendorUrl": "", "ProductName": "Meter", "ModelName": "Meter 1"})
print("serving", flush=True)
if sys.argv[1] == "tcp":
    StartTcpServer(context=context, identity=identity, address=("127.0.0.1", int(sys.argv[2])), allow_reuse_address=True)
else:
    StartSerialServer(context=context, identity=identity, framer=ModbusRtuFramer, port=sys.argv[2], baudrate=19200, timeout=0.1)
`;

const env = realEnv({ logLevel: "silent" });
let folder: string;
const started: Running[] = [];
async function start(command: string, args: readonly string[], ready: RegExp): Promise<Running> {
  const running = run(command, args);
  started.push(running);
  await running.line(ready);
  return running;
}
const inFolder = (name: string): string => join(folder, name);
const serve = (...args: string[]): Promise<Running> =>
  start("/usr/bin/python3", [inFolder("server.py"), ...args], /serving/);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mepwatch-who-"));
  writeFileSync(inFolder("server.py"), server);
});
afterAll(async () => {
  await Promise.all(started.toReversed().map((one) => one.kill("SIGKILL")));
  rmSync(folder, { recursive: true });
}, 30_000);

/** Once it answers: it says that it serves before it listens. */
async function look(bus: object, numbers: readonly number[]): Promise<ReadonlyMap<number, Omit<Found, "device">>> {
  for (;;) {
    const found = new Map<number, Omit<Found, "device">>();
    const ranges = numbers.map((unit) => ({ from: unit, to: unit }));
    const lost = await discover(busSchema.parse(bus), env, {
      ...{ ranges, timeoutMs: 1500, signal: new AbortController().signal },
      tried: () => {},
      found: ({ device, ...told }) => void found.set(device.unit, told),
    });
    if (lost === null && found.size > 0) return found;
    await new Promise<void>((resolve) => env.after(100, resolve));
  }
}

const nothing = { vendor: null, model: null, revision: null };
const all = { vendor: "Maker", model: "Meter 1", revision: "1.4" };

describe.skipIf(!present)("pymodbus", { timeout: 60_000, concurrent: true }, () => {
  test("over TCP: whoever answers, and who that is", async () => {
    const port = await freePort();
    await serve("tcp", String(port), "short");
    const found = await look({ host: "127.0.0.1", port }, [2, 3, 4, 9]);
    expect([...found]).toEqual([
      [3, all],
      [9, all],
    ]);
  });

  test("over a serial line", async () => {
    const ends = ["ours", "theirs"].map((end) => `pty,raw,echo=0,link=${inFolder(end)}`);
    await start("/usr/bin/socat", ["-d", "-d", ...ends], /starting data transfer loop/);
    await serve("rtu", inFolder("theirs"), "short");
    const buses = { line: { protocol: "modbus", transport: "rtu", path: inFolder("ours") } };
    const devices = [{ id: "m", profile: "meter/eastron-sdm630", bus: "line", address: { unit: 3 } }];
    writeFileSync(inFolder("site.yaml"), JSON.stringify({ version: 1, site: { id: "s" }, buses, devices }));
    // In a process of its own: serialport works in the main thread only.
    const found = await until(async () => {
      const asked = mepwatch(["discover", "line", "--units", "2,3", "--json", "--config", inFolder("site.yaml")]);
      started.push(asked);
      await asked.ended;
      const answer = JSON.parse(asked.stdout[0] ?? "{}") as { found?: unknown[] };
      return answer.found?.length ? answer.found : null;
    });
    expect(found).toEqual([{ address: { unit: 3 }, ...all, device: "m" }]);
  });

  test("an identification that fills several answers", async () => {
    const port = await freePort();
    await serve("tcp", String(port), "long");
    const bus = { host: "127.0.0.1", port };
    await look(bus, [3]);
    const session = openSession(busSchema.parse(bus), env);
    const parts = [0, 1, 2, 5].map((object) => ({ name: String(object), address: partSchema.parse({ object }) }));
    const told = await session.identify?.({ device: { unit: 3 }, parts }, 5000);
    await session.close();
    expect(told?.map((one) => ("text" in one ? one.text : one.fault))).toEqual([
      ...["Maker".repeat(26).slice(0, 128), "M1".repeat(40), "1.4", "Meter 1"],
    ]);
  });

  test("without an identification: its server id", async () => {
    const port = await freePort();
    await serve("tcp", String(port), "plain");
    const found = await look({ host: "127.0.0.1", port }, [3]);
    expect([...found]).toEqual([[3, { ...nothing, model: "Pymodbus" }]]);
  });
});
