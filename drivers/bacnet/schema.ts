import * as z from "zod";

/** Object types this driver reads, by their BACnet number (ASHRAE 135, BACnetObjectType). */
export const objectTypes = {
  "analog-input": 0,
  "analog-output": 1,
  "analog-value": 2,
  "binary-input": 3,
  "binary-output": 4,
  "binary-value": 5,
  "multi-state-input": 13,
  "multi-state-output": 14,
  "multi-state-value": 19,
  accumulator: 23,
  "integer-value": 45,
  "large-analog-value": 46,
  "positive-integer-value": 48,
} as const;
export type ObjectName = keyof typeof objectTypes;

/** Properties with one number in them (BACnetPropertyIdentifier). */
export const properties = {
  "present-value": 85,
  "event-state": 36,
  reliability: 103,
  "out-of-service": 81,
  "high-limit": 45,
  "low-limit": 59,
} as const;

/** Asked along with each present-value: its bits say whether the value can be believed. */
export const statusFlags = 111;

export const bus = z.strictObject({
  host: z.ipv4().describe("Numeric IPv4 address of the device; names are not resolved."),
  port: z.number().int().min(1).max(65_535).default(47_808).describe("UDP port of the device."),
  maxPoints: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(20)
    .describe(
      "Most objects asked for in one ReadPropertyMultiple; a device that cannot answer so many is asked for fewer.",
    ),
});
export type Bus = z.infer<typeof bus>;

/** The greatest instance number names no object: it is the wildcard of Who-Is and of device discovery. */
const instance = z.number().int().min(0).max(4_194_302);

export const device = z.strictObject({
  instance: instance.describe(
    "Instance number of the device object; the identity of the device in its BACnet network.",
  ),
});
export type Device = z.infer<typeof device>;

/** Object.keys forgets which keys the table has. */
const keys = <T extends object>(table: T) => Object.keys(table) as (keyof T & string)[];

export const address = z.strictObject({
  object: z.enum(keys(objectTypes)).describe("Type of the object, such as analog-input."),
  instance: instance.describe("Instance number of the object; numbers of seven digits are usual."),
  property: z
    .enum(keys(properties))
    .default("present-value")
    .describe("Property to read; only present-value minds status-flags."),
});
export type Address = z.infer<typeof address>;

/** Properties of the device object that tell which device it is. */
export const deviceProperties = {
  "serial-number": 372,
  "object-identifier": 75,
  "object-name": 77,
  "vendor-identifier": 120,
  "vendor-name": 121,
  "model-name": 70,
  "firmware-revision": 44,
  "application-software-version": 12,
} as const;
export const deviceObject = 8;

export const part = z.strictObject({
  property: z
    .enum(keys(deviceProperties))
    .describe("Property of the device object; object-identifier tells that the instance is the configured one."),
});
export type Part = z.infer<typeof part>;
