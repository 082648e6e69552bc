import { id } from "../object-kinds.ts";
import { deviceObject } from "../schema.ts";
import { confirmedService } from "../wire/apdu.ts";
import { bitString, characterString, encoders, objectIdentifier } from "../wire/encode.ts";
import type { Held } from "./object-properties.ts";

/** What a simulated device says of itself and of what it can do. */

/** ASHRAE: of no maker. */
export const vendor = 0;
/** BACnetSegmentation: none. */
export const segmentation = 3;
/** How long it waits for an acknowledgement, and how often it asks again. */
export const apduTimeoutMs = 3000;
export const apduRetries = 3;

/** As many as revision 14 of the protocol knows. */
const serviceBits = 41;
const objectTypeBits = 55;
/** By the bit of BACnetServicesSupported: what it answers, not what it sends. */
const executed: readonly (readonly [bit: number, service: number])[] = [
  [3, confirmedService.getAlarmSummary],
  [5, confirmedService.subscribeCov],
  [12, confirmedService.readProperty],
  [14, confirmedService.readPropertyMultiple],
  [39, confirmedService.getEventInformation],
];
const executedUnconfirmed = [33, 34]; // Who-Has, Who-Is

export const nameOfDevice = (instance: number): string => `mepwatch simulator ${instance}`;

interface DeviceNow {
  readonly instance: number;
  readonly apduMax: number;
  objects(): readonly { readonly type: number; readonly instance: number }[];
  knows(service: number): boolean;
}

export function propertiesOfDevice({ instance, objects, apduMax, knows }: DeviceNow): Map<number, () => Held> {
  const all = () => [{ type: deviceObject, instance }, ...objects()];
  const services = () => executed.filter(([, service]) => knows(service)).map(([bit]) => bit);
  const types = () =>
    all()
      .map(({ type }) => type)
      .filter((type) => type < objectTypeBits);
  return new Map<number, () => Held>([
    [id.identifier, () => objectIdentifier(deviceObject, instance)],
    [id.name, () => characterString(nameOfDevice(instance))],
    [id.type, () => encoders.enumerated(deviceObject)],
    [112, () => encoders.enumerated(0)], // system-status: operational
    [121, () => characterString("mepwatch")], // vendor-name
    [120, () => encoders.unsigned(vendor)], // vendor-identifier
    [70, () => characterString("simulator")], // model-name
    [44, () => characterString("1")], // firmware-revision
    [12, () => characterString("1")], // application-software-version
    [98, () => encoders.unsigned(1)], // protocol-version
    [139, () => encoders.unsigned(14)], // protocol-revision
    [97, () => bitString(serviceBits, [...services(), ...executedUnconfirmed])], // protocol-services-supported
    [96, () => bitString(objectTypeBits, types())], // protocol-object-types-supported
    [62, () => encoders.unsigned(apduMax)], // max-apdu-length-accepted
    [107, () => encoders.enumerated(segmentation)], // segmentation-supported
    [11, () => encoders.unsigned(apduTimeoutMs)], // apdu-timeout
    [73, () => encoders.unsigned(apduRetries)], // number-of-apdu-retries
    [30, () => Buffer.alloc(0)], // device-address-binding: it asks nobody
    [155, () => encoders.unsigned(1)], // database-revision
    [id.objectList, () => all().map(({ type, instance }) => objectIdentifier(type, instance))],
  ]);
}

/** What the standard wants a device object to have. */
export const requiredOfDevice: ReadonlySet<number> = new Set([
  ...[id.identifier, id.name, id.type, id.objectList],
  ...[112, 121, 120, 70, 44, 12, 98, 139, 97, 96, 62, 107, 11, 73, 30, 155],
]);
