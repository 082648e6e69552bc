import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mepwatch, type Running, run, until } from "../process.ts";
import { freePort, startMosquitto } from "./mosquitto.ts";
import { requireProgram } from "./programs.ts";

/** Devices that are not ours: Debian's snmpd and a pymodbus server, polled by the service against a real broker. */
const programs = ["/usr/sbin/mosquitto", "/usr/sbin/snmpd", "/usr/bin/python3"];
const present = programs.every(requireProgram);

const snmpProfile = `
profile: snmpd
describe: Net-SNMP's agent.
protocol: snmp
class: server
interval: 500ms
points:
  uptime: { address: { oid: 1.3.6.1.2.1.1.3.0 }, unit: s, scale: 0.01 }
  name-length: { address: { oid: 1.3.6.1.2.1.1.5.0 } }
rules:
  comm: { type: comm, failures: 3, severity: high }
`;
const modbusProfile = `
profile: pymodbus
describe: A pymodbus server.
protocol: modbus
class: server
interval: 500ms
points:
  first: { address: { table: holding, register: 0 } }
  float: { address: { table: input, register: 10, type: f32 } }
rules:
  comm: { type: comm, failures: 3, severity: high }
  full: { type: level, point: first, levels: [{ limit: 100, severity: low }] }
`;
const pymodbusServer = (port: number): string => `
from pymodbus.server import StartTcpServer
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusSlaveContext, ModbusServerContext
holding = ModbusSequentialDataBlock(1, [123] * 50)
inputs = ModbusSequentialDataBlock(1, [0] * 10 + [0x4148, 0x0000] + [0] * 38)
context = ModbusServerContext(slaves=ModbusSlaveContext(hr=holding, ir=inputs), single=True)
print("serving", flush=True)
StartTcpServer(context=context, address=("127.0.0.1", ${port}), allow_reuse_address=True)
`;

interface Peer {
  start(): Promise<void>;
  stop(): Promise<void>;
}

let folder: string;
let broker: Awaited<ReturnType<typeof startMosquitto>>;
let subscriber: MqttClient;
let agent: Running;
const events: { key: string; kind: string }[] = [];
const peers: Record<"snmpd" | "pymodbus", Peer> = { snmpd: nobody(), pymodbus: nobody() };

function nobody(): Peer {
  return { start: async () => {}, stop: async () => {} };
}

function peer(command: string, args: () => readonly string[], ready: RegExp | null): Peer {
  let running: Running | null = null;
  return {
    async start() {
      running = run(command, args());
      if (ready !== null) await running.line(ready);
    },
    async stop() {
      await running?.kill("SIGKILL");
    },
  };
}

beforeAll(async () => {
  if (!present) return;
  folder = mkdtempSync(join(tmpdir(), "mepwatch-devices-"));
  const [snmpPort, modbusPort] = [await freePort(), await freePort()];
  mkdirSync(join(folder, "profiles"));
  writeFileSync(join(folder, "profiles/snmpd.yaml"), snmpProfile);
  writeFileSync(join(folder, "profiles/pymodbus.yaml"), modbusProfile);
  writeFileSync(
    join(folder, "snmpd.conf"),
    `agentaddress udp:127.0.0.1:${snmpPort}\nrocommunity public 127.0.0.1\nsysName box\n`,
  );
  writeFileSync(join(folder, "server.py"), pymodbusServer(modbusPort));
  const bus = { host: "127.0.0.1", timeout: "300ms" };
  const devices = [
    { id: "host", profile: "snmpd", bus: { ...bus, protocol: "snmp", port: snmpPort, community: "public" } },
    { id: "plc", profile: "pymodbus", bus: { ...bus, protocol: "modbus", port: modbusPort } },
  ];
  writeFileSync(join(folder, "site.yaml"), JSON.stringify({ version: 1, site: { id: "s" }, devices }));
  const conf = join(folder, "snmpd.conf");
  peers.snmpd = peer(
    "/usr/sbin/snmpd",
    () => ["-f", "-Lo", "-C", "-c", conf, "-p", join(folder, "snmpd.pid")],
    /NET-SNMP version/,
  );
  peers.pymodbus = peer("/usr/bin/python3", () => [join(folder, "server.py")], /serving/);
  broker = await startMosquitto();
  subscriber = connect(broker.url, { protocolVersion: 5 });
  subscriber.on("message", (_topic, payload) => {
    const { subject, data } = JSON.parse(payload.toString());
    events.push({ key: subject, kind: data.kind });
  });
  await subscriber.subscribeAsync(["mepwatch/v1/s/a/event", "mepwatch/v1/s/a/backfill"], { qos: 1 });
  await Promise.all(Object.values(peers).map((one) => one.start()));
  agent = mepwatch(["run", "--config", join(folder, "site.yaml")], {
    MEPWATCH_MQTT_URL: broker.url,
    MEPWATCH_AGENT: "a",
    MEPWATCH_STORE: join(folder, "store.db"),
    MEPWATCH_SOCKET: join(folder, "api.sock"),
  });
});

afterAll(async () => {
  await agent?.kill("SIGTERM");
  await subscriber?.endAsync(true);
  await broker?.stop();
  await Promise.all(Object.values(peers).map((one) => one.stop()));
  if (folder) rmSync(folder, { recursive: true });
});

const heard = (key: string, kind: string): Promise<true> =>
  until(() => (events.some((event) => event.key === key && event.kind === kind) ? true : null));

async function read(target: string): Promise<{ point: string; number: number; quality: string; reason: string }[]> {
  const asked = mepwatch(["read", target, "--json", "--socket", join(folder, "api.sock")]);
  await asked.ended;
  return JSON.parse(asked.stdout[0] ?? "[]");
}

describe.skipIf(!present)("devices that are not ours", () => {
  test("values come through: a level raises, a float is exact, a text where a number is due is bad", async () => {
    await heard("s/plc/first/full", "raise");
    expect(await read("plc/float")).toMatchObject([{ point: "plc/float", number: 12.5, quality: "good" }]);
    const [uptime, name] = await read("host");
    expect(uptime).toMatchObject({ quality: "good" });
    expect(name).toMatchObject({ quality: "bad", reason: expect.stringContaining("wrong_type") });
  });

  test.each([
    ["snmpd", "s/host/-/comm"],
    ["pymodbus", "s/plc/-/comm"],
  ] as const)(
    "%s stopped raises comm, started again clears it",
    async (name, key) => {
      await peers[name].stop();
      await heard(key, "raise");
      await peers[name].start();
      await heard(key, "clear");
    },
    60_000,
  );
});
