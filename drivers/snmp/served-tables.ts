import type { PointId } from "../../agent/core/sample.ts";
import type { PlannedPoint } from "../driver.ts";
import { type Address, address, columnsOf, conditionsOf, isNamed, isOverRows } from "./address.ts";
import * as ber from "./ber.ts";

/** The objects by which a served device says of each point what it should: single ones, and rows that come and go. */

type Served = readonly [oid: string, value: () => ber.Element | null];
type Value = (point: PointId) => number | null;

export function objectsOfPoints(points: readonly PlannedPoint[], value: Value): Served[] {
  const parsed = points.map(({ id, address: written }) => ({ id, address: address.parse(written) }));
  const names = [...new Set(parsed.filter(({ address }) => isNamed(address)).map(nameOf))];
  return parsed.flatMap((point, nth) => {
    if (isOverRows(point.address)) return rowsOf(point, 1000 * (nth + 1), value);
    return cellOf(point, point.address.row ?? names.indexOf(nameOf(point)) + 1, () => value(point.id));
  });
}

interface Point {
  readonly id: PointId;
  readonly address: Address;
}

const nameOf = ({ address }: Point): string => JSON.stringify(conditionsOf(address));

function cellOf({ address }: Point, index: string | number, value: () => number | null): Served[] {
  const { oid, column = "", digits, divisor, as } = address;
  const shown = (): ber.Element | null => (as === undefined ? elementOf(value()) : dateOf(value()));
  if (oid !== undefined) return [[oid, shown]];
  const scale: Served[] = digits === undefined ? [] : [[`${digits}.${index}`, () => ber.integer(0)]];
  const parts: Served[] = divisor === undefined ? [] : [[`${divisor}.${index}`, () => ber.integer(1)]];
  return [[`${column}.${index}`, shown], ...heldBy(address, index, () => true), ...scale, ...parts];
}

const countMax = 8;

/** Rows enough for a count; one for all else. Where the device has no such point, it has no such table. */
function rowsOf({ id, address }: Point, first: number, value: Value): Served[] {
  const { rows, column, beside } = address;
  const isCount = rows === "count";
  const own = Array.from({ length: isCount ? countMax : 1 }, (_, nth): Served[] => {
    const isThere = (): boolean => (isCount ? (value(id) ?? 0) > nth : value(id) !== null);
    const held = heldBy(address, first + nth, isThere);
    if (column === undefined || conditionsOf(address).some(([one]) => one === column)) return held;
    const cell = () => (isThere() ? elementOf(isCount ? nth : value(id)) : null);
    return [[`${column}.${first + nth}`, cell], ...held];
  }).flat();
  // An instance that no row has tells that there is such a column.
  const columns = columnsOf(address).map((one): Served => [`${one}.0`, () => null]);
  const proof: Served[] = beside === undefined ? [] : [[beside, () => (value(id) === null ? null : ber.integer(0))]];
  return [...columns, ...proof, ...own];
}

const heldBy = (address: Address, index: string | number, isThere: () => boolean): Served[] =>
  conditionsOf(address).map(([column, holds]) => [`${column}.${index}`, () => (isThere() ? heldElement(holds) : null)]);

function heldElement(holds: string): ber.Element {
  if (address.safeParse({ oid: holds }).success) return ber.oid(holds);
  const number = Number(holds);
  return number === (number | 0) && String(number) === holds ? ber.integer(number) : ber.text(holds);
}

/** Integer32 where it fits; else decimal text, which is how devices without floats send them. */
function elementOf(value: number | null): ber.Element | null {
  if (value === null) return null;
  const isInteger32 = value === (value | 0);
  return isInteger32 ? ber.integer(value) : ber.text(String(value));
}

/** Seconds since 1970 as DateAndTime, to the tenth, in UTC. */
function dateOf(value: number | null): ber.Element | null {
  if (value === null) return null;
  const tenths = Math.round(value * 10);
  const date = new Date(tenths * 100);
  const octets = Buffer.alloc(11);
  octets.writeUInt16BE(date.getUTCFullYear());
  octets.set([date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes()], 2);
  octets.set([date.getUTCSeconds(), Math.floor(date.getUTCMilliseconds() / 100), 0x2b, 0, 0], 6);
  return ber.octets(octets);
}
