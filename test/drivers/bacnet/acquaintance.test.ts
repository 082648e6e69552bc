import { createSocket } from "node:dgram";
import { expect, onTestFinished, test } from "vitest";
import { bus } from "../../../drivers/bacnet/schema.ts";
import { sessionOn } from "../../../drivers/bacnet/session.ts";
import { pdu } from "../../../drivers/bacnet/wire/apdu.ts";
import {
  closing,
  context,
  datagram,
  encoders,
  objectIdentifier,
  objectIdOctets,
  opening,
  unsignedOctets,
} from "../../../drivers/bacnet/wire/encode.ts";
import { hubOf } from "../../../drivers/bacnet/wire/hub.ts";
import { readDatagram, rejection, type Station, unicast } from "../../../drivers/bacnet/wire/packet.ts";
import type { Reading } from "../../../drivers/driver.ts";
import { fakeEnv } from "../../env.ts";
import { analogInput, asked, multiple, peer, type Requested, real, request, type Script, session } from "./peer.ts";

/** Who a device is, and where: proven before its first value is believed, and after each silence. */

const brief = (readings: readonly Reading[]) => readings.map((one) => ("fault" in one ? one.fault : one.value));
const details = (readings: readonly Reading[]) => readings.map((one) => ("fault" in one ? one.detail : ""));

/** What it says of itself in one ReadPropertyMultiple. */
const introduction = ({ invokeId, payload }: Requested, own: Buffer, longest = 1476): Buffer =>
  datagram(
    ...[pdu.complexAck, invokeId, 14, payload.subarray(0, 5), opening(1)],
    ...[context(2, unsignedOctets(75)), own, context(2, unsignedOctets(62))],
    ...[opening(4), encoders.unsigned(longest), closing(4), closing(1)],
  );
const value = (of: Buffer): Buffer => Buffer.concat([opening(4), of, closing(4)]);
const absent = Buffer.concat([opening(5), encoders.enumerated(1), encoders.enumerated(31), closing(5)]);
const refuseWhole = ({ invokeId, service }: Requested): Buffer =>
  datagram(pdu.error, invokeId, service, encoders.enumerated(1), encoders.enumerated(31));
/** ReadProperty of the wildcard: who it is. */
const itself = ({ invokeId, payload }: Requested, instance: number): Buffer =>
  datagram(pdu.complexAck, invokeId, 12, payload, opening(3), objectIdentifier(8, instance), closing(3));
const isOfDevice = ({ payload }: Requested): boolean => payload.readUInt32BE(1) >>> 22 === 8;
const isWildcard = (one: Requested): boolean => isOfDevice(one) && payloadInstance(one) === 4_194_303;
const payloadInstance = ({ payload }: Requested): number => payload.readUInt32BE(1) & 0x3f_ffff;

test.each<[string, Script, string]>([
  [
    "has no such device object, and tells which it is",
    (one) => (isWildcard(one) ? itself(one, 42) : introduction(one, absent)),
    "device 42 answers at 127.0.0.1",
  ],
  [
    "refuses the whole request for it, and tells which it is",
    (one) => (isWildcard(one) ? itself(one, 42) : refuseWhole(one)),
    "device 42 answers at 127.0.0.1",
  ],
  ["refuses, and does not tell which it is", refuseWhole, "another device answers at 127.0.0.1"],
  [
    "says another instance of itself",
    (one) => introduction(one, value(objectIdentifier(8, 42))),
    "device 42 answers at 127.0.0.1",
  ],
])("no value is taken of a device that %s", async (_, script, detail) => {
  const device = await peer(script, false);
  for (let round = 0; round < 2; round++) {
    const readings = await session(device.port).read(request(1), 2000);
    expect(brief(readings)).toEqual(["identity_mismatch"]);
    expect(details(readings)[0]).toContain(detail);
  }
  expect(device.requests.every(isOfDevice)).toBe(true);
});

test.each<[string, (one: Requested) => Buffer]>([
  ["aborts the question", ({ invokeId }) => datagram(pdu.abort | 1, invokeId, 9)],
  [
    "may not be asked for it",
    (one) =>
      introduction(one, Buffer.concat([opening(5), encoders.enumerated(2), encoders.enumerated(27), closing(5)])),
  ],
])("a device that %s is believed: it is none that tells", async (_, refuse) => {
  const device = await peer((one) => (isOfDevice(one) ? refuse(one) : multiple(one, { 1: real(5) })), false);
  expect(brief(await session(device.port).read(request(1), 2000))).toEqual([5]);
});

test("it is asked once, and again after a silence", async () => {
  let isSilent = false;
  const device = await peer((one) => (isSilent ? undefined : multiple(one, { 1: real(5) })));
  const reading = session(device.port);
  for (let round = 0; round < 3; round++) await reading.read(request(1), 2000);
  expect(device.asked).toBe(1);
  isSilent = true;
  expect(brief(await reading.read(request(1), 100))).toEqual(["timeout"]);
  isSilent = false;
  for (let round = 0; round < 3; round++) expect(brief(await reading.read(request(1), 2000))).toEqual([5]);
  expect(device.asked).toBe(2);
});

test.each([
  [50, [2, 2, 2, 1]],
  [128, [5, 2]],
  [1476, [7]],
])("a device whose longest APDU is %i octets is asked for so many objects at once", async (longest, sizes) => {
  const device = await peer(
    (one) =>
      isOfDevice(one)
        ? introduction(one, value(objectIdentifier(8, 1)), longest)
        : multiple(one, Object.fromEntries(asked(one).map((instance) => [instance, real(instance)]))),
    false,
  );
  expect(brief(await session(device.port).read(request(1, 2, 3, 4, 5, 6, 7), 2000))).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(device.requests.slice(1).map((one) => asked(one).length)).toEqual(sizes);
});

/** A router, and the stations behind it: each an own device with the same objects. */
async function router(
  stations: Readonly<Record<string, { readonly device: number; readonly value: number }>>,
  { reason = 1, longest = 1500 } = {},
) {
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  socket.on("message", (bytes, { port, address }) => {
    const packet = readDatagram(bytes);
    if (packet?.kind !== "packet" || packet.destination === null) return;
    const { destination, apdu } = packet;
    const send = (datagram: Buffer): void => socket.send(datagram, port, address);
    const station = stations[`${destination.network}/${destination.mac}`];
    if (destination.network !== 5) return send(rejection(reason, destination));
    if (bytes.length > longest) return send(rejection(4, destination));
    if (station === undefined) return;
    const one: Requested = { invokeId: apdu[2]!, service: apdu[3]!, payload: apdu.subarray(4) };
    const answer = isOfDevice(one)
      ? introduction(one, payloadInstance(one) === station.device ? value(objectIdentifier(8, station.device)) : absent)
      : multiple(one, Object.fromEntries(asked(one).map((instance) => [instance, real(station.value)])));
    send(unicast(answer.subarray(6), { source: destination }));
  });
  await new Promise<void>((bound) => socket.bind(0, "127.0.0.1", bound));
  return socket.address().port;
}

const behind = (instance: number, { network, mac }: Station) => ({
  points: [{ ...analogInput(1), id: `d${instance}/ai1`, device: { instance, network, mac } }],
});

test("devices behind a router with the same objects are told apart by network and mac", async () => {
  const port = await router({ "5/0a": { device: 10, value: 111 }, "5/0b": { device: 11, value: 222 } });
  const reading = session(port, undefined, { bus: { window: 2 } });
  for (let round = 0; round < 5; round++) {
    const both = await Promise.all([
      reading.read(behind(10, { network: 5, mac: "0a" }), 2000),
      reading.read(behind(11, { network: 5, mac: "0b" }), 2000),
    ]);
    expect(both.map(brief)).toEqual([[111], [222]]);
  }
});

test.each([
  [1, "knows no way to network 6"],
  [2, "is too busy for network 6"],
  [6, "rejects (6) what is for network 6"],
])("what the router rejects (%i) is unreachable at once, and told why", async (reason, detail) => {
  const port = await router({}, { reason });
  const readings = await session(port).read(behind(10, { network: 6, mac: "0a" }), 10_000);
  expect(readings).toMatchObject([{ fault: "unreachable", detail: expect.stringContaining(detail) }]);
});

test("a device behind a router that carries short requests only is asked for less", async () => {
  const port = await router({ "5/0a": { device: 10, value: 111 } }, { longest: 60 });
  const [one] = behind(10, { network: 5, mac: "0a" }).points;
  const points = request(1, 2, 3, 4, 5, 6, 7, 8, 9).points.map((point) => ({ ...point, device: one!.device }));
  expect(brief(await session(port).read({ points }, 10_000))).toEqual(Array(9).fill(111));
});

test("a device whose status flags say fault is asked why, in one request more", async () => {
  const faulty = Buffer.concat([
    real(5),
    context(2, unsignedOctets(111)),
    value(Buffer.from("82 04 40".replaceAll(" ", ""), "hex")),
  ]);
  const reliability = (one: Requested, code: number): Buffer =>
    datagram(
      ...[pdu.complexAck, one.invokeId, 14, context(0, objectIdOctets(0, 2)), opening(1)],
      ...[context(2, unsignedOctets(103)), value(encoders.enumerated(code)), closing(1)],
    );
  const device = await peer((one, nth) =>
    nth % 2 === 0 ? multiple(one, { 1: real(1), 2: faulty }) : reliability(one, nth === 1 ? 1 : 4711),
  );
  const reading = session(device.port);
  expect(await reading.read(request(1, 2), 2000)).toMatchObject([
    { value: 1 },
    { fault: "device_fault", detail: "reliability: no-sensor (1)" },
  ]);
  expect(await reading.read(request(1, 2), 2000)).toMatchObject([
    { value: 1 },
    { fault: "device_fault", detail: "reliability: of the maker's own (4711)" },
  ]);
});

test("what a device refused is known after a restart", async () => {
  let kept: unknown = null;
  const learnt = {
    before: null,
    keep(now: unknown) {
      kept = structuredClone(now);
    },
  };
  const device = await peer((one) => {
    const instances = asked(one);
    if (instances.length > 2) return datagram(pdu.abort | 1, one.invokeId, 4);
    return multiple(one, Object.fromEntries(instances.map((instance) => [instance, real(instance)])));
  });
  await session(device.port, undefined, { learnt }).read(request(1, 2, 3, 4), 2000);
  const before = device.requests.length;
  const later = session(device.port, undefined, { learnt: { before: kept, keep: () => {} } });
  expect(brief(await later.read(request(1, 2, 3, 4), 2000))).toEqual([1, 2, 3, 4]);
  expect(device.requests.slice(before).map((one) => asked(one).length)).toEqual([2, 2]);
});

test("after a day it is tried whether a device can more; where it cannot, nothing is lost", async () => {
  const clock = fakeEnv();
  const on = hubOf(clock);
  onTestFinished(() => on.close());
  let most = 2;
  const device = await peer((one) => {
    const instances = asked(one);
    if (instances.length > most) return datagram(pdu.abort | 1, one.invokeId, 4);
    return multiple(one, Object.fromEntries(instances.map((instance) => [instance, real(instance)])));
  });
  const reading = sessionOn(bus.parse({ host: "127.0.0.1", port: device.port, maxPoints: 4 }), { env: clock, hub: on });
  const sizes = async (): Promise<number[]> => {
    const before = device.requests.length;
    expect(brief(await reading.read(request(1, 2, 3, 4), 2000))).toEqual([1, 2, 3, 4]);
    return device.requests.slice(before).map((one) => asked(one).length);
  };
  expect(await sizes()).toEqual([4, 2, 2]);
  expect(await sizes()).toEqual([2, 2]);
  await clock.advance(24 * 3_600_000);
  expect(await sizes()).toEqual([4, 2, 2]);
  most = 4;
  await clock.advance(24 * 3_600_000);
  expect(await sizes()).toEqual([4]);
  expect(await sizes()).toEqual([4]);
});

test.each([["nothing"], [null], [[]], [{ 1: { most: -1 } }], [{ 1: { most: 1, isSingle: "x", flagless: [] } }]])(
  "what was kept by another version (%j) is no harm",
  async (before) => {
    const device = await peer((one) => multiple(one, { 1: real(5) }));
    const reading = session(device.port, undefined, { learnt: { before, keep: () => {} } });
    expect(brief(await reading.read(request(1), 2000))).toEqual([5]);
  },
);
