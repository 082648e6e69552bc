import { expect, onTestFinished, test } from "vitest";
import { address } from "../../drivers/bacnet/schema.ts";
import { startBacnetSimulator } from "../../drivers/bacnet/simulated/simulator.ts";
import { until } from "../process.ts";
import { client, deviceInstance, freePort, our, their, theirs, type Value } from "./bacnet-js.ts";

/** @bacnet-js/client reads our simulator, and is told of changes by it. */

const { ApplicationTag, ErrorClass, ErrorCode, ObjectType, PropertyIdentifier } = theirs;
const { PRESENT_VALUE, STATUS_FLAGS } = PropertyIdentifier;
const whole = (id: number) => ({ id, index: theirs.ASN1_ARRAY_ALL });

/** Our simulator of a device, and they who ask it. */
async function ourSimulator() {
  const values = new Map<string, number | null>([
    ["ai", 21.5],
    ["bi", 0],
    ["ms", 3],
  ]);
  const own = [
    ["ai", { object: "analog-input", instance: 1 }],
    ["bi", { object: "binary-input", instance: 1 }],
    ["ms", { object: "multi-state-value", instance: 7 }],
  ] as const;
  const simulator = await startBacnetSimulator({
    ...{ host: our, port: 0, value: (id) => values.get(id) ?? null },
    points: own.map(([id, one]) => ({ id, device: { instance: deviceInstance }, address: address.parse(one) })),
  });
  onTestFinished(() => simulator.close());
  const asker = await client(their, await freePort());
  return { simulator, values, asker, at: { address: `${our}:${simulator.port}` } };
}

const ai = { type: ObjectType.ANALOG_INPUT, instance: 1 };
const bi = { type: ObjectType.BINARY_INPUT, instance: 1 };
const itself = { type: ObjectType.DEVICE, instance: deviceInstance };

test("they read our simulator: one property, several, all", async () => {
  const { asker, at } = await ourSimulator();
  const one = await asker.readProperty(at, ai, PRESENT_VALUE);
  expect(one.values).toMatchObject([{ type: ApplicationTag.REAL, value: 21.5 }]);
  const several = await asker.readPropertyMultiple(at, [
    { objectId: ai, properties: [whole(PRESENT_VALUE), whole(STATUS_FLAGS)] },
    { objectId: { ...ai, instance: 9 }, properties: [whole(PRESENT_VALUE)] },
    { objectId: { type: ObjectType.MULTI_STATE_VALUE, instance: 7 }, properties: [whole(PRESENT_VALUE)] },
  ]);
  expect(several.values.map(({ values }) => values.map(({ value }) => (value as Value[])[0]))).toMatchObject([
    [{ value: 21.5 }, { value: { bitsUsed: 4, value: [0] } }],
    [{ type: ApplicationTag.ERROR, value: { errorClass: ErrorClass.OBJECT, errorCode: ErrorCode.UNKNOWN_OBJECT } }],
    [{ value: 3 }],
  ]);
  const all = await asker.readPropertyMultiple(at, [{ objectId: itself, properties: [whole(PropertyIdentifier.ALL)] }]);
  expect(all.values[0]!.values.length).toBeGreaterThan(15);
  await expect(asker.readProperty(at, { ...ai, instance: 9 }, PRESENT_VALUE)).rejects.toThrow(/31/);
});

test("they read our simulator's object-list, element by element and whole", async () => {
  const { asker, at } = await ourSimulator();
  const element = async (arrayIndex: number) =>
    (await asker.readProperty(at, itself, PropertyIdentifier.OBJECT_LIST, { arrayIndex })).values[0]!.value;
  expect(await element(0)).toBe(4);
  const list = [await element(1), await element(2), await element(3), await element(4)];
  expect(list).toEqual([itself, ai, bi, { type: ObjectType.MULTI_STATE_VALUE, instance: 7 }]);
  await expect(element(5)).rejects.toThrow(/42/);
  const whole = await asker.readProperty(at, itself, PropertyIdentifier.OBJECT_LIST);
  expect(whole.values.map(({ value }) => value)).toEqual(list);
});

test.each([
  ["unconfirmed", false, "covNotifyUnconfirmed"],
  ["confirmed", true, "covNotify"],
] as const)("they are told of changes by our simulator: %s", async (_, isConfirmed, event) => {
  const { asker, at, values } = await ourSimulator();
  const told: unknown[] = [];
  const about: unknown[] = [];
  asker.on(event, ({ header, service, invokeId, payload }) => {
    const { subscriberProcessId, initiatingDeviceId, monitoredObjectId, values: changed } = payload;
    about.push([subscriberProcessId, initiatingDeviceId, monitoredObjectId]);
    told.push(
      changed.find(({ property }: { property: { id: number } }) => property.id === PRESENT_VALUE)?.value[0]?.value,
    );
    if (isConfirmed) asker.simpleAckResponse({ address: header!.sender!.address! }, service!, invokeId!);
  });
  await asker.subscribeCov(at, bi, 7, false, isConfirmed, 60);
  await until(() => (told.length >= 1 ? true : null));
  values.set("bi", 1);
  await until(() => (told.length >= 2 ? true : null));
  expect(told).toEqual([0, 1]);
  expect(about).toEqual([
    [7, itself, bi],
    [7, itself, bi],
  ]);
});

test("our simulator answers their Who-Is, if it is meant", async () => {
  const { asker, at } = await ourSimulator();
  const found: number[] = [];
  asker.on("iAm", ({ payload }) => void found.push(payload.deviceId));
  asker.whoIs(at, { lowLimit: 1, highLimit: 2 });
  await until(() => {
    asker.whoIs(at, { lowLimit: 3000, highLimit: 3000 });
    return found[0] ?? null;
  });
  expect(new Set(found)).toEqual(new Set([deviceInstance]));
});
