import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Point } from "../../../drivers/bacnet/plan.ts";
import { address as addressSchema, bus, device } from "../../../drivers/bacnet/schema.ts";
import { startBacnetSimulator } from "../../../drivers/bacnet/simulated/simulator.ts";
import { broadcast, distributed, forwarded, type Station, unicast } from "../../../drivers/bacnet/wire/packet.ts";
import { asker, host, session, simulator } from "./asker.ts";
import { hex } from "./device.ts";

/** Simulated devices on a network: who is asked and who answers, and that the driver reads what they serve. */

const pointOf = (address: unknown, of: unknown = { instance: 1 }): Point => ({
  id: `${JSON.stringify(of)} ${JSON.stringify(address)}`,
  device: device.parse(of),
  address: addressSchema.parse(address),
});
const analogInput = (instance: number, of?: unknown): Point => pointOf({ object: "analog-input", instance }, of);

const everywhere: Station = { network: 65_535, mac: "" };
const ask = (apdu: string, destination?: Station) => unicast(hex(apdu), { destination: destination ?? null });
const readOne = "0005 07 0c 0c00000001 1955";
const whoIs = "1008";
/** An unknown service: refused by whoever hears it, and after all that was heard before. */
const end = ask("0005 63 63");
const refused = "606309";

describe("several devices at one place", () => {
  const near = { instance: 1 };
  const seven = { instance: 7, network: 2001, mac: 7 };
  const eight = { instance: 8, network: 2001, mac: 8 };
  const far = { instance: 9, network: 2002, mac: "0a0b0c0d0e0f" };
  const points = [near, seven, eight, far].map((of) => analogInput(1, of));
  const value = (id: string) => points.findIndex((point) => point.id === id) + 1;
  const answer = (real: string) => `30070c0c0000000119553e44${real}3f`;
  const said = { 1: answer("3f800000"), 7: answer("40000000"), 8: answer("40400000"), 9: answer("40800000") };

  test.each<[what: string, destination: Station | undefined, octets: string]>([
    ["without a destination: the one that has no network", undefined, `810a00170100${said[1]}`],
    ["of a network: its source is told", { network: 2001, mac: "07" }, `810a001b010807d10107${said[7]}`],
    ["the next of that network", { network: 2001, mac: "08" }, `810a001b010807d10108${said[8]}`],
    ["of another network", { network: 2002, mac: "0a0b0c0d0e0f" }, `810a0020010807d2060a0b0c0d0e0f${said[9]}`],
    ["of a network that is not there: the router refuses", { network: 2003, mac: "07" }, "810a000a0180030107d3"],
  ])("a request %s", async (_, destination, octets) => {
    const { port } = await simulator(points, value);
    const { ask: asked } = await asker();
    expect(await asked(ask(readOne, destination), port)).toBe(octets);
  });

  test("a request of a station that is not there is not answered, nor one to all, nor one in a broadcast", async () => {
    const { port } = await simulator(points, value);
    const { send, next } = await asker();
    send(ask(readOne, { network: 2001, mac: "09" }), port);
    send(ask(readOne, { network: 2001, mac: "" }), port);
    send(ask(readOne, everywhere), port);
    send(broadcast(hex(readOne)), port);
    send(broadcast(hex(readOne), { destination: { network: 2003, mac: "" } }), port);
    send(end, port);
    expect((await next()).octets).toContain(refused);
  });

  test("who asks from behind a router is answered there", async () => {
    const { port } = await simulator(points, value);
    const { ask: asked } = await asker();
    const source = { network: 5, mac: "63" };
    const answered = await asked(unicast(hex(readOne), { destination: { network: 2001, mac: "07" }, source }), port);
    expect(answered).toBe(`810a002001280005016307d10107ff${said[7]}`);
  });

  const iAm = (instance: number) => `c4020000${instance.toString(16).padStart(2, "0")}`;
  test.each<[how: string, datagram: (port: number) => Buffer, devices: number[]]>([
    ["to one", () => ask(whoIs), [1]],
    ["to one, for all networks", () => ask(whoIs, everywhere), [1, 7, 8, 9]],
    ["broadcast", () => broadcast(hex(whoIs)), [1]],
    ["broadcast, for all networks", () => broadcast(hex(whoIs), { destination: everywhere }), [1, 7, 8, 9]],
    ["broadcast, for a network", () => broadcast(hex(whoIs), { destination: { network: 2001, mac: "" } }), [7, 8]],
    ["distributed", () => distributed(hex(whoIs), { destination: everywhere }), [1, 7, 8, 9]],
    ["forwarded", (port) => forwarded(hex(whoIs), { host, port }, { destination: everywhere }), [1, 7, 8, 9]],
    ["for a range", () => ask("1008 0907 1908", everywhere), [7, 8]],
    ["for a station", () => ask(whoIs, { network: 2001, mac: "08" }), [8]],
    ["for a network that is not there", () => broadcast(hex(whoIs), { destination: { network: 3, mac: "" } }), []],
    [
      "of an object, by its identifier",
      () => broadcast(hex("1007 2c00000001"), { destination: everywhere }),
      [1, 7, 8, 9],
    ],
    ["of an object that none has", () => broadcast(hex("1007 2c00000002"), { destination: everywhere }), []],
  ])("Who-Is %s", async (_, datagram, devices) => {
    const { port } = await simulator(points, value);
    const { port: mine, send, next } = await asker();
    send(datagram(mine), port);
    send(end, port);
    const heard: string[] = [];
    for (let one = await next(); !one.octets.includes(refused); one = await next()) heard.push(one.octets);
    expect(heard.map((octets) => devices.find((instance) => octets.includes(iAm(instance))))).toEqual(devices);
    // Each to whoever asked, with the route to itself.
    expect(heard.map((octets) => octets.slice(0, 4))).toEqual(devices.map(() => "810a"));
    expect(heard.map((octets) => /^810a..../.test(octets) && octets.slice(8, 12))).toEqual(
      devices.map((instance) => (instance === 1 ? "0100" : "0108")),
    );
  });

  test("one misbehaves alone, or all do", async () => {
    const running = await simulator(points, value);
    const { ask: asked } = await asker();
    const of = (network: number, mac: string) => asked(ask(readOne, { network, mac }), running.port);
    running.misbehave("error", device.parse(seven));
    expect(await of(2001, "07")).toMatch(/50070c91009119$/);
    expect(await of(2001, "08")).toContain(said[8]);
    running.misbehave("error");
    expect(await of(2001, "08")).toMatch(/50070c91009119$/);
    running.misbehave("none");
    expect(await of(2001, "07")).toContain(said[7]);
  });

  test("the driver reads each of them", async () => {
    const { port } = await simulator(points, value);
    const reading = session({ port });
    for (const [nth, point] of points.entries())
      expect(await reading.read({ points: [point] }, 5000)).toEqual([{ point: point.id, value: nth + 1 }]);
  });

  test("without devices behind it, it is no router, and refuses no network", async () => {
    const { port } = await simulator([analogInput(1)]);
    const { send, next } = await asker();
    send(ask(readOne, { network: 2003, mac: "07" }), port);
    send(end, port);
    expect((await next()).octets).toContain(refused);
  });
});

describe("a bus without a host", () => {
  const bound = bus.parse({});
  const found = async (points: readonly Point[], value?: (id: string) => number) =>
    simulator(points, value, { bus: bound });
  const loopback = "127.255.255.255";

  test("each device has a port of its own, and answers a broadcast from there; those behind a router share one", async () => {
    const of = [{ instance: 1 }, { instance: 2 }, { instance: 3, network: 5, mac: 3 }];
    const { port } = await found(of.map((one) => analogInput(1, one)));
    const { send, next } = await asker();
    send(broadcast(hex(whoIs), { destination: everywhere }), port, loopback);
    const heard = [await next(), await next(), await next()];
    const at = new Map(
      heard.map(({ octets, from }) => [/c402(......)/.exec(octets)?.[1], `${from.address}:${from.port}`]),
    );
    expect([...at.keys()].toSorted()).toEqual(["000001", "000002", "000003"]);
    expect(at.get("000001")).toBe(at.get("000003"));
    expect(new Set(at.values()).size).toBe(2);
    expect([...at.values()]).not.toContain(`${host}:${port}`);
  });

  test("several simulators hear the same broadcast", async () => {
    const first = await found([analogInput(1, { instance: 1 })]);
    const options = { host, port: first.port, bus: bound, points: [analogInput(1, { instance: 2 })], value: () => 1 };
    const second = await startBacnetSimulator(options);
    onTestFinished(() => second.close());
    expect(second.port).toBe(first.port);
    const { send, next } = await asker();
    send(broadcast(hex(whoIs)), first.port, loopback);
    const heard = [await next(), await next()];
    expect(heard.map(({ octets }) => /c402(......)/.exec(octets)?.[1]).toSorted()).toEqual(["000001", "000002"]);
    // The port of the network stays free for an agent.
    expect(heard.map(({ from }) => from.port)).not.toContain(first.port);
  });

  test("a boot is told to all", async () => {
    const running = await found([analogInput(1)]);
    const listener = createSocket({ type: "udp4", reuseAddr: true }).bind(running.port, loopback);
    onTestFinished(() => void listener.close());
    await once(listener, "listening");
    running.misbehave("reboot");
    const [greeting] = await once(listener, "message");
    expect(greeting.toString("hex")).toBe("810b00140100" + "1000c402000001" + "2205c4" + "9103" + "2100");
  });
});

describe("what the driver reads", () => {
  test.each<[object: string | number, property: string | number, value: number]>([
    ["analog-input", "present-value", -12.5],
    ["analog-output", "high-limit", 90],
    ["analog-value", "low-limit", 10],
    ["analog-input", "event-state", 2],
    ["analog-input", "reliability", 7],
    ["analog-input", "out-of-service", 1],
    ["analog-input", "deadband", 0.5],
    ["analog-input", "time-delay", 300],
    ["analog-input", "units", 62],
    ["analog-output", "relinquish-default", 20],
    ["binary-input", "present-value", 1],
    ["binary-output", "present-value", 0],
    ["binary-value", "present-value", 1],
    ["multi-state-input", "present-value", 3],
    ["multi-state-output", "present-value", 300],
    ["multi-state-value", "present-value", 1],
    ["loop", "present-value", 50.5],
    ["pulse-converter", "present-value", 7],
    ["accumulator", "present-value", 5_000_000_000],
    ["integer-value", "present-value", -70_000],
    ["large-analog-value", "present-value", 0.1],
    ["positive-integer-value", "present-value", 4_294_967_295],
    [200, "present-value", 0.5],
    ["analog-input", 600, 0.5],
  ])("%s %s survives the wire", async (object, property, value) => {
    const points = [pointOf({ object, instance: 4_194_302, property })];
    const { port } = await simulator(points, () => value);
    expect(await session({ port }).read({ points }, 5000)).toEqual([{ point: points[0]?.id, value }]);
  });

  test("elements of an array", async () => {
    const element = (index: number) =>
      pointOf({ object: "analog-output", instance: 1, property: "priority-array", index });
    const points = [element(1), element(8), element(16)];
    const { port } = await simulator(points, (id) => points.findIndex((point) => point.id === id));
    const readings = await session({ port }).read({ points }, 5000);
    expect(readings.map((reading) => "value" in reading && reading.value)).toEqual([0, 1, 2]);
  });

  test("how many events there are, page by page", async () => {
    const points = [pointOf({ events: "active" }), pointOf({ events: "unacknowledged" })];
    const { port } = await simulator(points, (id) => (id === points[0]?.id ? 50 : 70));
    expect(await session({ port }).read({ points }, 5000)).toMatchObject([{ value: 50 }, { value: 70 }]);
  });

  test("a point without a value is one the device does not know; a hundred others are read in pieces", async () => {
    const points = Array.from({ length: 100 }, (_, n) => analogInput(n + 1));
    const { port } = await simulator(points, (id) => (id === points[4]?.id ? null : 1));
    const readings = await session({ port }).read({ points }, 5000);
    expect(readings.filter((reading) => "value" in reading).length).toBe(99);
    expect(readings[4]).toMatchObject({ point: points[4]?.id, fault: "no_such_point" });
  });

  test.each([
    ["abort", 40],
    ["small-apdu", 40],
    ["no-rpm", 4],
    ["no-cov", 4],
  ])("all of a device that does %s", async (fault, count) => {
    const points = Array.from({ length: count }, (_, n) => analogInput(n + 1));
    const running = await simulator(points);
    running.misbehave(fault);
    const readings = await session({ port: running.port }).read({ points }, 10_000);
    expect(readings.filter((reading) => "value" in reading)).toHaveLength(count);
  });

  test.each([
    ["silent", "timeout"],
    ["slow", "timeout"],
    ["rubbish", "bad_reply"],
    ["error", "device_error"],
    ["wrong-invoke-id", "timeout"],
    ["wrong-peer", "timeout"],
    ["segmented", "bad_reply"],
    ["malformed", "bad_reply"],
  ])("of a device that does %s: %s, and well again after", async (fault, expected) => {
    const points = [analogInput(1)];
    const running = await simulator(points);
    const reading = session({ port: running.port });
    expect(await reading.read({ points }, 5000)).toMatchObject([{ value: 1 }]);
    running.misbehave(fault);
    expect(await reading.read({ points }, 200)).toMatchObject([{ fault: expected }]);
    running.misbehave("none");
    expect(await reading.read({ points }, 5000)).toMatchObject([{ value: 1 }]);
  });
});

test.each([
  ["without confirmation", {}, { instance: 1 }],
  ["with confirmation", { confirmedCov: true }, { instance: 1 }],
  ["from behind a router", { confirmedCov: true }, { instance: 2, network: 5, mac: 3 }],
])("the driver is told of changes %s, until the device boots", async (_, options, of) => {
  const point = pointOf({ object: "binary-input", instance: 1, cov: true }, of);
  let value = 0;
  const running = await simulator([point], () => value);
  const told: unknown[] = [];
  let wake = (): void => {};
  const reading = session({ port: running.port, ...options }, (readings) => {
    told.push(...readings);
    wake();
  });
  const next = async (): Promise<unknown> => {
    while (told.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return told.shift();
  };
  expect(await reading.read({ points: [point] }, 5000)).toEqual([{ point: point.id, value: 0 }]);
  expect(await next()).toEqual({ point: point.id, value: 0 });
  for (value = 1; value <= 3; value++) expect(await next()).toEqual({ point: point.id, value });
  running.misbehave("reboot");
  running.misbehave("none");
  value = 4;
  // Its I-Am has said so: the next read subscribes anew.
  await reading.read({ points: [point] }, 5000);
  expect(await next()).toEqual({ point: point.id, value: 4 });
});

test("an announcement goes out from where its device is asked, with its route", async () => {
  const points = [analogInput(1), analogInput(1, { instance: 2, network: 5, mac: 3 })];
  const running = await simulator(points);
  const { port, next } = await asker();
  const trap = { object: "analog-input", instance: 1 };
  running.announce?.(trap, { address: host, port }, device.parse(points[1]?.device));
  const routed = await next();
  expect(routed.octets).toMatch(/^810a....010800050103100309001c02000002/);
  expect(routed.from.port).toBe(running.port);
  running.announce?.(trap, { address: host, port, isConfirming: true });
  expect((await next()).octets).toMatch(/^810a....01040005000209001c02000001/);
});

test("requests that do not decode are ignored, and the simulator lives on", async () => {
  const { port } = await simulator([analogInput(1)]);
  const { send, ask: asked } = await asker();
  for (const noise of [
    "",
    "81",
    "810a",
    "810a0004",
    "810a000601",
    "810a00070120ff",
    "810a000801800301",
    "ffffffffffff",
  ])
    send(hex(noise), port);
  send(forwarded(hex(whoIs), { host, port: 0 }), port);
  for (let length = 1; length < 16; length++) send(ask(readOne.replaceAll(" ", "").slice(0, 2 * length)), port);
  expect(await asked(ask(readOne.replace("07 0c", "08 0c")), port)).toMatch(/^810a/);
});

test("closing drops the answers that are still due", async () => {
  const running = await simulator([analogInput(1)]);
  running.misbehave("slow");
  const started = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => started.mockRestore());
  const { send, next } = await asker();
  send(ask(readOne), running.port);
  send(ask(whoIs), running.port);
  await next(); // who it is it says at once, and after the request was heard
  const due = () => started.mock.results.filter(({ value }) => !value._destroyed).length;
  expect(due()).toBeGreaterThan(0);
  await Promise.all([running.close(), running.close()]);
  expect(due()).toBe(0);
});

test("a port that is taken rejects with EADDRINUSE", async () => {
  const { port } = await simulator([analogInput(1)]);
  const again = startBacnetSimulator({ host, port, points: [], value: () => 1 });
  await expect(again).rejects.toMatchObject({ code: "EADDRINUSE" });
});
