import type { Condition } from "./condition.ts";
import type { ConditionState, Input, LevelExplained, Why } from "./explanation.ts";
import type { Rule } from "./model.ts";
import type { Facts } from "./rule.ts";

/** Where a condition stands, and why, in the codes of explanation.ts. */
export function stateOf({ open, latches, flap }: Condition): ConditionState {
  if (open !== null && !open.active) return flap?.flapping ? "flapping" : open.latched ? "latched" : "rtn-unacked";
  const raised = latches.filter(({ active }) => active);
  if (raised.length > 0) return raised.every(({ since }) => since !== null) ? "pending-off" : "active";
  if (open !== null) return "active";
  return latches.some(({ since }) => since !== null) ? "pending-on" : "normal";
}

interface Seen {
  readonly rule: Rule;
  readonly condition: Condition;
  readonly levels: readonly LevelExplained[];
  readonly inputs: readonly Input[];
  readonly facts: Facts;
}

export function whyOf(seen: Seen): Why {
  const state = stateOf(seen.condition);
  switch (state) {
    case "latched":
      return "waits-for-reset";
    case "rtn-unacked":
      return "waits-for-ack";
    case "flapping":
      return "flapping";
    case "pending-on":
      return "waiting-on";
    case "pending-off":
      return "waiting-off";
    case "active":
    case "normal":
      return byVerdict(seen, state === "active");
  }
}

/** Of a condition that does not wait, the levels decide that hold it up, or the one that would be raised first. */
function byVerdict({ levels, ...seen }: Seen, isActive: boolean): Why {
  const deciding = isActive ? levels.filter(({ active }) => active) : levels.slice(0, 1);
  const settled = deciding.filter(({ verdict }) => verdict === "false");
  if (settled.length > 0) {
    if (!isActive) return "within-limits";
    return settled.every(({ inDeadband }) => inDeadband) ? "in-deadband" : "beyond-limit";
  }
  // Where rules have changed since, a level that is gone holds nothing up.
  return deciding.some(({ verdict }) => verdict === "unknown") ? whyUnknown(seen) : "due";
}

/** What it is first about decides; of several inputs no single one does. */
function whyUnknown({ rule, inputs, facts: { missing } }: Omit<Seen, "levels">): Why {
  if (missing === "device-unreachable") return missing;
  if (inputs.every(({ quality }) => quality === null)) return "never-seen";
  const [main] = rule.type.about === "inputs" ? [] : inputs;
  if (main?.quality === null) return "never-seen";
  return whyNotGood(main) ?? missing ?? inputs.map(whyNotGood).find((why) => why !== null) ?? "measure-unknown";
}

const whyNotGood = (input: Input | undefined): Why | null => {
  if (input === undefined || input.quality === null || input.quality === "good") return null;
  return input.reason === "timeout" || input.reason === "unreachable" ? "device-unreachable" : "value-bad";
};
