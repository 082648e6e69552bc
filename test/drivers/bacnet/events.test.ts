import { expect, test } from "vitest";
import type { Point } from "../../../drivers/bacnet/plan.ts";
import { address } from "../../../drivers/bacnet/schema.ts";
import { pdu } from "../../../drivers/bacnet/wire/apdu.ts";
import {
  bitString,
  closing,
  context,
  datagram,
  encoders,
  objectIdentifier,
  objectIdOctets,
  opening,
} from "../../../drivers/bacnet/wire/encode.ts";
import { peer, type Requested, type Script, session } from "./peer.ts";

/** What a device holds for alarms itself. */

const points: readonly Point[] = (["active", "unacknowledged"] as const).map((events) => ({
  id: `crac/${events}`,
  device: { instance: 1 },
  address: address.parse({ events }),
}));
const read = async (script: Script) => {
  const device = await peer(script);
  const reading = session(device.port);
  const readings = await reading.read({ points }, 2000);
  return { device, reading, readings: readings.map((one) => ("fault" in one ? one.fault : one.value)) };
};

interface Held {
  readonly instance: number;
  readonly state: number;
  readonly acknowledged: readonly number[];
}
const acknowledged = [0, 1, 2];
const bits = (set: readonly number[]): Buffer => bitString(3, set).subarray(1);
const times = [opening(3), ...[1, 2, 3].map((nth) => context(1, Buffer.of(nth))), closing(3)];
const priorities = [opening(6), ...[1, 2, 3].map((nth) => encoders.unsigned(nth)), closing(6)];

const information = ({ invokeId }: Requested, held: readonly Held[], hasMore: boolean): Buffer =>
  datagram(
    ...[pdu.complexAck, invokeId, 29, opening(0)],
    ...held.flatMap(({ instance, state, acknowledged }) => [
      ...[context(0, objectIdOctets(0, instance)), context(1, Buffer.of(state)), context(2, bits(acknowledged))],
      ...[...times, context(4, Buffer.of(0)), context(5, bits([0, 1, 2])), ...priorities],
    ]),
    ...[closing(0), context(1, Buffer.of(hasMore ? 1 : 0))],
  );
const summary = ({ invokeId }: Requested, held: readonly Held[]): Buffer =>
  datagram(
    ...[pdu.complexAck, invokeId, 3],
    ...held.flatMap(({ instance, state, acknowledged }) => [
      ...[objectIdentifier(0, instance), encoders.enumerated(state), bitString(3, acknowledged)],
    ]),
  );
const unrecognized = ({ invokeId }: Requested): Buffer => datagram(pdu.reject, invokeId, 9);

const held: readonly Held[] = [
  { instance: 1, state: 3, acknowledged },
  { instance: 2, state: 2, acknowledged: [1, 2] },
  { instance: 3, state: 0, acknowledged: [0, 1] },
];

test("those in alarm and those unacknowledged are counted by one GetEventInformation", async () => {
  const { readings, device } = await read((one) => information(one, held, false));
  expect(readings).toEqual([2, 2]);
  expect(device.requests.map(({ service, payload }) => [service, payload.toString("hex")])).toEqual([[29, ""]]);
});

test("nothing is in alarm", async () => {
  const { readings } = await read((one) => information(one, [], false));
  expect(readings).toEqual([0, 0]);
});

test("page after page, each after the last object of the one before", async () => {
  const { readings, device } = await read((one, nth) => information(one, held.slice(nth, nth + 1), nth < 2));
  expect(readings).toEqual([2, 2]);
  expect(device.requests.map(({ payload }) => payload.toString("hex"))).toEqual(["", "0c00000001", "0c00000002"]);
});

test("GetAlarmSummary is asked where GetEventInformation is unknown, and at once the next time", async () => {
  const { readings, device, reading } = await read((one) =>
    one.service === 29 ? unrecognized(one) : summary(one, held.slice(0, 2)),
  );
  expect(readings).toEqual([2, 1]);
  await reading.read({ points }, 2000);
  expect(device.requests.map(({ service }) => service)).toEqual([29, 3, 3]);
});

test.each<[string, Script, string]>([
  ["that knows neither service", unrecognized, "no_such_point"],
  ["that aborts", ({ invokeId }) => datagram(pdu.abort | 1, invokeId, 9), "device_error"],
  [
    "whose list lacks a part",
    ({ invokeId }) =>
      datagram(
        pdu.complexAck,
        invokeId,
        29,
        opening(0),
        context(0, Buffer.of(1)),
        closing(0),
        context(1, Buffer.of(0)),
      ),
    "bad_reply",
  ],
  [
    "that does not say whether there is more",
    ({ invokeId }) => datagram(pdu.complexAck, invokeId, 29, opening(0), closing(0)),
    "bad_reply",
  ],
  ["that answers another service", (one) => summary(one, held), "bad_reply"],
  ["that always has more", (one) => information(one, held.slice(0, 1), true), "bad_reply"],
])("a device %s is a fault", async (_, script, fault) => {
  expect((await read(script)).readings).toEqual([fault, fault]);
});

test("a device that says that there is more and gives none comes to an end", async () => {
  const { readings, device } = await read((one) => information(one, [], true));
  expect(readings).toEqual([0, 0]);
  expect(device.requests).toHaveLength(1);
});
