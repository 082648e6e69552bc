import { type Bus, hasWords, type ModbusPoint, type Table, widthOf } from "./schema.ts";

/** One read: `count` registers (coil, discrete: bits) from `start`, and the points that lie in them. */
export interface Request {
  readonly unit: number;
  readonly table: Table;
  readonly start: number;
  readonly count: number;
  readonly points: readonly ModbusPoint[];
}

/**
 * Coalesces in one sweep over the points in wire order. Invariants: a value is never torn over two requests,
 * for a device may change it between them; the result does not depend on the order of the input; a request
 * exceeds `maxRegisters` only for one value that is itself wider.
 */
export function plan(points: readonly ModbusPoint[], bus: Bus): readonly Request[] {
  const requests: Request[] = [];
  for (const point of points.toSorted(inWireOrder)) {
    const last = requests.at(-1);
    const joined = last && join(last, point, bus);
    if (joined) requests[requests.length - 1] = joined;
    else requests.push(alone(point));
  }
  return requests;
}

/** The same points, one read for each value: for a device that refuses the read of all. Keeps their order. */
export function split(request: Request): readonly Request[] {
  const parts: Request[] = [];
  for (const point of request.points) {
    const last = parts.at(-1);
    // Bits of one status word are one value to the device.
    if (last && point.address.register === last.start && widthOf(point.address) === last.count) {
      parts[parts.length - 1] = { ...last, points: [...last.points, point] };
    } else {
      parts.push(alone(point));
    }
  }
  return parts;
}

/** One read for all of these, in wire order. There is one at least. */
export function joinAll(parts: readonly Request[]): Request {
  const [first, ...rest] = parts as readonly [Request, ...Request[]];
  const end = Math.max(...parts.map(({ start, count }) => start + count));
  return { ...first, count: end - first.start, points: [first, ...rest].flatMap(({ points }) => points) };
}

function alone(point: ModbusPoint): Request {
  const { table, register } = point.address;
  return { unit: point.device.unit, table, start: register, count: widthOf(point.address), points: [point] };
}

/** The request widened by the point, or undefined where that is not possible or not worth it. */
function join(request: Request, point: ModbusPoint, { maxRegisters, maxGap }: Bus): Request | undefined {
  const { table, register } = point.address;
  if (point.device.unit !== request.unit || table !== request.table) return undefined;
  if (register - (request.start + request.count) > maxGap) return undefined;
  const count = Math.max(request.count, register + widthOf(point.address) - request.start);
  // A register carries 16 bits: 125 registers and 2000 bits are the protocol's own limits.
  const limit = hasWords(table) ? maxRegisters : maxRegisters * 16;
  // A request over the limit, one too wide value alone, still takes points that lie within it.
  if (count > limit && count > request.count) return undefined;
  return { ...request, count, points: [...request.points, point] };
}

function inWireOrder(a: ModbusPoint, b: ModbusPoint): number {
  return (
    a.device.unit - b.device.unit ||
    compare(a.address.table, b.address.table) ||
    a.address.register - b.address.register ||
    widthOf(a.address) - widthOf(b.address) ||
    compare(a.id, b.id)
  );
}

/** By code unit: the same on every machine, unlike the order of a locale. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** How long the device is left alone after a request, ms. */
export const pauseMs = ({ points: [first] }: Request): number => first?.device.pause ?? 0;
