import type { About, Site } from "../config/resolved.ts";
import type { Condition } from "../core/condition.ts";
import type { State } from "../core/engine.ts";
import { calls, levelOf } from "../core/incident.ts";
import { rank } from "../core/severity.ts";
import type { EventRecord } from "../sinks/record.ts";
import type { Evidence, History } from "../store/history.ts";
import type { Lookback } from "../store/journal.ts";
import { targetOf, type Unknown } from "./explain.ts";
import { shownBy } from "./keeping.ts";

/** An open incident as it stands now, which may be later than its newest event: a silence that was set needs none. */
export interface OpenIncident {
  readonly record: EventRecord;
  /** Whether a person is to be called for it. */
  readonly calls: boolean;
}

/** Those that call first, then the worst, then the oldest. */
export function openIncidents(site: Site, state: Pick<State, "rule">, open: readonly EventRecord[]): OpenIncident[] {
  return open
    .map((record) => ({ record, calls: callsNow(site, state, record) }))
    .toSorted(
      (a, b) =>
        Number(b.calls) - Number(a.calls) ||
        rank(b.record.severity) - rank(a.record.severity) ||
        (a.record.raisedAt < b.record.raisedAt ? -1 : a.record.raisedAt > b.record.raisedAt ? 1 : 0) ||
        (a.record.conditionKey < b.record.conditionKey ? -1 : 1),
    );
}

function callsNow({ model }: Site, state: Pick<State, "rule">, { conditionKey, annunciate }: EventRecord): boolean {
  const found = model.conditions.get(conditionKey);
  const standing = found && (state.rule(found.index).conditions[found.place] as Condition);
  if (found === undefined || standing?.open == null) return annunciate;
  const levels = model.rules[found.index]?.conditions[found.place]?.levels ?? [];
  return calls(standing, levelOf(levels, standing.open), standing.open);
}

/** All that is known of one incident, open or over. */
export interface IncidentTold {
  /** Its events that are still kept, oldest first; at least one. */
  readonly events: readonly EventRecord[];
  /** Of its rule; null: that is gone. */
  readonly about: About | null;
  /** The newest events of the incidents that suppress it, and of the open ones that it suppresses. */
  readonly causes: readonly EventRecord[];
  readonly consequences: readonly EventRecord[];
  /** What its points said around its raise, the rule's own first. */
  readonly evidence: readonly Evidence[];
}

/** Where incidents are looked up. */
export interface Archive {
  readonly site: Site;
  readonly open: readonly EventRecord[];
  readonly journal: Lookback;
  readonly history: Pick<History, "evidenceOf">;
}

/** The incidents that a person means: one by its id; of a condition, a rule or a device those that are open, or else the newest. */
export function incidentsOf(archive: Archive, target: string): readonly IncidentTold[] | Unknown {
  const { site, open, journal } = archive;
  const byId = toldOf(archive, [target.toLowerCase()]);
  if (byId.length > 0) return byId;
  const wanted = targetOf(site, open, target);
  if ("found" in wanted) return wanted;
  // Of a witness, the incident that it tells, too.
  const keys = new Set(wanted.keys.flatMap((key) => [site.about.get(key)?.fact ?? key, key]));
  const ids = open.filter(({ conditionKey }) => keys.has(conditionKey)).map(({ incidentId }) => incidentId);
  if (ids.length > 0) return toldOf(archive, ids);
  const newest = journal.newestOf([...keys]);
  if (newest !== null) return toldOf(archive, [newest]);
  const known = open.map(({ conditionKey }) => conditionKey);
  return { found: false, what: "incident, open or of the last days, of", name: target, known, hint: "" };
}

type EventsById = ReadonlyMap<string, readonly EventRecord[]>;

/** The newest of an open one is always known, also when the journal has let it go. */
function eventsOf({ open, journal }: Archive, ids: readonly string[]): EventsById {
  const kept = ids.length === 0 ? [] : journal.ofIncidents(ids).map((text) => JSON.parse(text) as EventRecord);
  const of = (id: string) => {
    const [events, newest] = [kept, open].map((those) => those.filter(({ incidentId }) => incidentId === id));
    return events?.length ? events : (newest ?? []);
  };
  return new Map(ids.map((id) => [id, of(id)] as const).filter(([, events]) => events.length > 0));
}

/** Of those that are known, in the order asked for. */
function toldOf(archive: Archive, ids: readonly string[]): readonly IncidentTold[] {
  const known = [...eventsOf(archive, ids).values()];
  const causes = eventsOf(
    archive,
    known.flat().flatMap(({ causeIds = [] }) => causeIds),
  );
  return known.map((events) => oneTold(archive, events, causes));
}

function oneTold(archive: Archive, events: readonly EventRecord[], known: EventsById): IncidentTold {
  const { incidentId, conditionKey } = events.at(-1) as EventRecord;
  const causeIds = new Set(events.flatMap((one) => one.causeIds ?? []));
  const about = archive.site.about.get(conditionKey) ?? null;
  const shown = about === null ? [] : shownBy(archive.site, about, conditionKey);
  return {
    events,
    about,
    causes: [...causeIds].flatMap((id) => known.get(id)?.at(-1) ?? []),
    consequences: archive.open.filter((one) => one.causeIds?.includes(incidentId)),
    evidence: archive.history
      .evidenceOf(incidentId)
      .toSorted((a, b) => shown.indexOf(a.point) - shown.indexOf(b.point)),
  };
}
