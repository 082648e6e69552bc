import type { SimulatorOptions } from "../../drivers/simulator.ts";
import type { Device, DevicePoint, Site } from "../config/resolved.ts";
import type { Identity, IdentityPart } from "../core/identity.ts";
import type { PointId } from "../core/sample.ts";
import { noise } from "./noise.ts";
import type { Plant } from "./plant.ts";
import { readingOf, stateOf } from "./reading.ts";

/** What the devices of a site say of the plant they stand in: by device class and point, and as raw as they say it. */
export interface Scene {
  readonly plant: Plant;
  readonly seed: number;
}

/** The answer to every simulator's question: which raw number does the device hold now for a point? */
export function servedBy(site: Site, scene: () => Scene): SimulatorOptions["value"] {
  const known = new Map(
    site.devices.flatMap((device) => device.points.map((point) => [point.id, { device, point }] as const)),
  );
  return (id) => {
    const found = known.get(id);
    return found === undefined ? null : rawOf(found.point, readOf(found.device, found.point.own, scene()));
  };
}

/** What a device tells of itself: what the site file says it is, else what no other simulated device is. */
export function selfOf(device: Device): NonNullable<SimulatorOptions["identities"]> {
  const { identity } = device;
  if (identity === undefined) return [];
  const made: Identity = {
    serial: `SIM-${device.id}`,
    vendor: device.protocol === "bacnet" ? "0" : "mepwatch",
    model: `simulated ${device.class}`,
    firmware: device.protocol === "modbus" ? "100" : "1.0",
    ...identity.given,
  };
  const text = (part: string): string | null => made[part as IdentityPart] ?? idOf(device, part);
  return [{ device: device.address, parts: identity.parts, text }];
}

/** Of a BACnet device its instance; else the usual of the simulator's, of no maker. */
const idOf = ({ address }: Device, part: string): string | null =>
  part === "id" ? String((address as { instance?: number }).instance ?? "0.0") : null;

/** What their profiles say of their points. */
export function wordsOf(devices: readonly Device[]): NonNullable<SimulatorOptions["describe"]> {
  const points = new Map(devices.flatMap((device) => device.points.map((point) => [point.id, point])));
  return (id) => points.get(id);
}

/** Now and without noise: the points whose values causes alone decide, and the utility itself. */
export function truthOf(site: Site, scene: Scene): ReadonlyMap<PointId, number> {
  const truth = new Map([["$utility", scene.plant.causes.utility ? 1 : 0]]);
  for (const device of site.devices) {
    for (const { id, own } of device.points) {
      if (stateOf(device, own) !== undefined) truth.set(id, readOf(device, own, scene));
    }
  }
  return truth;
}

/** In the point's unit. A point that the tables do not know is a steady 0: for most of them, nothing to tell. */
export function readOf(device: Device, own: string, { plant, seed }: Scene): number {
  const read = readingOf(device, own);
  const what = `${device.id}/${own}`;
  return read?.({ plant, device, jitter: (size) => size * noise(seed, Math.floor(plant.seconds * 4), what) }) ?? 0;
}

/** The inverse of `value = raw × scale + offset`. Devices scale because they hold whole numbers. */
function rawOf({ definition: { scale, offset } }: DevicePoint, value: number): number {
  return scale === 1 && offset === 0 ? value : Math.round((value - offset) / scale);
}
