import * as z from "zod";
import { duration } from "../../agent/core/duration.ts";
import { typeName } from "./type-names.ts";

/** Object types this driver reads, by their BACnet number (ASHRAE 135, BACnetObjectType). */
export const objectTypes = {
  "analog-input": 0,
  "analog-output": 1,
  "analog-value": 2,
  "binary-input": 3,
  "binary-output": 4,
  "binary-value": 5,
  loop: 12,
  "multi-state-input": 13,
  "multi-state-output": 14,
  "notification-class": 15,
  "multi-state-value": 19,
  accumulator: 23,
  "pulse-converter": 24,
  "integer-value": 45,
  "large-analog-value": 46,
  "positive-integer-value": 48,
} as const;
export type ObjectName = keyof typeof objectTypes;

/** Properties with one number in them, or an array of such (BACnetPropertyIdentifier). */
export const properties = {
  "present-value": 85,
  "event-state": 36,
  reliability: 103,
  "out-of-service": 81,
  "high-limit": 45,
  "low-limit": 59,
  deadband: 25,
  "time-delay": 113,
  "priority-array": 87,
  "relinquish-default": 104,
  "event-enable": 35,
  units: 117,
} as const;

/** Asked along with each present-value: its bits say whether the value can be believed. */
export const statusFlags = 111;

const port = z.number().int().min(1).max(65_535).default(47_808);

export const bus = z.strictObject({
  host: z
    .ipv4()
    .optional()
    .describe(
      "Numeric IPv4 address of the device, or of the router before it; names are not resolved. Not given: devices are found by Who-Is, as `bacnet` of the site file says.",
    ),
  port: port.describe("UDP port of the device."),
  maxPoints: z
    .number()
    .int()
    .min(1)
    .max(200)
    .default(50)
    .describe(
      "Most objects asked for in one ReadPropertyMultiple; a device is asked for no more than its longest APDU holds, and for fewer where it refuses.",
    ),
  window: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe(
      "Most requests under way on this bus at once, each to another device; a device itself is asked one thing at a time. Devices behind a router to MS/TP share a slow line: leave 1.",
    ),
  confirmedCov: z
    .boolean()
    .default(false)
    .describe("Points with `cov` are subscribed to with confirmation: none is lost unnoticed, each costs an answer."),
  covLifetime: duration
    .default(600_000)
    .refine((ms) => ms >= 60_000 && ms <= 86_400_000, "expected 60s to 24h")
    .describe("How long a device keeps a subscription to changes of value; it is renewed when half of that is over."),
});
export type Bus = z.infer<typeof bus>;

/** The greatest instance number names no object: it is the wildcard of Who-Is and of device discovery. */
export const instanceMax = 4_194_302;
const instance = z.number().int().min(0).max(instanceMax);

export const device = z
  .strictObject({
    instance: instance.describe(
      "Instance number of the device object; the identity of the device in its BACnet network.",
    ),
    network: z
      .number()
      .int()
      .min(1)
      .max(65_534)
      .optional()
      .describe("Number of the network behind the router at `host` in which the device is; with `mac`."),
    mac: z
      .union([z.number().int().min(0).max(255), z.string().regex(/^([0-9a-fA-F]{2}){1,18}$/)])
      .transform((mac) => (typeof mac === "number" ? mac.toString(16).padStart(2, "0") : mac.toLowerCase()))
      .optional()
      .describe("Address of the device in that network: the number of an MS/TP station, or octets in hexadecimal."),
  })
  .refine(({ network, mac }) => (network === undefined) === (mac === undefined), {
    message: "network and mac are given both or neither",
  });
export type Device = z.infer<typeof device>;

/** Object.keys forgets which keys the table has. */
const keys = <T extends object>(table: T) => Object.keys(table) as (keyof T & string)[];

const number = (of: string) =>
  z
    .number()
    .int()
    .min(0)
    .max(of === "object" ? 1023 : instanceMax);

const ofObject = z
  .strictObject({
    object: z
      .union([z.enum(keys(objectTypes)), number("object")])
      .describe("Type of the object, such as analog-input; that of a maker's own (128 and above) by its number."),
    instance: instance.describe("Instance number of the object; numbers of seven digits are usual."),
    property: z
      .union([z.enum(keys(properties)), number("property")])
      .default("present-value")
      .describe("Property to read, or its number; only present-value minds status-flags."),
    index: z.number().int().min(1).max(65_535).optional().describe("Element of a property that is an array, from 1."),
    cov: z
      .boolean()
      .default(false)
      .describe(
        "The device is asked to tell changes of the present-value by itself (SubscribeCOV); polls go on, and verify it. A device that does not know it is polled.",
      ),
  })
  .refine(({ cov, property, index }) => !cov || (property === "present-value" && index === undefined), {
    path: ["cov"],
    message: "only changes of present-value are told",
  });

const ofEvents = z.strictObject({
  events: z
    .enum(["active", "unacknowledged"])
    .describe(
      "How many objects of the device are in alarm or fault (active), or have been and nobody has acknowledged it at the device, as GetEventInformation tells.",
    ),
});

export const address = z.union([ofObject, ofEvents]);
export type Address = z.infer<typeof address>;
export type ObjectAddress = z.infer<typeof ofObject>;

export const isOfEvents = (address: Address): address is z.infer<typeof ofEvents> => "events" in address;
export const objectNumber = ({ object }: Pick<ObjectAddress, "object">): number =>
  typeof object === "number" ? object : objectTypes[object];
export const propertyNumber = ({ property }: ObjectAddress): number =>
  typeof property === "number" ? property : properties[property];

/** As the standard spells it, else its number. */
export const objectName = (type: number): string => typeName(type) ?? String(type);

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

/** How all BACnet of the site is reached and heard: `bacnet` of the site file. */
export const network = z.strictObject({
  address: z
    .ipv4()
    .default("0.0.0.0")
    .describe("IPv4 address of this machine from which devices are asked; default: any."),
  port: port.describe("UDP port of the network, here and where Who-Is is sent to."),
  broadcast: z
    .ipv4()
    .default("255.255.255.255")
    .describe("Broadcast address of the network to which Who-Is is sent; of a machine in several, this one's."),
  bbmd: z
    .strictObject({
      host: z.ipv4().describe("IPv4 address of the BBMD."),
      port: port.describe("UDP port of the BBMD."),
      ttl: duration
        .default(60_000)
        .refine((ms) => ms >= 10_000 && ms <= 65_535_000, "expected 10s to 65535s")
        .describe("How long a registration holds; it is renewed when half of that is over."),
    })
    .optional()
    .describe(
      "The agent registers there as a foreign device, so that broadcasts of another IP network reach it, and its own Who-Is them.",
    ),
  instance: instance
    .optional()
    .describe(
      "The agent answers Who-Is as this device, so that devices which name their recipients by instance find it; not given: it answers none.",
    ),
});
export type Network = z.infer<typeof network>;

/** Which of a device's event notifications is meant, in a profile. */
export const trap = z.strictObject({
  object: z
    .union([z.enum(keys(objectTypes)), number("object")])
    .describe("Type of the object that has the event, or its number."),
  instance: instance.describe("Instance number of the object that has the event."),
});
export type Trap = z.infer<typeof trap>;
