import type { Device } from "../config/resolved.ts";
import type { Plant } from "./plant.ts";

/** What a point of a device says of the plant, in the point's unit. */
export interface Look {
  readonly plant: Plant;
  readonly device: Device;
  /** A disturbance of at most `size` either way. */
  jitter(size: number): number;
}

type Tables = Readonly<Record<string, Readonly<Record<string, (look: Look) => number>>>>;

/** Points whose values causes alone decide, by device class: the ground truth that a test compares with. */
export const states: Tables = {};

/** Points that are measured. */
export const readings: Tables = {};
