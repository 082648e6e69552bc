import { expect, onTestFinished, test } from "vitest";
import { realEnv } from "../../agent/env.ts";
import { listen } from "../../drivers/bacnet/listener.ts";
import { plan } from "../../drivers/bacnet/plan.ts";
import { address, type Bus, bus, type Device, network, part, type Trap } from "../../drivers/bacnet/schema.ts";
import { sessionOn } from "../../drivers/bacnet/session.ts";
import { hubOf } from "../../drivers/bacnet/wire/hub.ts";
import type { Hint, Reading } from "../../drivers/driver.ts";
import { until } from "../process.ts";
import {
  broadcastAddress,
  client,
  deviceInstance,
  flags,
  freePort,
  our,
  their,
  theirs,
  type Value,
} from "./bacnet-js.ts";

/** @bacnet-js/client as a device that the driver reads and hears: another's reading of the standard. */

const { ApplicationTag, ErrorClass, ErrorCode, EventType, NotifyType, ObjectType } = theirs;
const { PropertyIdentifier, Segmentation, TimeStamp } = theirs;

const env = realEnv({ logLevel: "silent" });
const patience = 10_000;
const { PRESENT_VALUE, STATUS_FLAGS, OBJECT_IDENTIFIER, MODEL_NAME, MAX_APDU_LENGTH_ACCEPTED } = PropertyIdentifier;
/** What their device holds, by type, instance and property. */
const usual = (): Map<string, Value> =>
  new Map([
    [`${ObjectType.ANALOG_INPUT}:1:${PRESENT_VALUE}`, { type: ApplicationTag.REAL, value: 21.5 }],
    [`${ObjectType.ANALOG_INPUT}:1:${STATUS_FLAGS}`, flags()],
    [`${ObjectType.ANALOG_INPUT}:2:${PRESENT_VALUE}`, { type: ApplicationTag.REAL, value: -40.25 }],
    [`${ObjectType.ANALOG_INPUT}:2:${STATUS_FLAGS}`, flags(3)],
    [`${ObjectType.BINARY_INPUT}:1:${PRESENT_VALUE}`, { type: ApplicationTag.ENUMERATED, value: 1 }],
    [`${ObjectType.BINARY_INPUT}:1:${STATUS_FLAGS}`, flags(0)],
    [`${ObjectType.MULTI_STATE_VALUE}:7:${PRESENT_VALUE}`, { type: ApplicationTag.UNSIGNED_INTEGER, value: 70_000 }],
    [`${ObjectType.MULTI_STATE_VALUE}:7:${STATUS_FLAGS}`, flags()],
    [
      `${ObjectType.DEVICE}:${deviceInstance}:${OBJECT_IDENTIFIER}`,
      { type: ApplicationTag.OBJECTIDENTIFIER, value: { type: ObjectType.DEVICE, instance: deviceInstance } },
    ],
    [
      `${ObjectType.DEVICE}:${deviceInstance}:${MAX_APDU_LENGTH_ACCEPTED}`,
      { type: ApplicationTag.UNSIGNED_INTEGER, value: 480 },
    ],
    [
      `${ObjectType.DEVICE}:${deviceInstance}:${MODEL_NAME}`,
      { type: ApplicationTag.CHARACTER_STRING, value: "Größe 7" },
    ],
  ]);
const written = [
  { object: "analog-input", instance: 1 },
  { object: "analog-input", instance: 2 },
  { object: "analog-input", instance: 9 },
  { object: "binary-input", instance: 1, cov: true },
  { object: "multi-state-value", instance: 7 },
];
const points = written.map((one, nth) => ({
  id: `p${nth}`,
  device: { instance: deviceInstance },
  address: address.parse(one),
}));
/** In alarm is a value like any other; out of service is none. */
const read = [21.5, "out_of_service", "no_such_point", 1, 70_000];
const brief = (readings: readonly Reading[]) => readings.map((one) => ("fault" in one ? one.fault : one.value));
const byId = (readings: readonly Reading[]) => readings.toSorted((a, b) => (a.point < b.point ? -1 : 1));

interface Subscription {
  readonly to: string;
  readonly processId: number;
  readonly isConfirmed: boolean;
}

/** Their device; `knowsMultiple`: it answers ReadPropertyMultiple, not ReadProperty alone. */
async function theirDevice(port: number, knowsMultiple = true) {
  const held = usual();
  const subscriptions: Subscription[] = [];
  const asked: string[] = [];
  const device = await client(their, port);
  // What is broadcast, Linux gives to none that is bound to an address of its own.
  const ear = await client(broadcastAddress, port, true);
  const answered = ({ type, instance }: { type: number; instance: number }, property: number): Value => {
    const value = held.get(`${type}:${instance}:${property}`);
    const errorCode = property === PRESENT_VALUE ? ErrorCode.UNKNOWN_OBJECT : ErrorCode.UNKNOWN_PROPERTY;
    return (
      value ?? { type: ApplicationTag.ERROR, value: { type: "BacnetError", errorClass: ErrorClass.OBJECT, errorCode } }
    );
  };
  ear.on("whoIs", ({ header, payload: { lowLimit = 0, highLimit = 4_194_303 } }) => {
    asked.push("whoIs");
    if (lowLimit <= deviceInstance && deviceInstance <= highLimit)
      device.iAmResponse({ address: header!.sender!.address! }, deviceInstance, Segmentation.NO_SEGMENTATION, 260);
  });
  device.on("readProperty", ({ header, invokeId, payload: { objectId, property } }) => {
    asked.push("readProperty");
    const value = answered(objectId, property.id);
    const to = { address: header!.sender!.address! };
    if (value.type !== ApplicationTag.ERROR)
      device.readPropertyResponse(to, invokeId!, objectId, property, [value as never]);
    else device.errorResponse(to, 12, invokeId!, ErrorClass.OBJECT, (value.value as { errorCode: number }).errorCode);
  });
  if (knowsMultiple)
    device.on("readPropertyMultiple", ({ header, invokeId, payload }) => {
      asked.push("readPropertyMultiple");
      const values = payload.properties.map(({ objectId, properties }) => ({
        objectId,
        values: properties.map((property) => ({ property, value: [answered(objectId, property.id)] })),
      }));
      device.readPropertyMultipleResponse({ address: header!.sender!.address! }, invokeId!, values as never);
    });
  device.on("subscribeCov", ({ header, service, invokeId, payload }) => {
    asked.push("subscribeCov");
    const to = header!.sender!.address!;
    subscriptions.push({
      to,
      processId: payload.subscriberProcessId,
      isConfirmed: payload.issueConfirmedNotifications,
    });
    device.simpleAckResponse({ address: to }, service!, invokeId!);
  });
  return { device, held, subscriptions, asked };
}

/** The driver, and what it is told; `options` of its one bus. */
async function ourAgent(port: number, options: object) {
  const hub = hubOf(env);
  const hints: Hint<Bus, Trap, Device>[] = [];
  const news: Reading[] = [];
  const listener = listen(network.parse({ address: our, port, broadcast: broadcastAddress, instance: 42 }), env, hub, {
    ...{ passed: null, kept: null, keep: () => {}, onDropped: () => {} },
    onHint: (hint) => void hints.push(hint),
  });
  const where = bus.parse({ port, ...options });
  const session = sessionOn(where, { env, hub, news: (some) => void news.push(...some) });
  onTestFinished(async () => {
    await session.close();
    await listener.close();
    await hub.close();
  });
  const readAll = async (): Promise<readonly Reading[]> => {
    const all: Reading[] = [];
    for (const one of plan(points, where)) all.push(...(await session.read(one, patience)));
    return byId(all);
  };
  return { session, hints, news, readAll };
}

test.each([
  ["at its address, by ReadPropertyMultiple", { host: their }, true, ["readPropertyMultiple", "subscribeCov"]],
  ["at its address, by ReadProperty", { host: their }, false, ["readProperty", "subscribeCov"]],
  ["found by Who-Is", {}, true, ["readPropertyMultiple", "subscribeCov", "whoIs"]],
])("their device is read %s", async (_, options, knowsMultiple, services) => {
  const port = await freePort();
  const { asked } = await theirDevice(port, knowsMultiple);
  const { session, readAll } = await ourAgent(port, options);
  expect(brief(await readAll())).toEqual(read);
  expect([...new Set(asked)].toSorted()).toEqual(services);
  const parts = ["model-name", "object-identifier", "serial-number"];
  const inquiry = {
    device: { instance: deviceInstance },
    parts: parts.map((name) => ({ name, address: part.parse({ property: name }) })),
  };
  expect(await session.identify!(inquiry, patience)).toMatchObject([
    { text: "Größe 7" },
    { text: "3000" },
    { fault: "no_such_point" },
  ]);
});

test("another device at the address is no value", async () => {
  const port = await freePort();
  const { held } = await theirDevice(port);
  const other = { type: ObjectType.DEVICE, instance: 3001 };
  held.set(`${ObjectType.DEVICE}:${deviceInstance}:${OBJECT_IDENTIFIER}`, {
    type: ApplicationTag.OBJECTIDENTIFIER,
    value: other,
  });
  const { readAll } = await ourAgent(port, { host: their });
  expect(new Set(brief(await readAll()))).toEqual(new Set(["identity_mismatch"]));
});

test.each([
  ["unconfirmed", false],
  ["confirmed", true],
])("a change that their device tells is heard: %s", async (_, confirmedCov) => {
  const port = await freePort();
  const { device, subscriptions } = await theirDevice(port);
  const { readAll, news } = await ourAgent(port, { host: their, confirmedCov });
  await readAll();
  const { to, processId, isConfirmed } = await until(() => subscriptions[0] ?? null);
  expect([to, isConfirmed]).toEqual([`${our}:${port}`, confirmedCov]);
  const object = { type: ObjectType.BINARY_INPUT, instance: 1 };
  const values = [
    { property: { id: PRESENT_VALUE }, value: [{ type: ApplicationTag.ENUMERATED, value: 0 }] },
    { property: { id: STATUS_FLAGS }, value: [flags()] },
  ] as never;
  // Settles with our acknowledgement.
  if (confirmedCov)
    await device.confirmedCOVNotification({ address: to }, object, processId, deviceInstance, 60, values);
  else device.unconfirmedCOVNotification({ address: to }, processId, deviceInstance, object, 60, values);
  await until(() => news[0] ?? null);
  expect(news).toEqual([{ point: "p3", value: 0 }]);
  if (confirmedCov)
    await expect(
      device.confirmedCOVNotification({ address: to }, object, processId + 1, deviceInstance, 60, values),
    ).rejects.toThrow(/79/);
});

test.each([
  ["unconfirmed", false],
  ["confirmed", true],
])("an event that their device tells is a hint: %s", async (_, isConfirmed) => {
  const port = await freePort();
  const { device } = await theirDevice(port);
  const { hints } = await ourAgent(port, { host: their });
  const event = {
    ...{ processId: 1, initiatingObjectId: { type: ObjectType.DEVICE, instance: deviceInstance } },
    ...{
      eventObjectId: { type: ObjectType.ANALOG_INPUT, instance: 1 },
      timeStamp: { type: TimeStamp.SEQUENCE_NUMBER, value: 16 },
    },
    ...{ notificationClass: 9, priority: 7, eventType: EventType.OUT_OF_RANGE, messageText: "zu warm" },
    ...{ notifyType: NotifyType.ALARM, ackRequired: true, fromState: 0, toState: 3 },
    ...{ outOfRangeExceedingValue: 28, outOfRangeStatusFlags: { bitsUsed: 4, value: [1] } },
    ...{ outOfRangeDeadband: 1, outOfRangeExceededLimit: 27 },
  } as never;
  const to = { address: `${our}:${port}` };
  if (isConfirmed) await device.confirmedEventNotification(to, event);
  else device.unconfirmedEventNotification(to, event);
  const hint = await until(() => hints[0] ?? null);
  expect(hint).toMatchObject({ source: their, trap: "analog-input 1" });
  expect(hint.by).toContain(
    `${isConfirmed ? "confirmed" : "unconfirmed"} event notification of device ${deviceInstance}`,
  );
  expect(Object.fromEntries(hint.bindings.map(({ name, text }) => [name, text]))).toEqual({
    ...{ "event-type": "out-of-range", "notify-type": "alarm", "message-text": "zu warm" },
    ...{ "from-state": "normal", "to-state": "high-limit" },
  });
});

test("their Who-Is is answered by the agent, as the device that it is", async () => {
  const port = await freePort();
  await ourAgent(port, { host: their });
  const device = await client(their, port);
  const answers: number[] = [];
  device.on("iAm", ({ payload }) => answers.push(payload.deviceId));
  await until(() => {
    device.whoIs({ lowLimit: 43, highLimit: 50 });
    device.whoIs({ lowLimit: 40, highLimit: 50 });
    return answers[0] ?? null;
  });
  expect(new Set(answers)).toEqual(new Set([42]));
});
