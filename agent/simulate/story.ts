import { type Causes, calm } from "./plant.ts";

/**
 * What happens to the simulated site, as data: which causes begin to act when. A story repeats, so its last beat
 * must leave time for everything to become normal again.
 */
export interface Story {
  readonly name: string;
  /** One sentence for the help. */
  readonly describe: string;
  readonly lengthSeconds: number;
  /** In order of time. Each beat changes the causes it names; the others go on. */
  readonly beats: readonly Beat[];
}

export interface Beat {
  readonly at: number;
  /** For people who watch. */
  readonly what: string;
  readonly causes: Partial<Causes>;
}

export const stories: readonly Story[] = [
  {
    name: "outage",
    describe: "The utility fails, a CRAC trips and does not restart, racks heat up, water leaks; then all recovers.",
    lengthSeconds: 90,
    beats: [
      { at: 5, what: "utility lost: the UPSes carry the racks, the generator the cooling", causes: { utility: false } },
      { at: 12, what: "CRAC-2 trips on the dip and does not restart", causes: { tripped: ["crac-2"] } },
      {
        at: 45,
        what: "its condensate pump stands still, the tray overflows: water under CRAC-2",
        causes: { wet: ["leak-1"] },
      },
      { at: 52, what: "utility back, CRAC-2 reset, floor dried", causes: calm },
    ],
  },
  { name: "calm", describe: "Nothing happens: nothing may be raised.", lengthSeconds: 90, beats: [] },
];

/** The causes that act at a time since the site was started, however often the story has repeated. */
export function causesAt({ beats, lengthSeconds }: Story, seconds: number): Causes {
  const within = seconds % lengthSeconds;
  const begun = beats.filter(({ at }) => at <= within).map(({ causes }) => causes);
  return Object.assign({}, calm, ...begun);
}
