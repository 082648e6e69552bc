import type { Acknowledgement, Change } from "./incident.ts";
import type { Verdict } from "./latch.ts";
import type { Facts, Level, Missing } from "./rule.ts";
import type { Instant, PointId, Sample } from "./sample.ts";
import type { Severity } from "./severity.ts";

/** Why a condition is, or is not, active, since when, and what comes next: plain data, in engine and wall time. */
export interface Explanation {
  readonly key: string;
  /** The rule's name, `device/rule`. */
  readonly rule: string;
  readonly type: string;
  readonly slot: string;
  readonly side: "high" | "low";
  readonly state: ConditionState;
  readonly why: Why;
  readonly inputs: readonly Input[];
  /** What is known of the number that is judged, in the unit of the limits; null: nothing. */
  readonly measure: { readonly lo: number; readonly hi: number } | null;
  /** Least severe first. */
  readonly levels: readonly LevelExplained[];
  /** What the rule type knows of itself. */
  readonly facts: Facts;
  readonly incident: IncidentExplained | null;
  readonly shelf: SilenceExplained | null;
  readonly maintenance: SilenceExplained | null;
  readonly outOfService: SilenceExplained | null;
  /** Rules that suppress it; `until` null: while they are active. */
  readonly causes: readonly { readonly rule: string; readonly until: Instant | null }[];
  readonly flapping: { readonly movesAt: Instant | null } | null;
  /** What is told of it next if nothing comes but time; null: nothing. */
  readonly ahead: Ahead | null;
}

export interface Input {
  /** As the rule's type knows it. */
  readonly input: string;
  readonly point: PointId;
  readonly value: number | null;
  /** Null: not seen since the agent started. */
  readonly quality: Sample["quality"] | null;
  /** Why it is not good. */
  readonly reason: string | null;
  /** Null: not seen, or a rule, which stands as it does now. */
  readonly at: Instant | null;
}

export interface LevelExplained extends Pick<Level, "name" | "severity" | "limit" | "deadband" | "op"> {
  readonly active: boolean;
  /** Where it clears again: the limit, less the deadband. */
  readonly clearsAt: number;
  /** Whether it is to raise, while it is not active; whether it is to clear, while it is. */
  readonly verdict: Verdict;
  /** Active, back inside the limit, but not yet by the deadband. */
  readonly inDeadband: boolean;
  readonly waiting: Waiting | null;
}

/** A delay that runs. */
export interface Waiting {
  readonly since: Instant;
  readonly firesAt: Instant;
  /** sample: it ends with the first good sample from then on that confirms it. timer: by itself. */
  readonly by: "sample" | "timer";
  /** It counts anew if nothing confirms it until then; null: it goes on. */
  readonly confirmedUntil: Instant | null;
}

export interface IncidentExplained {
  readonly occurrence: number;
  readonly severity: Severity;
  readonly worst: Severity;
  /** These three as the clock was then, and as the centre was told. */
  readonly onset: Instant;
  readonly raised: Instant;
  readonly cleared: Instant | null;
  readonly acked: Acknowledgement | null;
  /** Whether it stays open until someone has acknowledged it. */
  readonly needsAck: boolean;
  readonly latched: boolean;
  readonly reAlarmAt: Instant | null;
  /** Until then it waits, unheard, for a cause to show; null: it does not. */
  readonly heldUntil: Instant | null;
}

/** What a person said; `until` null: until the condition clears, or it is placed back. */
export interface SilenceExplained {
  readonly until: Instant | null;
  readonly by: string;
  readonly reason: string;
}

/** Where a condition stands, in one word. A pending one waits for its delay. */
export type ConditionState =
  | "normal"
  | "pending-on"
  | "active"
  | "pending-off"
  /** Active by turns: it is quiet now, and its incident is kept open. */
  | "flapping"
  /** Gone, and open until someone resets it. */
  | "latched"
  /** Gone, and open until someone acknowledges it. */
  | "rtn-unacked";

/** Why it stands there. */
export type Why =
  | "within-limits"
  | "beyond-limit"
  /** Active still: back inside the limit, but not yet by the deadband. */
  | "in-deadband"
  | "waiting-on"
  | "waiting-off"
  | "flapping"
  | "waits-for-reset"
  | "waits-for-ack"
  /** It is about to change: with the next sample, or tick. */
  | "due"
  | "never-seen"
  | "value-bad"
  | "measure-unknown"
  | Missing;

/** What will be told of a condition if nothing comes but time. */
export interface Ahead {
  readonly at: Instant;
  readonly kind: Change["kind"];
  readonly reason: string | null;
  readonly severity: Severity;
  readonly annunciate: boolean;
}
