import type { Meaning } from "../core/meaning.ts";
import { expects, type Mode } from "../core/modes.ts";
import { parseSelector, type Subject, selects } from "../core/selector.ts";
import type { About, Site } from "./resolved.ts";

/** The conditions that a selector means. */
export interface Selected {
  readonly keys: readonly string[];
  /** Whether the alarms themselves are named, and not only where they are. */
  readonly named: boolean;
}

/** What it means of what a site judges, or what is wrong with it. */
export function selected(about: Site["about"], text: string): Selected | string {
  const selector = parseSelector(text);
  if (typeof selector === "string") return `selector: ${selector}`;
  const keys = [...about].filter(([, one]) => selects(selector, subjectOf(one))).map(([key]) => key);
  return keys.length === 0
    ? `selector ${text} selects nothing; expected what devices and rules have`
    : { keys, named: selector.named };
}

/** Of these conditions those that a mode expects to be raised. */
export const expectedOf = (about: Site["about"], keys: readonly string[], mode: Mode): readonly string[] =>
  keys.filter((key) => expects(mode, about.get(key)?.options.means as Meaning | undefined));

const subjectOf = ({ device, rule, options }: About): Subject => ({
  ...device.location,
  class: device.class,
  device: device.id,
  rule,
  means: options.means as string | undefined,
  labels: device.labels,
});
