import type { Site } from "../config/resolved.ts";
import type { EventRecord } from "../sinks/record.ts";
import { nameOf } from "./others.ts";

/**
 * What an incident has to do with the others that are open: which one is the root, what caused it, what is left of what
 * several units share. Facts for the centre, which counts incidents of one root as one.
 */
export type Correlation = Pick<EventRecord, "causeIds" | "correlationId" | "role" | "firstOut" | "redundancy">;

/**
 * @param causes names of the rules that suppress it
 * @param others the newest record of every other open incident, and of it before this event
 */
export function correlationOf(
  site: Site,
  record: EventRecord,
  causes: readonly string[],
  others: readonly EventRecord[],
): Correlation {
  const before = others.find(({ incidentId }) => incidentId === record.incidentId);
  const open = others.filter(({ conditionKey }) => conditionKey !== record.conditionKey);
  const explaining = open.filter((one) => one.active && causes.includes(nameOf(one)));
  const ancestor =
    explaining.find(({ role }) => role !== "consequence") ??
    explaining[0] ??
    forerunner(record, open) ??
    kin(site, record, open);
  const correlationId = ancestor?.correlationId ?? before?.correlationId ?? record.incidentId;
  const isFirst =
    before === undefined ? !open.some((one) => one.correlationId === correlationId) : before.firstOut === true;
  return {
    correlationId,
    ...roleOf(site, record, explaining.length > 0),
    ...(explaining.length === 0 ? {} : { causeIds: explaining.map(({ incidentId }) => incidentId) }),
    ...(isFirst ? { firstOut: true } : {}),
    ...redundancyOf(site, record, open),
  };
}

/** Rules that warn of a limit before it is reached. */
const warning: ReadonlySet<string> = new Set(["ttl", "roc", "excursion"]);

/** The warning that came before a limit of the same point was reached: both are one story. */
function forerunner({ rule, point, raisedAt }: EventRecord, open: readonly EventRecord[]): EventRecord | undefined {
  if (rule.type !== "level") return undefined;
  return open.find((one) => one.point.id === point.id && warning.has(one.rule.type) && one.raisedAt <= raisedAt);
}

/** What tells the same fact: witnesses, and the one incident; a broken one that was silenced long ago is another story. */
function kin(site: Site, { conditionKey }: EventRecord, open: readonly EventRecord[]): EventRecord | undefined {
  const factOf = (key: string): string | null => site.about.get(key)?.fact ?? null;
  const fact = factOf(conditionKey);
  return fact === null
    ? undefined
    : open.find((one) => factOf(one.conditionKey) === fact && one.silencedBy === undefined);
}

function roleOf(site: Site, record: EventRecord, isCaused: boolean): Pick<EventRecord, "role"> {
  const fact = site.about.get(record.conditionKey)?.fact ?? null;
  if (fact !== null && fact !== record.conditionKey) return { role: "witness" };
  if (isCaused) return { role: "consequence" };
  if (record.rule.type === "ttl") return { role: "precursor" };
  const isCause = (site.model.named.get(nameOf(record))?.suppresses.length ?? 0) > 0;
  return isCause ? { role: "root" } : {};
}

/** How many units of those that share a duty are left, this one counted as lost while it is. */
function redundancyOf(
  site: Site,
  { conditionKey, active }: EventRecord,
  open: readonly EventRecord[],
): Pick<EventRecord, "redundancy"> {
  const shared = site.about.get(conditionKey)?.shared ?? null;
  if (shared === null) return {};
  const lost = new Set(
    open.filter((one) => one.active).map((one) => site.about.get(one.conditionKey)?.shared?.unit ?? null),
  );
  if (active) lost.add(shared.unit);
  const left = shared.units.filter((unit) => !lost.has(unit)).length;
  const { of, units, need } = shared;
  return { redundancy: { of, total: units.length, left, ...(need === undefined ? {} : { need }) } };
}
