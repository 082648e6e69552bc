import { describe, expect, test } from "vitest";
import type { Site } from "../../../agent/config/resolved.ts";
import { correlationOf } from "../../../agent/pipeline/correlation.ts";
import { dataCentre } from "../../../agent/simulate/centre.ts";
import type { EventRecord } from "../../../agent/sinks/record.ts";

const site: Site = dataCentre();
const id = (n: number): string => `00000000-0000-8000-8000-${String(n).padStart(12, "0")}`;

/** A record as far as correlation looks at it. */
function record(n: number, device: string, point: string, rule: string, type: string, also: object = {}): EventRecord {
  const conditionKey = `dc/${device}/${point}/${rule}`;
  const base = { conditionKey, incidentId: id(n), active: true, open: true, raisedAt: `2026-01-01T00:00:0${n}Z` };
  return {
    ...base,
    point: { id: `${device}/${point}`, device },
    rule: { id: rule, type },
    ...also,
  } as unknown as EventRecord;
}
const root = record(1, "crac-a1", "running", "stopped", "state", { correlationId: id(1), role: "root" });
const hot = record(2, "pdu-a1", "inlet-temperature", "inlet-hot", "level");

describe("what an incident has to do with the others", () => {
  test("a cause that is alone is the root, and the first of its story; one of three units is lost", () => {
    expect(correlationOf(site, root, [], [])).toEqual({
      correlationId: id(1),
      role: "root",
      firstOut: true,
      redundancy: { of: "cooling of zone a", total: 3, left: 2, need: 2 },
    });
  });

  test("a consequence belongs to the story of its cause", () => {
    expect(correlationOf(site, hot, ["crac-a1/stopped"], [root])).toEqual({
      correlationId: id(1),
      role: "consequence",
      causeIds: [id(1)],
    });
  });

  test("the consequence of a consequence belongs to the root's", () => {
    const zone = record(3, "zone-a", "-", "hot", "group", { correlationId: id(1), role: "consequence" });
    const causes = ["zone-a/hot", "crac-a1/stopped"];
    expect(correlationOf(site, hot, causes, [zone, root])).toMatchObject({
      correlationId: id(1),
      causeIds: [id(3), id(1)],
    });
    expect(correlationOf(site, hot, ["zone-a/hot"], [zone])).toMatchObject({ correlationId: id(1), causeIds: [id(3)] });
  });

  test("a cause that came later takes it into its story; that it was first is kept", () => {
    const before = { ...hot, correlationId: id(2), firstOut: true } as EventRecord;
    expect(correlationOf(site, hot, ["crac-a1/stopped"], [root, before])).toMatchObject({
      correlationId: id(1),
      role: "consequence",
      firstOut: true,
    });
  });

  test("it stays in that story when the cause is gone", () => {
    const before = { ...hot, correlationId: id(1), role: "consequence" } as EventRecord;
    expect(correlationOf(site, hot, [], [before])).toEqual({ correlationId: id(1) });
  });

  test("a limit that was warned of is one story with the warning", () => {
    const warning = record(1, "pdu-a1", "inlet-temperature", "inlet-rising", "roc", { correlationId: id(1) });
    expect(correlationOf(site, hot, [], [warning])).toMatchObject({ correlationId: id(1) });
    const elsewhere = record(1, "pdu-a2", "inlet-temperature", "inlet-rising", "roc", { correlationId: id(1) });
    expect(correlationOf(site, hot, [], [elsewhere])).toMatchObject({ correlationId: id(2) });
    const soon = record(1, "pdu-a1", "inlet-temperature", "hot-soon", "ttl");
    expect(correlationOf(site, soon, [], [])).toMatchObject({ role: "precursor" });
  });

  test("of units that share a duty those are left that are not lost, whatever each was lost by", () => {
    const other = record(3, "crac-a2", "running", "stopped", "state");
    const elsewhere = record(4, "crac-b1", "running", "stopped", "state");
    const over = { ...record(5, "crac-a3", "running", "stopped", "state"), active: false } as EventRecord;
    expect(correlationOf(site, root, [], [other, elsewhere, over]).redundancy).toMatchObject({ total: 3, left: 1 });
    const cleared = { ...root, active: false } as EventRecord;
    expect(correlationOf(site, cleared, [], [other]).redundancy).toMatchObject({ left: 2 });
  });
});
