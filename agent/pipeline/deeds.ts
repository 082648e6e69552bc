import type { About, Site } from "../config/resolved.ts";
import type { Person } from "../core/authority.ts";
import type { Command, Refusal } from "../core/command.ts";
import type { Condition } from "../core/condition.ts";
import type { Known } from "../core/explain.ts";
import { expects, modes } from "../core/modes.ts";
import type { Instant, Wall } from "../core/sample.ts";
import { parseSelector, type Subject, selects } from "../core/selector.ts";
import type { EventRecord } from "../sinks/record.ts";
import { targetOf, type Unknown } from "./explain.ts";

/** What a person asks for, of whatever they name: from words to commands of the engine, one for each condition meant. */
export interface Deed {
  readonly name: Command["name"];
  /** A selector (`zone=east class=crac`), or what `explain` takes: a device, a point, a rule, a condition, an incident. */
  readonly target: string;
  readonly by: Person;
  readonly reason: string;
  /** For how long; null: until the condition clears (a shelf), or is placed back. */
  readonly forMs: number | null;
  /** Only what this mode expects. */
  readonly mode?: string | undefined;
  /** The newest event that whoever asks has seen; of one incident only. */
  readonly rev?: number | undefined;
}

export interface Meant {
  readonly key: string;
  readonly command: Command;
}

/** What became of it, for each condition; those with nothing to do for it are left out where several were meant. */
export interface Done {
  readonly key: string;
  /** Null: obeyed. */
  readonly refused: Refusal | null;
}

/** What has to be open for it. */
const aboutIncidents: ReadonlySet<Command["name"]> = new Set(["ack", "unack", "reset"]);

/** The conditions that a deed means, or what is wrong with it. */
export function meantBy(site: Site, open: readonly EventRecord[], deed: Deed): readonly Meant[] | Unknown | string {
  const mode = modes.find(({ name }) => name === deed.mode);
  if (deed.mode !== undefined && mode === undefined) {
    return `no mode "${deed.mode}"; expected one of ${modes.map(({ name }) => name).join(", ")}`;
  }
  const found = deed.target.includes("=") ? selected(site, deed.target) : targetOf(site, open, deed.target);
  if (typeof found === "string" || "found" in found) return found;
  const isOpen = new Set(open.map(({ conditionKey }) => conditionKey));
  const attended = aboutIncidents.has(deed.name) ? attendedBy(site, open, found.keys) : found.keys;
  const keys = attended.filter((key) => {
    const means = site.about.get(key)?.options.means;
    return mode === undefined || expects(mode, means as Parameters<typeof expects>[1]);
  });
  // Of many, those that have an incident; of one it is told that it has none.
  const one = keys.length === 1;
  const meant = aboutIncidents.has(deed.name) && !one ? keys.filter((key) => isOpen.has(key)) : keys;
  return meant.map((key) => ({ key, command: commandOf(deed, found.named || mode !== undefined || one) }));
}

/**
 * Who attends to a witness attends to the one incident that it tells; to its own only if that waits for somebody, since it
 * was raised before it was a witness.
 */
function attendedBy({ about }: Site, open: readonly EventRecord[], keys: readonly string[]): string[] {
  const waits = new Set(open.filter(({ active }) => !active).map(({ conditionKey }) => conditionKey));
  const all = keys.flatMap((key) => {
    const fact = about.get(key)?.fact ?? key;
    return fact !== key && waits.has(key) ? [fact, key] : [fact];
  });
  return [...new Set(all)];
}

function selected(site: Site, text: string): { readonly keys: readonly string[]; readonly named: boolean } | string {
  const selector = parseSelector(text);
  if (typeof selector === "string") return `selector: ${selector}`;
  const keys = [...site.about].filter(([, about]) => selects(selector, subjectOf(about))).map(([key]) => key);
  return keys.length === 0
    ? `selector ${text} selects nothing; expected what devices and rules have`
    : { keys, named: selector.named };
}

const subjectOf = ({ device, rule, options }: About): Subject => ({
  ...device.location,
  class: device.class,
  device: device.id,
  rule,
  means: options.means as string | undefined,
  labels: device.labels,
});

function commandOf({ name, by, reason, forMs, rev }: Deed, named: boolean): Command {
  const meant = { by, ...(rev === undefined ? {} : { rev }) };
  switch (name) {
    case "shelve":
      return { name, forMs, reason, named, ...meant };
    case "maintenance":
      return { name, forMs: forMs ?? 0, reason, named, ...meant };
    case "out_of_service":
      return { name, reason, named, ...meant };
    default:
      return { name, ...meant };
  }
}

/** Everything that calls nobody because a person said so: who, why, until when; also of conditions that are normal now. */
export interface Silenced {
  readonly key: string;
  readonly how: "shelved" | "maintenance" | "out of service";
  readonly by: string;
  readonly reason: string;
  /** As the clock will show it; null: until it clears, or is placed back. */
  readonly until: Wall | null;
}

export const silencedIn = ({ model }: Site, { rule }: Pick<Known, "rule">, now: Instant): Silenced[] =>
  model.rules.flatMap(({ conditions }, index) =>
    conditions.flatMap(({ key }, place) => silencesOf(key, rule(index).conditions[place] as Condition, now)),
  );

function silencesOf(key: string, { shelf, maintenance, outOfService }: Condition, now: Instant): Silenced[] {
  const all = [
    ["shelved", shelf],
    ["maintenance", maintenance],
    ["out of service", outOfService],
  ] as const;
  return all.flatMap(([how, one]) =>
    one === null
      ? []
      : [
          {
            key,
            how,
            by: one.by,
            reason: one.reason,
            until: one.until === null ? null : now.wall + one.until - now.at,
          },
        ],
  );
}
