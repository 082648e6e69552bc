import type { Wall } from "../../../agent/core/sample.ts";
import type { PlannedPoint } from "../../driver.ts";
import type { SimulatorOptions } from "../../simulator.ts";
import { id, requiredProperties } from "../object-kinds.ts";
import { isOfObject, type ObjectPoint } from "../question.ts";
import { type Address, type Device, deviceObject, isOfEvents, objectNumber } from "../schema.ts";
import { confirmedService } from "../wire/apdu.ts";
import { encoders } from "../wire/encode.ts";
import { nameOfDevice, propertiesOfDevice, requiredOfDevice } from "./device-object.ts";
import type { Traits } from "./faults.ts";
import { type Held, propertiesOf, propertyOf } from "./object-properties.ts";
import { isThere, objectOf, type ServedObject, type State, stateOf, toldOf } from "./served-object.ts";

/** The objects of one simulated device: for each property the encoded value of this moment, or an error. */

/** BACnet error class and code. */
export interface PropertyError {
  readonly errorClass: number;
  readonly code: number;
}
export const unknownObject: PropertyError = { errorClass: 1, code: 31 };
const unknownProperty: PropertyError = { errorClass: 2, code: 32 };
const invalidArrayIndex: PropertyError = { errorClass: 2, code: 42 };
const notAnArray: PropertyError = { errorClass: 2, code: 50 };

/** Properties that stand for several: all but property-list, and those that the standard requires or does not. */
export const several = { all: 8, optional: 80, required: 105 } as const;

/** The instance by which a device is asked that one does not know. */
const anyDevice = 4_194_303;
export type Point = PlannedPoint<Device, Address>;

/** The last event of an object. */
export interface Announced {
  /** BACnetEventState. */
  readonly state: number;
  /** When it last became offnormal, faulty, normal; null: never. */
  readonly at: readonly [Wall | null, Wall | null, Wall | null];
}

export interface Serving extends Pick<SimulatorOptions, "value" | "describe"> {
  readonly instance: number;
  readonly points: readonly Point[];
  /** What the device object says instead of the usual, or not at all (null). */
  self(): ReadonlyMap<number, Buffer | null>;
  traits(): Traits;
}

/** The properties of an object, as they are now. */
interface Holding {
  get(property: number): Held | undefined;
  names(): number[];
}

export class ServedDevice {
  readonly instance: number;
  /** What was announced of objects, by key. */
  readonly announced = new Map<string, Announced>();
  /** How many events it says that there are; null: it knows no such service, undefined: as many as there are. */
  readonly events: { active(): number | null | undefined; unacknowledged(): number | null | undefined };
  readonly #serving: Serving;
  /** In the order in which their points are given. */
  readonly #objects = new Map<string, ServedObject>();

  constructor(serving: Serving) {
    this.instance = serving.instance;
    this.#serving = serving;
    const grouped = new Map<string, ObjectPoint[]>();
    for (const point of serving.points.filter(isOfObject)) {
      const key = keyOf(objectNumber(point.address), point.address.instance);
      grouped.set(key, [...(grouped.get(key) ?? []), point]);
    }
    for (const [key, points] of grouped) {
      const [{ address }] = points as [ObjectPoint];
      this.#objects.set(key, objectOf(objectNumber(address), address.instance, points));
    }
    const count = (which: "active" | "unacknowledged") => (): number | null | undefined => {
      const point = serving.points.find(({ address }) => isOfEvents(address) && address.events === which);
      return point && serving.value(point.id);
    };
    this.events = { active: count("active"), unacknowledged: count("unacknowledged") };
  }

  /** Those that it has now, without the device object. */
  objects(): ServedObject[] {
    return [...this.#objects.values()].filter((object) => isThere(object, this.#serving.value));
  }

  /** Undefined: it has no such object now. */
  state(type: number, instance: number): State | undefined {
    const object = this.#objects.get(keyOf(type, instance));
    const announced = this.announced.get(keyOf(type, instance))?.state ?? 0;
    return (object && stateOf(object, this.#serving.value, announced)) ?? undefined;
  }

  /** What a point says of a property now; null: none says anything. */
  told(type: number, instance: number, property: number): number | null {
    const object = this.#objects.get(keyOf(type, instance));
    return object === undefined ? null : toldOf(object, this.#serving.value, property);
  }

  /** Whether it has a device object of this number: its own, or the one that means any device. */
  isSelf = (type: number, instance: number): boolean =>
    type === deviceObject && (instance === this.instance || instance === anyDevice);

  /** Encoded value of a property; `index` counts from 1, 0 asks for the length of an array. */
  read(type: number, instance: number, property: number, index?: number): Buffer | PropertyError {
    const held = this.#held(type, instance);
    if (held === undefined) return unknownObject;
    const value = property === id.propertyList ? listOf(held) : held.get(property);
    if (value === undefined) return unknownProperty;
    if (!Buffer.isBuffer(value)) return element(value, index);
    return index === undefined ? value : notAnArray;
  }

  /** The properties that one stands for: itself, unless it stands for several. */
  propertiesMeant(type: number, instance: number, property: number): readonly number[] {
    const held = this.#held(type, instance);
    const isSeveral = Object.values<number>(several).includes(property);
    if (held === undefined || !isSeveral) return [property];
    const required = type === deviceObject ? requiredOfDevice : requiredProperties(type);
    const isMeant = (one: number): boolean =>
      property === several.all || required.has(one) === (property === several.required);
    return held.names().filter(isMeant);
  }

  nameOf(type: number, instance: number): string | undefined {
    if (this.isSelf(type, instance)) return nameOfDevice(this.instance);
    const object = this.#objects.get(keyOf(type, instance));
    return object && isThere(object, this.#serving.value) ? object.name : undefined;
  }

  #held(type: number, instance: number): Holding | undefined {
    if (this.isSelf(type, instance)) return this.#device();
    const object = this.#objects.get(keyOf(type, instance));
    const state = this.state(type, instance);
    if (object === undefined || state === undefined) return undefined;
    const get = (property: number): Held | undefined => propertyOf(object, state, this.#serving, property);
    return { get, names: () => propertiesOf(object).filter((property) => get(property) !== undefined) };
  }

  #device(): Holding {
    const { apduMax } = this.#serving.traits();
    const usual = propertiesOfDevice({
      ...{ instance: this.instance, apduMax },
      objects: () => this.objects(),
      knows: (service) => this.knows(service),
    });
    const said = this.#serving.self();
    const get = (property: number): Held | undefined =>
      said.has(property) ? (said.get(property) ?? undefined) : usual.get(property)?.();
    return {
      get,
      names: () => [...new Set([...usual.keys(), ...said.keys()])].filter((one) => said.get(one) !== null),
    };
  }

  /** Whether it knows a confirmed service now: where no count of events has a value, nothing tells them. */
  knows(service: number): boolean {
    if (service === this.#serving.traits().lacks) return false;
    const counts = [this.events.active(), this.events.unacknowledged()].filter((count) => count !== undefined);
    return (
      service !== confirmedService.getEventInformation || counts.length === 0 || counts.some((one) => one !== null)
    );
  }
}

export const keyOf = (type: number, instance: number): string => `${type}:${instance}`;

/** Of an object's properties all but those that each object has to have. */
const listOf = (held: Holding): Buffer[] =>
  held
    .names()
    .filter((property) => property !== id.identifier && property !== id.name && property !== id.type)
    .map((property) => encoders.enumerated(property));

function element(values: readonly (Buffer | null)[], index: number | undefined): Buffer | PropertyError {
  if (index === undefined) return Buffer.concat(values.filter((value) => value !== null));
  return index === 0 ? encoders.unsigned(values.length) : (values[index - 1] ?? invalidArrayIndex);
}
