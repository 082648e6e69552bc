import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { answered, type Reading } from "../../../drivers/driver.ts";
import { frame } from "../../../drivers/modbus/frame.ts";
import { modbus } from "../../../drivers/modbus/index.ts";
import { addressSchema } from "../../../drivers/modbus/schema.ts";
import { startModbusSimulator } from "../../../drivers/modbus/simulator.ts";
import { type Fixture, onStage, servedBy, valuesOf } from "../stage.ts";

/** What the simulator can do wrong, seen by the driver: each fault is what README.md says of it, and is healed. */

const patientMs = 5000;
const hastyMs = 200;
const transports = ["tcp", "udp", "rtu-over-tcp"] as const;
type Transport = (typeof transports)[number];

const fixture = (transport: Transport): Fixture => ({
  driver: modbus,
  startSimulator: startModbusSimulator,
  bus: (host, port) => ({ transport, host, port }),
  device: { unit: 7 },
  points: [
    { address: { table: "holding", register: 100 }, value: 4660 },
    { address: { table: "holding", register: 101, type: "f32" }, value: 21.5 },
    { address: { table: "holding", register: 103 }, value: 7 },
    { address: { table: "coil", register: 3 }, value: 1 },
  ],
  parts: [],
});

/** Why each point has no value, by its number; of those that have one, the number. */
const shown = (readings: readonly Reading[]): unknown[] =>
  readings
    .toSorted((a, b) => a.point.localeCompare(b.point))
    .map((one) => ("fault" in one ? `${one.fault}: ${one.detail}` : one.value));

/** Waited for to the end. */
const noAnswer = /^timeout: /;
const nothingRight = /^(bad_reply|timeout): /;
const stream: readonly Transport[] = ["tcp", "rtu-over-tcp"];
const network: readonly Transport[] = ["tcp", "udp"];
const line: readonly Transport[] = ["rtu-over-tcp"];

test.concurrent.each(
  [
    { fault: "wrong-transaction", on: network, says: noAnswer },
    { fault: "wrong-protocol", on: network, says: /^bad_reply: protocol 57005, not Modbus/ },
    { fault: "wrong-length", on: network, says: /^bad_reply: frame of length 65535/ },
    { fault: "wrong-length", on: line, says: nothingRight },
    { fault: "wrong-unit", on: network, says: /^bad_reply: reply of unit 6, asked 7/ },
    { fault: "wrong-unit", on: line, says: nothingRight },
    { fault: "wrong-function", on: network, says: /^bad_reply: reply to function \d, asked \d/ },
    { fault: "wrong-function", on: line, says: nothingRight },
    { fault: "wrong-count", on: transports, says: nothingRight },
    { fault: "wrong-checksum", on: line, says: /^bad_reply: wrong checksum \(CRC\)/ },
    { fault: "noise", on: line, says: nothingRight },
    { fault: "exception:1", on: transports, says: /^device_error: exception 1 \(illegal function\)/ },
    { fault: "exception:2", on: transports, says: /^no_such_point: exception 2 \(illegal data address\)/ },
    { fault: "exception:6", on: transports, says: /^device_error: exception 6 \(server device busy\)/ },
    { fault: "exception:10", on: transports, says: /^unreachable: exception 10/ },
    { fault: "exception:11", on: transports, says: /^timeout: exception 11/ },
    { fault: "reset", on: stream, says: /^unreachable: / },
    { fault: "hangup", on: stream, says: /^unreachable: connection closed by the device/ },
    { fault: "delay:20s", on: transports, says: noAnswer },
    { fault: "late:20s", on: transports, says: noAnswer },
    { fault: "deaf:holding/0-65535,coil/3", on: transports, says: noAnswer },
    { fault: "hole:holding/0-65535,coil/3", on: transports, says: /^no_such_point: exception 2/ },
  ].flatMap(({ on, ...row }) => on.map((transport) => ({ transport, ...row }))),
)("$transport: $fault is told, and healed", async ({ transport, fault, says }) => {
  await onStage(fixture(transport), async ({ simulator, readAll, readBad }) => {
    expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture(transport)));
    simulator.misbehave(fault);
    const isWaitedFor = says === nothingRight || says === noAnswer;
    for (const told of shown(await readBad(isWaitedFor ? hastyMs : patientMs))) expect(told).toMatch(says);
    simulator.misbehave("none");
    // What was found to be missing is asked for again after a minute only.
    const isLearnt = /exception:2|hole/.test(fault);
    if (!isLearnt) expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture(transport)));
  });
});

test.concurrent.each([
  ["tcp", "drip"],
  ["rtu-over-tcp", "drip"],
  ["tcp", "delay:100ms"],
  ["udp", "delay:100ms"],
  ["rtu-over-tcp", "late:100ms"],
  ["tcp", "hole:holding/99,coil/4-9"],
  ["tcp", "deaf:holding/104-65535,input/100"],
] as const)("%s: %s is borne", async (transport, fault) => {
  await onStage(fixture(transport), async ({ simulator, readAll }) => {
    simulator.misbehave(fault);
    expect(valuesOf(await readAll(patientMs))).toEqual(servedBy(fixture(transport)));
  });
});

test.concurrent.each(transports)(
  "%s: a hole is told of the point in it, and the others are read",
  async (transport) => {
    await onStage(fixture(transport), async ({ simulator, readAll }) => {
      simulator.misbehave("hole:holding/102");
      const exception = expect.stringMatching(/^no_such_point: exception 2 .* holding 101 \(40102\)/);
      for (let round = 0; round < 2; round++) expect(shown(await readAll(patientMs))).toEqual([4660, exception, 7, 1]);
    });
  },
);

test.concurrent.each(transports)("%s: to what it is deaf to it is silent, the rest is answered", async (transport) => {
  await onStage(fixture(transport), async ({ simulator, session, requests }) => {
    simulator.misbehave("deaf:coil/3");
    for (const request of requests) expect(answered(await session.read(request, 1500))).toBe(request.points.length > 1);
  });
});

test.concurrent.each(transports)("%s: a late reply is nobody's value", async (transport) => {
  await onStage(fixture(transport), async ({ simulator, session, requests, values }) => {
    const [request] = requests.filter(({ points }) => points.length > 1);
    simulator.misbehave("late:600ms");
    expect(answered(await session.read(request!, 500))).toBe(false);
    simulator.misbehave("none");
    for (const id of values.keys()) values.set(id, 1);
    expect(Object.values(valuesOf(await session.read(request!, patientMs)))).toEqual([1, 1, 1]);
  });
});

test("a late reply comes to whoever is connected by then", async () => {
  const address = addressSchema.parse({ table: "holding", register: 103 });
  const points = [{ id: "d/p", device: { unit: 7 }, address }];
  const simulator = await startModbusSimulator({ host: "127.0.0.1", port: 0, points, value: () => 7 });
  onTestFinished(() => simulator.close());
  simulator.misbehave("late:200ms");
  const first = connect(simulator.port, "127.0.0.1");
  await once(first, "connect");
  const second = connect(simulator.port, "127.0.0.1");
  onTestFinished(() => void second.destroy());
  await once(second, "connect");
  first.end(frame(9, 7, [3, 0, 103, 0, 1]));
  const [bytes] = await once(second, "data");
  expect(bytes.toString("hex")).toBe("0009000000050703020007");
});

describe("what is no fault is refused, with those there are", () => {
  test.each([
    ["tcp", "sulking", /^no fault "sulking"; expected one such as none, silent, .*wrong-transaction/],
    ["tcp", "wrong-checksum", /no fault "wrong-checksum"/],
    ["rtu-over-tcp", "wrong-transaction", /expected .*wrong-checksum/],
    ...["delay", "delay:fast", "silent:1", "exception:0", "exception:256", "exception:x", "toString"].map(
      (fault) => ["tcp", fault, /^no fault/] as const,
    ),
    ...["hole", "hole:holding", "hole:holding/x", "hole:holding/1,", "hole:valueOf/1"].map(
      (fault) => ["tcp", fault, /^no fault/] as const,
    ),
  ] as const)("%s: %s", async (transport, fault, message) => {
    await onStage(fixture(transport as Transport), async ({ simulator, readAll }) => {
      expect(() => simulator.misbehave(fault)).toThrow(message);
      expect(answered(await readAll(patientMs))).toBe(true);
    });
  });
});
