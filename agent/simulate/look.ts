import type { Device } from "../config/resolved.ts";
import { type Plant, supplySetC } from "./plant.ts";

/** What a point of a device says of the plant, in the point's unit. */
export interface Look {
  readonly plant: Plant;
  readonly device: Device;
  /** A disturbance of at most `size` either way. */
  jitter(size: number): number;
}

export type Table = Readonly<Record<string, (look: Look) => number>>;
/** By device class and point, as the profiles in config/profiles/ name them. */
export type Tables = Readonly<Record<string, Table>>;

export const mainsV = 231;
export const upsKw = 20;
export const phases = 3;

/** Behind the UPSes; every other meter measures what comes from the utility. */
export const isCritical = ({ labels }: Device): boolean => labels.measures === "critical";

export const mains = ({ plant: { causes }, device, jitter }: Look): number =>
  causes.utility || isCritical(device) ? mainsV + jitter(1) : 0;

export const crac = ({ plant, device }: Look) =>
  plant.cracs.get(device.id) ?? { supplyC: supplySetC, returnC: supplySetC, fanPercent: 0 };

export const phased = (what: string, read: (look: Look) => number): Table =>
  Object.fromEntries(["l1", "l2", "l3"].map((line) => [`${what}-${line}`, read]));

/** SNMP knows no fractions: a MIB says tenths, which the point's scale undoes, or whole numbers, which these are. */
export const whole =
  (read: (look: Look) => number) =>
  (look: Look): number =>
    Math.round(read(look));

/** Points of a row of a profile's table. */
export const inRow = (row: string, table: Table): Table =>
  Object.fromEntries(Object.entries(table).map(([own, read]) => [`${row}-${own}`, read]));

/** Points that stay as they are, whatever happens. */
export const all = (points: readonly string[], value: number): Table =>
  Object.fromEntries(points.map((own) => [own, () => value]));
