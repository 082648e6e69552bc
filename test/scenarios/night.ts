import type { Site } from "../../agent/config/resolved.ts";
import type { Event } from "../../agent/core/engine.ts";
import { assess } from "../../agent/core/quality.ts";
import { commPoint } from "../../agent/core/sample.ts";
import { calmValues } from "../../agent/simulate/centre.ts";
import { type Rehearsal, rehearse } from "../../agent/simulate/rehearsal.ts";

/** What happens: what a point says instead of its normal value, and who does not answer. */
export interface Plot {
  readonly seconds: number;
  /** Undefined: as normal. */
  value?(device: string, point: string, second: number): number | undefined;
  silent?(device: string, second: number): boolean;
  /** What people do, before the samples of that second. */
  meanwhile?(rehearsal: Rehearsal, second: number): void;
  onEvent?(event: Event): void;
}

/** Plays it through the engine, each device read at its own interval, as far as a rule reads it; gives every event. */
export function play(site: Site, plot: Plot): Event[] {
  const events: Event[] = [];
  const rehearsal = rehearse(
    site.model,
    (at) => at,
    (event) => {
      events.push(event);
      plot.onEvent?.(event);
    },
  );
  const devices = site.devices.map(({ id, points }) => ({
    id,
    points: points.filter((point) => site.model.feeds.has(point.id)),
    seconds: Math.min(...points.map(({ intervalMs }) => intervalMs)) / 1000,
  }));
  for (let second = 0; second <= plot.seconds; second++) {
    const asked = devices.filter(({ seconds }) => second % seconds === 0);
    if (asked.length === 0) continue;
    const now = { at: second * 1000, wall: second * 1000 };
    rehearsal.advance(now.at);
    plot.meanwhile?.(rehearsal, second);
    for (const { id, points } of asked) {
      const silent = plot.silent?.(id, second) === true;
      rehearsal.sample({ ...now, point: commPoint(id), quality: "good", value: silent ? 0 : 1 });
      for (const { own, definition } of points) {
        const value = plot.value?.(id, own, second) ?? calmValues[own] ?? 0;
        const seen = silent ? { fault: "timeout" as const } : { raw: value };
        rehearsal.sample(assess({ ...definition, scale: 1, offset: 0, notAvailable: [] }, seen, now));
      }
    }
    rehearsal.settle(now.at);
  }
  return events;
}

const incident = ({ condition, occurrence }: Event): string => `${condition.key} ${occurrence}`;

/** Incidents about which somebody is called, by condition, in the order of the calls. */
export const called = (events: readonly Event[]): string[] => [
  ...new Set(events.filter(({ annunciate }) => annunciate).map(incident)),
];

export const raised = (events: readonly Event[], rule: string): Event[] =>
  events.filter(({ kind, condition }) => kind === "raise" && condition.key.endsWith(`/${rule}`));
