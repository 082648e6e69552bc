import fc from "fast-check";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { plan } from "../../../drivers/bacnet/plan.ts";
import { address, bus, device, network as networkSchema } from "../../../drivers/bacnet/schema.ts";
import { sessionOn } from "../../../drivers/bacnet/session.ts";
import { pdu } from "../../../drivers/bacnet/wire/apdu.ts";
import type { NetworkEars } from "../../../drivers/bacnet/wire/hub.ts";
import { type Hub, hubOf } from "../../../drivers/bacnet/wire/hub.ts";
import {
  forwarded,
  linkResult,
  readDatagram,
  rejection,
  type Station,
  unicast,
} from "../../../drivers/bacnet/wire/packet.ts";
import { iAm, whoIs } from "../../../drivers/bacnet/wire/whois.ts";
import type { Reading, Session } from "../../../drivers/driver.ts";
import { type FakeEnv, fakeEnv } from "../../env.ts";
import { damaged, type Edit, edits } from "../damage.ts";
import { mebibyte, memory } from "../stage.ts";
import { agent, type Place, type StillNetwork, settled } from "./still.ts";

/** 20,000 datagrams that were damaged on the way, on a network and a clock without a world, so that a timeout takes no time. */

const world = vi.hoisted(() => ({ network: null as StillNetwork | null }));
vi.mock("../../../drivers/bacnet/wire/sockets.ts", async () => {
  const { stillNetwork } = await import("./still.ts");
  return {
    socketsOf: (...args: Parameters<StillNetwork["socketsOf"]>) => {
      world.network = stillNetwork();
      return world.network.socketsOf(...args);
    },
  };
});

const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);
beforeAll(() => void process.on("uncaughtException", note).on("unhandledRejection", note));
afterAll(() => {
  process.off("uncaughtException", note).off("unhandledRejection", note);
  expect(uncaught).toEqual([]);
});

const bbmd = { host: "192.0.2.9", port: 47_808 };
const router = { host: "192.0.2.1", port: 47_808 };
const station: Station = { network: 5, mac: "0a" };
/** By instance: at its address, behind a router, and one that is found by Who-Is. */
const places: ReadonlyMap<number, Place> = new Map([
  [7, { host: "192.0.2.7", port: 47_808, station: null }],
  [8, { ...router, station }],
  [9, { host: "192.0.2.99", port: 47_808, station: null }],
]);
const buses = new Map([
  [7, bus.parse({ host: "192.0.2.7", maxPoints: 4 })],
  [8, bus.parse({ host: router.host, confirmedCov: true })],
  [9, bus.parse({})],
]);

/** What each device holds; the same objects in each, with values of its own. */
const held = [
  { object: "analog-input", instance: 1 },
  { object: "analog-value", instance: 2, property: "high-limit" },
  { object: "binary-input", instance: 1, cov: true },
  { object: "multi-state-value", instance: 3, cov: true },
  { object: "accumulator", instance: 4 },
  { events: "active" },
] as const;
const numberHeld = (instance: number, nth: number): number =>
  [10 * instance, 10 * instance + 1, instance % 2, instance, 1000 * instance, instance - 6][nth]!;
const deviceOf = (instance: number) =>
  device.parse(instance === 8 ? { instance, network: station.network, mac: station.mac } : { instance });
const pointsOf = (instance: number) =>
  held.map((written, nth) => ({
    ...{ id: `d${instance}/p${nth}`, device: deviceOf(instance), address: address.parse(written) },
  }));
const truthOf = (instance: number): readonly Reading[] =>
  held.map((_, nth) => ({ point: `d${instance}/p${nth}`, value: numberHeld(instance, nth) }));
const byPoint = (readings: readonly Reading[]) => readings.toSorted((a, b) => (a.point < b.point ? -1 : 1));

interface Stage {
  readonly env: FakeEnv;
  readonly hub: Hub;
  readonly network: StillNetwork;
  readonly announce: (instance: number, isConfirming: boolean) => void;
  readonly told: { news: number; events: number };
  /** It forgets who has subscribed. */
  restart(instance: number): Promise<void>;
  dropped(): number;
  open(instance: number, learnt?: object): Session;
  read(session: Session, instance: number): Promise<readonly Reading[]>;
}

function stage(): Stage {
  const env = fakeEnv();
  const hub = hubOf(env);
  const network = world.network!;
  onTestFinished(() => hub.close());
  const told = { news: 0, events: 0 };
  let dropped = 0;
  const ears: NetworkEars = { event: () => void told.events++, dropped: () => void dropped++, registration: () => {} };
  hub.join(networkSchema.parse({ address: agent.host, broadcast: "192.0.2.255", bbmd, instance: 42 }), ears);
  const simulated = new Map(
    [...places].map(([instance, place]) => {
      const points = pointsOf(instance);
      const value = (id: string) =>
        numberHeld(
          instance,
          points.findIndex((one) => one.id === id),
        );
      return [instance, network.join(env, place, { instance, points, value, self: () => new Map() })];
    }),
  );
  const ids = new Set([...places.keys()].flatMap((instance) => pointsOf(instance).map(({ id }) => id)));
  return {
    ...{ env, hub, network, told, dropped: () => dropped },
    announce: (instance, isConfirming) =>
      simulated
        .get(instance)!
        .announce({ object: "analog-input", instance: 1 }, { address: agent.host, port: agent.port, isConfirming }),
    async restart(instance) {
      simulated.get(instance)!.misbehave("reboot");
      simulated.get(instance)!.misbehave("none");
      await env.advance(0);
    },
    open: (instance, before) =>
      sessionOn(buses.get(instance)!, {
        ...{ env, hub },
        ...(before && { learnt: { before: { [instance]: before }, keep: () => {} } }),
        news(readings) {
          told.news += readings.length;
          for (const one of readings)
            expect(ids.has(one.point) && ("fault" in one || Number.isFinite(one.value))).toBe(true);
        },
      }),
    async read(session, instance) {
      const readings: Reading[] = [];
      for (const request of plan(pointsOf(instance), buses.get(instance)!))
        readings.push(...(await settled(env, session.read(request, 1000))));
      return byPoint(readings);
    },
  };
}

/** One in four of the whole datagram, the others of what its length is about: from the network layer, or the APDU. */
function damage(datagram: Buffer, all: readonly Edit[], nth: number): Buffer {
  const from = nth % 4 === 0 ? 0 : nth % 4 === 1 ? 4 : 6;
  const bent = Buffer.concat([datagram.subarray(0, from), damaged(datagram.subarray(from), all)]);
  if (from > 0 && bent.length >= 4) bent.writeUInt16BE(bent.length, 2);
  return bent;
}

const packets = 10_000;
const kindOf = (datagram: Buffer): string => {
  const read = readDatagram(datagram);
  if (read?.kind !== "packet") return read?.kind ?? "none";
  const [head = 0, second = 0, third = 0, fourth = 0] = read.apdu;
  const type = head & 0xf0;
  if (type === pdu.unconfirmedRequest) return `unconfirmed ${second}`;
  return type === pdu.confirmedRequest
    ? `confirmed ${fourth}`
    : `${type === pdu.simpleAck ? "done" : "values"} ${third}`;
};

test("answers: each settles its read, none throws, and the next read is right", async () => {
  const at = stage();
  const instances = [...places.keys()];
  const kinds = new Map<string, number>();
  const outcomes = new Set<string>();
  const damages = fc.sample(edits, { numRuns: packets, seed: 9 });
  const before = memory();
  let bent = 0;
  for (let round = 0; bent < packets; round++) {
    const instance = instances[round % instances.length]!;
    const session = at.open(instance, round % 5 === 0 ? { most: 50, isSingle: true, flagless: [] } : undefined);
    // The first ones are right, so that also what is said later is damaged.
    let answers = 0;
    at.network.bend = (datagram) => {
      if (answers++ < round % 8 || bent >= packets) return datagram;
      const kind = kindOf(datagram);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      return damage(datagram, damages[bent]!, bent++);
    };
    for (const one of await at.read(session, instance)) outcomes.add("fault" in one ? one.fault : "value");
    at.network.bend = (datagram) => datagram;
    expect(await at.read(session, instance), `round ${round}`).toEqual(truthOf(instance));
    await session.close();
    await at.restart(instance);
  }
  expect([...outcomes]).toEqual(expect.arrayContaining(["value", "timeout", "bad_reply", "identity_mismatch"]));
  for (const kind of answersMeant) expect(kinds.get(kind), kind).toBeGreaterThan(200);
  expect((memory() - before) / mebibyte).toBeLessThan(16);
}, 240_000);

/** To ReadProperty, ReadPropertyMultiple, SubscribeCOV, GetEventInformation, Who-Is. */
const answersMeant = ["values 12", "values 14", "done 5", "values 29", "unconfirmed 0"];

type Unasked = readonly [datagram: Buffer, from: { readonly host: string; readonly port: number }];

/** What nobody asked for, as it would be right; the first ones as the devices say it. */
const unasked = (said: readonly Unasked[]): readonly Unasked[] => {
  const { host, port } = places.get(9)!;
  const apdus = said.flatMap(([datagram]) => {
    const read = readDatagram(datagram);
    return read?.kind === "packet" ? [read.apdu] : [];
  });
  return [
    ...said,
    ...apdus.map((apdu) => [forwarded(apdu, { host, port }), bbmd] as const),
    ...apdus.map((apdu) => [unicast(apdu, { source: station }), router] as const),
    ...[iAm(7), iAm(9), whoIs(0, 100)].map((apdu) => [forwarded(apdu, { host, port }), bbmd] as const),
    ...[iAm(8), whoIs(40, 50)].map((apdu) => [unicast(apdu, { source: station }), router] as const),
    ...[0, 0x30, 0x60].map((code) => [linkResult(code), bbmd] as const),
    // Reject-Message-To-Network, I-Am-Router-To-Network, Router-Busy-To-Network
    [rejection(1, station), router],
    ...["810a0009018001" + "0005", "810b0009018004" + "0005"].map((hex) => [Buffer.from(hex, "hex"), router] as const),
    // An answer, a segment and the packet that kills the library, to nobody.
    ...["500c0c95", "3c0c00100e0c", "200c05", "700c04"].map(
      (hex) => [unicast(Buffer.from(hex, "hex")), { host: "192.0.2.7", port: 47_808 }] as const,
    ),
  ];
};

test("what comes unasked: none throws, and the next read is right", async () => {
  const at = stage();
  const sessions = new Map([...places.keys()].map((instance) => [instance, at.open(instance)]));
  const said: Unasked[] = [];
  at.network.bend = (datagram, { host, port }) => {
    if (/^(un)?confirmed [12]$|^unconfirmed 3$/.test(kindOf(datagram))) said.push([datagram, { host, port }]);
    return datagram;
  };
  for (const [instance, session] of sessions) {
    await at.read(session, instance);
    for (const isConfirming of [false, true]) at.announce(instance, isConfirming);
    await at.env.advance(200);
  }
  at.network.bend = (datagram) => datagram;
  expect(new Set(said.map(([datagram]) => kindOf(datagram))).size).toBe(4);
  const all = unasked(said);
  const right = { ...at.told };
  for (const [datagram, from] of all) at.network.tell(datagram, from);
  expect(at.told.news - right.news).toBeGreaterThanOrEqual(6);
  expect(at.told.events - right.events).toBeGreaterThanOrEqual(6);

  const before = memory();
  for (const [nth, some] of fc.sample(edits, { numRuns: packets, seed: 10 }).entries()) {
    const [datagram, from] = all[nth % all.length]!;
    at.network.tell(damage(datagram, some, nth), from);
    // So that no budget is used up, and each is looked into.
    await at.env.advance(200);
    if (nth % 10 > 0) continue;
    const [instance, session] = [...sessions][(nth / 10) % sessions.size]!;
    expect(await at.read(session, instance), `damage ${nth}`).toEqual(truthOf(instance));
  }
  expect(at.dropped()).toBe(0);
  expect((memory() - before) / mebibyte).toBeLessThan(16);
  const after = { ...at.told };
  for (const [datagram, from] of all) at.network.tell(datagram, from);
  expect(at.told.events - after.events).toBeGreaterThanOrEqual(6);
}, 240_000);
