import type { Discovery, Found, Owner, Range } from "../../drivers/driver.ts";
import type { Bus, Device, Site } from "../config/resolved.ts";
import type { Context } from "./context.ts";
import { table } from "./output.ts";
import { isAt, sayAddress } from "./site.ts";

export type Searchable = Bus & { readonly driver: { readonly discovery: Discovery } };

/** What `mepwatch discover` shows of a bus that was looked through. */
export interface Looked {
  readonly bus: Searchable;
  readonly site: Site;
  readonly ranges: readonly Range[];
  /** How many numbers were tried, of so many. */
  readonly tried: number;
  readonly of: number;
  readonly found: readonly (Found | Owner)[];
  /** Nothing ended it before all was tried. */
  readonly isWhole: boolean;
  /** The name of the object that was asked for; null: everybody was. */
  readonly name: string | null;
}

/** A device, or its object, with the id of the device in the site file; null: it is not there. */
type Row = Omit<Found & Owner, "device" | "name" | "at"> &
  Pick<Found, "name" | "at"> & { readonly address: unknown; readonly device: string | null };

/** A column is left out where no row has such a thing; a row that does not tell has a dash. */
const columns: readonly (readonly [head: string, cell: (row: Partial<Row>) => string | null | undefined])[] = [
  ["ADDRESS", ({ address }) => sayAddress(address)],
  ["AT", ({ at }) => at],
  ["VENDOR", ({ vendor }) => vendor],
  ["MODEL", ({ model }) => model],
  ["REVISION", ({ revision }) => revision],
  ["OBJECT", ({ object }) => object],
  ["NAME", ({ name }) => name],
  ["IN THE SITE FILE", ({ device }) => device],
];
const always: ReadonlySet<string> = new Set(["ADDRESS", "IN THE SITE FILE"]);

const numberOf = ({ driver }: Searchable, address: unknown): number | undefined =>
  (address as Partial<Record<string, number>>)[driver.discovery.number];

export function sayOne(bus: Searchable, one: Found | Owner): string {
  const who = `${bus.driver.discovery.number} ${numberOf(bus, one.device)}`;
  if ("object" in one) return `${who} has it: ${one.object}`;
  return `${who} answers${one.model === null ? "" : `: ${one.model}`}`;
}

export function show(looked: Looked, isJson: boolean, { output }: Context): void {
  const { bus, found, tried, of, name } = looked;
  const known = devicesOn(looked);
  const rows = found.map(({ device: address, ...told }) => {
    const id = known.find((one) => numberOf(bus, one.address) === numberOf(bus, address))?.id ?? null;
    return { address, ...told, device: id };
  });
  const silent = silentOf(looked);
  if (isJson) output.data(JSON.stringify({ bus: bus.id, tried, of, found: rows, silent: silent.map(({ id }) => id) }));
  else if (rows.length > 0) {
    const shown = columns.filter(([head, cell]) => always.has(head) || rows.some((row) => cell(row) !== undefined));
    const lines = rows.map((row) => shown.map(([, cell]) => cell(row) ?? "–"));
    for (const line of table([shown.map(([head]) => head), ...lines])) output.data(line);
  }
  output.message(`${found.length} found, ${tried} of ${of} tried.`);
  for (const { id, address } of silent)
    output.message(
      `${id} (${sayAddress(address)}) did not answer. Check its address, that it is on, and the way to it.`,
    );
  for (const problem of name === null ? [...doubles(looked), ...elsewhere(looked), ...alike(looked)] : [])
    output.message(problem);
}

const devicesOn = ({ site, bus }: Looked): readonly Device[] => site.devices.filter((one) => one.bus === bus.id);

/** Devices of the site file that were asked for, and are not there. */
function silentOf(looked: Looked): readonly Device[] {
  const { bus, ranges, found, isWhole, name } = looked;
  if (!isWhole || name !== null) return [];
  const there = new Set(found.map(({ device }) => numberOf(bus, device)));
  return devicesOn(looked).filter(({ address }) => {
    const number = numberOf(bus, address) ?? -1;
    return !there.has(number) && ranges.some(({ from, to }) => number >= from && number <= to);
  });
}

/** Of numbers that several devices have. */
function doubles({ bus, found }: Looked): string[] {
  const places = new Map<number | undefined, string[]>();
  for (const { device, at = "" } of found) {
    const number = numberOf(bus, device);
    places.set(number, [...(places.get(number) ?? []), at]);
  }
  return [...places].flatMap(([number, all]) => {
    if (all.length < 2) return [];
    const who = `${bus.driver.discovery.number} ${number}`;
    return [`${all.length} devices answer to ${who}: ${all.join(" and ")}; give each its own.`];
  });
}

/** Of devices that the site file has somewhere else on the bus. */
function elsewhere(looked: Looked): string[] {
  const { bus, found } = looked;
  return devicesOn(looked).flatMap(({ id, address: written }) => {
    const there = found.filter(({ device }) => numberOf(bus, device) === numberOf(bus, written));
    if (there.length === 0 || there.some(({ device }) => isAt(written, device))) return [];
    const is = there.map(({ device }) => sayAddress(device)).join(" and ");
    return [`${id} is not where the site file has it (${sayAddress(written)}): correct its address to ${is}.`];
  });
}

function alike({ found, tried }: Looked): string[] {
  const kinds = new Set(found.map(({ device: _, ...told }) => JSON.stringify(told)));
  return tried >= 8 && found.length === tried && kinds.size === 1
    ? ["Each of them answers, and alike: it is probably one device, which does not look at the unit."]
    : [];
}
