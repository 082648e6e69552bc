import type { Site } from "../config/resolved.ts";
import type { Event } from "../core/engine.ts";
import { rank } from "../core/severity.ts";
import type { EventRecord } from "../sinks/record.ts";

/** Records of other incidents that an event's record counts or names. */
export interface Others {
  /** What explains it; of one that goes on alone, what did. The first is named. */
  readonly roots: readonly EventRecord[];
  /** Of many devices, or of a fact that several tell: what is active of its members or witnesses, the worst first. */
  readonly members: readonly EventRecord[];
}

export const noOthers: Others = { roots: [], members: [] };

/** The newest record of each condition, by its key; and those of incidents that ended while they explained others. */
export interface Records {
  readonly newest: ReadonlyMap<string, EventRecord>;
  readonly ended: readonly EventRecord[];
}

export function othersOf({ about }: Site, { condition, causes, reason }: Event, { newest, ended }: Records): Others {
  const { members: many = [], witnesses = [] } = about.get(condition.key) ?? {};
  const members = [...many, ...witnesses.map((one) => one.rule)];
  if (causes.length === 0 && members.length === 0 && reason !== "unsuppressed") return noOthers;
  const records = [...newest.values()];
  const { causeIds = [] } = newest.get(condition.key) ?? {};
  const roots =
    reason === "unsuppressed"
      ? [...records, ...ended].filter(({ incidentId }) => causeIds.includes(incidentId))
      : activeOf(causes, records);
  return { roots: rootsFirst(worstFirst(roots)), members: worstFirst(activeOf(members, records)) };
}

/** What is active of these rules. */
function activeOf(rules: readonly string[], records: readonly EventRecord[]): EventRecord[] {
  if (rules.length === 0) return [];
  const wanted = new Set(rules);
  return records.filter((one) => one.active && wanted.has(nameOf(one)));
}

/** Its rule, as other rules name it. */
export const nameOf = ({ point, rule }: EventRecord): string => `${point.device}/${rule.id}`;

/** By severity, then by value. */
const worstFirst = (records: readonly EventRecord[]): EventRecord[] =>
  [...records].sort((a, b) => rank(b.severity) - rank(a.severity) || (b.value ?? 0) - (a.value ?? 0) || a.seq - b.seq);

const rootsFirst = (records: readonly EventRecord[]): EventRecord[] => {
  const isRoot = ({ causeIds = [] }: EventRecord): boolean => causeIds.length === 0;
  return [...records.filter(isRoot), ...records.filter((one) => !isRoot(one))];
};

/** How many devices and points records are about. */
export const countOf = (records: readonly EventRecord[]): { devices: number; points: number } => ({
  devices: new Set(records.map(({ point }) => point.device)).size,
  points: new Set(records.map(({ point }) => point.id)).size,
});
