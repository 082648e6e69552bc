import type { Event } from "./engine.ts";
import type { Mono } from "./sample.ts";
import { rank, type Severity } from "./severity.ts";

/** What of an event matters to those who are called; floods and figures are made of these. */
export interface Told {
  readonly kind: Event["kind"];
  readonly reason: string | null;
  readonly at: Mono;
  readonly raisedAt: Mono;
  /** Condition key. */
  readonly key: string;
  readonly severity: Severity;
  readonly annunciate: boolean;
  /** It must be heard, whatever its severity. */
  readonly audible: boolean;
  readonly active: boolean;
  readonly open: boolean;
  readonly flapping: boolean;
}

export const toldOf = (event: Event): Told => ({
  kind: event.kind,
  reason: event.reason,
  at: event.now.at,
  raisedAt: event.raised.at,
  key: event.condition.key,
  severity: event.level.severity,
  annunciate: event.annunciate,
  audible: event.level.audible === true,
  active: event.active,
  open: event.open,
  flapping: event.flapping,
});

/** Updates by which an incident that was quiet begins to call. */
const awakenings: ReadonlySet<string | null> = new Set(["unsuppressed", "unheld", "maintenance_end", "in_service"]);

/** Whether it is a call that people have to attend to, and not one more word on an incident that they know. */
export const isCall = ({ kind, reason, annunciate, active }: Told): boolean =>
  annunciate && active && (kind === "raise" || kind === "unshelve" || (kind === "update" && awakenings.has(reason)));

/** Whether it cannot wait for a digest. */
export const isUrgent = ({ severity, audible }: Told): boolean => audible || rank(severity) >= rank("high");
