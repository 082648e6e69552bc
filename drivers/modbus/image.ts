import type { PointId } from "../../agent/core/sample.ts";
import { encode } from "./codec.ts";
import { type ModbusPoint, type Table, widthOf } from "./schema.ts";

/** A range that a client asks for. */
export interface Range {
  readonly unit: number;
  readonly table: Table;
  readonly start: number;
  readonly count: number;
}

/**
 * What the simulated devices hold: the registers, or bits, of a range now; null where a device answers "illegal data
 * address". Registers between points hold 0, as in many real devices; a range without any point, or with one that has
 * no value, is illegal.
 */
export function imageOf(
  points: readonly ModbusPoint[],
  value: (point: PointId) => number | null,
): (range: Range) => readonly number[] | null {
  // Bits last: they change their bit only, in a register that another point may hold as a whole.
  const inOrder = [
    ...points.filter(({ address }) => !isBit(address)),
    ...points.filter(({ address }) => isBit(address)),
  ];
  return (range) => {
    const inside = inOrder.filter((point) => overlaps(point, range));
    if (inside.length === 0) return null;
    const image = new Map<number, number>();
    for (const { id, address } of inside) {
      const now = value(id);
      if (now === null) return null;
      const held = [image.get(address.register) ?? 0];
      for (const [i, word] of encode(address, now, held).entries()) image.set(address.register + i, word);
    }
    return Array.from({ length: range.count }, (_, i) => image.get(range.start + i) ?? 0);
  };
}

const isBit = ({ bit }: ModbusPoint["address"]): boolean => bit !== undefined;

function overlaps({ device, address }: ModbusPoint, { unit, table, start, count }: Range): boolean {
  const [from, to] = [address.register, address.register + widthOf(address)];
  return device.unit === unit && address.table === table && from < start + count && to > start;
}
