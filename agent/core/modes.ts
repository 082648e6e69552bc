import type { Meaning } from "./meaning.ts";

/**
 * What people do to a plant that makes it raise alarms, declared beforehand and with an end: what is expected of it calls
 * nobody until then, all else does.
 */
export interface Mode {
  readonly name: string;
  /** One sentence for the help. */
  readonly describe: string;
  /** Alarms that belong to it, by what they mean; null: all there are. */
  readonly expects: readonly Meaning[] | null;
}

export const modes: readonly Mode[] = [
  {
    name: "generator-test",
    describe: "The utility is switched off and the generator takes over.",
    expects: ["power-lost", "on-battery", "cooling-lost"],
  },
  {
    name: "chiller-changeover",
    describe: "Cooling goes from one plant to another.",
    expects: ["cooling-lost", "hot"],
  },
  {
    name: "commissioning",
    describe: "A device, or a site, is being brought up and nothing that it says is true yet.",
    expects: null,
  },
];

export const expects = ({ expects: some }: Mode, means: Meaning | undefined): boolean =>
  some === null || (means !== undefined && some.includes(means));
