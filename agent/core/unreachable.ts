import { type Facts, rulePoint, type Scope } from "./rule.ts";
import type { PointId, Sample } from "./sample.ts";

/**
 * What is below a device that cannot be heard says nothing: neither its age nor its failures tell anything then. Shared by
 * the rules whose measure is silence itself.
 */
export type Unreachable = readonly PointId[];

/** Inputs, beside its own, of a rule that needs to hear. */
export const ears = ({ unreachableWhen }: Scope): Readonly<Record<string, PointId>> =>
  Object.fromEntries(unreachableWhen.map((name) => [rulePoint(name), rulePoint(name)]));

/** What still keeps it from being heard after one of its `ears` has heard something. */
export function unreachableAfter(before: Unreachable, input: string, sample: Sample): Unreachable {
  const others = before.filter((one) => one !== input);
  return sample.quality === "good" && sample.value > 0 ? [...others, input] : others;
}

/** What keeps it from being heard, by the names of the rules that say so. */
export const unreachableFacts = (unreachable: Unreachable): Facts => ({
  missing: unreachable.length > 0 ? "device-unreachable" : null,
  unreachableBy: unreachable.length > 0 ? unreachable.map((point) => point.slice(1)).join(", ") : null,
});
