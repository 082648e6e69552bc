import type { Site } from "../config/resolved.ts";
import { expectedOf, selected } from "../config/subjects.ts";
import type { Person } from "../core/authority.ts";
import type { Command, Refusal } from "../core/command.ts";
import type { Condition } from "../core/condition.ts";
import type { Known } from "../core/explain.ts";
import { modes } from "../core/modes.ts";
import type { Instant, Wall } from "../core/sample.ts";
import type { EventRecord } from "../sinks/record.ts";
import { targetOf, type Unknown } from "./explain.ts";
import type { Asked, Modes } from "./modes.ts";

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
  /** The command by which the centre asks for it; absent: it was asked for here. */
  readonly order?: { readonly kid: string; readonly cmdId: string };
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
  if (deed.name === "maintenance" && deed.forMs === null)
    return "maintenance has an end; expected for how long, such as 2h";
  const found = deed.target.includes("=") ? selected(site.about, deed.target) : targetOf(site, open, deed.target);
  if (typeof found === "string" || "found" in found) return found;
  const isOpen = new Set(open.map(({ conditionKey }) => conditionKey));
  const attended = aboutIncidents.has(deed.name) ? attendedBy(site, open, found.keys) : found.keys;
  const keys = mode === undefined ? attended : expectedOf(site.about, attended, mode);
  // Of many, those that have an incident; of one it is told that it has none.
  const one = keys.length === 1;
  const meant = aboutIncidents.has(deed.name) && !one ? keys.filter((key) => isOpen.has(key)) : keys;
  return meant.map((key) => ({ key, command: commandOf(deed, found.named || mode !== undefined || one) }));
}

/** The conditions whose alarms a mode expects, of what was named when it was begun. */
export function modeKeys(site: Site, name: string, target: string): readonly string[] {
  const mode = modes.find((one) => one.name === name);
  const found = target.includes("=") ? selected(site.about, target) : targetOf(site, [], target);
  return mode === undefined || typeof found === "string" || "found" in found
    ? []
    : expectedOf(site.about, found.keys, mode);
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

/** The mode that a deed begins or ends; null: none; or what is wrong. */
export function askedOf({ name, mode, target, by, reason, forMs }: Deed, inForce: Modes): Asked | null | string {
  if (mode === undefined) return null;
  if (name === "maintenance") return { what: "begin", mode, target, by: by.user, reason, forMs: forMs ?? 0 };
  if (name !== "maintenance_end") return `mode: ${name} has none; expected maintenance or maintenance_end`;
  if (inForce.some((one) => one.mode === mode && one.target === target)) return { what: "end", mode, target };
  const known = inForce.map((one) => `${one.mode} of ${one.target}`).join(", ");
  return `no ${mode} of ${target} is in force; ${known === "" ? "none is" : `expected ${known}`}`;
}

function commandOf({ name, by, reason, forMs, mode, rev }: Deed, named: boolean): Command {
  const meant = { by, ...(rev === undefined ? {} : { rev }) };
  switch (name) {
    case "shelve":
      return { name, forMs, reason, named, ...meant };
    case "maintenance":
      return { name, forMs: forMs ?? 0, reason, named, mode, ...meant };
    case "out_of_service":
      return { name, reason, named, ...meant };
    default:
      return { name, ...meant };
  }
}

/** Those that a mode silences. */
export const inMode = (
  { model }: Site,
  { rule }: Pick<Known, "rule">,
  meant: readonly Meant[],
  mode: string,
): Meant[] =>
  meant.filter(({ key }) => {
    const found = model.conditions.get(key);
    return found !== undefined && rule(found.index).conditions[found.place]?.maintenance?.mode === mode;
  });

/** Everything that calls nobody because a person said so: who, why, until when; also of conditions that are normal now. */
export interface Silenced {
  readonly key: string;
  readonly how: "shelved" | "maintenance" | "out of service" | "mode";
  /** Its name; null: it is none. */
  readonly mode: string | null;
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
  if (shelf === null && maintenance === null && outOfService === null) return []; // almost all of them
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
            how: one.mode === undefined ? how : "mode",
            mode: one.mode ?? null,
            by: one.by,
            reason: one.reason,
            until: one.until === null ? null : now.wall + one.until - now.at,
          },
        ],
  );
}
