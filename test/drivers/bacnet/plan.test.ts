import fc from "fast-check";
import { expect, test } from "vitest";
import { type Point, plan } from "../../../drivers/bacnet/plan.ts";
import { address, bus, device, type ObjectName } from "../../../drivers/bacnet/schema.ts";

const at = (object: ObjectName, instance: number, deviceInstance = 1): Point => ({
  id: `crac/${object}-${instance}-${deviceInstance}`,
  device: { instance: deviceInstance },
  address: address.parse({ object, instance }),
});
const peer = bus.parse({ host: "127.0.0.1", maxPoints: 3 });
const ids = (requests: ReturnType<typeof plan>) => requests.map(({ points }) => points.map(({ id }) => id));

test("sorts by object type, then instance, and cuts at maxPoints", () => {
  const points = [at("binary-input", 2), at("analog-input", 10), at("analog-input", 9), at("multi-state-value", 1)];
  expect(ids(plan(points, peer))).toEqual([
    ["crac/analog-input-9-1", "crac/analog-input-10-1", "crac/binary-input-2-1"],
    ["crac/multi-state-value-1-1"],
  ]);
});

test("never mixes two devices in one request", () => {
  const requests = plan([at("analog-input", 1, 7), at("analog-input", 1, 3)], peer);
  expect(requests.map(({ points }) => points[0]?.device.instance)).toEqual([3, 7]);
});

test("any order gives the same requests, each point in exactly one, none over maxPoints", () => {
  const point = fc
    .tuple(fc.constantFrom<ObjectName>("analog-input", "binary-value", "accumulator"), fc.nat(50), fc.nat(2))
    .map(([object, instance, deviceInstance]) => at(object, instance, deviceInstance));
  fc.assert(
    fc.property(
      fc
        .uniqueArray(point, { selector: ({ id }) => id })
        .chain((points) => fc.tuple(fc.constant(points), fc.shuffledSubarray(points, { minLength: points.length }))),
      ([points, shuffled]) => {
        const requests = ids(plan(points, peer));
        expect(ids(plan(shuffled, peer))).toEqual(requests);
        expect(requests.flat().sort()).toEqual(points.map(({ id }) => id).sort());
        for (const request of requests) expect(request.length).toBeLessThanOrEqual(3);
      },
    ),
  );
});

test("the schemas take the usual and refuse the rest", () => {
  expect(bus.parse({ host: "10.0.0.7" })).toEqual({
    host: "10.0.0.7",
    port: 47808,
    maxPoints: 50,
    window: 1,
    confirmedCov: false,
    covLifetime: 600_000,
  });
  expect(address.parse({ object: "analog-input", instance: 3000109 })).toMatchObject({ property: "present-value" });
  for (const host of ["crac-1.example", "10.0.0", "::1"]) expect(bus.safeParse({ host }).success).toBe(false);
  expect(bus.safeParse({ host: "10.0.0.7", timeout: 5 }).success).toBe(false);
  expect(device.safeParse({ instance: 4_194_302 }).success).toBe(true);
  expect(device.safeParse({ instance: 4_194_303 }).success).toBe(false);
  expect(address.safeParse({ object: "device", instance: 1 }).success).toBe(false);
  expect(address.safeParse({ object: "analog-input", instance: 1, property: "object-name" }).success).toBe(false);
});
