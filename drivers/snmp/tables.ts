import type { Deadline } from "../deadline.ts";
import type { Reading } from "../driver.ts";
import { type Address, columnsOf } from "./address.ts";
import { tags } from "./ber.ts";
import { bindingIn } from "./codec.ts";
import type { Flaw, Getter } from "./getter.ts";
import type { Point } from "./plan.ts";
import { overRows } from "./rows.ts";
import type { Table, Walker } from "./walker.ts";

/** Points over all rows of a table, by one walk. */
export async function readTable(
  points: readonly Point[],
  { walker, getter }: { readonly walker: Walker; readonly getter: Getter },
  by: Deadline,
): Promise<readonly Reading[]> {
  const columns = [...new Set(points.flatMap(({ address }) => columnsOf(address)))];
  const walked = await walker.walk(columns, by);
  if (walked.kind === "fault") {
    return points.map(({ id }) => ({ point: id, fault: walked.fault, detail: walked.detail }));
  }
  const doubts = new Map<string, Promise<Flaw | null>>();
  const readings: Reading[] = [];
  for (const point of points) {
    const oid = proofOf(point.address, walked.table);
    const doubt = oid === null ? null : (doubts.get(oid) ?? missing(oid, point.address, getter, by));
    if (oid !== null && doubt !== null) doubts.set(oid, doubt);
    const flaw = await doubt;
    readings.push(flaw === null ? overRows(point, walked.table) : { point: point.id, ...flaw });
  }
  return readings;
}

/**
 * What a walk that met no row leaves open: whether the table is empty, or whether there is none, as while a card has lost
 * its UPS. What tells it; null: there are rows.
 */
function proofOf(address: Address, table: Table): string | null {
  const rows = [...table.values()];
  const empty = columnsOf(address).find((column) => !rows.some((row) => row.has(column)));
  if (empty === undefined) return null;
  return address.beside ?? `${empty}.0`;
}

/**
 * An object that is always beside the table tells it for certain. Without one, an instance that no row has does: it is
 * noSuchInstance where the agent has such a column, and noSuchObject where it has none (RFC 3416, 4.2.1), as far as the
 * agent keeps to that. SNMPv1 has one word for both.
 */
async function missing(oid: string, { beside }: Address, getter: Getter, by: Deadline): Promise<Flaw | null> {
  const found = (await getter.get([{ id: oid, oids: [oid] }], by)).get(oid);
  const binding = bindingIn(oid, found);
  if ("fault" in binding) return binding.fault === "no_such_point" ? noTable(oid, beside) : binding;
  const { tag } = binding.value;
  const isThere = tag < tags.noSuchObject || tag > tags.endOfMibView;
  return isThere || (beside === undefined && tag === tags.noSuchInstance) ? null : noTable(oid, beside);
}

const noTable = (oid: string, beside: string | undefined): Flaw => ({
  fault: "no_such_point",
  detail:
    beside === undefined
      ? `no rows, and the device does not say that it has such a table (${oid}); if it has, say what is beside it`
      : `no rows, and no ${oid} beside them: the device has no such table`,
});
