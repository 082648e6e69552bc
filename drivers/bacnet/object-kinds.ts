import { objectTypes, properties, statusFlags } from "./schema.ts";
import { bitString, type Encoding, encoders } from "./wire/encode.ts";

/** What there is about the types of objects: how they are encoded, and what they have to have. */

/** Numbers of what objects have beside the properties that a point can name. */
export const id = {
  ...{ identifier: 75, name: 77, type: 79, description: 28, statusFlags, propertyList: 371, objectList: 76 },
  ...{ covIncrement: 22, polarity: 84, inactiveText: 46, activeText: 4, numberOfStates: 74, stateText: 110 },
} as const;
export interface Kind {
  /** Of the present-value, and of what is compared with it. */
  readonly encoding: Encoding;
  readonly family: "analog" | "binary" | "states" | "other";
  /** It has priorities of commands. */
  readonly isCommanded?: true;
}

const real = { encoding: "real", family: "analog" } as const;
const binary = { encoding: "enumerated", family: "binary" } as const;
const states = { encoding: "unsigned", family: "states" } as const;
const kinds: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [objectTypes["analog-input"], real],
  [objectTypes["analog-output"], { ...real, isCommanded: true }],
  [objectTypes["analog-value"], real],
  [objectTypes["binary-input"], binary],
  [objectTypes["binary-output"], { ...binary, isCommanded: true }],
  [objectTypes["binary-value"], binary],
  [objectTypes["multi-state-input"], states],
  [objectTypes["multi-state-output"], { ...states, isCommanded: true }],
  [objectTypes["multi-state-value"], states],
  [objectTypes.accumulator, { encoding: "unsigned", family: "other" }],
  [objectTypes["integer-value"], { encoding: "signed", family: "analog" }],
  [objectTypes["large-analog-value"], { encoding: "double", family: "analog" }],
  [objectTypes["positive-integer-value"], { encoding: "unsigned", family: "analog" }],
]);

/** A maker's own type holds a real number. */
export const kindOf = (type: number): Kind => kinds.get(type) ?? { encoding: "real", family: "other" };

/** Whether its values are names of states, so that any other one is a change; of measured ones only some are told. */
export const isDiscrete = (type: number): boolean => ["binary", "states"].includes(kindOf(type).family);

const required: Readonly<Record<Kind["family"], readonly number[]>> = {
  analog: [properties.units],
  binary: [id.polarity],
  states: [id.numberOfStates],
  other: [properties.units],
};
const requiredOfAll = [
  ...[id.identifier, id.name, id.type, properties["present-value"], id.statusFlags, properties["event-state"]],
  properties["out-of-service"],
];
const requiredOfCommanded = [properties["priority-array"], properties["relinquish-default"]];

/** What the standard wants each object of the type to have. */
export function requiredProperties(type: number): ReadonlySet<number> {
  const { family, isCommanded } = kindOf(type);
  return new Set([...requiredOfAll, ...required[family], ...(isCommanded ? requiredOfCommanded : [])]);
}

/** Of a point's property; what the table does not have is a real number. */
const encodings: Partial<Readonly<Record<number, Encoding>>> = {
  [properties["event-state"]]: "enumerated",
  [properties.reliability]: "enumerated",
  [properties["out-of-service"]]: "boolean",
  [properties["time-delay"]]: "unsigned",
  [properties.units]: "enumerated",
  [id.numberOfStates]: "unsigned",
};
const likePresentValue: ReadonlySet<number> = new Set([
  ...[properties["present-value"], properties["high-limit"], properties["low-limit"], properties["priority-array"]],
  properties["relinquish-default"],
]);
/** Differences of values: whole ones have no sign. */
const differences: ReadonlySet<number> = new Set([properties.deadband, id.covIncrement]);

/** What a point says, as the property that it is. */
export function encoded(type: number, property: number, number: number): Buffer {
  const { encoding } = kindOf(type);
  if (property === properties["event-enable"])
    return bitString(
      3,
      [0, 1, 2].filter((bit) => number & (1 << bit)),
    );
  if (likePresentValue.has(property)) return encoders[encoding](number);
  if (differences.has(property)) return encoders[encoding === "signed" ? "unsigned" : encoding](number);
  return encoders[encodings[property] ?? "real"](number);
}
