import { expect, onTestFinished, test, vi } from "vitest";
import { plan } from "../../../drivers/bacnet/plan.ts";
import { type Address, address, bus, network as networkSchema, part } from "../../../drivers/bacnet/schema.ts";
import { sessionOn } from "../../../drivers/bacnet/session.ts";
import { pdu } from "../../../drivers/bacnet/wire/apdu.ts";
import {
  closing,
  context,
  encoders,
  objectIdOctets,
  opening,
  unsignedOctets,
} from "../../../drivers/bacnet/wire/encode.ts";
import { type Hub, hubOf, type NetworkEars } from "../../../drivers/bacnet/wire/hub.ts";
import { type Address as At, linkResult, readDatagram, unicast } from "../../../drivers/bacnet/wire/packet.ts";
import { iAm } from "../../../drivers/bacnet/wire/whois.ts";
import { deadlineIn } from "../../../drivers/deadline.ts";
import type { Reading } from "../../../drivers/driver.ts";
import { fakeEnv } from "../../env.ts";
import { mebibyte, memory } from "../stage.ts";
import { agent, type StillNetwork, settled } from "./still.ts";

/** Who means harm, and devices that do what none should: on a network and a clock without a world. */

const world = vi.hoisted(() => ({ network: null as StillNetwork | null }));
vi.mock("../../../drivers/bacnet/wire/sockets.ts", async () => {
  const { stillNetwork } = await import("./still.ts");
  return {
    socketsOf(...args: Parameters<StillNetwork["socketsOf"]>) {
      world.network = stillNetwork();
      return world.network.socketsOf(...args);
    },
  };
});

const port = 47_808;
const bbmd = { host: "192.0.2.9", port };
/** Where the device 7 is. */
const there: At = { host: "192.0.2.7", port };

function stage(written: readonly unknown[] = [], options: object = { host: there.host }, before: unknown = null) {
  const env = fakeEnv();
  const hub: Hub = hubOf(env);
  const network = world.network!;
  const registrations: (string | null)[] = [];
  const ears: NetworkEars = {
    ...{ event: () => {}, dropped: () => {} },
    registration: (lost) => registrations.push(lost),
  };
  hub.join(networkSchema.parse({ address: agent.host, broadcast: "192.0.2.255", bbmd }), ears);
  const addresses = written.map((one): Address => address.parse(one));
  const points = addresses.map((one, nth) => ({ id: `p${nth}`, device: { instance: 7 }, address: one }));
  const held = new Map(points.map(({ id }, nth) => [id, nth % 2]));
  const device = network.join(
    env,
    { ...there, station: null },
    { instance: 7, points, value: (id) => held.get(id) ?? null, self: () => new Map() },
  );
  const news: Reading[] = [];
  const where = bus.parse(options);
  const session = sessionOn(where, {
    ...{ env, hub, news: (some: readonly Reading[]) => void news.push(...some) },
    learnt: { before, keep: () => {} },
  });
  onTestFinished(async () => {
    await session.close();
    await hub.close();
  });
  return {
    ...{ env, hub, network, device, session, points, held, news, registrations, requests: plan(points, where) },
    async read(ms = 1000): Promise<readonly Reading[]> {
      const all: Reading[] = [];
      for (const one of plan(points, where)) all.push(...(await settled(env, session.read(one, ms))));
      return all;
    },
  };
}

const brief = (readings: readonly Reading[]) => readings.map((one) => ("fault" in one ? one.fault : one.value));
const input = (instance: number, more: object = {}) => ({ object: "binary-input", instance, ...more });
const isAnswer = (datagram: Buffer, service: number, type: number = pdu.complexAck): boolean => {
  const read = readDatagram(datagram);
  return read?.kind === "packet" && read.apdu[0] === type && read.apdu[2] === service;
};

test("a result of the BBMD counts from its own address and port only", async () => {
  const { env, network, registrations } = stage();
  await env.advance(1);
  for (const from of [
    { ...bbmd, port: 47_809 },
    { ...bbmd, host: "192.0.2.66" },
  ]) {
    for (const code of [0x30, 0]) network.tell(linkResult(code), from);
  }
  expect(registrations).toEqual([]);
  network.tell(linkResult(0), bbmd);
  expect(registrations).toEqual([null]);
});

test("whoever is at 127.0.0.1:47808 is heard as any other", async () => {
  const { env, hub, network } = stage();
  const found = hub.directory.find(5, deadlineIn(env, 1000));
  await env.advance(10);
  network.tell(unicast(iAm(5)), { host: "127.0.0.1", port });
  expect(await settled(env, found)).toMatchObject({ peer: { host: "127.0.0.1" } });
});

test("a storm of forged I-Am costs no memory, and what is told of it is short", async () => {
  const { env, hub, network } = stage();
  const before = memory();
  for (let round = 0; round < 20; round++) {
    const found = hub.directory.find(7, deadlineIn(env, 1000));
    await env.advance(10);
    for (let nth = 0; nth < 5000; nth++)
      network.tell(unicast(iAm(7)), { host: `198.18.${nth >> 8}.${nth & 0xff}`, port: 1024 + round });
    const { fault, detail = "" } = (await settled(env, found)) as { readonly fault?: string; readonly detail?: string };
    expect(fault).toBe("identity_mismatch");
    expect(detail.length).toBeLessThan(300);
  }
  expect((memory() - before) / mebibyte).toBeLessThan(4);
});

test("a device that is somewhere else each time leaves nothing behind", async () => {
  const { hub } = stage();
  const before = memory();
  for (let nth = 0; nth < 60_000; nth++) hub.line({ host: `198.18.${nth >> 8}.${nth & 0xff}`, port, station: null });
  expect((memory() - before) / mebibyte).toBeLessThan(16);
  const line = hub.line({ ...there, station: null });
  expect(hub.line({ ...there, station: null })).toBe(line);
});

test("closed while it looks for its device, a read ends at once, and nothing is asked any more", async () => {
  const { env, network, session, requests } = stage([input(1)], {});
  network.bend = () => null;
  let ended: readonly Reading[] | undefined;
  void session.read(requests[0]!, 10_000).then((readings) => {
    ended = readings;
  });
  await env.advance(10);
  await session.close();
  await env.advance(0);
  expect(ended).toMatchObject([{ fault: "unreachable" }]);
  network.bend = (datagram) => datagram;
  const sent: Buffer[] = [];
  network.onSent = (datagram) => sent.push(datagram);
  network.tell(unicast(iAm(7)), there);
  await env.advance(10_000);
  expect(sent.filter((datagram) => (readDatagram(datagram) as { apdu?: Buffer }).apdu?.[0] === 0)).toEqual([]);
});

test("closed between its requests, a session asks nothing more", async () => {
  const { env, network, session, device } = stage([input(1)]);
  device.misbehave("no-rpm");
  let asked = 0;
  network.onSent = (datagram) => {
    const { apdu } = readDatagram(datagram) as { apdu?: Buffer };
    if (apdu?.[0] !== 0) return;
    asked++;
    if (asked === 4) void session.close();
  };
  const names = ["serial-number", "model-name", "vendor-name", "object-name", "firmware-revision"];
  const parts = names.map((name) => ({ name, address: part.parse({ property: name }) }));
  const told = await settled(env, session.identify!({ device: { instance: 7 }, parts }, 10_000));
  await env.advance(10_000);
  expect(asked).toBe(4);
  expect(told.slice(-3)).toMatchObject(
    names.slice(-3).map((name) => ({ part: name, fault: "unreachable", detail: "the session is closed" })),
  );
});

test("the deadline holds where the line is busy with what has more time", async () => {
  const { env, session, requests, device, read } = stage([input(1)]);
  device.misbehave("silent");
  const began = env.clock.mono();
  const ends: number[] = [];
  const deadlines = [10_000, 1000, 500, 2000];
  const all = Promise.all(
    deadlines.map((ms, nth) =>
      session.read(requests[0]!, ms).finally(() => {
        ends[nth] = env.clock.mono() - began;
      }),
    ),
  );
  expect(new Set(brief((await settled(env, all)).flat()))).toEqual(new Set(["timeout"]));
  expect(ends).toEqual(deadlines);
  device.misbehave("none");
  expect(brief(await read())).toEqual([0]);
});

/** As the device tells it, to the process that it was asked for. */
const notification = (process: Buffer, instance: number, ...values: readonly Buffer[]): Buffer =>
  unicast(
    Buffer.concat([
      Buffer.of(pdu.unconfirmedRequest, 2),
      ...[context(0, process), context(1, objectIdOctets(8, 7)), context(2, objectIdOctets(3, instance))],
      ...[context(3, unsignedOctets(60)), opening(4), ...values, closing(4)],
    ]),
  );
const presentValue = (now: Buffer): Buffer[] => [context(0, unsignedOctets(85)), opening(2), now, closing(2)];

/** A session whose points are subscribed to, and the process id that it gave. */
async function subscribed(count = 2) {
  const all = stage(Array.from({ length: count }, (_, i) => input(i + 1, { cov: true })));
  let process: Buffer = Buffer.alloc(0);
  all.network.onSent = (datagram) => {
    const { apdu } = readDatagram(datagram) as { apdu?: Buffer };
    if (apdu?.[0] === 0 && apdu[3] === 5) process = apdu.subarray(5, 5 + (apdu[4]! & 7));
  };
  await all.read();
  await all.env.advance(500);
  expect(process.length).toBeGreaterThan(0);
  all.news.splice(0);
  return { ...all, process };
}

test("a change that is told while a read is under way is newer than its answer", async () => {
  const { env, network, session, requests, news, process, held } = await subscribed();
  let answer: Buffer | undefined;
  network.bend = (datagram) => {
    if (answer !== undefined || !isAnswer(datagram, 14)) return datagram;
    answer = datagram;
    return null;
  };
  const reading = session.read(requests[0]!, 1000);
  await env.advance(50);
  held.set("p0", 1);
  network.tell(notification(process, 1, ...presentValue(encoders.enumerated(1))), there);
  network.tell(answer!, there); // from before the change
  expect(await settled(env, reading)).toEqual([
    { point: "p0", value: 1 },
    { point: "p1", value: 1 },
  ]);
  expect(news[0]).toEqual({ point: "p0", value: 1 });
});

test.each([
  ["without a value", [context(0, unsignedOctets(111)), opening(2), Buffer.from("820400", "hex"), closing(2)]],
  ["with a value that no number has", presentValue(Buffer.from("3e091f3f", "hex"))],
])("a change %s is left to the next poll", async (_, values) => {
  const { network, news, process, read } = await subscribed();
  network.tell(notification(process, 1, ...values), there);
  expect(news).toEqual([]);
  expect(brief(await read())).toEqual([0, 1]);
});

test("of 10,000 process ids that a stranger tries from the device's own address none is the right one", async () => {
  const { env, network, news } = await subscribed();
  for (let id = 0; id < 10_000; id++) {
    network.tell(notification(unsignedOctets(id), 1, ...presentValue(encoders.enumerated(1))), there);
    if (id % 500 === 0) await env.advance(5000);
  }
  expect(news).toEqual([]);
});

test.each([
  ["that does not know SubscribeCOV, and drops it, is asked three times, then polled in time", true, 3],
  ["whose acknowledgements alone are lost is asked on, for it tells its changes", false, 6],
])("a device %s", async (_, isDeaf, asks) => {
  const { env, network, read } = stage([input(1, { cov: true })]);
  network.bend = (datagram) => {
    const { apdu } = readDatagram(datagram) as { apdu?: Buffer };
    const isNotification = apdu?.[0] === pdu.unconfirmedRequest && apdu[1] === 2;
    return isAnswer(datagram, 5, pdu.simpleAck) || (isDeaf && isNotification) ? null : datagram;
  };
  const waits: boolean[] = [];
  for (let round = 0; round < 6; round++) {
    const began = env.clock.mono();
    expect(brief(await read(2000))).toEqual([0]);
    waits.push(env.clock.mono() - began > 500);
    await env.advance(5000);
  }
  expect(waits).toEqual(waits.map((_, round) => round < asks));
  const reports = env.reports.filter(({ code }) => code === "bacnet.no_cov");
  expect(reports).toMatchObject(isDeaf ? [{ facts: { device: 7 } }] : []);
});

test("of 10,000 points with cov 20 are subscribed to with one read, and reads are right meanwhile", async () => {
  const all = Array.from({ length: 10_000 }, (_, i) => input(i, { cov: true }));
  const { network, requests, session, env } = stage(all);
  let subscriptions = 0;
  network.onSent = (datagram) => {
    const { apdu } = readDatagram(datagram) as { apdu?: Buffer };
    if (apdu?.[0] === 0 && apdu[3] === 5) subscriptions++;
  };
  const counts: number[] = [];
  for (let round = 0; round < 4; round++) {
    const readings = brief(await settled(env, session.read(requests[0]!, 5000)));
    expect(readings).toEqual(Array.from({ length: 50 }, (_, nth) => nth % 2));
    counts.push(subscriptions);
  }
  expect(counts).toEqual([20, 40, 50, 50]);
});

test("a device that can less each time, restarts and can more again is read right throughout, and told of", async () => {
  const numbers = Array.from({ length: 30 }, (_, i) => ({ object: "analog-input", instance: i }));
  const { env, device, held, points, read, news } = stage([...numbers, input(1, { cov: true })]);
  const change = `p${numbers.length}`;
  let round = 0;
  for (const fault of ["none", "abort", "small-apdu", "no-rpm", "reboot", "none"]) {
    device.misbehave(fault);
    for (let times = 0; times < 3; times++) {
      round++;
      for (const [nth, { id }] of points.entries()) held.set(id, id === change ? round % 2 : 100 * round + nth);
      expect(await read(5000), `${fault}, ${times}`).toEqual(
        points.map(({ id }) => ({ point: id, value: held.get(id) })),
      );
      await env.advance(60_000);
    }
  }
  news.splice(0);
  held.set(change, 1 - held.get(change)!);
  await env.advance(500);
  expect(news).toEqual([{ point: change, value: held.get(change) }]);
});

test("what was learnt of 5,000 devices is taken up, and more than anybody learns is no harm", async () => {
  const flagless = Array.from({ length: 9000 }, (_, i) => `3:${i}:111:4294967295`);
  const others = Array.from({ length: 5000 }, (_, i) => [1000 + i, { most: 50, isSingle: false, flagless: [] }]);
  const before = { ...Object.fromEntries(others), 7: { most: 50, isSingle: true, flagless } };
  expect(JSON.stringify(before).length).toBeGreaterThan(400_000);
  for (const [learnt, services] of [
    [before, [12]],
    [{ 7: { most: 50, isSingle: true, flagless: [...flagless, ...flagless] } }, [14]],
  ] as const) {
    const { network, read } = stage([input(1), input(2)], undefined, learnt);
    const asked = new Set<number>();
    network.onSent = (datagram) => {
      const { apdu } = readDatagram(datagram) as { apdu?: Buffer };
      if (apdu?.[0] === 0) asked.add(apdu[3]!);
    };
    expect(brief(await read())).toEqual([0, 1]);
    expect([...asked]).toEqual(services);
  }
});
