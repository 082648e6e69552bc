import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { survey } from "../../../drivers/bacnet/finding/survey.ts";
import { address, bus as busSchema, device as deviceSchema } from "../../../drivers/bacnet/schema.ts";
import { startBacnetSimulator } from "../../../drivers/bacnet/simulated/simulator.ts";
import { hubOf } from "../../../drivers/bacnet/wire/hub.ts";
import type { Words } from "../../../drivers/simulator.ts";
import { env } from "./peer.ts";

/** What a simulated device says of its objects, over real sockets. */

const long = Array.from({ length: 30 }, (_, i) => [String(i + 1), `A state with quite a long name, number ${i + 1}`]);
const objects: Readonly<Record<string, readonly [written: object, value: number, words?: Words]>> = {
  supply: [{ object: "analog-input", instance: 1 }, 14, { name: "Supply air", unit: "Cel", texts: {} }],
  low: [{ object: "analog-input", instance: 1, property: "low-limit" }, 10],
  high: [{ object: "analog-input", instance: 1, property: "high-limit" }, 30],
  enabled: [{ object: "analog-input", instance: 1, property: "event-enable" }, 7],
  fan: [{ object: "binary-input", instance: 2 }, 1, { name: "Fan", unit: "1", texts: { 0: "off", 1: "on" } }],
  mode: [{ object: "multi-state-value", instance: 3 }, 2, { name: "Mode", unit: "1", texts: { 1: "Auto", 2: "Hand" } }],
  step: [{ object: "multi-state-value", instance: 4 }, 2, { name: "", unit: "1", texts: Object.fromEntries(long) }],
  energy: [{ object: "accumulator", instance: 5 }, 7, { name: "Energy", unit: "kW.h", texts: {} }],
  own: [{ object: 200, instance: 6 }, 7],
};

interface Stage {
  readonly fault?: string;
  /** More objects than those above, analog-values. */
  readonly more?: number;
  readonly device?: { readonly instance: number };
  readonly asked?: number;
}

async function stage({ fault = "none", more = 0, device = { instance: 7 }, asked = device.instance }: Stage = {}) {
  const values = Array.from(
    { length: more },
    (_, i) => [`v${i}`, [{ object: "analog-value", instance: i }, i]] as const,
  );
  const all = new Map<string, readonly [object, number, Words?]>([...Object.entries(objects), ...values]);
  const running = await startBacnetSimulator({
    ...{ host: "127.0.0.1", port: 0, bus: busSchema.parse({ host: "127.0.0.1" }) },
    points: [...all].map(([id, [written]]) => ({ id, device, address: address.parse(written) })),
    value: (id) => all.get(id)?.[1] ?? null,
    describe: (id) => all.get(id)?.[2],
  });
  onTestFinished(() => running.close());
  running.misbehave(fault);
  const hub = hubOf(env);
  onTestFinished(() => hub.close());
  const progress: number[] = [];
  const stop = new AbortController();
  const surveying = (onRead: (count: number) => void = () => {}) =>
    survey(asked, {
      ...{ bus: busSchema.parse({ host: "127.0.0.1", port: running.port }), env, hub, timeoutMs: 300 },
      signal: stop.signal,
      isWanted: (type) => type < 128,
      read(count) {
        progress.push(count);
        onRead(count);
      },
    });
  return { running, surveying, progress, stop };
}

const unknown = { units: null, least: null, most: null, low: null, high: null, texts: [] };
const expected = [
  { ...unknown, type: 0, instance: 1, name: "supply", description: "Supply air", units: 62 },
  { ...unknown, type: 3, instance: 2, name: "fan", description: "Fan", texts: ["off", "on"] },
  { ...unknown, type: 19, instance: 3, name: "mode", description: "Mode", texts: ["Auto", "Hand"] },
  { ...unknown, type: 19, instance: 4, name: "step", description: "", texts: long.map(([, text]) => text) },
  { ...unknown, type: 23, instance: 5, name: "energy", description: "Energy", units: 19 },
];

// Whole, singly where ReadPropertyMultiple is not known, and in pieces where an answer may be 128 octets long.
test.each(["none", "no-rpm", "small-apdu", "abort"])(
  "what it says of each object, in its order (%s)",
  async (fault) => {
    const { surveying } = await stage({ fault });
    expect(await surveying()).toEqual({
      ...{ device: { instance: 7 }, at: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
      ...{ name: "mepwatch simulator 7", description: "", objects: expected, problems: [] },
      others: [{ type: 200, instance: 6 }],
    });
  },
);

test("hundreds of objects, each once, of a device whose list does not fit its answers", async () => {
  const { surveying, progress } = await stage({ more: 150, fault: "small-apdu" });
  const told = await surveying();
  if (typeof told === "string") throw new Error(told);
  expect(told.objects.slice(5).map(({ instance }) => instance)).toEqual(Array.from({ length: 150 }, (_, i) => i));
  expect(told.problems).toEqual([]);
  expect(progress).toEqual(Array.from({ length: 155 }, (_, i) => i + 1));
});

test("behind a router, where Who-Is finds it", async () => {
  const device = deviceSchema.parse({ instance: 7, network: 5, mac: 10 });
  const { surveying } = await stage({ device });
  expect(await surveying()).toMatchObject({ device: { instance: 7, network: 5, mac: "0a" }, objects: expected });
});

test("a device that falls silent: what it said is kept, and how many were not asked is told", async () => {
  const { surveying, running, progress } = await stage({ more: 20 });
  const told = await surveying((count) => {
    if (count === 2) running.misbehave("silent");
  });
  expect(told).toMatchObject({
    objects: expected.slice(0, 2),
    problems: [
      expect.stringMatching(/^multi-state-value 3: timeout/),
      expect.stringMatching(/^multi-state-value 4: timeout/),
      expect.stringMatching(/^accumulator 5: timeout/),
      "20 of 25 objects were not asked, from analog-value 0 on",
    ],
  });
  expect(progress).toEqual([1, 2, 3, 4, 5]);
});

test("objects that fail for a while keep no other one from being read", async () => {
  const { surveying, running } = await stage({ more: 20 });
  const told = await surveying((count) => {
    if (count === 1) running.misbehave("error");
    if (count === 6) running.misbehave("none");
  });
  if (typeof told === "string") throw new Error(told);
  expect(told.problems).toHaveLength(5);
  expect(told.problems[0]).toMatch(/^binary-input 2: device_error/);
  expect(told.objects).toHaveLength(20);
});

test("stopped, it keeps what it has", async () => {
  const { surveying, stop } = await stage();
  const told = await surveying((count) => {
    if (count === 2) stop.abort();
  });
  expect(told).toMatchObject({
    objects: expected.slice(0, 2),
    problems: ["3 of 5 objects were not asked, from multi-state-value 3 on"],
  });
});

test("another device at the address tells nothing of this one", async () => {
  const { surveying } = await stage({ asked: 8 });
  expect(await surveying()).toMatch(
    /^device 8 at 127\.0\.0\.1:\d+ does not tell its objects \(no_such_point: .*unknown-object/,
  );
});

test("nobody is told, and so is a network that cannot be sent to", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  const hub = hubOf(env);
  onTestFinished(() => hub.close());
  const terms = {
    env,
    hub,
    timeoutMs: 100,
    signal: new AbortController().signal,
    isWanted: () => true,
    read: () => {},
  };
  const silent = busSchema.parse({ host: "127.0.0.1", port: socket.address().port });
  expect(await survey(7, { ...terms, bus: silent })).toMatch(/does not tell its objects \(timeout/);
  expect(await survey(7, { ...terms, bus: busSchema.parse({}) })).toMatch(/^no device answers to instance 7/);
  const nowhere = busSchema.parse({ host: "255.255.255.255" });
  expect(await survey(7, { ...terms, bus: nowhere })).toMatch(/E[A-Z]+/);
});
