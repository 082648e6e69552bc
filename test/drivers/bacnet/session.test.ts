import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { pdu } from "../../../drivers/bacnet/wire/apdu.ts";
import {
  bitString,
  closing,
  context,
  datagram,
  encoders,
  objectIdOctets,
  opening,
} from "../../../drivers/bacnet/wire/encode.ts";
import { hubOf } from "../../../drivers/bacnet/wire/hub.ts";
import type { Reading } from "../../../drivers/driver.ts";
import { answered } from "../../../drivers/driver.ts";
import {
  addressOf,
  analogInput,
  asked,
  env,
  failed,
  hub,
  multiple,
  peer,
  type Requested,
  real,
  request,
  session,
  single,
} from "./peer.ts";

const faultsOf = (readings: readonly Reading[]) =>
  readings.map((reading) => ("fault" in reading ? reading.fault : reading.value));
const all = (asked: number[], value: number) => Object.fromEntries(asked.map((instance) => [instance, real(value)]));

/** The packet that ends a process with a bare node-bacnet in it. */
const crash = (invokeId: number) => Buffer.from([0x81, 0x0a, 0, 0x0a, 1, 0, 0x50, invokeId, 0x0c, 0x95]);
/** Whole and nested as it should be, and still one the library throws on: a property number of seven octets. */
const crashWellFormed = (invokeId: number) =>
  datagram(
    pdu.complexAck,
    invokeId,
    14,
    context(0, objectIdOctets(0, 1)),
    opening(1),
    context(2, Buffer.alloc(7)),
    closing(1),
  );

test("reads present-value and status-flags of each object in one request, readings in the order asked", async () => {
  const device = await peer((asking) => multiple(asking, { 7: real(7), 1: real(1) }));
  expect(await session(device.port).read(request(1, 7), 2000)).toEqual([
    { point: "crac/ai1", value: 1 },
    { point: "crac/ai7", value: 7 },
  ]);
  expect(device.requests.length).toBe(1);
  // AI:1 { 85, 111 } AI:7 { 85, 111 }
  expect(device.requests[0]?.payload.toString("hex")).toBe("0c000000011e0955096f1f0c000000071e0955096f1f");
});

test("accepts no segmented answer, and takes APDUs of 1476 octets", async () => {
  const device = await peer((asking) => multiple(asking, { 1: real(1) }));
  const heads: number[][] = [];
  device.socket.on("message", (bytes) => heads.push([...bytes.subarray(4, 8)]));
  await session(device.port).read(request(1), 2000);
  expect(new Set(heads.map(String))).toEqual(new Set(["1,4,0,5"]));
});

test.each([
  ["a crash packet", crash],
  ["a crash packet that is well formed", crashWellFormed],
  ["an empty error", (id: number) => datagram(pdu.error, id, 14)],
  ["a segmented answer", (id: number) => datagram(pdu.complexAck | 0x0c, id, 0, 16, 14, Buffer.alloc(20))],
  ["a simple acknowledgement", (id: number) => datagram(pdu.simpleAck, id, 14)],
  ["an answer without an object", (id: number) => datagram(pdu.complexAck, id, 14)],
  ["an object without results", (id: number) => datagram(pdu.complexAck, id, 14, context(0, objectIdOctets(0, 1)))],
  ["an answer of one octet", (id: number) => datagram(pdu.complexAck, id, 14, 0x0c)],
  [
    "a real of three octets",
    (id: number) => multiple({ invokeId: id } as Requested, { 1: Buffer.from("4e4341ac004f", "hex") }),
  ],
])("%s is a bad reply at once, and the next read is fine", async (_, bytes) => {
  const device = await peer((asking, nth) =>
    nth === 0 ? bytes(asking.invokeId) : multiple(asking, { 1: real(21.5) }),
  );
  const reading = session(device.port);
  const started = env.clock.mono();
  expect(faultsOf(await reading.read(request(1), 10_000))).toEqual(["bad_reply"]);
  expect(env.clock.mono() - started).toBeLessThan(5000); // it did not wait for the resend
  expect(faultsOf(await reading.read(request(1), 2000))).toEqual([21.5]);
});

test("unsolicited packets, crashing and other, of this peer or of strangers, change nothing", async () => {
  const stranger = await peer(() => undefined);
  const device = await peer((asking, _nth, from) => {
    // Ids around the one under way; all 256 would overflow the socket's buffer.
    for (let id = asking.invokeId - 5; id <= asking.invokeId + 5; id++) {
      stranger.socket.send(crash(id), from.port, from.address);
      stranger.socket.send(multiple({ ...asking, invokeId: id }, { 1: real(666) }), from.port, from.address);
      if (id !== asking.invokeId) device.socket.send(crash(id), from.port, from.address);
    }
    const noise = [Buffer.of(), Buffer.of(0x81), Buffer.of(0x81, 0x0a, 0), Buffer.from("810a000401", "hex")];
    return [
      ...noise,
      datagram(pdu.unconfirmedRequest, 0),
      datagram(0x00, 5, asking.invokeId, 12),
      multiple(asking, { 1: real(1) }),
    ];
  });
  const reading = session(device.port);
  for (let round = 0; round < 3; round++) expect(faultsOf(await reading.read(request(1), 5000))).toEqual([1]);
});

test("no answer, however damaged, throws, hangs or gives anything but one reading", async () => {
  const good = multiple({ invokeId: 0 } as Requested, { 1: real(1), 2: failed(1, 31) }).subarray(9);
  const damaged = fc
    .tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length))
    .map(([at, octet, cut]) =>
      Buffer.concat([good.subarray(0, at), Buffer.of(octet), good.subarray(at + 1)]).subarray(
        0,
        cut > 20 ? undefined : cut,
      ),
    );
  const noise = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
  const rubbish = fc.sample(fc.oneof(damaged, noise), 1000);
  const device = await peer(({ invokeId }, nth) => datagram(pdu.complexAck, invokeId, 14, rubbish[nth] ?? Buffer.of()));
  const reading = session(device.port);
  for (const _ of rubbish) {
    const [only, ...more] = await reading.read(request(1), 5000);
    expect(only?.point).toBe("crac/ai1");
    expect(only && "fault" in only ? only.fault : "").not.toBe("timeout");
    expect(more).toEqual([]);
  }
});

test("a lost request is sent again, with the same invoke id", async () => {
  const device = await peer((asking, nth) => (nth === 0 ? undefined : multiple(asking, { 1: real(1) })));
  expect(faultsOf(await session(device.port).read(request(1), 600))).toEqual([1]);
  expect(new Set(device.requests.map(({ invokeId }) => invokeId)).size).toBe(1);
});

test("silence is a timeout, on time and after one resend", async () => {
  const device = await peer(() => undefined);
  const started = env.clock.mono();
  expect(faultsOf(await session(device.port).read(request(1, 2), 300))).toEqual(["timeout", "timeout"]);
  expect(env.clock.mono() - started).toBeLessThan(1000);
  expect(device.requests.length).toBe(2);
});

test("the late answer to a request given up is not taken for the next, nor by the next session", async () => {
  const late: Buffer[] = [];
  const device = await peer((asking, nth) => {
    if (nth < 2) late[nth] = multiple(asking, { 1: real(666) });
    else return [...late, multiple(asking, { 1: real(2) })];
  });
  const on = hub();
  const first = session(device.port, on);
  expect(faultsOf(await first.read(request(1), 200))).toEqual(["timeout"]);
  expect(faultsOf(await first.read(request(1), 2000))).toEqual([2]);
  await first.close();
  expect(faultsOf(await session(device.port, on).read(request(1), 2000))).toEqual([2]);
});

test("two devices with the same objects, asked at once with the same invoke ids, each answer for themselves", async () => {
  const steady = { ...env, random: () => 0 }; // the same first invoke id for both
  const on = hubOf(steady);
  onTestFinished(() => on.close());
  let answeredByA = () => {};
  const afterA = new Promise<void>((resolve) => {
    answeredByA = resolve;
  });
  // A answers under each invoke id that could be meant: nothing of it may reach B's request.
  const a = await peer((asking) => {
    setImmediate(answeredByA);
    return Array.from({ length: 20 }, (_, id) => multiple({ ...asking, invokeId: id + 1 }, { 1: real(111) }));
  });
  const b = await peer((asking, _nth, from) => {
    void afterA.then(() => b.socket.send(multiple(asking, { 1: real(222) }), from.port, from.address));
    return undefined;
  });
  const fromB = session(b.port, on).read(request(1), 5000);
  const fromA = session(a.port, on).read(request(1), 5000);
  expect(faultsOf(await fromA)).toEqual([111]);
  expect(faultsOf(await fromB)).toEqual([222]);
  expect(a.requests[0]?.invokeId).toBe(b.requests[0]?.invokeId);
});

test("a dead peer does not hold up the others of the hub", async () => {
  const on = hub();
  const dead = await peer(() => undefined);
  const alive = await peer((asking) => multiple(asking, { 1: real(1) }));
  const waiting = session(dead.port, on);
  const settled = vi.fn();
  const lost = waiting.read(request(1), 15_000).finally(settled);
  const reading = session(alive.port, on);
  for (let round = 0; round < 20; round++) expect(faultsOf(await reading.read(request(1), 5000))).toEqual([1]);
  expect(settled).not.toHaveBeenCalled();
  await waiting.close();
  expect(faultsOf(await lost)).toEqual(["unreachable"]);
});

test("an answer about another object or another property is a bad reply", async () => {
  const device = await peer((asking, nth) =>
    nth === 0 ? multiple(asking, { 2: real(1) }) : single(asking, 1, 65, encoders.real(1)),
  );
  const reading = session(device.port);
  expect(faultsOf(await reading.read(request(1), 2000))).toEqual(["bad_reply"]);
  expect(faultsOf(await reading.read(request(1), 2000))).toEqual(["bad_reply"]);
});

test.each([
  ["segmentation-not-supported", (id: number) => datagram(pdu.abort | 1, id, 4)],
  ["buffer-overflow", (id: number) => datagram(pdu.abort | 1, id, 1)],
  ["reject: too-many-arguments", (id: number) => datagram(pdu.reject, id, 7)],
])("%s: asks for less, and remembers how much", async (_, refusal) => {
  const device = await peer((asking) => {
    const instances = asked(asking);
    return instances.length > 2 ? refusal(asking.invokeId) : multiple(asking, all(instances, 5));
  });
  const reading = session(device.port);
  expect(faultsOf(await reading.read(request(1, 2, 3, 4, 5), 5000))).toEqual([5, 5, 5, 5, 5]);
  const learning = device.requests.length;
  expect(device.requests.map((each) => asked(each).length)).toEqual([5, 3, 2, 2, 1]);
  await reading.read(request(1, 2, 3, 4, 5), 5000);
  expect(device.requests.slice(learning).map((each) => asked(each).length)).toEqual([2, 2, 1]);
});

/** A device that knows ReadProperty only: AI:1 has a value and flags, AI:2 no flags, AI:3 does not exist. */
const simple = (flags: number[], refuse: (id: number) => Buffer) => (asking: Requested) => {
  if (asking.service !== 12) return refuse(asking.invokeId);
  const [instance = 0] = asked(asking);
  const property = asking.payload[6] ?? 0;
  if (instance === 3) return datagram(pdu.error, asking.invokeId, 12, encoders.enumerated(1), encoders.enumerated(31));
  if (property === 85) return single(asking, instance, 85, encoders.real(instance));
  if (instance === 1) return single(asking, 1, 111, bitString(4, flags));
  return datagram(pdu.error, asking.invokeId, 12, encoders.enumerated(2), encoders.enumerated(32));
};

test.each([
  ["reject: unrecognized-service", (id: number) => datagram(pdu.reject, id, 9)],
  ["error: unrecognized-service", (id: number) => datagram(pdu.error, id, 14, Buffer.from("91059143", "hex"))],
])("%s: reads each property singly from then on", async (_, refuse) => {
  const device = await peer(simple([], refuse));
  const reading = session(device.port);
  expect(faultsOf(await reading.read(request(1, 2, 3), 5000))).toEqual([1, 2, "no_such_point"]);
  const learning = device.requests.length;
  expect(learning).toBe(1 + 2 + 2 + 1); // refused, then value and flags, of AI:3 the value only
  expect(faultsOf(await reading.read(request(1, 2), 5000))).toEqual([1, 2]);
  // AI:1 value and flags, AI:2 value: that it has no flags is remembered.
  expect(device.requests.slice(learning).map(({ service, payload }) => [service, payload[6]])).toEqual([
    [12, 85],
    [12, 111],
    [12, 85],
  ]);
});

test("status flags count for singly read points too", async () => {
  const device = await peer(simple([1], (id) => datagram(pdu.reject, id, 9)));
  expect(faultsOf(await session(device.port).read(request(1, 2), 5000))).toEqual(["device_fault", 2]);
});

test("flags that could not be read once are asked for again, and count", async () => {
  let asks = 0;
  const right = simple([1], (id) => datagram(pdu.reject, id, 9));
  const device = await peer((asking) => {
    const isFirst = asking.service === 12 && asking.payload[6] === 111 && asks++ === 0;
    if (!isFirst) return right(asking);
    return datagram(pdu.error, asking.invokeId, 12, encoders.enumerated(0), encoders.enumerated(25));
  });
  const reading = session(device.port);
  expect(faultsOf(await reading.read(request(1), 5000))).toEqual([1]);
  expect(faultsOf(await reading.read(request(1), 5000))).toEqual(["device_fault"]);
});

test("a device that refuses all for one unknown object gives the others all the same", async () => {
  const device = await peer((asking) => {
    const instances = asked(asking);
    if (!instances.includes(3)) return multiple(asking, all(instances, 5));
    return datagram(pdu.error, asking.invokeId, asking.service, encoders.enumerated(1), encoders.enumerated(31));
  });
  expect(faultsOf(await session(device.port).read(request(1, 2, 3, 4), 5000))).toEqual([5, 5, "no_such_point", 5]);
});

test("status flags of the device become faults of the point", async () => {
  const flagged = (set: number[]) =>
    Buffer.concat([real(1), context(2, Buffer.of(111)), opening(4), bitString(4, set), closing(4)]);
  const device = await peer((asking) =>
    multiple(asking, { 1: flagged([]), 2: flagged([1]), 3: flagged([3]), 4: flagged([0, 2]), 5: failed(2, 27) }),
  );
  const readings = await session(device.port).read(request(1, 2, 3, 4, 5), 2000);
  expect(faultsOf(readings)).toEqual([1, "device_fault", "out_of_service", 1, "device_error"]);
});

test.each([
  [
    "error",
    (id: number) => datagram(pdu.error, id, 14, encoders.enumerated(0), encoders.enumerated(25)),
    /operational-problem/,
  ],
  ["abort", (id: number) => datagram(pdu.abort | 1, id, 9), /abort: out-of-resources/],
])(
  "a refusal that no smaller request cures (%s) is a device error, and counts as answered",
  async (_, bytes, detail) => {
    const device = await peer(({ invokeId }) => bytes(invokeId));
    const readings = await session(device.port).read(request(1, 2), 2000);
    expect(readings).toMatchObject([{ fault: "device_error", detail: expect.stringMatching(detail) }, {}]);
    expect(answered(readings)).toBe(true);
    expect(device.requests.length).toBe(1);
  },
);

test("several properties of one object go into one specification", async () => {
  const device = await peer(() => undefined);
  const ai = analogInput(1);
  const points = [
    ai,
    { ...ai, id: "crac/rel", address: addressOf({ object: "analog-input", instance: 1, property: "reliability" }) },
  ];
  await session(device.port).read({ points }, 100);
  expect(device.requests[0]?.payload.toString("hex")).toBe("0c000000011e0955096f09671f");
});

test("only a present-value is asked with its flags", async () => {
  const device = await peer(() => undefined);
  const ai = analogInput(1);
  const address = addressOf({ object: "analog-input", instance: 1, property: "reliability" });
  await session(device.port).read({ points: [{ ...ai, address }] }, 100);
  expect(device.requests[0]?.payload.toString("hex")).toBe("0c000000011e09671f");
});

test("a read leaves no timer behind, neither ours nor the library's", async () => {
  const started = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => started.mockRestore());
  const running = () => started.mock.results.filter(({ value }) => !value._destroyed).length;
  const device = await peer((asking, nth) => (nth === 0 ? multiple(asking, { 1: real(1) }) : undefined));
  const reading = session(device.port);
  for (const [expected, timeoutMs] of [
    [1, 5000],
    ["timeout", 100],
  ] as const) {
    expect(faultsOf(await reading.read(request(1), timeoutMs))).toEqual([expected]);
    expect(running()).toBe(0);
  }
  expect(started.mock.calls.length).toBe(9); // each time: deadline, resend, and the library's; first who it is
});

test("close settles a read under way, and is idempotent", async () => {
  const device = await peer(() => undefined);
  const reading = session(device.port);
  const under = reading.read(request(1), 10_000);
  await Promise.all([reading.close(), reading.close()]);
  expect(faultsOf(await under)).toEqual(["unreachable"]);
  expect(faultsOf(await reading.read(request(1), 1000))).toEqual(["unreachable"]);
});

test("a closed hub is a fault, not an exception", async () => {
  const on = hub();
  const reading = session(47_808, on);
  await on.close();
  await on.close();
  expect(faultsOf(await reading.read(request(1), 1000))).toEqual(["unreachable"]);
});

test("an address the system does not send to is unreachable at once; broadcasts are among them", async () => {
  const readings = await session(47_808, hub(), { bus: { host: "127.255.255.255" } }).read(request(1), 10_000);
  expect(readings).toMatchObject([{ fault: "unreachable", detail: expect.stringContaining("EACCES") }]);
});

test("invoke ids run through 1..255 and never 0, which the library takes for none", async () => {
  const device = await peer((asking) => multiple(asking, { 1: real(1) }));
  const reading = session(device.port);
  for (let round = 0; round < 300; round++) await reading.read(request(1), 5000);
  const ids = device.requests.map(({ invokeId }) => invokeId);
  expect(Math.min(...ids)).toBe(1);
  expect(Math.max(...ids)).toBe(255);
  expect(new Set(ids.slice(0, 255)).size).toBe(255);
});
