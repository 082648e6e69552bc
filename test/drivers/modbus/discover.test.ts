import { expect, test } from "vitest";
import { realEnv } from "../../../agent/env.ts";
import type { Found } from "../../../drivers/driver.ts";
import { discover } from "../../../drivers/modbus/discover.ts";
import { busSchema } from "../../../drivers/modbus/schema.ts";
import { startModbusSimulator } from "../../../drivers/modbus/simulator.ts";
import { freePort } from "../../interop/mosquitto.ts";
import { meter, refusing, registersIn, startUnits, type Unit, type Units } from "./units.ts";

/** Who is on a line, over real sockets. */

const env = realEnv({ logLevel: "silent" });
const nobody = { vendor: null, model: null, revision: null };

async function look(bus: object, numbers: readonly number[], timeoutMs = 500, signal = new AbortController().signal) {
  const found = new Map<number, Found>();
  let tried = 0;
  const ranges = numbers.map((unit) => ({ from: unit, to: unit }));
  const lost = await discover(busSchema.parse(bus), env, {
    ...{ ranges, timeoutMs, signal },
    tried(count) {
      tried += count;
    },
    found: (one) => void found.set(one.device.unit, one),
  });
  return { lost, tried: numbers.slice(0, tried), found };
}

async function onLine(units: Readonly<Record<number, Unit>>, play: (line: Units) => Promise<void>) {
  const line = await startUnits((unit) => units[unit]);
  try {
    await play(line);
  } finally {
    await line.close();
  }
}

const full = { 0: "Maker", 1: "M1", 2: "1.4", 4: "Meter", 5: "Meter 1" };
const only43 =
  (unit: Unit): Unit =>
  (pdu) =>
    pdu[0] === 0x2b ? unit(pdu) : null;
const cases: readonly (readonly [string, Unit | undefined, Omit<Found, "device"> | null])[] = [
  ["tells all", meter(full, [1]), { vendor: "Maker", model: "Meter 1", revision: "1.4" }],
  [
    "tells what it must",
    meter({ 0: "Maker", 1: "M1", 2: "1.4" }, [1]),
    { vendor: "Maker", model: "M1", revision: "1.4" },
  ],
  ["refuses every register, and tells", meter(full), { vendor: "Maker", model: "Meter 1", revision: "1.4" }],
  ["answers nothing but 43/14", only43(meter(full)), { vendor: "Maker", model: "Meter 1", revision: "1.4" }],
  [
    "has a server id",
    (pdu) => (pdu[0] === 17 ? [17, 8, 1, 0xff, ...Buffer.from("PM5560")] : refusing(1)(pdu)),
    { ...nobody, model: "PM5560" },
  ],
  ["answers reads alone, and else keeps silent", (pdu) => (pdu[0] === 3 ? registersIn(pdu, [7]) : null), nobody],
  ["refuses everything", refusing(1), nobody],
  ["is busy", refusing(6), nobody],
  ["nobody: silence", undefined, null],
  ["nobody: the gateway has no path (10)", refusing(10), null],
  ["nobody: the gateway gets no answer (11)", refusing(11), null],
  ["nobody: the connection is closed", () => "close", null],
];

test.concurrent.for(cases)("%s", async ([, unit, expected]) => {
  await onLine(unit === undefined ? {} : { 7: unit }, async ({ port }) => {
    const { lost, found } = await look({ host: "127.0.0.1", port }, [7], 1000);
    expect(lost).toBe(null);
    expect(found.get(7) ?? null).toEqual(expected && { device: { unit: 7 }, ...expected });
  });
});

test.concurrent("each unit is tried, in order, one at a time; none is lost beside those that are not there", async () => {
  const units = { 2: meter(full, [1]), 3: refusing(11), 4: (() => "close") as Unit, 5: meter({}, [1]) };
  await onLine(units, async (line) => {
    const { lost, tried, found } = await look({ host: "127.0.0.1", port: line.port }, [1, 2, 3, 4, 5, 6]);
    expect({ lost, tried }).toEqual({ lost: null, tried: [1, 2, 3, 4, 5, 6] });
    expect([...found.keys()]).toEqual([2, 5]);
    // Each unit is done with before the next one is asked.
    const order = line.asked.map(([unit]) => unit);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    // Nothing but reads and the two functions that tell who it is.
    expect(new Set(line.asked.map(([, code]) => code))).toEqual(new Set([3, 17, 43]));
  });
});

test.concurrent.for(["udp", "rtu-over-tcp"])("over %s", async (transport) => {
  const part = { name: "id", address: { serverId: true } };
  const simulator = await startModbusSimulator({
    ...{ host: "127.0.0.1", port: 0, bus: { transport }, points: [], value: () => null },
    identities: [
      { device: { unit: 3 }, parts: [{ name: "vendor", address: { object: 0 } }], text: () => "Maker" },
      { device: { unit: 4 }, parts: [part], text: () => "PM5560" },
    ],
  });
  const { lost, found } = await look({ transport, host: "127.0.0.1", port: simulator.port }, [3, 4], 2000);
  await simulator.close();
  expect(lost).toBe(null);
  expect(found.get(3)).toEqual({ device: { unit: 3 }, ...nobody, vendor: "Maker" });
  expect(found.get(4)).toEqual({ device: { unit: 4 }, ...nobody, model: "PM5560" });
});

test.concurrent("a bus that cannot be had is told, before any unit is tried", async () => {
  const port = await freePort();
  const refused = await look({ host: "127.0.0.1", port }, [1, 2, 3]);
  expect(refused.lost).toContain("ECONNREFUSED");
  expect(refused.tried).toEqual([]);
});

test.concurrent("a gateway that has no path to a unit is not connected to anew", async () => {
  let connections = 0;
  const gateway = await startUnits(
    () => refusing(10),
    () => void connections++,
  );
  await look({ host: "127.0.0.1", port: gateway.port }, [1, 2, 3]);
  await gateway.close();
  // One to see whether it is there, one to ask.
  expect(connections).toBe(2);
});

test.concurrent("a bus that goes away in the middle ends it there", async () => {
  let line: Units | undefined;
  const gone: Unit = () => {
    void line?.close();
    return "close";
  };
  line = await startUnits((unit) => (unit < 3 ? meter({}, [1]) : gone));
  const { lost, tried } = await look({ host: "127.0.0.1", port: line.port }, [1, 2, 3, 4]);
  expect(lost).toContain("ECONNREFUSED");
  expect(tried).toEqual([1, 2]);
});

test.concurrent("stopped, it asks nobody any more, and keeps what it found", async () => {
  const stop = new AbortController();
  const stopping: Unit = () => {
    stop.abort();
    return null;
  };
  const units = { 1: meter({}, [1]), 2: stopping, 3: meter({}, [1]) };
  await onLine(units, async (line) => {
    const { lost, tried } = await look({ host: "127.0.0.1", port: line.port }, [1, 2, 3], 60_000, stop.signal);
    expect({ lost, tried }).toEqual({ lost: null, tried: [1] });
    expect(line.asked.some(([unit]) => unit === 3)).toBe(false);
  });
});
