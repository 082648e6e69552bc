import { rank } from "./severity.ts";

/** What an alarm means to the plant, whatever device tells it: by this it is known for a cause or a consequence. */
export const meanings = [
  "power-lost",
  "on-battery",
  "cooling-lost",
  "hot",
  "unreachable",
  "leak",
  "smoke",
  "redundancy-lost",
] as const;
export type Meaning = (typeof meanings)[number];

/** What is heard whatever explains it, from this severity on (1 … 5); 6: nothing. */
const audible: Readonly<Partial<Record<Meaning, number>>> = {
  leak: rank("info"),
  smoke: rank("info"),
  "redundancy-lost": rank("info"),
  hot: rank("critical"),
  "on-battery": rank("critical"),
};

export const audibleFrom = ({ means }: { readonly means?: Meaning | undefined }): number =>
  means === undefined ? 6 : (audible[means] ?? 6);

export type Edge = "feeds" | "cools" | "communicates";

/** Which alarms follow from which, along which edge of the site's topology, and within which time. */
export interface Consequence {
  readonly of: readonly Meaning[];
  readonly along: Edge;
  readonly are: readonly Meaning[];
  readonly lagMs: number;
}

/** Causes that come up to so long after their consequence count too: delays differ. */
export const leadMs = 120_000;

/** Ours: power is gone at once, air and water carry heat for a while. */
export const consequences: readonly Consequence[] = [
  {
    of: ["power-lost"],
    along: "feeds",
    are: ["power-lost", "on-battery", "cooling-lost", "unreachable"],
    lagMs: 60_000,
  },
  { of: ["cooling-lost"], along: "cools", are: ["hot"], lagMs: 30 * 60_000 },
];
