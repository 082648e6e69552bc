import {
  also,
  close,
  levelOf,
  needsAck,
  type Occurrence,
  type Policy,
  type Standing,
  type Told,
  tell,
  unshelve,
} from "./incident.ts";
import type { Judged, Level } from "./rule.ts";
import type { Instant } from "./sample.ts";

/** What a person, or the centre, wants of a condition or its incident. A refusal changes nothing. */
export type Command = Meant &
  (
    | { readonly name: "ack" | "reset" | "unshelve" }
    /** `forMs` null: until the condition clears. */
    | { readonly name: "shelve"; readonly forMs: number | null }
    | { readonly name: "maintenance"; readonly forMs: number }
  );

/** What whoever commands has before their eyes; absent: whatever there is. */
interface Meant {
  /** Which of the condition's occurrences. */
  readonly occurrence?: number;
  /** Its newest event. */
  readonly rev?: number;
}

export interface Refusal {
  readonly code: "not_found" | "invalid_state" | "stale_rev" | "limit_exceeded" | "invalid_args";
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
  const past = overtaken(standing, command);
  if (past !== null) return past;
  switch (command.name) {
    case "ack":
      return open === null
        ? refusal("there is no open incident to acknowledge")
        : acknowledge(standing, open, level, now);
    case "reset":
      return reset(standing, open, level, now, policy);
    case "shelve":
      return shelve(standing, command.forMs, level, now, policy);
    case "unshelve":
      return standing.shelf === null ? refusal("it is not shelved") : unshelve(standing, null, level, now, open);
    case "maintenance":
      return command.forMs > 0
        ? { standing: { ...standing, maintenanceUntil: now.at + command.forMs }, changes: [] }
        : refusal("expected how long maintenance lasts, more than 0", "invalid_args");
  }
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

function acknowledge<S extends Standing>(standing: S, open: Occurrence, level: Level, now: Instant): Told<S> {
  if (open.acked) return { standing, changes: [] };
  const acked = { ...open, acked: true, reAlarmAt: null };
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
  return also(cleared, (after) => close(after, unlatched, null, level, now));
}

function shelve<S extends Standing>(
  standing: S,
  forMs: number | null,
  level: Level,
  now: Instant,
  policy: Policy,
): Told<S> | Refusal {
  if (forMs !== null && !(forMs > 0)) return refusal("expected how long to shelve it, more than 0", "invalid_args");
  if (forMs !== null && forMs > policy.maxShelveMs) {
    return refusal(`longer than the most, ${policy.maxShelveMs / 1000} s`, "limit_exceeded");
  }
  const shelf = { until: forMs === null ? null : now.at + forMs };
  return tell({ ...standing, shelf }, "shelve", null, level, now);
}

const refusal = (detail: string, code: Refusal["code"] = "invalid_state"): Refusal => ({ code, detail });
