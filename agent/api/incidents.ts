import type { DevicePoint } from "../config/resolved.ts";
import type { PointId } from "../core/sample.ts";
import type { Agent } from "../pipeline/agent.ts";
import type { Unknown } from "../pipeline/explain.ts";
import type { IncidentTold, OpenIncident } from "../pipeline/lookback.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { Evidence } from "../store/history.ts";
import { type SilenceSnapshot, silences } from "./deeds.ts";

/** What people are shown of incidents, open and over, as data. Times are RFC 3339. */
export interface IncidentsSnapshot extends At {
  /** Those that call first, then the worst, then the oldest. */
  readonly incidents: readonly OpenTold[];
}

export type OpenTold = Told & {
  /** Whether a person is to be called for it. */
  readonly calls: boolean;
};

interface At {
  readonly at: string;
  readonly site: string;
  readonly timeZone: string;
}

type Told = Pick<
  EventRecord,
  "incidentId" | "conditionKey" | "severity" | "state" | "flapping" | "onsetAt" | "raisedAt" | "text" | "ackedBy"
> & {
  /** As they are now. */
  readonly silences: readonly Omit<SilenceSnapshot, "conditionKey">[];
  /** Keys of the conditions that suppress it; of one that is over, the id. */
  readonly causes: readonly string[];
};

export function openSnapshot(agent: Agent): IncidentsSnapshot {
  const all = agent.incidents();
  const keys = new Map(all.map(({ record }) => [record.incidentId, record.conditionKey]));
  const silenced = silences(agent);
  const silencesOf = (key: string) =>
    silenced.flatMap(({ conditionKey, ...one }) => (conditionKey === key ? [one] : []));
  const causes = ({ causeIds = [] }: EventRecord): string[] => causeIds.map((id) => keys.get(id) ?? id);
  const told = ({ record, calls }: OpenIncident) => ({
    ...toldOf(record),
    silences: silencesOf(record.conditionKey),
    causes: causes(record),
    calls,
  });
  return { ...atOf(agent), incidents: all.map(told) };
}

function atOf(agent: Agent): At {
  const { site, now } = agent.status();
  return { at: new Date(now).toISOString(), site: site.id, timeZone: site.timeZone };
}

const toldOf = (record: EventRecord): Omit<Told, "causes" | "silences"> => ({
  incidentId: record.incidentId,
  conditionKey: record.conditionKey,
  severity: record.severity,
  state: record.state,
  flapping: record.flapping,
  onsetAt: record.onsetAt,
  raisedAt: record.raisedAt,
  text: record.text,
  ackedBy: record.ackedBy,
});

export interface IncidentSnapshot extends At {
  readonly incidents: readonly IncidentDetail[];
}

export interface IncidentDetail {
  readonly incidentId: string;
  readonly conditionKey: string;
  readonly open: boolean;
  /** Its events, oldest first, whole: each has the state after it, and a raise what led to it. */
  readonly events: readonly EventRecord[];
  readonly cause: string | null;
  readonly action: string | null;
  readonly consequence: string | null;
  readonly causes: readonly Related[];
  /** Open ones that it suppresses. */
  readonly consequences: readonly Related[];
  /** What points said from 15 minutes before its raise to 15 minutes after it, the deciding one first. */
  readonly evidence: readonly EvidenceTold[];
}

export interface EvidenceTold extends Evidence {
  readonly name: string;
  readonly unit: string;
  /** What the rule reads, or a companion that it names. */
  readonly role: "input" | "companion";
}

export type Related = Pick<EventRecord, "incidentId" | "conditionKey" | "text">;

export function incidentSnapshot(agent: Agent, target: string): IncidentSnapshot | Unknown {
  const found = agent.incident(target);
  if ("found" in found) return found;
  const { site } = agent.status();
  const points = new Map(site.devices.flatMap((device) => device.points.map((point) => [point.id, point] as const)));
  return { ...atOf(agent), incidents: found.map((one) => detailOf(one, points)) };
}

function detailOf(
  { events, about, causes, consequences, evidence }: IncidentTold,
  points: ReadonlyMap<PointId, DevicePoint>,
): IncidentDetail {
  const { incidentId = "", conditionKey = "", open = false } = events.at(-1) ?? {};
  const { cause = null, action = null, consequence = null } = about?.say ?? {};
  return {
    incidentId,
    conditionKey,
    open,
    events,
    cause,
    action,
    consequence,
    causes: causes.map(related),
    consequences: consequences.map(related),
    evidence: evidence.map((one) => {
      const { name = one.point, unit = "1" } = points.get(one.point) ?? {};
      const isCompanion = about?.companions.some(({ id }) => id === one.point) ?? false;
      return { ...one, name, unit, role: isCompanion ? "companion" : "input" };
    }),
  };
}

const related = ({ incidentId, conditionKey, text }: EventRecord): Related => ({ incidentId, conditionKey, text });

/** One page of what happened, oldest first; the next one is asked for `after` the last `seq` of its `epoch`, until one is empty. */
export type EventsPage = readonly EventTold[];

export type EventTold = Pick<
  EventRecord,
  "epoch" | "seq" | "at" | "kind" | "reason" | "incidentId" | "conditionKey" | "severity" | "open"
>;

/** As many as are read between two of the agent's own turns. */
const pageMax = 200;

export interface EventsAsked {
  /** RFC 3339. */
  readonly since?: string | undefined;
  readonly after?: string | undefined;
  readonly epoch?: string | undefined;
}

export function eventsPage(
  agent: Agent,
  { since = "", after = "0", epoch }: EventsAsked,
): EventsPage | { readonly error: string } {
  const wall = Date.parse(since);
  const seq = Number(after);
  if (Number.isNaN(wall)) return { error: `since "${since}": expected a time such as 2026-01-01T22:00:00Z` };
  if (!Number.isSafeInteger(seq)) return { error: `after "${after}": expected a sequence number` };
  return agent.journal.since(wall, seq, pageMax, epoch).map((text) => {
    const record = JSON.parse(text) as EventRecord;
    const { at, kind, reason, incidentId, conditionKey, severity, open } = record;
    return { epoch: record.epoch, seq: record.seq, at, kind, reason, incidentId, conditionKey, severity, open };
  });
}
