import type { PointId } from "../../agent/core/sample.ts";
import { encode, registersOf } from "./codec.ts";
import type { Range } from "./question.ts";
import { type Address, type ModbusPoint, type TextAddress, widthOf } from "./schema.ts";

/** What lies in registers: where, how many, and what they are now, given those that are there already; null: no value. */
interface Held extends Range {
  words(image: ReadonlyMap<number, number>): readonly number[] | null;
}

/**
 * What the simulated devices hold: the registers, or bits, of a range now; null where a device answers "illegal data
 * address". Registers between points hold 0, as in many real devices; a range without any point, or with one that has
 * no value, is illegal.
 */
export function imageOf(
  points: readonly ModbusPoint[],
  value: (point: PointId) => number | null,
  texts: readonly Text[] = [],
): (range: Range) => readonly number[] | null {
  // Bits last: they change their bit only, in a register that another point may hold as a whole.
  const inOrder = [
    ...texts.map(heldText),
    ...[...points.filter((one) => !isBit(one)), ...points.filter(isBit)].map((point) => heldNumber(point, value)),
  ];
  return (range) => {
    const inside = inOrder.filter((one) => overlaps(one, range));
    if (inside.length === 0) return null;
    const image = new Map<number, number>();
    for (const { start, words } of inside) {
      const now = words(image);
      if (now === null) return null;
      for (const [i, word] of now.entries()) image.set(start + i, word);
    }
    return Array.from({ length: range.count }, (_, i) => image.get(range.start + i) ?? 0);
  };
}

/** What a device tells of itself in registers. */
export interface Text {
  readonly unit: number;
  readonly address: Address | TextAddress;
  text(): string | null;
}

function heldText({ unit, address, text }: Text): Held {
  const { table, register: start } = address;
  const count = address.type === "string" ? Math.ceil(address.length / 2) : widthOf(address);
  return {
    ...{ unit, table, start, count },
    words() {
      const now = text();
      if (now === null) return null;
      return address.type === "string" ? registersOf(address, now) : encode(address, Number(now));
    },
  };
}

function heldNumber({ id, device: { unit }, address }: ModbusPoint, value: (point: PointId) => number | null): Held {
  const { table, register: start } = address;
  return {
    ...{ unit, table, start, count: widthOf(address) },
    words(image) {
      const now = value(id);
      return now === null ? null : encode(address, now, [image.get(start) ?? 0]);
    },
  };
}

const isBit = ({ address: { bit } }: ModbusPoint): boolean => bit !== undefined;

const overlaps = (held: Range, { unit, table, start, count }: Range): boolean =>
  held.unit === unit && held.table === table && held.start < start + count && held.start + held.count > start;
