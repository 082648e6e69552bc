import type { Site } from "../config/resolved.ts";
import type { Instant } from "../core/sample.ts";
import type { Env } from "../env.ts";
import type { BlindFacts, QuietFacts, SilenceFacts } from "../sinks/quiet.ts";
import type { EngineClock } from "./clock.ts";
import { type Silenced, silencedIn } from "./deeds.ts";
import type { Ingest } from "./ingest.ts";
import type { Blind, Vitals } from "./vitals.ts";

/** What people have silenced and what the agent cannot see; whoever shows it is told when it changes. */
export interface Quiet {
  facts(): QuietFacts;
  /** Something happened: if that may have changed it, it is looked at a second later, so that a flood is no flood of these. */
  note(): void;
  stop(): void;
}

interface Seen {
  readonly env: Env;
  readonly site: Site;
  readonly clock: EngineClock;
  readonly vitals: Pick<Vitals, "blind" | "blindRevision">;
  door(): Pick<Ingest, "known" | "modes" | "openIncidents" | "revision">;
}

const settleMs = 1000;

export function quietOf({ env, site, clock, vitals, door }: Seen, onChange: () => void): Quiet {
  const pointsExpected = site.devices.reduce((all, { points }) => all + points.length, 0);
  const factsAt = (now: Instant): QuietFacts => {
    const { known, modes, openIncidents } = door();
    return {
      configHash: site.configHash,
      silences: grouped(silencedIn(site, known, now)),
      modes: modes().map(({ mode, target, by, reason, began, until, overdue }) => ({
        ...{ mode, target, by, reason, overdue },
        ...{ beganAt: iso(began.wall), until: iso(began.wall + until - began.at) },
      })),
      pointsExpected,
      blind: unseen(site, withStale(vitals.blind(), openIncidents())),
    };
  };
  /** Of all that facts are made of: both only grow. */
  const revision = (): number => door().revision + vitals.blindRevision();
  let [last, looked] = ["", -1];
  let cancel: (() => void) | null = null;
  const look = (): void => {
    cancel = null;
    looked = revision();
    // By engine time: the wall clock's own wavering is no change.
    const now = JSON.stringify(factsAt({ at: 0, wall: 0 }));
    if (now === last) return;
    last = now;
    onChange();
  };
  return {
    facts: () => factsAt(clock.now()),
    note() {
      if (revision() !== looked) cancel ??= env.after(settleMs, look);
    },
    stop: () => cancel?.(),
  };
}

const iso = (wall: number): string => new Date(wall).toISOString();

/** One for each deed, not for each condition. */
function grouped(all: readonly Silenced[]): SilenceFacts[] {
  const groups = new Map<string, Omit<SilenceFacts, "count">>();
  for (const { key, how, mode, by, reason, until } of all) {
    const head = {
      how: how === "out of service" ? ("out_of_service" as const) : how,
      ...(mode === null ? {} : { mode }),
      ...{ by, reason, until: until === null ? null : iso(until) },
    };
    const name = JSON.stringify(head);
    const group = groups.get(name) ?? { ...head, conditions: [] };
    group.conditions.push(key);
    groups.set(name, group);
  }
  return [...groups.values()].map((one) => ({ ...one, count: one.conditions.length }));
}

/** What was good when it was last read, and is not read any more. */
function withStale(blind: Blind, open: ReturnType<Ingest["openIncidents"]>): Blind {
  const stale = open.filter(({ rule, active, point }) => rule.type === "stale" && active && !blind.has(point.id));
  if (stale.length === 0) return blind;
  return new Map([
    ...blind,
    ...stale.map(({ point, onsetAt }) => [point.id, { why: "stale" as const, since: Date.parse(onsetAt) }] as const),
  ]);
}

/** Device by device, one for each reason. */
function unseen({ devices }: Site, blind: Blind): BlindFacts[] {
  return devices.flatMap(({ id, points }) => {
    const groups = new Map<BlindFacts["why"], { own: string; since: number }[]>();
    for (const { id: point, own } of points) {
      const found = blind.get(point);
      if (found !== undefined) groups.set(found.why, [...(groups.get(found.why) ?? []), { own, since: found.since }]);
    }
    return [...groups].map(([why, some]) => ({
      ...{ device: id, why, count: some.length },
      since: iso(Math.min(...some.map(({ since }) => since))),
      ...(some.length === points.length ? {} : { points: some.map(({ own }) => own) }),
    }));
  });
}
