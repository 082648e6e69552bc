import type { PlannedPoint } from "../driver.ts";
import { type Address, columnsOf, conditionsOf, isNamed, isOverRows, oidsOf, tableOf } from "./address.ts";
import type { Bus, Device } from "./schema.ts";

export type Point = PlannedPoint<Device, Address>;

/** The points of one GetRequest, and those of one table, which is walked after it. */
export interface Request {
  readonly points: readonly Point[];
}

/**
 * Sorts by OID, then cuts into requests of at most `bus.maxOids`. Any OIDs go into one request, so order
 * gains nothing on the wire; neighbours are together because many agents fetch a table's row once for all
 * its columns, and because a person reads the capture. All points over one table are in one request, since one
 * walk serves them; it goes along with a GetRequest, so that a table that cannot be read makes no device silent.
 */
export function plan(points: readonly Point[], { maxOids }: Bus): Request[] {
  const single = points.filter(({ address }) => !isOverRows(address)).map(placed);
  const requests: Point[][] = cut(single.sort(byPlace), maxOids);
  const over = points.filter(({ address }) => isOverRows(address)).sort((a, b) => order(a.id, b.id));
  const tables = new Set(over.map(({ address }) => firstTable(address)));
  for (const [at, table] of [...tables].sort(compareOids).entries()) {
    requests[at] = [...(requests[at] ?? []), ...over.filter(({ address }) => firstTable(address) === table)];
  }
  return requests.map((some) => ({ points: some }));
}

const firstTable = (address: Address): string => tableOf(columnsOf(address)[0] ?? "");

interface Placed {
  readonly point: Point;
  /** What names its row, "" where its index does. */
  readonly row: string;
  readonly oid: string;
  /** Rows that are looked for have no index yet; what names them stands in its place. */
  readonly asked: readonly string[];
}

function placed(point: Point): Placed {
  const { address } = point;
  const row = isNamed(address) ? JSON.stringify(conditionsOf(address)) : "";
  const asked = oidsOf(address, row);
  return { point, row, oid: row === "" ? (asked[0] ?? "") : (address.column ?? ""), asked };
}

const byPlace = (a: Placed, b: Placed): number =>
  order(a.row, b.row) || compareOids(a.oid, b.oid) || order(a.point.id, b.point.id);

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What two points ask for both, such as the label of their row, is asked for once. */
function cut(all: readonly Placed[], maxOids: number): Point[][] {
  const requests: Point[][] = [];
  let oids: ReadonlySet<string> = new Set();
  for (const { point, asked } of all) {
    const grown = new Set([...oids, ...asked]);
    const begins = requests.length === 0 || grown.size > maxOids;
    if (begins) requests.push([]);
    requests.at(-1)?.push(point);
    oids = begins ? new Set(asked) : grown;
  }
  return requests;
}

/** The order of a walk: arc by arc as numbers, and a parent before its children. */
export function compareOids(a: string, b: string): number {
  const [left, right] = [a.split("."), b.split(".")];
  for (const [at, arc] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    if (arc !== other) return Number(arc) - Number(other);
  }
  return left.length - right.length;
}
