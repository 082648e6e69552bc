import type { DeviceUnit, Reading } from "../../drivers/driver.ts";
import type { Bus, Device, DevicePoint } from "../config/resolved.ts";
import { type Amount, ucum } from "../core/ucum.ts";
import type { Turns } from "../pipeline/turns.ts";

/** A point whose unit a device tells otherwise than the profile. */
export interface UnitApart {
  readonly point: string;
  readonly what: string;
  /** Both are of one quantity, so that one of them is wrong about the number; else a device may only be sloppy. */
  readonly isOfNumber: boolean;
}

/** Asks a device for the units of its points, where devices of the protocol tell them. */
export async function unitsApart({ driver, options }: Bus, device: Device, line: Turns): Promise<readonly UnitApart[]> {
  const { units } = driver;
  if (units === undefined) return [];
  const points = device.points.flatMap(({ id, unit, address: written }) => {
    const address = unit === "1" ? null : units.at(written);
    return address === null ? [] : [{ id, device: device.address, address }];
  });
  const readings: Reading[] = [];
  for (const request of driver.plan(points, options)) readings.push(...(await line.read(request)));
  const told = new Map(readings.map((one) => [one.point, "value" in one ? units.meaning(one.value) : null]));
  return device.points.flatMap((point) => {
    const said = told.get(point.id) ?? null;
    const apart = said === null ? null : unitApart(point, said);
    return apart === null ? [] : [apart];
  });
}

/** Factors that are written out by hand have so few digits. */
const nearly = 0.005;
/** K and Cel are further apart than any correction of a sensor. */
const zeroesApartK = 100;

/** Null: both say the same, or UCUM's units do not tell. */
export function unitApart({ id, unit, definition }: Pick<DevicePoint, "id" | "unit" | "definition">, said: DeviceUnit) {
  const [ours, theirs] = [lineOf(unit), lineOf(said.ucum)];
  if (ours === null || theirs === null) return null;
  const { scale, offset } = definition;
  const isOfNumber = sayOf(ours) === sayOf(theirs);
  const slope = (theirs.slope * said.factor) / (ours.slope * scale);
  const zero = ours.zero + ours.slope * offset - theirs.zero;
  const isSame = Math.abs(slope - 1) < nearly && (sayOf(ours) !== "K1" || Math.abs(zero) < zeroesApartK);
  if (isOfNumber && isSame) return null;
  const scaled = scale === 1 ? "" : `, scale ${scale}`;
  return { point: id, what: `the device says ${said.name}, the profile ${unit}${scaled}`, isOfNumber };
}

interface Line {
  /** Value in base units = value × slope + zero. */
  readonly slope: number;
  readonly zero: number;
  readonly of: Amount["of"];
}

const temperatures: Readonly<Record<string, Line>> = {
  Cel: { slope: 1, zero: 273.15, of: { K: 1 } },
  "[degF]": { slope: 5 / 9, zero: (459.67 * 5) / 9, of: { K: 1 } },
};

/** Null: no code of UCUM, or one of a logarithm. */
function lineOf(code: string): Line | null {
  const temperature = temperatures[code];
  if (temperature !== undefined) return temperature;
  try {
    const { value, of } = ucum(code);
    return value === 0 ? null : { slope: value, zero: 0, of };
  } catch {
    return null;
  }
}

const sayOf = ({ of }: Pick<Line, "of">): string =>
  Object.entries(of)
    .map(([base, exponent]) => `${base}${exponent}`)
    .sort()
    .join(".");
