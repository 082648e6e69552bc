import { EventEmitter } from "node:events";
import { beforeEach, expect, test, vi } from "vitest";
import { type Env, realEnv } from "../../../agent/env.ts";
import { plan } from "../../../drivers/modbus/plan.ts";
import { sealed } from "../../../drivers/modbus/rtu.ts";
import { addressSchema, busSchema, deviceSchema } from "../../../drivers/modbus/schema.ts";
import { openSession } from "../../../drivers/modbus/session.ts";

/** The serial port as the library has it; what is behind a real one is for test/interop/modbus.test.ts. */

const happened: string[] = [];
const opened: unknown[] = [];
let cannotOpen: Error | null = null;
let whileOpening = (): void => {};
let reply = (request: Buffer): Buffer | null => request;
vi.mock("serialport", () => ({
  SerialPort: class extends EventEmitter {
    isOpen = false;
    constructor(options: object) {
      super();
      opened.push(options);
    }
    open(done: (error: Error | null) => void): void {
      happened.push("open");
      this.isOpen = cannotOpen === null;
      setImmediate(done, cannotOpen);
      whileOpening();
    }
    write(request: Buffer): void {
      happened.push("write");
      const answer = reply(request);
      if (answer !== null) setImmediate(() => this.emit("data", answer));
    }
    close(done: () => void): void {
      happened.push("close");
      this.isOpen = false;
      setTimeout(() => {
        happened.push("closed");
        done();
        this.emit("close");
      }, 20);
    }
  },
}));

const real = realEnv({ logLevel: "silent" });
const [request] = plan(
  [{ id: "d/p", device: { unit: 5 }, address: addressSchema.parse({ table: "input", register: 7 }) }],
  busSchema.parse({ host: "h" }),
);
const right = (): Buffer => sealed(Uint8Array.of(5, 4, 2, 0, 9));
const nine = [{ point: "d/p", value: 9 }];

beforeEach(() => {
  happened.length = opened.length = 0;
  cannotOpen = null;
  whileOpening = () => {};
  reply = right;
});

test.each([
  [{}, { baudRate: 19200, parity: "even", stopBits: 1 }],
  [{ parity: "none" }, { baudRate: 19200, parity: "none", stopBits: 2 }],
  [
    { baud: 9600, parity: "none", stopBits: 1 },
    { baudRate: 9600, parity: "none", stopBits: 1 },
  ],
])("a port with %j is opened as the standard says", async (given, expected) => {
  const session = openSession(busSchema.parse({ transport: "rtu", path: "/dev/ttyX", ...given }), real);
  expect(await session.read(request!, 2000)).toEqual(nine);
  expect(opened).toMatchObject([{ path: "/dev/ttyX", dataBits: 8, ...expected }]);
  await session.close();
});

test.each([
  ["its silence", {}, {}, 32],
  ["also the time in which a converter turns around", { turnaround: "20ms" }, {}, 52],
  ["as long a pause as the device wants", { turnaround: "20ms" }, { pause: "300ms" }, 300],
])("between two frames the line has %s", async (_, options, device, ms) => {
  const waits: number[] = [];
  const env: Env = {
    ...real,
    // A clock that stands still but for the waits, so that each is as long as it is meant to be.
    clock: { ...real.clock, mono: () => waits.reduce((sum, ms) => sum + ms, 1000) },
    after(ms, then) {
      if (ms > 500) return real.after(ms, then);
      waits.push(ms);
      return real.after(0, then);
    },
  };
  const bus = busSchema.parse({ transport: "rtu", path: "/dev/ttyX", baud: 1200, ...options });
  const session = openSession(bus, env);
  const unit = deviceSchema.parse({ unit: 5, ...device });
  const asked = { ...request!, points: request!.points.map((point) => ({ ...point, device: unit })) };
  for (let nth = 0; nth < 3; nth++) expect(await session.read(asked, 5000)).toEqual(nine);
  expect(waits.map(Math.round)).toEqual([ms, ms]);
  await session.close();
});

test("after a timeout the port is opened again, once it has closed", async () => {
  const session = openSession(busSchema.parse({ transport: "rtu", path: "/dev/ttyX" }), real);
  reply = () => null;
  expect(await session.read(request!, 200)).toMatchObject([{ fault: "timeout" }]);
  reply = right;
  expect(await session.read(request!, 4000)).toEqual(nine);
  await session.close();
  expect(happened).toEqual(["open", "write", "close", "closed", "open", "write", "close", "closed"]);
});

test("a port that cannot be opened is unreachable, and tried again with each read", async () => {
  cannotOpen = new Error("Cannot lock port");
  const session = openSession(busSchema.parse({ transport: "rtu", path: "/dev/ttyX" }), real);
  for (let round = 0; round < 2; round++) {
    expect(await session.read(request!, 2000)).toEqual([
      { point: "d/p", fault: "unreachable", detail: "serial port /dev/ttyX: Cannot lock port" },
    ]);
  }
  cannotOpen = null;
  expect(await session.read(request!, 2000)).toEqual(nine);
  await session.close();
});

test("close while the port is still opening leaves none open", async () => {
  const session = openSession(busSchema.parse({ transport: "rtu", path: "/dev/ttyX" }), real);
  let closing: Promise<void> | undefined;
  whileOpening = () => {
    closing = session.close();
  };
  expect(await session.read(request!, 2000)).toMatchObject([{ fault: "unreachable", detail: "session closed" }]);
  await closing;
  expect(happened).toEqual(["open", "close", "closed"]);
});
