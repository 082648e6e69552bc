import { describe, expect, onTestFinished, test } from "vitest";
import { type EngineClock, type Engines, enginesOf, placeOf } from "../../../drivers/snmp/engines.ts";
import { bus } from "../../../drivers/snmp/schema.ts";
import { SnmpSession } from "../../../drivers/snmp/session.ts";
import { fakeEnv } from "../../env.ts";
import { brief, env as realEnv, request } from "./peer.ts";
import { credentials, peerV3 } from "./peer-v3.ts";

/** Where devices are, and what is wrong with their engines though all can be read. */

const busOf = (host: string) => bus.parse({ host });
const clock = (id: string, boots: number, time: number): EngineClock => ({
  ...{ engineId: Buffer.from(id, "hex"), boots, time },
});

function devices(...addresses: string[]) {
  const env = fakeEnv();
  const engines = enginesOf(env);
  const buses = addresses.map((address, i) => {
    const one = busOf(`device-${i}.example`);
    engines.place(one, { address, port: 161 });
    return one;
  });
  const codes = () => env.reports.map(({ code, facts }) => [code, facts]);
  return { env, engines, buses, codes };
}

test("a bus is where its session last found it", () => {
  const { engines, buses } = devices("10.0.0.1", "10.0.0.2", "10.0.0.1");
  expect(engines.at("10.0.0.1")).toEqual([buses[0], buses[2]]);
  engines.place(buses[0]!, { address: "10.0.0.2", port: 161 });
  expect(engines.at("10.0.0.1")).toEqual([buses[2]]);
  expect(engines.at("10.0.0.2")).toEqual([buses[1], buses[0]]);
  expect(engines.at("10.0.0.3")).toEqual([]);
});

test("an engine id that two devices have is told of once, with both", () => {
  const { engines, buses, codes } = devices("10.0.0.1", "10.0.0.2");
  for (let poll = 0; poll < 5; poll++)
    for (const one of buses) engines.proven(one, clock("8000000001aa", 3, 100 + poll));
  expect(codes()).toEqual([["snmp.engine_shared", { engine: "8000000001aa", devices: "10.0.0.1:161, 10.0.0.2:161" }]]);
});

test("one device that is read by two buses shares its engine with nobody", () => {
  const { engines, buses, codes } = devices("10.0.0.1", "10.0.0.1");
  for (const one of buses) engines.proven(one, clock("8000000001aa", 3, 100));
  expect(codes()).toEqual([]);
});

test("a device that was replaced has taken its engine id with it", () => {
  const { engines, buses, codes } = devices("10.0.0.1", "10.0.0.2");
  engines.proven(buses[0]!, clock("8000000001aa", 3, 100));
  engines.proven(buses[0]!, clock("8000000001bb", 1, 5));
  engines.proven(buses[1]!, clock("8000000001aa", 4, 5));
  expect(codes()).toEqual([]);
});

test.each<[string, EngineClock[], boolean]>([
  ["restarts and counts no boot", [clock("8000000001aa", 1, 9000), clock("8000000001aa", 1, 4)], true],
  ["restarts and counts from nothing", [clock("8000000001aa", 7, 9000), clock("8000000001aa", 0, 4)], true],
  ["restarts and counts its boot", [clock("8000000001aa", 7, 9000), clock("8000000001aa", 8, 4)], false],
  ["is replaced by another", [clock("8000000001aa", 7, 9000), clock("8000000001bb", 1, 4)], false],
  ["goes on", [clock("8000000001aa", 7, 9000), clock("8000000001aa", 7, 9010)], false],
  ["has two answers overtake each other", [clock("8000000001aa", 7, 9001), clock("8000000001aa", 7, 9000)], false],
])("a device that %s is told of: %#", (_, told, isTold) => {
  const { engines, buses, codes } = devices("10.0.0.1");
  const rounds = isTold ? 3 : 1;
  for (let round = 0; round < rounds; round++) for (const one of told) engines.proven(buses[0]!, one);
  const [engine, device] = ["8000000001aa", "10.0.0.1:161"];
  const { boots } = told[1]!;
  expect(codes()).toEqual(isTold ? [["snmp.boots_stuck", { device, engine, boots }]] : []);
});

describe("over the wire", () => {
  const polled = (engines: Engines, port: number) => {
    const session = new SnmpSession(
      bus.parse({ host: "127.0.0.1", port, version: 3, ...credentials }),
      realEnv,
      engines,
    );
    onTestFinished(() => session.close());
    return async () => expect(brief(await session.read(request(1), 10_000))).toEqual([1]);
  };

  test("a device that restarts without counting is told of, and each read of it is right", async () => {
    const told = fakeEnv();
    const device = await peerV3();
    const read = polled(enginesOf(told), device.port);
    await read();
    device.agent.time = 3;
    for (let poll = 0; poll < 3; poll++) await read();
    expect(told.reports).toMatchObject([{ code: "snmp.boots_stuck", facts: { boots: 7 } }]);
  });

  test("two devices with one engine id are told of, and each read of both is right", async () => {
    const told = fakeEnv();
    const engines = enginesOf(told);
    const devices = [await peerV3(), await peerV3()];
    const reads = devices.map(({ port }) => polled(engines, port));
    for (let poll = 0; poll < 2; poll++) for (const read of reads) await read();
    const names = devices.map(({ port }) => `127.0.0.1:${port}`).join(", ");
    expect(told.reports).toEqual([
      { code: "snmp.engine_shared", facts: { engine: "8000000001020304", devices: names } },
    ]);
  });

  test("a device named by its name is found once it was read", async () => {
    const engines = enginesOf(fakeEnv());
    const device = await peerV3();
    const named = bus.parse({ host: "localhost", port: device.port, version: 3, ...credentials });
    const session = new SnmpSession(named, realEnv, engines);
    onTestFinished(() => session.close());
    expect(engines.at("127.0.0.1")).toEqual([]);
    await session.read(request(1), 10_000);
    expect([...engines.at("127.0.0.1"), ...engines.at("::1")]).toEqual([named]);
  });
});

test.each([
  ["2001:db8:0::7", "2001:db8::7"],
  ["2001:DB8::7", "2001:db8::7"],
  ["192.0.2.7", "192.0.2.7"],
])("%s is where %s sends from, however it is written", (host, source) => {
  const engines = enginesOf(fakeEnv());
  const one = busOf(host);
  engines.place(one, placeOf(one)!);
  expect(engines.at(source)).toEqual([one]);
  expect(placeOf(busOf("ups.example"))).toBe(null);
});
