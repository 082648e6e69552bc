import type { Wording } from "./language.ts";
import type { Meaning } from "./meaning.ts";
import type { Instant, Mono } from "./sample.ts";

/**
 * What people do to a plant that makes it raise alarms, declared beforehand and with an end: what is expected of it calls
 * nobody until then, all else does. If what is expected goes on beyond the end, it did not complete in time.
 */
export interface Mode {
  readonly name: string;
  /** As incidents say it, at the beginning of a sentence. */
  readonly said: Wording;
  /** One sentence for the help. */
  readonly describe: string;
  /** Alarms that belong to it, by what they mean; null: all there are. */
  readonly expects: readonly Meaning[] | null;
}

export const modes: readonly Mode[] = [
  {
    name: "generator-test",
    said: { en: "Generator test", de: "Generatortest" },
    describe: "The utility is switched off and the generator takes over.",
    expects: ["power-lost", "on-battery", "cooling-lost"],
  },
  {
    name: "chiller-changeover",
    said: { en: "Chiller changeover", de: "Kältewechsel" },
    describe: "Cooling goes from one plant to another.",
    expects: ["cooling-lost", "hot"],
  },
  {
    name: "commissioning",
    said: { en: "Commissioning", de: "Inbetriebnahme" },
    describe: "A device, or a site, is being brought up and nothing that it says is true yet.",
    expects: null,
  },
];

export const expects = ({ expects: some }: Mode, means: Meaning | undefined): boolean =>
  some === null || (means !== undefined && some.includes(means));

/** A mode that somebody has begun. */
export interface InForce {
  /** Its name. */
  readonly mode: string;
  /** Of what, in the words of whoever began it. */
  readonly target: string;
  readonly by: string;
  readonly reason: string;
  readonly began: Instant;
  readonly until: Mono;
  /** Its end has passed, and what is expected of it goes on. */
  readonly overdue: boolean;
  /** Alarms raised since that belong to it, and calls that do not. */
  readonly expected: number;
  readonly others: number;
}
