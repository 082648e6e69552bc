import type Client from "node-bacnet";
import type { Point } from "./plan.ts";
import { objectTypes, properties, statusFlags } from "./schema.ts";

/** What to ask a device for a point. */
export interface Question {
  readonly object: Client.ObjectId;
  /** BACnetPropertyIdentifiers. */
  readonly properties: readonly number[];
}

export const objectOf = ({ address }: Point): Client.ObjectId => ({
  type: objectTypes[address.object],
  instance: address.instance,
});

/** A present-value is believed only together with its flags; of a faulty object the other properties tell why. */
export const propertiesOf = ({ address }: Point): number[] => {
  const property = properties[address.property];
  return property === properties["present-value"] ? [property, statusFlags] : [property];
};

/** The questions of one ReadPropertyMultiple: each object once, with all properties asked of it, each once. */
export function questions(batch: readonly Point[]): Question[] {
  const byObject = new Map<string, { object: Question["object"]; properties: Set<number> }>();
  for (const point of batch) {
    const object = objectOf(point);
    const key = `${object.type}:${object.instance}`;
    const question = byObject.get(key) ?? { object, properties: new Set() };
    for (const property of propertiesOf(point)) question.properties.add(property);
    byObject.set(key, question);
  }
  return [...byObject.values()].map(({ object, properties }) => ({ object, properties: [...properties] }));
}
