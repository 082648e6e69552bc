import { floodPoint, type Site } from "../config/resolved.ts";
import { toldOf } from "../core/call.ts";
import type { Cycle } from "../core/engine.ts";
import {
  type Digest,
  type Flood,
  type FloodEvent,
  type FloodState,
  floodStep,
  floodWakeAt,
  most,
  noFlood,
} from "../core/flood.ts";
import { type Kpi, kpisOf } from "../core/kpi.ts";
import { type KpiState, kpisAfter, kpisInFlood, kpisWithin, noKpis } from "../core/kpi-counts.ts";
import { type Language, type Phrase, phraseWhole } from "../core/language.ts";
import type { Instant, Mono, Sample } from "../core/sample.ts";
import { severities } from "../core/severity.ts";
import { textMax } from "../core/text.ts";
import type { EventRecord } from "../sinks/record.ts";
import { additionTo, ownKey, remark, say } from "./addition.ts";
import { whereOf } from "./telling.ts";

/**
 * Whom a cycle calls: in a flood, what can wait is told by a digest instead. The flood is an incident of the agent's own, a
 * digest an update of it; both are judged in the cycle that they are about, and so is what the figures are counted from.
 */
export interface Calls {
  /** Judges the calls of a cycle, and adds the flood's own events to it. */
  judge(judged: Cycle, now: Instant): Judged;
  /** When a digest is due, or a flood ends, if nothing happens before; null: none. */
  wakeAt(): Mono | null;
  kpis(now: Mono): readonly Kpi[];
}

interface Judged {
  /** The records of the cycle's events with what the flood changes in them. */
  told(records: readonly EventRecord[]): readonly EventRecord[];
  /** What the flood's rule was fed. */
  readonly samples: readonly Sample[];
  /** What is to be committed with the cycle, as JSON, if it `isNeeded`. */
  kept(isNeeded: boolean): { readonly calls?: string };
  /** The cycle was committed. */
  land(): void;
}

interface Kept {
  readonly flood: FloodState;
  readonly kpis: KpiState;
}

export function callsOf(site: Site, saved: string | null, now: Mono): Calls {
  const kept = JSON.parse(saved ?? "null") as Kept | null;
  let flood = kept?.flood ?? noFlood;
  let kpis = kpisAfter(
    kpisWithin(kept?.kpis ?? noKpis, (key) => site.about.has(key)),
    [],
    now,
  );
  let wakeAt = floodWakeAt(flood);
  /** Rules begin anew with each start, and hear how it stands. */
  let isTold = false;
  const floodKey = ownKey({ site }, "flood");

  return {
    judge(judged, now) {
      const adding = additionTo(site, judged, now);
      const { samples, texts } = adding;
      if (!isTold) say(adding, floodPoint, flood.flood === null ? 0 : 1);
      const events = judged.events.filter(({ condition }) => condition.key !== floodKey);
      const heard = events.map((event) => ({ ...toldOf(event), from: sourcesOf(site, event.condition.key) }));
      const step = floodStep(flood, heard, now.at);
      const digested = new Set(events.filter((_, i) => step.digested[i]));
      let counted = kpisAfter(kpis, heard, now.at);
      for (const event of step.events) {
        const text = textOf(site, event, step.state.flood);
        if (event.kind === "digest") remark(adding, floodKey, "digest", text);
        else say(adding, floodPoint, event.kind === "began" ? 1 : 0, text);
        if (event.kind !== "digest") counted = kpisInFlood(counted, event.kind === "began", event.at);
      }
      return {
        told: (records) =>
          records.map((record, i) => marked(record, digested.has(judged.events[i] as never), texts.get(i))),
        samples,
        kept: (isNeeded) =>
          isNeeded ? { calls: JSON.stringify({ flood: step.state, kpis: counted } satisfies Kept) } : {},
        land() {
          isTold = true;
          flood = step.state;
          wakeAt = step.wakeAt;
          kpis = counted;
        },
      };
    },
    wakeAt: () => wakeAt,
    kpis: (now) => kpisOf(kpis, now),
  };
}

/** Under which people may look for what calls: one device with many alarms, or one alarm of many devices. */
function sourcesOf({ about }: Site, key: string): readonly string[] {
  const known = about.get(key);
  return known === undefined ? [] : [known.device.id, known.rule];
}

const marked = (record: EventRecord, isDigested: boolean, text: string | undefined): EventRecord => ({
  ...record,
  ...(isDigested ? { annunciate: false, digested: true } : {}),
  ...(text === undefined ? {} : { text: text.slice(0, textMax) }),
});

/** Undefined: as the rule's own words have it. */
function textOf(site: Site, event: FloodEvent, flood: Flood | null): string | undefined {
  if (event.kind === "digest") return digestText(site, event.digest);
  return event.kind === "began" && flood !== null ? floodText(site.language, flood) : undefined;
}

const sourcesSaid = 3;

/** "Alarm flood: 23 alarms in 10 min, most from inlet-hot (20), crac-2 (3). What is below high comes in a digest …" */
function floodText(language: Language, { count, by }: Flood): string {
  const from = most(by, sourcesSaid).flatMap(([name, n]) => (n > 1 ? [`${name} (${n})`] : []));
  const whence = from.length === 0 ? "" : phraseWhole(language, "floodFrom", { names: from.join(", ") });
  return phraseWhole(language, "floodBegan", { count: String(count), whence });
}

/** "Alarm flood, 11 more alarms: 9 medium, 2 low; 4 cleared. Worst: Hall 1 CRAC-2 supply air; UPS-A load." */
function digestText(site: Site, { calls, cleared, changed, worst }: Digest): string {
  const { language } = site;
  const say = (name: Phrase, filled: Readonly<Record<string, string>>): string => phraseWhole(language, name, filled);
  const total = Object.values(calls).reduce((sum, n) => sum + n, 0);
  const bySeverity = severities.toReversed().flatMap((severity) => {
    const n = calls[severity];
    return n === undefined ? [] : [`${n} ${severity}`];
  });
  const counts = [
    say("floodCalls", { count: String(total), mix: total === 0 ? "" : `: ${bySeverity.join(", ")}` }),
    ...(cleared === 0 ? [] : [say("floodCleared", { count: String(cleared) })]),
    ...(changed === 0 ? [] : [say("floodChanged", { count: String(changed) })]),
  ].join("; ");
  const names = worst.map(({ key }) => nameOf(site, key)).join("; ");
  return say("floodMore", { counts, worst: names === "" ? "" : say("floodWorst", { names }) });
}

function nameOf({ about, language }: Site, key: string): string {
  const known = about.get(key);
  if (known === undefined) return key;
  return `${whereOf(known.device, language)} ${known.say.what ?? known.point?.name ?? known.rule}`;
}
