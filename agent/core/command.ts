import { forbidden, type Person } from "./authority.ts";
import {
  also,
  close,
  levelOf,
  needsAck,
  type Occurrence,
  type Policy,
  type Silence,
  type Standing,
  type Told,
  tell,
  unacked,
  unshelve,
  unshelveOnce,
} from "./incident.ts";
import { maintained } from "./lapse.ts";
import type { Judged, Level } from "./rule.ts";
import type { Instant } from "./sample.ts";

/** What a person, or the centre, wants of a condition or its incident. A refusal changes nothing. */
export type Command = Meant &
  (
    | { readonly name: "ack" | "unack" | "reset" | "unshelve" | "maintenance_end" | "in_service" }
    /** `forMs` null: until the condition clears. */
    | ({ readonly name: "shelve"; readonly forMs: number | null } & Why)
    | ({ readonly name: "maintenance"; readonly forMs: number; readonly mode?: string | undefined } & Why)
    | ({ readonly name: "out_of_service" } & Why)
  );

/** Who commands, and what they have before their eyes; absent: whatever there is. */
interface Meant {
  readonly by: Person;
  /** Which of the condition's occurrences. */
  readonly occurrence?: number | undefined;
  /** Its newest event. */
  readonly rev?: number | undefined;
}

interface Why {
  readonly reason: string;
  /** Whether the condition itself is meant, not only as one of many. */
  readonly named: boolean;
}

export interface Refusal {
  readonly code: "not_found" | "invalid_state" | "stale_rev" | "forbidden" | "limit_exceeded" | "invalid_args" | "busy";
  /** What is in the way, and what would not be. */
  readonly detail: string;
}

export function obey<S extends Standing>(
  standing: S,
  command: Command,
  { levels }: Judged,
  now: Instant,
  policy: Policy,
): Told<S> | Refusal {
  const { open } = standing;
  const level = levelOf(levels, open);
  const worst = open?.severity ?? (levels.at(-1) as Level).severity;
  const past = overtaken(standing, command);
  const not = forbidden(command, worst);
  if (past !== null) return past;
  if (not !== null) return refusal(not, "forbidden");
  if ("reason" in command && command.reason.trim() === "") return refusal("expected a reason", "invalid_args");
  if ("forMs" in command && command.forMs !== null && !(command.forMs > 0))
    return refusal("expected for how long, more than 0", "invalid_args");
  switch (command.name) {
    case "ack":
      return open === null ? refusal(noneOpen) : acknowledge(standing, open, command.by.user, level, now);
    case "unack":
      return open?.acked
        ? tell({ ...standing, open: unacked(open, now, policy) }, "update", "unack", level, now)
        : refusal("it is not acknowledged");
    case "reset":
      return reset(standing, open, level, now, policy);
    case "shelve":
      return shelve(standing, command.forMs, silence(command, now), level, now, policy);
    case "unshelve":
      return standing.shelf === null ? refusal("it is not shelved") : unshelve(standing, null, level, now, open);
    case "maintenance":
      return command.forMs > maintenanceMaxMs
        ? refusal("longer than the most, 24 h", "limit_exceeded")
        : { standing: { ...standing, maintenance: silence(command, now) }, changes: [] };
    case "maintenance_end":
      return standing.maintenance === null ? refusal("it is not in maintenance") : maintained(standing, level, now);
    case "out_of_service":
      return outOfService(standing, silence(command, now), level, now);
    case "in_service":
      return standing.outOfService === null
        ? refusal("it is not out of service")
        : outOfService(standing, null, level, now);
  }
}

const noneOpen = "there is no open incident to acknowledge";
/** A forgotten one must not hide the next night. */
const maintenanceMaxMs = 24 * 3_600_000;

const silence = (command: Command & Why, now: Instant): Silence => {
  const forMs = "forMs" in command ? command.forMs : null;
  const mode = "mode" in command ? command.mode : undefined;
  const { by, reason, named } = command;
  const until = forMs === null ? null : now.at + forMs;
  return { until, by: by.user, reason, named, ...(mode === undefined ? {} : { mode }) };
};

/** Told only where there is an incident: else it is in what is silenced, which the centre knows too. */
function outOfService<S extends Standing>(standing: S, is: Silence | null, level: Level, now: Instant): Told<S> {
  const next = { ...standing, outOfService: is };
  const reason = is === null ? "in_service" : "out_of_service";
  return next.open === null ? { standing: next, changes: [] } : tell(next, "update", reason, level, now);
}

/** Who commands by an older picture has not seen what came after it. */
function overtaken({ occurrence, rev }: Standing, wanted: Command): Refusal | null {
  if (wanted.occurrence !== undefined && wanted.occurrence !== occurrence) {
    return refusal(`that incident is not the newest of its condition, which is number ${occurrence}`, "not_found");
  }
  if (wanted.rev !== undefined && wanted.rev !== rev) {
    return refusal(`it was at revision ${wanted.rev}, and is at ${rev} now: look again`, "stale_rev");
  }
  return null;
}

function acknowledge<S extends Standing>(
  standing: S,
  open: Occurrence,
  by: string,
  level: Level,
  now: Instant,
): Told<S> {
  if (open.acked) return { standing, changes: [] };
  const acked = { ...open, acked: { by, at: now }, reAlarmAt: null };
  const told = tell({ ...standing, open: acked }, "ack", null, level, now);
  const waited = !open.active && !open.latched && !standing.flap?.flapping;
  return !waited ? told : also(told, (after) => close(after, acked, null, level, now));
}

function reset<S extends Standing>(
  standing: S,
  open: Occurrence | null,
  level: Level,
  now: Instant,
  policy: Policy,
): Told<S> | Refusal {
  if (open === null || !open.latched) return refusal(open?.active ? "it is still active" : "it is not latched");
  if (needsAck(open, policy) && !open.acked) return refusal("it is not acknowledged; acknowledge it first");
  const unlatched = { ...open, latched: false };
  const cleared = tell({ ...standing, open: null }, "clear", null, level, now, unlatched);
  const closed = also(cleared, (after) => close(after, unlatched, null, level, now));
  return also(closed, (after) => unshelveOnce(after, level, now, unlatched));
}

function shelve<S extends Standing>(
  standing: S,
  forMs: number | null,
  shelf: Silence,
  level: Level,
  now: Instant,
  { maxShelveMs }: Policy,
): Told<S> | Refusal {
  if (forMs !== null && forMs > maxShelveMs) {
    return refusal(`longer than the most, ${maxShelveMs / 1000} s`, "limit_exceeded");
  }
  return tell({ ...standing, shelf }, "shelve", null, level, now);
}

const refusal = (detail: string, code: Refusal["code"] = "invalid_state"): Refusal => ({ code, detail });
