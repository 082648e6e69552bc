import type { Device, Site } from "../config/resolved.ts";
import type { History } from "../store/history.ts";
import type { Lookback } from "../store/journal.ts";
import { acceptDevice } from "./acceptance.ts";
import type { Agent } from "./agent.ts";
import type { Auditor } from "./auditor.ts";
import type { EngineClock } from "./clock.ts";
import { askedOf, type Deed, type Done, inMode, meantBy, silencedIn } from "./deeds.ts";
import { explainTarget, type Unknown } from "./explain.ts";
import type { Identities } from "./identities.ts";
import type { Ingest } from "./ingest.ts";
import { incidentsOf, openIncidents } from "./lookback.ts";
import { trendOf } from "./trend.ts";

/** What people ask of the running agent, and what they have it do. */
export type Answers = Pick<
  Agent,
  | "explain"
  | "command"
  | "acceptDevice"
  | "silences"
  | "kpis"
  | "incidents"
  | "incident"
  | "trend"
  | "journal"
  | "audit"
>;

interface Asked {
  readonly site: Site;
  readonly door: Ingest;
  readonly clock: EngineClock;
  readonly identities: Identities;
  readonly history: History;
  readonly journal: Lookback;
  readonly audit: Auditor;
  /** A device was accepted, which is known from now on. */
  onAccepted(device: Device): void;
  /** A person had something done to conditions. */
  onCommanded(): void;
}

export function answersOf({ site, door, clock, identities, history, journal, audit, ...asked }: Asked): Answers {
  return {
    audit,
    explain: (target) =>
      explainTarget({ site, open: door.openIncidents(), known: door.known, now: clock.now() }, target),
    command(deed, preview) {
      const done = commanded(site, door, deed, preview);
      asked.onCommanded();
      if (!preview || deed.order !== undefined) audit.noteDeed(deed, done, preview);
      return done;
    },
    acceptDevice(acceptance, preview) {
      const done = acceptDevice(site, identities, acceptance, preview, asked.onAccepted);
      if (!preview) audit.noteAcceptance(acceptance, done);
      return done;
    },
    silences: () => silencedIn(site, door.known, clock.now()),
    kpis: door.kpis,
    incidents: () => openIncidents(site, door.known, door.openIncidents()),
    incident: (target) => incidentsOf({ site, open: door.openIncidents(), journal, history }, target),
    trend: (target, spanMs, count) => trendOf({ site, history, now: clock.now() }, target, spanMs, count),
    journal,
  };
}

function commanded(site: Site, door: Ingest, deed: Deed, preview: boolean): readonly Done[] | Unknown | string {
  const meant = meantBy(site, door.openIncidents(), deed);
  if (typeof meant === "string" || "found" in meant) return meant;
  const asked = askedOf(deed, door.modes());
  if (typeof asked === "string") return asked;
  const some = asked?.what === "end" ? inMode(site, door.known, meant, asked.mode) : meant;
  const answers = preview ? door.tryOut(some) : door.command(some, asked);
  return some.map(({ key }, i) => ({ key, refused: answers[i] ?? null }));
}
