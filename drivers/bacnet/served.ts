import type { PointId } from "../../agent/core/sample.ts";
import { bitString, characterString, type Encoding, encoders, objectIdentifier } from "./encode.ts";
import type { Point } from "./plan.ts";
import { type ObjectName, objectTypes, properties, statusFlags } from "./schema.ts";

/** The objects the simulator serves: for each property the encoded value of this moment, or an error. */

/** BACnet error class and code. */
export interface PropertyError {
  readonly errorClass: number;
  readonly code: number;
}
const unknownObject: PropertyError = { errorClass: 1, code: 31 };
const unknownProperty: PropertyError = { errorClass: 2, code: 32 };
const invalidArrayIndex: PropertyError = { errorClass: 2, code: 42 };
const notAnArray: PropertyError = { errorClass: 2, code: 50 };

/** Numbers of what every object has beside the properties a point can name. */
const id = { identifier: 75, list: 76, name: 77, type: 79, units: 117 } as const;
const deviceType = 8;
const noUnits = 95;

/** Limits of the simulated device, as it tells them in I-Am and in its device object. */
export const limits = { apduMax: 1476, segmentation: 3 /* none */, vendor: 0 /* ASHRAE: no maker */ } as const;

const presentValue: Record<ObjectName, Encoding> = {
  "analog-input": "real",
  "analog-output": "real",
  "analog-value": "real",
  "binary-input": "enumerated",
  "binary-output": "enumerated",
  "binary-value": "enumerated",
  "multi-state-input": "unsigned",
  "multi-state-output": "unsigned",
  "multi-state-value": "unsigned",
  accumulator: "unsigned",
  "integer-value": "signed",
  "large-analog-value": "double",
  "positive-integer-value": "unsigned",
};

function encodingOf({ address }: Point): Encoding {
  switch (address.property) {
    case "event-state":
    case "reliability":
      return "enumerated";
    case "out-of-service":
      return "boolean";
    case "present-value":
    case "high-limit":
    case "low-limit":
      return presentValue[address.object];
  }
}

export class ServedDevice {
  readonly instance: number;
  readonly #value: (point: PointId) => number | null;
  /** What the device object says instead of the usual, or not at all (null). */
  readonly #self: () => ReadonlyMap<number, Buffer | null>;
  /** Points by object, in the order given. */
  readonly #objects = new Map<string, Point[]>();

  constructor(
    points: readonly Point[],
    value: (point: PointId) => number | null,
    self: () => ReadonlyMap<number, Buffer | null> = () => new Map(),
  ) {
    this.instance = points[0]?.device.instance ?? 0;
    this.#value = value;
    this.#self = self;
    for (const point of points) {
      const key = `${objectTypes[point.address.object]}:${point.address.instance}`;
      this.#objects.set(key, [...(this.#objects.get(key) ?? []), point]);
    }
  }

  /** Encoded value of a property; `index` counts from 1, 0 asks for the length of an array. */
  read(type: number, instance: number, property: number, index?: number): Buffer | PropertyError {
    const held = type === deviceType ? this.#device(instance) : this.#object(type, instance);
    if (!held) return unknownObject;
    if (type === deviceType && property === id.list) return element(this.#list(), index);
    const value = held.get(property);
    if (!value) return unknownProperty;
    return index === undefined ? value : notAnArray;
  }

  /** The properties an object has, for those who ask for all of them. */
  propertiesOf(type: number, instance: number): number[] {
    if (type === deviceType) return [...(this.#device(instance)?.keys() ?? []), id.list];
    return [...(this.#object(type, instance)?.keys() ?? [])];
  }

  #list(): Buffer[] {
    const objects = [...this.#objects.keys()].map((key) => key.split(":").map(Number));
    return [[deviceType, this.instance], ...objects].map(([type = 0, instance = 0]) =>
      objectIdentifier(type, instance),
    );
  }

  #device(instance: number): Map<number, Buffer> | undefined {
    if (instance !== this.instance) return undefined;
    const usual: [number, Buffer][] = [
      [id.identifier, objectIdentifier(deviceType, instance)],
      [id.name, characterString(`mepwatch simulator ${instance}`)],
      [id.type, encoders.enumerated(deviceType)],
      [112, encoders.enumerated(0)], // system-status: operational
      [121, characterString("mepwatch")], // vendor-name
      [120, encoders.unsigned(limits.vendor)],
      [70, characterString("simulator")], // model-name
      [98, encoders.unsigned(1)], // protocol-version
      [139, encoders.unsigned(14)], // protocol-revision
      [97, bitString(41, [12, 14, 26, 34])], // services: ReadProperty, ReadPropertyMultiple, I-Am, Who-Is
      [62, encoders.unsigned(limits.apduMax)],
      [107, encoders.enumerated(limits.segmentation)],
    ];
    const held = new Map(usual);
    for (const [property, said] of this.#self()) {
      if (said === null) held.delete(property);
      else held.set(property, said);
    }
    return held;
  }

  /** Undefined for an object none of whose points has a value now. */
  #object(type: number, instance: number): Map<number, Buffer> | undefined {
    const held = new Map<number, Buffer>();
    const points = this.#objects.get(`${type}:${instance}`) ?? [];
    for (const point of points) {
      const value = this.#value(point.id);
      if (value !== null) held.set(properties[point.address.property], encoders[encodingOf(point)](value));
    }
    const [first] = points;
    if (held.size === 0 || !first) return undefined;
    const usual: [number, Buffer][] = [
      [id.identifier, objectIdentifier(type, instance)],
      [id.name, characterString(first.id)],
      [id.type, encoders.enumerated(type)],
      [statusFlags, bitString(4, [])],
      [properties["event-state"], encoders.enumerated(0)],
      [properties["out-of-service"], encoders.boolean(0)],
    ];
    if (first.address.object.includes("analog")) usual.push([id.units, encoders.enumerated(noUnits)]);
    return new Map([...usual, ...held]);
  }
}

function element(list: readonly Buffer[], index: number | undefined): Buffer | PropertyError {
  if (index === undefined) return Buffer.concat(list);
  return index === 0 ? encoders.unsigned(list.length) : (list[index - 1] ?? invalidArrayIndex);
}
