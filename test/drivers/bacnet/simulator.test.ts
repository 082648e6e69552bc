import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Point } from "../../../drivers/bacnet/plan.ts";
import type { Address } from "../../../drivers/bacnet/schema.ts";
import { startBacnetSimulator } from "../../../drivers/bacnet/simulator.ts";
import { analogInput, request, session } from "./peer.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const framed = (apdu: string, control = "04") => {
  const body = hex(apdu);
  return Buffer.concat([hex("810a"), Buffer.of(0, body.length + 6), hex(`01${control}`), body]);
};

async function simulator(points: readonly Point[], value: (point: string) => number | null) {
  const running = await startBacnetSimulator({ host: "127.0.0.1", port: 0, points, value });
  onTestFinished(() => running.close());
  return running;
}

/** Sends one datagram and gives the first that comes back. */
async function ask(port: number, bytes: Buffer): Promise<string> {
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  socket.send(bytes, port, "127.0.0.1");
  const [answer] = await once(socket, "message");
  return answer.toString("hex");
}

test("Who-Is is answered with an I-Am to the sender, also one sent to network 65535", async () => {
  const { port } = await simulator([analogInput(1)], () => 1);
  const iAm = "810a0014" + "0100" + "1000" + "c402000001" + "2205c4" + "9103" + "2100";
  expect(await ask(port, framed("1008", "00"))).toBe(iAm);
  expect(await ask(port, hex("810b000c 0120 ffff 00 ff 1008"))).toBe(iAm);
  expect(await ask(port, framed("1008 0901 1901", "00"))).toBe(iAm);
});

test("a Who-Is for others is not answered", async () => {
  const { port } = await simulator([analogInput(1)], () => 1);
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  socket.send(framed("1008 0902 1909", "00"), port, "127.0.0.1");
  socket.send(framed("0005 07 63"), port, "127.0.0.1"); // an unknown service: answered, and after the Who-Is
  const [first] = await once(socket, "message");
  expect(first.toString("hex")).toBe("810a0009010060" + "07" + "09");
});

test("ReadProperty of the device object: name, and the object list by index", async () => {
  const { port } = await simulator([analogInput(1), analogInput(7)], () => 1);
  const readList = (index: string) => ask(port, framed(`0005 01 0c 0c02000001 194c ${index}`));
  expect(await readList("2900")).toMatch(/3e21033f$/); // the device and two objects
  expect(await readList("2903")).toMatch(/3ec4000000073f$/);
  expect(await readList("2904")).toMatch(/^810a000d010050010c9102912a$/); // invalid-array-index
  expect(await readList("")).toMatch(/3ec402000001c400000001c4000000073f$/);
  expect(await ask(port, framed("0005 01 0c 0c02000001 194d"))).toContain(
    Buffer.from("mepwatch simulator 1").toString("hex"),
  );
});

test("an answer longer than the requester takes is aborted, for it would need segments", async () => {
  const { port } = await simulator([analogInput(1)], () => 1);
  const everything = "0c00000001 1e 0908 1f"; // AI:1 { ALL }
  expect(await ask(port, framed(`0000 01 0e ${everything}`))).toBe("810a0009010071" + "01" + "04");
  expect(await ask(port, framed(`0005 01 0e ${everything}`))).toMatch(/^810a....010030010e0c00000001/);
});

test("requests that do not decode are rejected or ignored, and the simulator lives on", async () => {
  const { port } = await simulator([analogInput(1)], () => 1);
  expect(await ask(port, framed("0005 01 0c 0c0000"))).toBe("810a0009010060" + "01" + "05");
  expect(await ask(port, framed("0005 01 0e"))).toBe("810a0009010060" + "01" + "05");
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  for (const noise of ["", "81", "810a", "810a0004", "810a000601", "810a00070120ff", "ffffffffffff"]) {
    socket.send(hex(noise), port, "127.0.0.1");
  }
  expect(await ask(port, framed("1008", "00"))).toMatch(/^810a/);
});

const point = (address: Address): Point => ({
  id: `crac/${address.object}.${address.property}`,
  device: { instance: 1 },
  address,
});

test.each<[Address["object"], Address["property"], number]>([
  ["analog-input", "present-value", -12.5],
  ["analog-output", "high-limit", 90],
  ["analog-value", "low-limit", 10],
  ["analog-input", "event-state", 2],
  ["analog-input", "reliability", 7],
  ["analog-input", "out-of-service", 1],
  ["binary-input", "present-value", 1],
  ["binary-output", "present-value", 0],
  ["binary-value", "present-value", 1],
  ["multi-state-input", "present-value", 3],
  ["multi-state-output", "present-value", 300],
  ["multi-state-value", "present-value", 1],
  ["accumulator", "present-value", 5_000_000_000],
  ["integer-value", "present-value", -70_000],
  ["large-analog-value", "present-value", 0.1],
  ["positive-integer-value", "present-value", 4_294_967_295],
])("%s %s survives the wire", async (object, property, value) => {
  const points = [point({ object, instance: 4_194_302, property })];
  const { port } = await simulator(points, () => value);
  expect(await session(port).read({ points }, 2000)).toEqual([{ point: points[0]?.id, value }]);
});

test("a point without a value is one the device does not know; a hundred others are read in pieces", async () => {
  const instances = Array.from({ length: 100 }, (_, n) => n + 1);
  const { port } = await simulator(instances.map(analogInput), (id) => (id === "crac/ai5" ? null : 1));
  const readings = await session(port).read(request(...instances), 5000);
  expect(readings.filter((reading) => "value" in reading).length).toBe(99);
  expect(readings[4]).toMatchObject({ point: "crac/ai5", fault: "no_such_point" });
});

test("misbehaves as told, and heals", async () => {
  const running = await simulator([analogInput(1)], () => 1);
  const reading = session(running.port);
  for (const [how, fault] of [
    ["silent", "timeout"],
    ["slow", "timeout"],
    ["rubbish", "bad_reply"],
    ["error", "device_error"],
  ] as const) {
    running.misbehave(how);
    expect(await reading.read(request(1), 200)).toMatchObject([{ fault }]);
  }
  running.misbehave("none");
  expect(await reading.read(request(1), 2000)).toMatchObject([{ value: 1 }]);
});

test("closing drops the answers that are still due", async () => {
  const running = await simulator([analogInput(1)], () => 1);
  running.misbehave("slow");
  const started = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => started.mockRestore());
  await session(running.port).read(request(1), 100);
  const due = () => started.mock.results.filter(({ value }) => !value._destroyed).length;
  expect(due()).toBeGreaterThan(0);
  await Promise.all([running.close(), running.close()]);
  expect(due()).toBe(0);
});

test("a port that is taken rejects with EADDRINUSE", async () => {
  const { port } = await simulator([analogInput(1)], () => 1);
  const again = startBacnetSimulator({ host: "127.0.0.1", port, points: [], value: () => 1 });
  await expect(again).rejects.toMatchObject({ code: "EADDRINUSE" });
});
