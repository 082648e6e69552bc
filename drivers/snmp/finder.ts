import type { Deadline } from "../deadline.ts";
import type { Reading } from "../driver.ts";
import { type Address, conditionsOf, isNamed, oidsOf } from "./address.ts";
import { bindingIn, readingOf } from "./codec.ts";
import type { Flaw, Found, Getter } from "./getter.ts";
import type { Point } from "./plan.ts";
import { isMeant, rowIn } from "./rows.ts";
import type { Walked, Walker } from "./walker.ts";

/**
 * Single values, also of rows that are known by what they hold, such as an outlet by its name. Where such a row is, is
 * remembered, and each answer must show that it is still there: value and name come from one answer. If it is not, the
 * columns that name it are walked, and it is read where it is now, within the same read.
 */
export interface Finder {
  read(points: readonly Point[], by: Deadline): Promise<ReadonlyMap<string, Reading>>;
}

export function finder(getter: Getter, walker: Walker): Finder {
  /** Indexes by what names the row. */
  const known = new Map<string, string>();

  /** Walks once for all rows that are named by the same columns. */
  async function search(points: readonly Point[], by: Deadline): Promise<ReadonlyMap<string, Flaw>> {
    const lost = new Map<string, Flaw>();
    const walks = new Map<string, Walked>();
    for (const { id, address } of points) {
      const columns = conditionsOf(address).map(([column]) => column);
      const key = columns.join(" ");
      const walked = walks.get(key) ?? (await walker.walk(columns, by));
      walks.set(key, walked);
      const found = walked.kind === "fault" ? walked : rowIn(walked.table, address);
      if ("index" in found) known.set(nameOf(address), found.index);
      else known.delete(nameOf(address));
      if ("fault" in found) lost.set(id, { fault: found.fault, detail: found.detail });
    }
    return lost;
  }

  async function get(points: readonly Point[], by: Deadline): Promise<ReadonlyMap<string, Found>> {
    return getter.get(
      points.map(({ id, address }) => ({ id, oids: oidsOf(address, known.get(nameOf(address))) })),
      by,
    );
  }

  return {
    async read(points, by) {
      const isKnown = ({ address }: Point): boolean => !isNamed(address) || known.has(nameOf(address));
      const readings = new Map<string, Reading>();
      const moved = points.filter((point) => !isKnown(point));
      const there = points.filter(isKnown);
      const first = await get(there, by);
      for (const point of there) {
        const reading = believed(point, first.get(point.id), known.get(nameOf(point.address)));
        if (reading === "moved") moved.push(point);
        else readings.set(point.id, reading);
      }
      if (moved.length === 0) return readings;
      const lost = await search(moved, by);
      for (const [id, flaw] of lost) readings.set(id, { point: id, ...flaw });
      const again = moved.filter(({ id }) => !lost.has(id));
      const second = await get(again, by);
      for (const point of again) {
        const reading = believed(point, second.get(point.id), known.get(nameOf(point.address)));
        readings.set(point.id, reading === "moved" ? { point: point.id, ...restless } : reading);
      }
      return readings;
    },
  };
}

const restless: Flaw = { fault: "no_such_point", detail: "its row moves while it is read" };

const nameOf = (address: Address): string => JSON.stringify(conditionsOf(address));

/** What an answer says of a point, if its row is the one that is meant. */
function believed(point: Point, found: Found | undefined, index: string | undefined): Reading | "moved" {
  const { id, address } = point;
  const conditions = conditionsOf(address);
  const reading = readingOf(point, found, index);
  if (conditions.length === 0 || found === undefined || "fault" in found) {
    return isNamed(address) && isGone(reading) ? "moved" : reading;
  }
  const held = (column: string) => {
    const binding = bindingIn(`${column}.${address.row ?? index}`, found);
    return "fault" in binding ? undefined : binding.value;
  };
  if (isMeant(address, held)) return reading;
  const [oid = ""] = oidsOf(address, index);
  return isNamed(address) ? "moved" : { point: id, fault: "no_such_point", detail: `row of ${oid} is another one` };
}

/** SNMPv1 has no other way to say that a row is not there. */
const isGone = (reading: Reading): boolean => "fault" in reading && reading.fault === "no_such_point";
